"""A file of the catalogue on this disk: proved, named by us, recorded; or not, and why."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.errors import (
    BadFile,
    Busy,
    ConfigurationError,
    PermanentError,
    TransientError,
)
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.mrf.sources import catalog
from lsats_pipeline.mrf.sources.download import RawFile, fetch_all, prove, raw_folder
from lsats_pipeline.mrf.sources.locations import located, stem_of
from lsats_pipeline.mrf.sources.transfer import FullDisk
from lsats_pipeline.mrf.workspace import name_for
from lsats_pipeline_tests.mrf.bad_server import Asked, BadServer, in_turn, plain, ranged
from lsats_pipeline_tests.mrf.conftest import PriceHub
from lsats_pipeline_tests.mrf.files import item, packed, text

DOCUMENT = text(in_network=[item(str(number)) for number in range(2000)]).encode()
PACKED = gzip.compress(DOCUMENT, 6, mtime=0)
PAGE = b"<html><body>Access denied</body></html>"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def folders(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_fetched_file_is_recorded(hub: PriceHub, server: BadServer) -> None:
    key = hub.add(server.says("/2026-11_in-network.json.gz", plain(PACKED, ETag='"a"')) + "?sig=1")
    raw = hub.fetch(key)
    assert (key, raw.received) == ("2026-11_in-network", True)
    assert raw.path == raw_folder(hub.home, key) / f"{sha256(PACKED)[:16]}-{key}.json.gz"
    assert raw.path.read_bytes() == PACKED
    assert (raw.sha256, raw.size, raw.version.state) == (sha256(PACKED), len(PACKED), "received")
    entry = hub.entry(key)
    assert (entry.state, entry.due, entry.reason) == ("fetched", False, None)
    assert folders(hub.home / "mrf") == {f"raw/{key}/{raw.path.name}"}
    assert "sig=1" not in repr(entry) + repr(raw)


def test_an_unchanged_file_is_kept(hub: PriceHub, server: BadServer) -> None:
    url = server.says("/a.json.gz", in_turn(plain(PACKED, ETag='"a"'), plain(b"", "304 Same")))
    key = hub.add(url)
    first, second = hub.fetch(key), hub.fetch(key)
    assert (second.received, second.path, len(hub.versions(key))) == (False, first.path, 1)
    assert server.asked[1].headers["if-none-match"] == '"a"'
    first.path.unlink()
    server.says("/a.json.gz", plain(PACKED, ETag='"a"'))
    assert hub.fetch(key).path.exists()


def test_what_is_here_is_used_while_the_host_is_down(hub: PriceHub, server: BadServer) -> None:
    key = hub.add(server.says("/a.json.gz", in_turn(plain(PACKED), plain(b"", "500 No"))))
    first, second = hub.fetch(key), hub.fetch(key)
    assert (second.received, second.version, hub.entry(key).state) == (
        False,
        first.version,
        "fetched",
    )
    first.path.unlink()
    hub.downloads.breaker.reset(server.place)
    with pytest.raises(TransientError):
        hub.fetch(key)


def test_a_changed_file_is_a_new_version(hub: PriceHub, server: BadServer) -> None:
    other = gzip.compress(DOCUMENT, 1, mtime=0)
    key = hub.add(server.says("/a.json.gz", in_turn(plain(PACKED, ETag='"a"'), plain(other))))
    first, second = hub.fetch(key), hub.fetch(key)
    assert [v.version for v in hub.versions(key)] == [1, 2]
    assert (second.received, second.path.read_bytes()) == (True, other)
    assert not first.path.exists(), "nobody needs the first one: it was never published"


BAD = {
    "longer than announced": (plain(PACKED, length=len(PACKED) - 100), "truncated"),
    "plain and longer": (plain(DOCUMENT, length=len(DOCUMENT) - 1), "incomplete"),
    "one bit": (plain(PACKED[:9000] + bytes([PACKED[9000] ^ 1]) + PACKED[9001:]), "corrupt"),
    "garbage after": (plain(PACKED + b"garbage"), "trailing_garbage"),
    "a page in gzip": (plain(gzip.compress(b"<html>")), "not_json"),
    "a bomb": (plain(gzip.compress(b"{" + b" " * (64 << 20), 9)), "bomb"),
}


@pytest.mark.parametrize("name", BAD)
def test_damage_is_rejected_and_kept(name: str, hub: PriceHub, server: BadServer) -> None:
    answer, code = BAD[name]
    key = hub.add(server.says("/a.json.gz", answer))
    with pytest.raises(BadFile) as caught:
        hub.fetch(key)
    assert caught.value.code == code
    entry = hub.entry(key)
    assert (entry.state, entry.code, hub.versions(key), hub.due()) == ("rejected", code, [], [])
    (kept,) = folders(hub.home / "mrf")
    assert kept.startswith(f"raw/{key}/rejected/")


def test_200_damaged_files_are_all_caught(tmp_path: Path) -> None:
    chance = random.Random(7)
    file = tmp_path / "a.json.gz"
    caught = 0
    for number in range(200):
        at = chance.randrange(10, len(PACKED))
        flipped = PACKED[:at] + bytes([PACKED[at] ^ (1 << chance.randrange(8))]) + PACKED[at + 1 :]
        file.write_bytes(flipped if number % 2 else PACKED[:at])
        with pytest.raises(BadFile):
            prove(file)
        caught += 1
    file.write_bytes(PACKED)
    assert (caught, prove(file).sha256) == (200, sha256(PACKED))


def test_a_signature_that_ended_is_looked_up_once(
    hub: PriceHub, server: BadServer, tmp_path: Path
) -> None:
    contents = tmp_path / "index.json"

    def listed(signature: str) -> None:
        files = [{"location": server.url(f"/a.json.gz?Signature={signature}")}]
        contents.write_text(json.dumps({"reporting_structure": [{"in_network_files": files}]}))

    def signed(asked: Asked, connection: socket.socket) -> None:
        good = "Signature=new" in asked.path
        (plain(PACKED) if good else plain(b"", "403 Forbidden"))(asked, connection)

    server.says("/a.json.gz", signed)
    listed("old-s3cr3t")
    (key,) = hub.find(contents).new
    hub.warehouse.query("update mrf.sources set read_at = now() - interval '1 hour' returning 1")
    with pytest.raises(BadFile, match="signature has ended") as caught:
        hub.fetch(key)
    assert (caught.value.code, server.times("/a.json.gz")) == ("expired", 1)
    assert "s3cr3t" not in str(caught.value) + str(hub.entry(key))
    listed("new")
    hub.warehouse.query("update mrf.sources set read_at = now() - interval '1 hour' returning 1")
    assert hub.fetch(key).sha256 == sha256(PACKED)
    assert server.times("/a.json.gz") == 3


def test_failures_wait_for_their_time(hub: PriceHub, server: BadServer) -> None:
    key = hub.add(server.says("/a.json.gz", plain(b"", "500 No")))
    with pytest.raises(TransientError):
        hub.fetch(key)
    assert (hub.entry(key).state, hub.entry(key).code, hub.due()) == ("failed", "failed", [])
    server.says("/a.json.gz", plain(PACKED))
    assert hub.fetch(key).received
    assert hub.entry(key).reason is None


def test_what_the_settings_forbid_is_an_error(hub: PriceHub, server: BadServer) -> None:
    key = hub.add("https://elsewhere.example.com/a.json.gz")
    with pytest.raises(ConfigurationError, match="LSATS_MRF_HOSTS"):
        hub.fetch(key)
    assert hub.entry(key).code == "configuration"
    with pytest.raises(ConfigurationError, match="no price file has the key 'b'"):
        hub.fetch("b")


def test_a_local_file_is_used_where_it_is(hub: PriceHub, tmp_path: Path) -> None:
    file = packed(tmp_path / "in" / "a.json.gz", DOCUMENT)
    key = hub.add(file)
    raw = hub.fetch(key)
    assert (raw.path, raw.received, hub.fetch(key).received) == (file, True, False)
    file.write_bytes(PACKED)
    os.utime(file, ns=(1, 1))
    assert hub.find(file.parent).changed == [key]
    assert [hub.fetch(key).version.version, len(hub.versions(key))] == [2, 2]
    file.write_bytes(PACKED[:500])
    hub.find(file.parent)
    with pytest.raises(BadFile):
        hub.fetch(key)
    assert hub.due() == []


def test_a_local_file_whose_run_died_is_fetched(hub: PriceHub, tmp_path: Path) -> None:
    key = hub.add(packed(tmp_path / "a.json.gz", DOCUMENT))
    raw = hub.fetch(key)
    hub.warehouse.query("update mrf.files set state = 'fetching' returning 1")
    assert hub.find().abandoned == [key]
    assert hub.due() == [key]
    assert hub.fetch(key).version == raw.version
    assert (hub.entry(key).state, hub.due()) == ("fetched", [])


def test_the_same_bytes_elsewhere_are_not_parsed_again(hub: PriceHub, tmp_path: Path) -> None:
    first = hub.fetch(hub.add(packed(tmp_path / "november" / "a.json.gz", DOCUMENT)))
    with hub.warehouse.connection() as connection:
        working = catalog.move_version(connection, first.version, "ingesting")
        catalog.move_version(connection, working, "published")
    second = hub.fetch(hub.add(packed(tmp_path / "december" / "a.json.gz", DOCUMENT)))
    assert second.key.startswith("a--")
    same = second.version
    assert (same.state, same.same_as_key, same.same_as_version) == ("same", "a", 1)


@pytest.mark.parametrize(
    ("archive", "end"),
    [
        (zipped(("a/../../etc/prices.json", DOCUMENT), ("readme.txt", b"x")), ".json.gz"),
        (zipped(("C:\\x\\prices.JSON", DOCUMENT), method=zipfile.ZIP_STORED), ".json"),
    ],
)
def test_a_zip_of_one_document(archive: bytes, end: str, hub: PriceHub, server: BadServer) -> None:
    raw = hub.fetch(hub.add(server.says("/a.zip", plain(archive, ETag='"a"'))))
    assert raw.path.name == f"{sha256(archive)[:16]}-a{end}"
    data = raw.path.read_bytes()
    assert (gzip.decompress(data) if end == ".json.gz" else data) == DOCUMENT
    assert folders(hub.home / "mrf") == {f"raw/a/{raw.path.name}"}


def with_flag(archive: bytes) -> bytes:
    """Says of its member that it is encrypted."""
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 8] + struct.pack("<H", 1) + archive[at + 10 :]


def with_size(archive: bytes, size: int) -> bytes:
    """Lies about the size of its member."""
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 24] + struct.pack("<I", size) + archive[at + 28 :]


ONE = zipped(("a.json", DOCUMENT))
BAD_ZIPS = {
    "several": (zipped(("a.json", DOCUMENT), ("b.json", DOCUMENT)), "zip_members"),
    "none": (zipped(("a.txt", DOCUMENT)), "zip_members"),
    "encrypted": (with_flag(ONE), "zip_encrypted"),
    "another method": (zipped(("a.json", DOCUMENT), method=zipfile.ZIP_LZMA), "zip_method"),
    "a size that lies": (with_size(ONE, 5), "corrupt"),
    "cut off": (ONE[:-30], "zip_damaged"),
    "one bit": (ONE[:5000] + bytes([ONE[5000] ^ 1]) + ONE[5001:], "corrupt"),
    "a bomb": (zipped(("a.json", b"{" + b" " * (64 << 20))), "bomb"),
    "a gzip inside": (zipped(("a.json", PACKED)), "not_json"),
}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_bad_zips(name: str, hub: PriceHub, tmp_path: Path) -> None:
    archive, code = BAD_ZIPS[name]
    file = tmp_path / "in" / "a.zip"
    file.parent.mkdir()
    file.write_bytes(archive)
    with pytest.raises(BadFile) as caught:
        hub.fetch(hub.add(file))
    assert caught.value.code == code
    assert file.read_bytes() == archive, "what is somebody else's stays"
    assert hub.versions("a") == []
    assert folders(hub.home / "mrf") == set()


def test_two_processes_do_not_fetch_one_file(hub: PriceHub, server: BadServer) -> None:
    key = hub.add(server.says("/a.json.gz", plain(PACKED)))
    with catalog.locked(hub.warehouse, key), pytest.raises(Busy):
        hub.fetch(key)
    assert server.asked == []


KILLED = """
import sys
import threading
from pathlib import Path
from lsats_pipeline.mrf.sources.download import fetch
from lsats_pipeline.core.settings import load
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.warehouse import Warehouse
with Warehouse(sys.argv[1]) as warehouse:
    fetch(warehouse, load(MrfSettings, hosts=sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
"""


def child(hub: PriceHub, key: str, before: str = "") -> subprocess.Popen[str]:
    arguments = [hub.warehouse.url, hub.hosts, str(hub.home), key]
    # Compiled modules are files too: cut short by a limit they would spoil the next import.
    uncompiled = {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", before + KILLED, *arguments],
        env={"PYTHONPATH": str(CHECKOUT), "PATH": os.environ["PATH"], **uncompiled},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_download_goes_on(hub: PriceHub, server: BadServer) -> None:
    half = len(PACKED) // 2
    released: list[bool] = []

    def stuck(asked: Asked, connection: socket.socket) -> None:
        head = f'HTTP/1.1 200 OK\r\nETag: "one"\r\nContent-Length: {len(PACKED)}\r\n\r\n'
        connection.sendall(head.encode() + PACKED[:half])
        while not released:
            time.sleep(0.01)

    key = hub.add(server.says("/a.json.gz", in_turn(stuck, ranged(PACKED))))
    part = raw_folder(hub.home, key) / "download.part"
    with child(hub, key) as process:
        # What is written is in the buffer of the process up to the last 8 KB.
        while not part.exists() or part.stat().st_size < half - 8192:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        with hub.warehouse.connection() as connection:
            assert catalog.abandon(connection) == [], "it is at work"
        process.send_signal(signal.SIGKILL)
    released.append(True)
    had = part.stat().st_size
    assert (hub.entry(key).state, 0 < had <= half) == ("fetching", True)
    for _ in range(100):  # the server takes a moment to notice
        if hub.find().abandoned == [key]:
            break
        time.sleep(0.05)
    assert (hub.entry(key).state, hub.due()) == ("abandoned", [key])
    assert hub.fetch(key).sha256 == sha256(PACKED)
    assert server.asked[-1].headers["range"] == f"bytes={had}-"


DYING = """
import os, signal
from lsats_pipeline.mrf.sources import catalog, download
def dying(module, name, after):
    real = getattr(module, name)
    def die(*arguments, **options):
        if after:
            real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, name, die)
dying({step}, {after})
"""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "step",
    ["catalog, 'move_file'", "download, 'prove'", "download, '_synced'", "catalog, 'received'"],
)
def test_killed_at_any_step_the_next_run_completes_it(
    step: str, after: bool, hub: PriceHub, server: BadServer
) -> None:
    key = hub.add(server.says("/a.json.gz", ranged(PACKED)))
    with child(hub, key, DYING.format(step=step, after=after)) as process:
        assert process.wait() == -signal.SIGKILL
    for _ in range(100):  # the server takes a moment to notice
        hub.find()
        if hub.due() == [key]:
            break
        time.sleep(0.05)
    raw = hub.fetch(key)
    assert folders(hub.home / "mrf") == {f"raw/{key}/{raw.path.name}"}
    assert sha256(raw.path.read_bytes()) == hub.versions(key)[0].sha256 == sha256(PACKED)
    assert (len(hub.versions(key)), hub.entry(key).state, hub.due()) == (1, "fetched", [])


def test_a_full_disk_keeps_what_came(hub: PriceHub, server: BadServer) -> None:
    limit = len(PACKED) // 2
    key = hub.add(server.says("/a.json.gz", ranged(PACKED)))
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    with child(hub, key, before) as process:
        stderr = process.communicate()[1]
    assert process.returncode == 1
    assert "File too large: make room there or set LSATS_HOME" in stderr
    assert hub.entry(key).state == "failed"
    assert hub.fetch(key).sha256 == sha256(PACKED)
    assert server.asked[-1].headers["range"] == f"bytes={limit}-"


def test_a_folder_that_may_not_be_written(hub: PriceHub, server: BadServer) -> None:
    key = hub.add(server.says("/a.json.gz", plain(PACKED)))
    (hub.home / "mrf").mkdir(parents=True)
    (hub.home / "mrf" / "raw").write_text("a file where a folder should be")
    with pytest.raises(PermanentError, match="raw"):
        hub.fetch(key)
    assert hub.entry(key).state == "failed"


hostile = st.one_of(
    st.text(max_size=300),
    st.sampled_from(["..", "", "..\\..\\x", "a\0b", "x" * 400, ".hidden", "-rf", "a...b", "CON",
                     "/etc/passwd", "%2e%2e%2f%2e%2e%2fx", "a--b", "a/../../b.json.gz.zip.json"]),
)  # fmt: skip


@hypothesis_settings(max_examples=1000)
@given(hostile)
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    for stem in (stem_of(name), located(f"https://files.example.com/{name}").stem):
        assert name_for(Path(stem)) == stem
        assert len(stem) <= 106
        assert "--" not in stem
        assert "..." not in stem
        folder = raw_folder(Path("/home"), stem)
        assert os.path.normpath(folder) == str(folder)
        assert folder.parent == Path("/home/mrf/raw")


@given(st.text(max_size=80), st.text(alphabet="abc=&%/?", max_size=40))
def test_no_query_is_displayed(path: str, query: str) -> None:
    secret = "s3cr3tsignature"
    location = located(f"https://files.example.com/{path}?{query}&Signature={secret}")
    if "?" not in path and "#" not in path:
        assert secret not in repr(location) + location.address + location.fault
    shown = redacted(f"see https://files.example.com/x?{query}&Signature={secret} now")
    assert shown == "see https://files.example.com/x?… now"


def test_files_are_downloaded_in_parallel(hub: PriceHub, server: BadServer) -> None:
    """Nobody is answered before all eight have asked."""
    together = threading.Barrier(8)

    def answer(asked: Asked, connection: socket.socket) -> None:
        together.wait(30)
        plain(PACKED)(asked, connection)

    keys = [hub.add(server.says(f"/{number}.json.gz", answer)) for number in range(8)]
    got = dict(fetch_all(hub.warehouse, hub.settings, hub.home, keys, parallel=8))
    assert {key: type(result) for key, result in got.items()} == dict.fromkeys(keys, RawFile)


def test_one_that_fails_does_not_stop_the_others(hub: PriceHub, server: BadServer) -> None:
    keys = [hub.add(server.says(f"/{n}.json.gz", plain(PACKED if n else PAGE))) for n in range(3)]
    got = dict(fetch_all(hub.warehouse, hub.settings, hub.home, keys, parallel=2))
    assert [type(got[key]) for key in keys] == [BadFile, RawFile, RawFile]


def test_a_full_disk_ends_it_for_all(
    hub: PriceHub, server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0, 0, 70 << 20))
    keys = [
        hub.add(server.says(f"/{n}.json.gz", plain(PACKED, length=5_000_000))) for n in range(10)
    ]
    got = dict(fetch_all(hub.warehouse, hub.settings, hub.home, keys, parallel=1))
    assert {type(result) for result in got.values()} == {FullDisk}
    assert len(server.asked) < 5, "one asks, and at most one more has begun before it knows"
    assert len(hub.due()) >= 5


def test_who_stops_stops_all_downloads(hub: PriceHub, server: BadServer) -> None:
    """A download of hours ends soon, and what has come of it is kept."""
    begun = threading.Event()

    def endless(asked: Asked, connection: socket.socket) -> None:
        head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 1000000\r\n\r\n'
        connection.sendall(head + PACKED[:5000])
        begun.set()
        while True:
            connection.sendall(b"x")
            time.sleep(0.01)

    slow, quick = (hub.add(server.url(f"/{name}.json.gz")) for name in ("slow", "quick"))
    server.says("/slow.json.gz", endless)

    def after(asked: Asked, connection: socket.socket) -> None:
        begun.wait(30)
        plain(PACKED)(asked, connection)

    server.says("/quick.json.gz", after)
    results = fetch_all(hub.warehouse, hub.settings, hub.home, [slow, quick], parallel=2)
    assert next(results)[0] == quick
    results.close()  # type: ignore[attr-defined]
    entry = hub.entry(slow)
    assert (entry.state, (entry.reason or "").partition(";")[0]) == ("failed", "stopped")
    assert (raw_folder(hub.home, slow) / "download.part").stat().st_size >= 5000
