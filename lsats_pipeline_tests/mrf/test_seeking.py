"""Reading from any place on: the exact bytes, whatever became of the index; never others."""

from __future__ import annotations

import gzip
import logging
import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from lsats_pipeline.core.errors import BadFile, ConfigurationError
from lsats_pipeline.mrf.ingest import seekable, span_ingester
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest, prepare
from lsats_pipeline.mrf.ingest.seekable import make_seekable, seekable_if_large
from lsats_pipeline.mrf.profiling.scan import scan_schema
from lsats_pipeline.mrf.provenance.locating import Origins
from lsats_pipeline.mrf.provenance.rereading import indexed
from lsats_pipeline.mrf.text import access, seeking
from lsats_pipeline.mrf.text.access import Original
from lsats_pipeline.mrf.text.reading import sha256_of
from lsats_pipeline.mrf.workspace import Workspace
from lsats_pipeline.synthetic.price_files import PriceFile, write_price_file
from lsats_pipeline_tests.mrf.files import SMALL

SPACING, BLOCK = 40 << 10, 10_000
_RANDOM = random.Random(11)
TEXT = b"".join(
    b'{"npi":%d,"tin":"%08x","rate":%d.%02d},'
    % (_RANDOM.randrange(10**10), _RANDOM.randrange(1 << 32), n, n % 100)
    for n in range(12_000)
)
ASCII = bytes(_RANDOM.choices(range(32, 127), k=200_000))


def deflated(
    text: bytes,
    level: int = 6,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
    flush: int = zlib.Z_NO_FLUSH,
) -> bytes:
    """One gzip member, made in pieces."""
    packer = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
    parts = []
    for at in range(0, len(text), 7_001):
        parts += [packer.compress(text[at : at + 7_001]), packer.flush(flush)]
    return b"".join((*parts, packer.flush()))


def cut(text: bytes, size: int) -> bytes:
    """A member for each piece of text."""
    return b"".join(deflated(text[at : at + size]) for at in range(0, len(text), size))


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "one member": deflated,
    "quick": lambda text: deflated(text, 1),
    "stored": lambda text: deflated(text, 0),
    "fixed codes": lambda text: deflated(text, 6, zlib.Z_FIXED),
    "no matches": lambda text: deflated(text, 6, zlib.Z_HUFFMAN_ONLY),
    "flushed like pigz": lambda text: deflated(text, 6, flush=zlib.Z_SYNC_FLUSH),
    "flushed in bits": lambda text: deflated(text, 6, flush=zlib.Z_PARTIAL_FLUSH),
    "flushed whole": lambda text: deflated(text, 6, flush=zlib.Z_FULL_FLUSH),
    "small members": lambda text: cut(text, 3_000),
    "members and none": lambda text: cut(text, 130_001) + deflated(b"") + deflated(b""),
    "none before": lambda text: deflated(b"") + deflated(text),
    "zeros behind": lambda text: deflated(text) + bytes(5_000),
}


def made(path: Path, data: bytes) -> Original:
    """A file, and its seek index in the same folder."""
    path.mkdir(exist_ok=True)
    file = path / "prices.json.gz"
    file.write_bytes(data)
    sha256 = sha256_of(file)
    seeking.build(file, sha256, path, spacing=SPACING, block=BLOCK)
    return Original(file, sha256, path)


def assert_exact(original: Original, text: bytes, times: int = 40, seed: int = 3) -> None:
    """Random passages, in whatever order, are those of the text."""
    draw, opened = random.Random(seed), original.opened()
    for _ in range(times):
        begin = draw.randrange(len(text))
        end = begin + draw.choice((1, 100, BLOCK, 3 * BLOCK + 1))
        assert opened.read(begin, end) == text[begin:end]
    opened.close()


