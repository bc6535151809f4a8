"""`lsats mrf find`, `fetch`, `hosts`, and `run` of an address, as a user types them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.cli.conftest import Lsats
from lsats_pipeline_tests.mrf.bad_server import BadServer, plain, serving
from lsats_pipeline_tests.mrf.files import item, packed, price, text

SECRET = "s3cr3t-signature"
PRICES = gzip.compress(text(in_network=[item("1"), item("2")]).encode(), mtime=0)


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving() as running:
        running.says("/a.json.gz", plain(PRICES, ETag='"1"'))
        yield running


@pytest.fixture(autouse=True)
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, server: BadServer
) -> Path:
    """A hub of this test alone, which may ask the server."""
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    monkeypatch.setenv("LSATS_MRF_HOSTS", server.place)
    monkeypatch.setenv("LSATS_MRF_RATE", "1000")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def index(server: BadServer, *paths: str) -> Path:
    """A table of contents with signed addresses."""
    files = [{"location": server.url(f"{path}?Signature={SECRET}")} for path in paths]
    file = Path("2026-11_index.json")
    file.write_text(json.dumps({"reporting_structure": [{"in_network_files": files}]}))
    return file


def test_from_a_list_to_parquet(lsats: Lsats, home: Path, server: BadServer) -> None:
    file = str(index(server, "/a.json.gz", "/gone.json.gz"))
    dry = lsats("mrf", "find", file, "--dry-run", "--json")
    assert dry.json["due"] == ["a", "gone"]
    assert lsats("mrf", "fetch", "--due", "--dry-run", "--json").json == []
    result = lsats("mrf", "find", file)
    assert (result.code, "🆕 a\n" in result.out, "2 files are to be fetched" in result.err) == (
        0,
        True,
        True,
    )
    plan = lsats("mrf", "fetch", "--due", "--dry-run", "--json").json
    assert [(one["key"], one["due"]) for one in plan] == [("a", True), ("gone", True)]
    assert (server.asked, (home / "mrf").exists()) == ([], False)

    fetched = lsats("mrf", "fetch", "--due", "--json")
    assert (fetched.code, [one["key"] for one in fetched.json["files"]]) == (1, ["a"])
    assert fetched.json["left_out"][0]["code"] == "not_found"
    outputs = [dry, result, fetched, lsats("mrf", "status"), lsats("mrf", "status", "--json")]

    run = lsats("mrf", "run", "a", "--workers", "1", "--json")
    assert (run.code, run.json["files"][0]["state"]) == (0, "published")
    assert run.json["files"][0]["published"]["sums"]["rows"]["in_network"] == 2
    again = lsats("mrf", "run", server.url("/a.json.gz") + f"?Signature={SECRET}", "--json")
    assert again.json["files"][0]["state"] == "unchanged"
    states = {one["file"]: one["state"] for one in lsats("mrf", "status", "--json").json}
    assert states == {"a": "published", "gone": "rejected"}
    outputs += [run, again, lsats("mrf", "hosts"), lsats("mrf", "hosts", "--json")]
    assert not [one for one in outputs if SECRET in one.out + one.err]
    logs = "".join(path.read_text() for path in (home / "logs").glob("*.log"))
    assert SECRET not in logs


def test_an_address_is_entered_fetched_and_ingested(
    lsats: Lsats, server: BadServer, warehouse: Warehouse
) -> None:
    run = lsats("mrf", "run", server.url("/a.json.gz"), "--workers", "1")
    assert run.code == 0, run.err
    assert "published" in run.out
    assert warehouse.query("select state from mrf.versions") == [("published",)]
    bad = gzip.compress(text(in_network=[item("1")]).encode()[:-1] + b",}")
    run = lsats("mrf", "run", server.says("/b.json.gz", plain(bad)), "--workers", "1")
    assert (run.code, "malformed" in str(warehouse.query("select * from mrf.versions"))) == (
        1,
        True,
    )
    assert warehouse.query("select state from mrf.versions where key = 'b'") == [("rejected",)]


def test_the_same_bytes_are_not_parsed_again(lsats: Lsats, server: BadServer) -> None:
    first = lsats("mrf", "run", server.url("/a.json.gz"), "--workers", "1", "--json").json
    other = server.says("/december.json.gz", plain(PRICES))
    second = lsats("mrf", "run", other, "--workers", "1", "--json").json
    assert second["files"][0]["state"] == "unchanged"
    assert second["files"][0]["file"] == first["files"][0]["file"] == "a"
    (result,) = (one for one in lsats("mrf", "status", "--json").json if one["file"] == "december")
    assert (result["state"], result["reason"]) == ("same", "published as a")


def test_a_new_version_takes_the_place_of_the_old(lsats: Lsats, server: BadServer) -> None:
    url = server.url("/a.json.gz")
    lsats("mrf", "run", url, "--workers", "1")
    larger = gzip.compress(text(in_network=[item(str(n)) for n in range(5)]).encode())
    server.says("/a.json.gz", plain(larger, ETag='"2"'))
    run = lsats("mrf", "run", url, "--workers", "1", "--json").json
    assert run["files"][0]["published"]["sums"]["rows"]["in_network"] == 5
    raw = list((Path("home") / "mrf" / "raw" / "a").iterdir())
    assert len(raw) == 2, "the one that was published stays until the next fetch"
    lsats("mrf", "fetch", "a")
    assert lsats("mrf", "status", "--json").json[0]["state"] == "published"


def test_a_file_of_this_disk_needs_no_database(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:s3cr3t-word@127.0.0.1:9/x_demo")
    file = packed(
        Path("c.json.gz"), text(in_network=[item("1", *[{"negotiated_prices": [price()]}])])
    )
    assert lsats("mrf", "run", str(file), "--workers", "1").code == 0


def test_a_database_that_is_down_is_reported_before_anything_is_fetched(
    lsats: Lsats, server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:s3cr3t-word@127.0.0.1:9/x_demo")
    for line in (["run", server.url("/a.json.gz")], ["fetch", "--due"], ["find", "."], ["hosts"]):
        result = lsats("mrf", *line)
        assert (result.code, "does not answer" in result.err) == (5, True)
        assert "s3cr3t-word" not in result.err
    assert server.asked == []


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        (["find"], "LSATS_MRF_SOURCES", 2),
        (["find", "nosuch"], "there is no file or folder", 2),
        (["fetch"], "say --due", 2),
        (["fetch", "a", "--due"], "say --due", 2),
        (["fetch", "nosuch"], "no price file has the key 'nosuch'", 2),
        (["run", "nosuch.json.gz"], "there is no file nosuch.json.gz", 2),
        (["run", "a", "--name", "b"], "--name b is for a file of this disk", 2),
        (["run", "https://user:s3cr3t-word@files.example.com/a.json"], "carries a password", 1),
        (["run", "sftp://files.example.com/a.json"], "unsupported_scheme", 1),
        (["fetch", "https://x.example.com/a.json"], "add x.example.com to LSATS_MRF_HOSTS", 2),
        (["hosts", "--reset", "x:1"], "nothing is known of host x:1", 2),
    ],
)
def test_a_users_mistake(line: list[str], message: str, code: int, lsats: Lsats) -> None:
    result = lsats("mrf", *line)
    assert (result.code, message in result.err) == (code, True), result.err
    assert "Traceback" not in result.err
    assert "s3cr3t-word" not in result.err + result.out


def test_a_variable_that_makes_no_sense_is_named(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_MRF_RATE", "0")
    result = lsats("mrf", "find", ".")
    assert (result.code, "LSATS_MRF_RATE (requests a second to one host)" in result.err) == (
        2,
        True,
    )


def test_hosts_can_be_asked_again(lsats: Lsats, server: BadServer) -> None:
    lsats("mrf", "fetch", server.says("/x.json", plain(b"", "404 No")))
    (state,) = lsats("mrf", "hosts", "--json").json
    assert (state["host"], state["circuit"]) == (server.place, "closed")
    assert lsats("mrf", "hosts", "--reset", server.place, "--json").json == []
