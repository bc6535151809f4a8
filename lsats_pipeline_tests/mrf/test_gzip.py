"""Every damaged gzip of domain/mrf.md 6.1: an error with a code, and nothing ingested."""

from __future__ import annotations

import gzip
import random
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsats_pipeline.core.errors import BadFile, ConfigurationError
from lsats_pipeline.mrf.text.index import IndexOptions, index_file
from lsats_pipeline.mrf.text.reading import Reading, ahead
from lsats_pipeline_tests.mrf.files import TINY, item, text

DOCUMENT = text(in_network=[item(str(number)) for number in range(300)]).encode()
WHOLE = gzip.compress(DOCUMENT, 6, mtime=0)
HALF = len(DOCUMENT) // 2


def members(*parts: bytes) -> bytes:
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def named(name: bytes) -> bytes:
    """With a file name in the gzip header."""
    return WHOLE[:3] + b"\x08" + WHOLE[4:10] + name + b"\0" + WHOLE[10:]


BAD: dict[str, tuple[bytes, str]] = {
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], "truncated"),
    "second member cut": (members(DOCUMENT[:HALF], DOCUMENT[HALF:])[:-200], "truncated"),
    "last four bytes missing": (WHOLE[:-4], "truncated"),
    "last eight bytes missing": (WHOLE[:-8], "truncated"),
    "header only": (WHOLE[:10], "truncated"),
    "half a header": (WHOLE[:5], "truncated"),
    "wrong CRC": (flipped(WHOLE, len(WHOLE) - 6), "corrupt"),
    "wrong length": (flipped(WHOLE, len(WHOLE) - 2), "corrupt"),
    "one bit": (flipped(WHOLE, len(WHOLE) // 2), "corrupt"),
    "garbage after": (WHOLE + b"garbage" * 700, "trailing_garbage"),
    "one byte after": (WHOLE + b"\x01", "trailing_garbage"),
    "garbage after zeros": (WHOLE + bytes(512) + b"x", "trailing_garbage"),
    "no bytes": (b"", "empty"),
    "a gzip of nothing": (gzip.compress(b"", mtime=0), "empty"),
    "a zip": (b"PK\x03\x04" + bytes(40), "zip"),
    "a web page": (b"<html>Access denied</html>", "not_json"),
    "a web page in gzip": (gzip.compress(b"<html>no</html>"), "not_json"),
}
GOOD: dict[str, bytes] = {
    "one member": WHOLE,
    "two members": members(DOCUMENT[:HALF], DOCUMENT[HALF:]),
    "two hundred members": members(*(DOCUMENT[i : i + 500] for i in range(0, len(DOCUMENT), 500))),
    "an empty member first": members(b"", DOCUMENT),
    "an empty member last": members(DOCUMENT, b""),
    "zeros after": WHOLE + bytes(5000),
    "a hostile name inside": named(b"../../etc/passwd"),
    "not compressed": DOCUMENT,
    "not compressed, with a mark": b"\xef\xbb\xbf" + DOCUMENT,
}


@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD)
def test_damage_is_an_error_with_a_code(data: bytes, code: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    file.write_bytes(data)
    with pytest.raises(BadFile, match=r"prices\.json\.gz") as caught:
        index_file(file, TINY)
    assert caught.value.code == code


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_what_is_unusual_and_whole_is_read(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    file.write_bytes(data)
    seen: list[tuple[int, int]] = []
    index = index_file(file, TINY, lambda done, total: seen.append((done, total)))
    assert index.elements("in_network") == 300
    assert index.text == len(DOCUMENT) + 3 * data.startswith(b"\xef")
    assert index.compressed == len(data)
    assert seen == sorted(seen)
    assert seen[-1] == (len(data), len(data))


def test_padding_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    file.write_bytes(WHOLE + bytes(5000))
    assert index_file(file, TINY).notes == ["5,000 zero bytes after the gzip"]


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_hundred_random_faults_are_all_caught(damage: str, tmp_path: Path) -> None:
    draw = random.Random(1)
    file = tmp_path / "prices.json.gz"
    for _ in range(100):
        at = draw.randrange(10, len(WHOLE))
        file.write_bytes(flipped(WHOLE, at, draw.randrange(8)) if damage == "flip" else WHOLE[:at])
        with pytest.raises(BadFile):
            index_file(file, TINY)


def test_reading_ahead_gives_the_same_and_the_same_errors() -> None:
    def failing() -> Iterator[bytes]:
        yield from (b"a", b"b")
        raise BadFile("corrupt", "there", 2)

    chunks = [bytes([n]) for n in range(100)]
    assert list(ahead(iter(chunks))) == chunks
    got = ahead(failing())
    assert [next(got), next(got)] == [b"a", b"b"]
    with pytest.raises(BadFile, match="there"):
        next(got)


def test_reading_ahead_ends_with_its_reader() -> None:
    before = threading.active_count()
    got = ahead(iter([b"x"] * 1000))
    next(got)
    assert threading.active_count() == before + 1
    got.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


def test_a_bomb_is_stopped_before_it_grows(tmp_path: Path) -> None:
    file = tmp_path / "bomb.json.gz"
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    file.write_bytes(b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush())
    reading = Reading(file, max_ratio=100)
    with pytest.raises(BadFile, match="more than") as caught:
        for _ in reading.chunks():
            pass
    assert caught.value.code == "bomb"
    assert reading.text <= (32 << 20) + (8 << 20)


def test_a_ratio_that_is_allowed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    spaces = b" " * (34 << 20)
    file.write_bytes(gzip.compress(spaces + DOCUMENT))
    with pytest.raises(BadFile, match="400 times"):
        index_file(file, IndexOptions())
    assert index_file(file, IndexOptions(max_ratio=1100)).elements("in_network") == 300


@pytest.mark.parametrize(
    ("path", "message"),
    [("nothing.json.gz", "there is no file"), ("https://x.example/a.json.gz?sig=1", "address")],
)
def test_no_file_is_the_users_mistake(path: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        index_file(Path(path))


def test_the_error_survives_the_way_between_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(BadFile("corrupt", "it is damaged", 7)))
    assert (error.code, str(error), error.offset) == ("corrupt", "it is damaged", 7)