@pytest.mark.parametrize("text", [TEXT, ASCII], ids=["prices", "noise"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_passage_of_any_gzip_is_the_text(
    kind: str, text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    original = made(tmp_path, KINDS[kind](text))
    opened = original.opened()
    assert opened.proved
    assert opened.read(0, len(text) + 5) == text
    assert opened.read(len(text), len(text) + 5) == b""
    assert_exact(original, text)
    assert not caplog.records  # all of it by the index


def test_reading_begins_in_the_middle_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = made(tmp_path, deflated(TEXT))
    read: list[int] = []
    pread = os.pread

    def counted(file: int, size: int, at: int) -> bytes:
        read.append(at)
        return pread(file, size, at)

    monkeypatch.setattr(os, "pread", counted)
    begin = len(TEXT) * 3 // 4
    assert original.opened().read(begin, begin + 50) == TEXT[begin : begin + 50]
    assert min(read) > original.path.stat().st_size // 2


def warned(caplog: pytest.LogCaptureFixture) -> bool:
    return any("seek index is of no use" in record.message for record in caplog.records)


def no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILT: dict[str, Callable[[Path], Any]] = {
    "points cut": lambda at: os.truncate(at / "seek.gzi", 5_000),
    "points cut in the last window": lambda at: os.truncate(
        at / "seek.gzi", (at / "seek.gzi").stat().st_size - 1
    ),
    "points empty": lambda at: os.truncate(at / "seek.gzi", 0),
    "points gone": lambda at: (at / "seek.gzi").unlink(),
    "points garbage": lambda at: (at / "seek.gzi").write_bytes(ASCII),
    "points and more": lambda at: os.truncate(
        at / "seek.gzi", (at / "seek.gzi").stat().st_size + 4
    ),
    "sums no file": lambda at: no_file(at / "seek.json"),
    "sums cut": lambda at: os.truncate(at / "seek.json", 100),
    "sums garbage": lambda at: (at / "seek.json").write_bytes(ASCII),
    "sums altered": lambda at: (at / "seek.json").write_bytes(
        (at / "seek.json").read_bytes().replace(b'"crcs":[', b'"crcs":[1')
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_index_is_logged_and_not_used(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    original = made(tmp_path, deflated(TEXT))
    SPOILT[how](tmp_path)
    opened = original.opened()
    assert opened.read(500_000, 600_000) == TEXT[500_000:600_000]
    assert warned(caplog)


def test_the_index_of_another_file_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = made(tmp_path / "other", deflated(TEXT[::-1]))
    original = made(tmp_path / "this", deflated(TEXT))
    assert other.folder
    both = Original(original.path, original.sha256, other.folder)
    assert both.opened().read(77, 999) == TEXT[77:999]
    assert warned(caplog)


def test_the_points_of_another_file_of_the_same_length_give_no_other_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changed = TEXT.replace(b"1", b"2")
    other = made(tmp_path / "other", deflated(changed, 0))
    original = made(tmp_path / "this", deflated(TEXT, 0))
    assert other.folder
    assert original.folder
    (original.folder / "seek.gzi").write_bytes((other.folder / "seek.gzi").read_bytes())
    assert_exact(original, TEXT)


def test_whatever_byte_of_the_index_is_damaged_the_text_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    original = made(tmp_path, deflated(TEXT))
    points = (tmp_path / "seek.gzi").read_bytes()
    draw = random.Random(5)
    # The head and the places are a small part of it, and the one that leads astray.
    spots = [draw.randrange(len(points)) for _ in range(60)]
    spots += [draw.randrange(35 + 18 * 20) for _ in range(60)]
    for spot in spots:
        spoilt = bytearray(points)
        spoilt[spot] ^= 1 << draw.randrange(8)
        (tmp_path / "seek.gzi").write_bytes(spoilt)
        assert_exact(original, TEXT, times=3, seed=spot)


def test_a_file_that_was_changed_under_the_index_is_an_error_and_no_text(tmp_path: Path) -> None:
    original = made(tmp_path, deflated(TEXT, 0))
    data = bytearray(original.path.read_bytes())
    at = data.index(TEXT[500_000:500_030])
    data[at] ^= 1
    original.path.write_bytes(data)
    opened = original.opened()
    assert opened.read(100, 200) == TEXT[100:200]
    with pytest.raises(BadFile, match=r"not what they were|damaged"):
        opened.read(500_000, 500_100)


def test_no_index_is_made_of_a_damaged_file_or_another_one(tmp_path: Path) -> None:
    file = tmp_path / "prices.json.gz"
    data = bytearray(deflated(TEXT))
    file.write_bytes(data)
    sha256 = sha256_of(file)
    with pytest.raises(BadFile, match="not the file"):
        seeking.build(file, "0" * 64, tmp_path)
    data[len(data) // 2] ^= 16
    file.write_bytes(data)
    with pytest.raises(BadFile, match=r"damaged|not the file"):
        seeking.build(file, sha256, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prices.json.gz"]


# Of ingested files


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A file of many spans."""
    file = tmp_path / "prices.json.gz"
    write_price_file(file, PriceFile(megabytes=3, seed=5))
    return file


@pytest.fixture
def published(prices: Path, tmp_path: Path) -> Workspace:
    """The same, ingested."""
    ingest(prices, tmp_path / "mrf", IngestOptions(1, SMALL))
    return Workspace(tmp_path / "mrf", "prices")


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places and blocks small enough for a small file to have many."""
    build = seeking.build
    monkeypatch.setattr(seeking, "build", lambda *of: build(*of, spacing=SPACING, block=BLOCK))


def test_rows_lead_to_the_same_bytes_with_an_index_as_without(
    published: Workspace, prices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    text = gzip.decompress(prices.read_bytes())
    parts = sorted((published.final / "in_network").glob("*.parquet"))
    rates = [rate for part in parts for rate in pq.read_table(part)["negotiated_rate"].to_pylist()]
    places = random.Random(8).sample(range(len(rates)), 300)
    before = Origins(published)
    assert make_seekable(published).text == len(text)
    monkeypatch.setattr(access, "Forward", None)  # nothing is read from the beginning
    after = Origins(published)
    for row in places:
        found = after.of(f"in_network:{row}")
        given = b"".join(found.text)
        assert given == text[found.offset : found.offset + found.length]
        assert msgspec.json.decode(given)["negotiated_rate"] == rates[row]
    monkeypatch.undo()
    for place in (
        f"in_network:{places[0]}",
        f"byte:{len(text) // 2}",
        "7",
        "provider_references/9",
    ):
        one, other = before.of(place), after.of(place)
        assert (one.offset, b"".join(one.text)) == (other.offset, b"".join(other.text))


def test_workers_see_the_same_with_an_index(
    published: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    without = scan_schema(indexed(published), 2)
    make_seekable(published)
    assert scan_schema(indexed(published), 2) == without
    assert scan_schema(indexed(published), 1) == without


def test_an_index_goes_with_its_version(published: Workspace, prices: Path) -> None:
    make_seekable(published)
    assert (published.final / "seek.gzi").exists()
    write_price_file(prices, PriceFile(megabytes=2, seed=6))
    with pytest.raises(ConfigurationError):
        make_seekable(published)
    ingest(prices, published.final.parent, IngestOptions(1, SMALL))
    assert not list(published.final.glob("seek*"))
    assert make_seekable(published).sha256 == sha256_of(prices)


def test_an_index_that_fits_is_kept_and_a_spoilt_one_made_anew(published: Workspace) -> None:
    make_seekable(published)
    kept = (published.final / "seek.json").stat()
    make_seekable(published)
    assert (published.final / "seek.json").stat().st_mtime_ns == kept.st_mtime_ns
    os.truncate(published.final / "seek.gzi", 30)
    (published.final / "seek.gzi.77.tmp").write_bytes(b"half of it")
    make_seekable(published)
    assert not list(published.final.glob("*.tmp"))
    assert indexed(published).original.opened().proved


def test_large_files_get_one_unasked(
    published: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seekable_if_large(published)
    assert not list(published.final.glob("seek*"))
    monkeypatch.setattr(seekable, "LARGE", 1000)
    with published.locked():
        seekable_if_large(published)
    assert "another run" in caplog.text
    assert not list(published.final.glob("seek*"))
    seekable_if_large(published)
    assert (published.final / "seek.json").exists()


class Stopped(Exception):
    """The run dies here."""


@pytest.mark.parametrize("with_index", [True, False])
def test_a_resumed_run_begins_at_the_first_span_that_is_not_done(
    with_index: bool, prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    whole = ingest(prices, tmp_path / "whole", IngestOptions(1, SMALL)).published.sums
    prepare(prices, tmp_path / "mrf", IngestOptions(1, SMALL))
    workspace = Workspace(tmp_path / "mrf", "prices")
    if with_index:
        make_seekable(workspace)
    given, give = 0, span_ingester._InThisProcess.give

    def dying(self: Any, *of: Any) -> None:
        nonlocal given
        given += 1
        if given > 25:
            raise Stopped
        give(self, *of)

    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(span_ingester._InThisProcess, "give", dying)
        ingest(prices, tmp_path / "mrf", IngestOptions(1, SMALL))
    asked: list[int] = []
    chunks = seeking._Points.chunks

    def noted(self: Any, path: Path, begin: int) -> Any:
        asked.append(begin)
        return chunks(self, path, begin)

    with monkeypatch.context() as patched:
        patched.setattr(seeking._Points, "chunks", noted)
        outcome = ingest(prices, tmp_path / "mrf", IngestOptions(1, SMALL))
    assert (outcome.spans_resumed, outcome.published.sums) == (25, whole)
    if with_index:
        work = workspace.published_work
        assert work
        assert min(asked) > work.index.spans[24].begin
    assert (workspace.final / "seek.json").exists() == with_index
