"""Lists, folders and tables of contents to the catalogue, and what a tick costs."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from lsats_pipeline.core.errors import BadFile, ConfigurationError, PermanentError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.mrf.sources import catalog
from lsats_pipeline.mrf.sources.catalog import FILE_STEPS, VERSION_STEPS, FileVersion
from lsats_pipeline.mrf.sources.tables_of_contents import (
    Listed,
    MalformedListing,
    files_of,
    source_named,
)
from lsats_pipeline_tests.mrf.bad_server import BadServer, in_turn, plain
from lsats_pipeline_tests.mrf.conftest import PriceHub
from lsats_pipeline_tests.mrf.files import item, packed, text

HOST = "https://files.example.com"


def structure(*files: str, plans: Iterable[str] = ("12345",), allowed: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "reporting_plans": [{"plan_name": f"Plan {p}", "plan_id": p} for p in plans],
        "in_network_files": [{"description": "rates", "location": file} for file in files],
    }
    if allowed:
        made["allowed_amount_file"] = {"description": "allowed", "location": allowed}
    return made


def contents(*structures: Any, **more: Any) -> bytes:
    head = {"reporting_entity_name": "Lakewhistle Mutual", "version": "2.0.0"}
    return json.dumps({**head, "reporting_structure": structures, **more}).encode()


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["2026-11-01_index.json", "2026-11-01_index.json.gz"])
def test_a_table_of_contents(name: str, hub: PriceHub, tmp_path: Path) -> None:
    a, b, oon = (f"{HOST}/{name}" for name in ("a.json.gz", "b.json.gz", "oon.json"))
    first = structure(f"{a}?Expires=1&Signature=x", b, plans=("1", "2"))
    second = structure(f"{a}?Expires=2&Signature=y", plans=("3",), allowed=oon)
    file = write(tmp_path / name, contents(first, second))
    found = hub.find(file)
    assert (found.new, found.changed, found.unsupported, found.errors) == (
        ["a", "b", "oon"],
        [],
        [],
        [],
    )
    assert [one.key for one in found.due] == ["a", "b", "oon"]
    entry = hub.entry("a")
    assert (entry.address, entry.kind, entry.state) == (a, "in_network", "found")
    assert hub.entry("oon").kind == "allowed_amounts"
    with hub.warehouse.connection() as connection:
        assert {plan["plan_id"] for plan in catalog.plans(connection, "a")} == {"1", "2", "3"}
        assert {plan["plan_id"] for plan in catalog.plans(connection, "b")} == {"1", "2"}


def test_what_is_due_can_be_chosen(hub: PriceHub, tmp_path: Path) -> None:
    first = structure(f"{HOST}/nov/a_in-network.json", f"{HOST}/nov/100%_b.json", plans=("1", "2"))
    second = structure(f"{HOST}/dec/c_In-Network.json", plans=("3",))
    hub.find(write(tmp_path / "index.json", contents(first, second)))

    def due(**chosen: str) -> list[str]:
        with hub.warehouse.connection() as connection:
            return [one.key for one in catalog.due(connection, **chosen)]  # type: ignore[arg-type]

    assert due() == ["100_b", "a_in-network", "c_In-Network"]
    assert due(match="*in-network*") == ["a_in-network", "c_In-Network"]
    assert due(match="*/nov/*") == ["100_b", "a_in-network"]
    assert due(match="a_in-network") == ["a_in-network"]
    assert due(match="*%_b*") == ["100_b"]
    assert due(match="a%") == due(match="a_in_network") == []
    assert (due(plan="2"), due(plan="3")) == (["100_b", "a_in-network"], ["c_In-Network"])
    assert due(plan="3", match="a*") == due(plan="9") == []


def test_finding_again_changes_only_what_differs(hub: PriceHub, tmp_path: Path) -> None:
    file = tmp_path / "index.json"
    write(
        file,
        contents(structure(f"{HOST}/a.json?sig=1", f"{HOST}/b.json"), structure(f"{HOST}/c.json")),
    )
    first = hub.find(file)
    stamps = "select key, xmin::text from mrf.files order by key"
    before = hub.warehouse.query(stamps)
    again = hub.find(file)
    assert (again.results[0].read, again.new, again.cursor) == (False, [], first.cursor)
    assert hub.find(file, again=True).results[0].read
    assert hub.warehouse.query(stamps) == before
    write(
        file,
        contents(structure(f"{HOST}/a.json?sig=2", f"{HOST}/d.json"), structure(f"{HOST}/c.json")),
    )
    third = hub.find(file)
    assert (third.new, third.cursor == first.cursor) == (["d"], False)
    after: dict[str, str] = dict(hub.warehouse.query(stamps))
    assert [key for key, stamp in before if after[key] != stamp] == ["a"]
    assert hub.entry("a").query == "sig=2"


def test_a_dry_run_writes_nothing(hub: PriceHub, tmp_path: Path) -> None:
    found = hub.find(
        write(tmp_path / "index.json", contents(structure(f"{HOST}/a.json"))), dry_run=True
    )
    assert (found.new, [one.key for one in found.due]) == (["a"], ["a"])
    assert hub.warehouse.query("select count(*) from mrf.files, mrf.sources") == [(0,)]


def test_names_in_use_get_a_hash(hub: PriceHub, tmp_path: Path) -> None:
    file = tmp_path / "files.txt"
    file.write_text(f"# three of one name\n{HOST}/1/a.json.gz\n\n{HOST}/2/A.json\n{HOST}/3/a.zip\n")
    first, second, third = sorted(hub.find(file).new, key=lambda key: hub.entry(key).address)
    assert first == "a"
    assert second.startswith("A--") and third.startswith("a--")
    assert len({len(second), len(third)} | {15}) == 1
    write(tmp_path / "more" / "a.json", b"{}")
    (fourth,) = hub.find(tmp_path / "more").new
    assert fourth not in (first, second, third)


def test_a_query_that_names_the_file_is_no_signature(hub: PriceHub, tmp_path: Path) -> None:
    """Some serve all their files from one path: they are not one file."""
    file = tmp_path / "files.txt"
    get = f"{HOST}/download"
    lines = (
        "fd=2026-11-01&fn=2026-11_x.json.gz&sig=1", "fn=2026-11_x.json.gz&fd=2026-11-01&sig=2",
        "fn=2026-11_y.json.gz&sig=3", "id=7", "id=8", "Expires=1",
    )  # fmt: skip
    file.write_text("\n".join(f"{get}?{line}" for line in lines))
    new = hub.find(file).new
    assert len(new) == 5
    assert {"2026-11_x", "2026-11_y", "download"} <= set(new)
    assert all(hub.entry(key).address == get for key in new)


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("sftp://files.example.com/a.json.gz", "unsupported_scheme"),
        ("ftp://files.example.com/a.json.gz", "unsupported_scheme"),
        ("a/b.json.gz", "unsupported_scheme"),
        ("//files.example.com/a.json", "unsupported_scheme"),
        ("", "unsupported_scheme"),
        ("https://user:s3cr3t-word@files.example.com/a.json", "malformed"),
        ("https:///a.json", "malformed"),
        ("https://files.example.com:port/a.json", "malformed"),
        ("https://[::1/a.json", "malformed"),
        ("https://files.example.com/a\u0000.json", "malformed"),
        ("https://files.example.com/" + "a" * 3000, "malformed"),
        ("file:///etc/hostname", "outside_roots"),
        ("file://elsewhere/etc/hostname", "malformed"),
        ("data:application/json,{}", "unsupported_scheme"),
        ("http://files.example.com/a.json", "unsupported_scheme"),
        ("https://elsewhere.example.com/a.json", "host_not_allowed"),
        ("https://files.example.com:8443/a.json", "host_not_allowed"),
    ],
)
def test_what_cannot_be_fetched_is_a_row_with_its_reason(
    location: str, fault: str, hub: PriceHub, tmp_path: Path
) -> None:
    found = hub.find(
        write(tmp_path / "index.json", contents(structure(location, f"{HOST}/ok.json")))
    )
    (key,) = found.unsupported
    entry = hub.entry(key)
    assert (entry.state, (entry.fault or "").partition(":")[0]) == ("unsupported", fault)
    assert [one.key for one in found.due] == ["ok"]
    assert "s3cr3t-word" not in str(entry)
    with pytest.raises(BadFile, match=fault):
        hub.fetch(key)


def test_what_is_allowed_later_is_found_later(hub: PriceHub, tmp_path: Path) -> None:
    """The list is the same, but what may be fetched of it is not."""
    other = "https://elsewhere.example.com"
    file = write(tmp_path / "index.json", contents(structure(f"{other}/a.json", f"{other}/b.json")))
    (result,) = hub.find(file).results
    assert (result.counts["unsupported"], list(result.faults.values())) == (2, [2])
    assert "add elsewhere.example.com to LSATS_MRF_HOSTS" in str(result.faults)
    assert hub.find(file).results[0].read is False
    hub.hosts += ",*.example.com"
    found = hub.find(file)
    assert (found.results[0].read, [one.key for one in found.due]) == (True, ["a", "b"])
    assert hub.entry("a").state == "found"


def test_a_list_that_fails_is_not_asked_at_every_tick(hub: PriceHub, server: BadServer) -> None:
    hub.options["ask_minutes"] = 60
    url = server.says("/x_index.json", plain(b"[]"))
    assert len(hub.find(url).errors) == 1
    assert hub.find(url).errors == []
    assert server.times("/x_index.json") == 1


def test_spaces_in_an_address_are_escaped(hub: PriceHub, server: BadServer, tmp_path: Path) -> None:
    body = gzip.compress(text(in_network=[item()]).encode())
    server.says("/a%20b%C3%A9.json.gz", plain(body))
    url = server.url("/a bé.json.gz")
    (key,) = hub.find(write(tmp_path / "index.json", contents(structure(url)))).new
    assert (key, hub.fetch(key).size) == ("a_b", len(body))


def test_listed_local_files_need_a_root(hub: PriceHub, tmp_path: Path) -> None:
    prices = packed(tmp_path / "root" / "a.json.gz", text(in_network=[item()]))
    outside = packed(tmp_path / "b.json.gz", text(in_network=[item()]))
    (tmp_path / "root" / "link.json.gz").symlink_to(outside)
    hub.options["roots"] = str(tmp_path / "root")
    listed = [f.as_uri() for f in (prices, outside)] + [
        (tmp_path / "root" / "link.json.gz").as_uri()
    ]
    listed.append((tmp_path / "root").as_uri() + "/../b.json.gz")
    listed += [str(prices), str(outside)]
    file = write(tmp_path / "index.json", contents(structure(*listed)))
    found = hub.find(file)
    assert (found.new, len(found.unsupported)) == (["a"], 3)
    hub.fetch("a")
    assert hub.due() == []
    roots, hub.options["roots"] = hub.options["roots"], ""
    os.utime(prices, ns=(2, 2))
    hub.warehouse.query("update mrf.files set taken_mark = '' where key = 'a' returning 1")
    with pytest.raises(BadFile, match="LSATS_MRF_ROOTS"):
        hub.fetch("a")
    hub.options["roots"] = roots
    os.utime(prices, ns=(1, 1))
    again = hub.find(file)
    assert (again.results[0].read, again.changed, hub.due()) == (False, ["a"], ["a"])
    prices.unlink()
    hub.find(file)
    assert (hub.entry("a").fault, hub.due()) == ("missing: no such file", [])


@pytest.mark.parametrize(
    "data",
    [
        contents(structure(f"{HOST}/a.json"))[:-1],
        contents(structure(f"{HOST}/a.json")) + b"{}",
        b'{"reporting_structure": [{"in_network_files": [{"location": "x"}]}',
        b'{"reporting_entity_name": "x"}',
        b"[]",
        b"",
        b"<html>",
    ],
)
def test_a_list_that_is_not_whole_is_not_read(data: bytes, hub: PriceHub, tmp_path: Path) -> None:
    file = write(tmp_path / "index.json", data)
    found = hub.find(f"toc:{file}")
    ((source, error),) = found.errors
    assert (source, type(error)) == (str(file), BadFile)
    assert hub.warehouse.query("select count(*) from mrf.files") == [(0,)]


def test_a_damaged_list_leaves_what_was_known(hub: PriceHub, tmp_path: Path) -> None:
    file = write(tmp_path / "index.json.gz", contents(structure(f"{HOST}/a.json")))
    other = write(tmp_path / "other_index.json", contents(structure(f"{HOST}/b.json")))
    hub.find(file)
    file.write_bytes(file.read_bytes()[:-4])
    found = hub.find(file, tmp_path / "none", other)
    assert [type(error) for _, error in found.errors] == [BadFile, ConfigurationError]
    assert (found.new, [one.key for one in found.due]) == (["b"], ["a", "b"])


def test_odd_entries_are_counted(hub: PriceHub, tmp_path: Path) -> None:
    good = {"location": f"{HOST}/a.json"}
    odd = {
        "in_network_files": [{"location": 7}, {"description": "no"}, None, good],
        "reporting_plans": [{"plan_name": "NUL \0 in it"}, 3],
        "allowed_amount_file": None,
        "more": {"in_network_files": [{"location": f"{HOST}/no.json"}]},
    }
    data = contents(odd, 5, None, {"in_network_files": {"location": f"{HOST}/b.json"}})
    found = hub.find(write(tmp_path / "index.json", b"\xef\xbb\xbf" + data))
    assert found.errors == []
    assert (found.new, found.results[0].malformed, found.results[0].entries) == (["a", "b"], 6, 2)
    with hub.warehouse.connection() as connection:
        assert catalog.plans(connection, "a") == [{"plan_name": "NUL \ufffd in it"}]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.json", contents(), "table_of_contents"),
        ("a.json.gz", contents(), "table_of_contents"),
        ("a.json", text(in_network=[]).encode(), "file"),
        ("a.json", text(provider_references=[]).encode(), "file"),
        ("a.txt", f"{HOST}/a.json".encode(), "list"),
        ("a.zip", b"PK\x03\x04", "file"),
        ("a.json.gz", b"\x00", "file"),
    ],
)
def test_what_a_source_is(name: str, data: bytes, kind: str, tmp_path: Path) -> None:
    assert source_named(str(write(tmp_path / name, data))).kind == kind
    assert source_named(f"file://{tmp_path / name}").kind == kind
    assert source_named(str(tmp_path)).kind == "folder"
    with pytest.raises(ConfigurationError, match="there is no file or folder"):
        source_named(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (f"{HOST}/2026-11-01_lakewhistle_index.json", "table_of_contents"),
        (f"{HOST}/a.json.gz", "file"),
        (f"{HOST}/files.txt?x=1", "list"),
        (f"toc:{HOST}/x", "table_of_contents"),
    ],
)
def test_what_an_address_is(written: str, kind: str) -> None:
    assert source_named(written).kind == kind


def test_a_list_behind_an_address(hub: PriceHub, server: BadServer) -> None:
    one, two = contents(structure(f"{HOST}/a.json")), contents(structure(f"{HOST}/b.json"))
    same = plain(b"", "304 Not Modified")
    url = server.says("/x_index.json", in_turn(plain(one, ETag='"1"'), same, plain(two)))
    assert hub.find(f"{url}?sig=s3cr3t").new == ["a"]
    assert hub.find(f"{url}?sig=other").results[0].read is False
    assert server.asked[1].headers["if-none-match"] == '"1"'
    found = hub.find(f"{url}?sig=s3cr3t")
    assert (found.new, found.results[0].source) == (["b"], url)
    assert list((hub.home / "mrf" / "lists").iterdir()) == []
    hub.options["ask_minutes"] = 60
    hub.find(url)
    assert server.times("/x_index.json") == 3, "it was asked a moment ago"


def test_a_list_of_addresses_behind_an_address(hub: PriceHub, server: BadServer) -> None:
    lines = f"# November\n{HOST}/a.json.gz\n{HOST}/b.json.gz\n".encode()
    assert hub.find(server.says("/files.txt", plain(lines))).new == ["a", "b"]


def test_a_list_that_does_not_answer_is_an_error(hub: PriceHub, server: BadServer) -> None:
    ((_, error),) = hub.find(server.url("/x_index.json?sig=s3cr3t")).errors
    assert isinstance(error, BadFile)
    assert (error.code, "s3cr3t" in str(error)) == ("not_found", False)


def test_a_folder(hub: PriceHub, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("a.json.gz", "b.json", "c.zip", "readme.txt", ".hidden.json"):
        write(folder / name, b"{}")
    (folder / "d.json").mkdir()
    (folder / "out.json").symlink_to("/etc/hostname")
    (folder / "bell\a.json").touch()
    (folder / os.fsdecode(b"no utf-8 \xff.json")).touch()
    found = hub.find(folder)
    assert (found.new, found.results[0].malformed) == (["a", "b", "c"], 3)
    write(folder / "b.json", b"{ }")
    write(folder / "e.json", b"{}")
    (folder / "c.zip").unlink()
    found = hub.find(folder)
    assert (found.new, [one.key for one in found.due]) == (["e"], ["a", "b", "e"])
    assert (hub.entry("c").fault or "").startswith("missing")
    write(folder / "c.zip", b"{}")
    assert "c" in [one.key for one in hub.find(folder).due]


def test_manifests_of_price_files_are_no_price_files(hub: PriceHub, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    names = ("a.json.gz", "a.json.gz.manifest.json", "a_part-00001.json.gz", "parts.json")
    for name in names:
        write(folder / name, b"{}")
    assert hub.find(folder).new == ["a", "a_part-00001"]
    # Alone they are files like others.
    for name in ("b.json.gz.manifest.json", "parts.json"):
        write(tmp_path / "other" / name, b"{}")
    assert sorted(hub.find(tmp_path / "other").new) == ["b.json.gz.manifest", "parts"]


def test_a_new_file_is_due_once(hub: PriceHub, tmp_path: Path) -> None:
    for name in ("a", "b"):
        packed(tmp_path / "in" / f"{name}.json.gz", text(in_network=[item(name)]))
    first = hub.find(tmp_path / "in")
    assert [one.key for one in first.due] == ["a", "b"]
    for one in first.due:
        hub.fetch(one.key)
    quiet = [hub.find(tmp_path / "in") for _ in range(100)]
    assert {len(found.due) for found in quiet} == {0}
    assert len({found.cursor for found in quiet}) == 1
    packed(tmp_path / "in" / "a.json.gz", text(in_network=[item("other")]))
    (again,) = hub.find(tmp_path / "in").due
    assert again.key == "a"
    assert again.run_key not in {one.run_key for one in first.due}


def test_ten_thousand_known_files_cost_a_look_each(hub: PriceHub, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"file{number}.json").touch()
    assert len(hub.find(folder).new) == 10_000
    hub.warehouse.query("update mrf.files set taken_mark = mark, taken_at = now() returning 1")
    looks: list[object] = []
    real = Path.stat

    def counted(self: Path, **options: Any) -> os.stat_result:
        looks.append(self)
        return real(self, **options)

    with patch.object(Path, "stat", counted):
        assert hub.find(folder).due == []
    assert len(looks) < 100, "the entries of the folder know their stat already"


MILLION = """
import sys
from pathlib import Path
from lsats_pipeline.mrf.sources.tables_of_contents import files_of, source_named
count = sum(1 for _ in files_of(source_named(sys.argv[1])))
(peak,) = (line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(count, peak.split()[1])
"""


@pytest.mark.parametrize("one", [True, False])
def test_a_long_table_of_contents_needs_little_memory(one: bool, tmp_path: Path) -> None:
    """50,000 entries, under one plan or each under its own; a million need no more."""
    count = 50_000
    file = tmp_path / "index.json.gz"
    around = ('{"in_network_files":[', "]}") if one else ("", "")
    with gzip.open(file, "wt", compresslevel=1) as out:
        out.write('{"reporting_structure":[' + around[0])
        for number in range(count):
            entry = json.dumps({"location": f"{HOST}/{number}/a.json.gz?sig={number}"})
            whole = entry if one else f'{{"in_network_files":[{entry}]}}'
            out.write(whole if number == 0 else "," + whole)
        out.write(around[1] + "]}")
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(file)],
        env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found, kilobytes = map(int, done.stdout.split())
    assert found == count
    assert kilobytes < 150_000


def test_order_of_keys_and_size_make_no_difference(tmp_path: Path) -> None:
    """A structure over the limit is cut inside; its plans may come last."""
    files = [{"location": f"{HOST}/{n}.json", "description": "x" * 100} for n in range(40_000)]
    plans = [{"plan_id": "1"}, {"plan_id": "2"}]
    small = {"reporting_plans": plans, "in_network_files": files[:2]}
    for large in (
        {"reporting_plans": plans, "in_network_files": files},
        {"in_network_files": files, "reporting_plans": plans},
    ):
        file = write(tmp_path / "index.json", contents(large, small))
        entries = list(files_of(source_named(str(file))))
        assert sum(isinstance(entry, Listed) for entry in entries) == 40_002
        assert not any(isinstance(entry, MalformedListing) for entry in entries)
        first, second = (entry for entry in entries if not isinstance(entry, Listed))
        assert first.digest == second.digest  # type: ignore[union-attr]


def version_in(hub: PriceHub, state: str) -> FileVersion:
    hub.warehouse.query("update mrf.versions set state = %s returning 1", [state])
    return hub.versions("a")[0]


def test_no_step_but_those_drawn(hub: PriceHub, tmp_path: Path) -> None:
    hub.fetch(hub.add(packed(tmp_path / "a.json.gz", text(in_network=[item()]))))
    with hub.warehouse.connection() as connection:
        connection.autocommit = True
        for state, steps in VERSION_STEPS.items():
            for to in VERSION_STEPS:
                before = version_in(hub, state)
                if to in steps:
                    assert catalog.move_version(connection, before, to).state == to
                else:
                    with pytest.raises(PermanentError, match=f"is {state} and cannot become {to}"):
                        catalog.move_version(connection, before, to)
        for state, steps in FILE_STEPS.items():
            for to in FILE_STEPS:
                connection.execute("update mrf.files set state = %s", [state])
                if to in steps:
                    catalog.move_file(connection, "a", to)
                    assert hub.entry("a").state == to
                else:
                    with pytest.raises(PermanentError, match=f"is {state} and cannot become {to}"):
                        catalog.move_file(connection, "a", to)


def test_ingesting_that_died_is_abandoned(hub: PriceHub, tmp_path: Path) -> None:
    raw = hub.fetch(hub.add(packed(tmp_path / "a.json.gz", text(in_network=[item()]))))
    with catalog.locked(hub.warehouse, "a") as connection:
        catalog.move_version(connection, raw.version, "ingesting")
        assert hub.find().abandoned == []
    assert hub.find().abandoned == ["a"]
    assert hub.versions("a")[0].state == "abandoned"


def aged(hub: PriceHub, days: int) -> None:
    """As if all that was asked and fetched had been that long ago."""
    with hub.warehouse.owner() as connection:
        connection.execute(
            "update mrf.files set taken_at = taken_at - make_interval(days => %s),"
            " asked_at = asked_at - make_interval(days => %s)",
            [days, days],
        )


def document(*codes: str) -> bytes:
    return gzip.compress(text(in_network=[item(code) for code in codes]).encode(), mtime=0)


def test_another_version_at_the_same_address_is_noticed(hub: PriceHub, server: BadServer) -> None:
    url = server.says("/prices.json.gz", plain(document("1"), ETag='"a"'))
    hub.options = {"sources": url}
    hub.find()
    (key,) = hub.due()
    hub.fetch(key)
    aged(hub, 6)
    hub.find()
    assert (hub.due(), server.times("/prices.json.gz")) == ([], 1)
    aged(hub, 2)
    server.says("/prices.json.gz", plain(b"", "304 Not Modified"))
    hub.find()
    assert (hub.due(), server.times("/prices.json.gz")) == ([], 2)
    assert server.asked[-1].headers["if-none-match"] == '"a"'
    server.says("/prices.json.gz", plain(document("1", "2"), ETag='"b"'))
    hub.find()
    assert (hub.due(), server.times("/prices.json.gz")) == ([], 2), "asked a moment ago"
    aged(hub, 8)
    assert hub.find().changed == [key]
    assert hub.due() == [key]
    hub.fetch(key)
    assert (hub.due(), len(hub.versions(key))) == ([], 2)


def test_a_server_that_is_down_makes_no_file_due(hub: PriceHub, server: BadServer) -> None:
    url = server.says("/prices.json.gz", plain(document("1"), ETag='"a"'))
    hub.options = {"sources": url}
    hub.find()
    (key,) = hub.due()
    hub.fetch(key)
    aged(hub, 8)
    server.says("/prices.json.gz", plain(b"", "500 Oops"))
    found = hub.find()
    assert (found.changed, found.errors, hub.due()) == ([], [], [])
    assert hub.entry(key).state == "fetched"


def test_looking_again_can_be_left_out(hub: PriceHub, server: BadServer) -> None:
    hub.options = {"sources": server.says("/a.json.gz", plain(document("1"))), "recheck_days": 0}
    hub.find()
    hub.fetch("a")
    aged(hub, 1000)
    hub.find()
    assert server.times("/a.json.gz") == 1


def test_a_file_that_becomes_what_it_was_is_due_by_another_name(
    hub: PriceHub, tmp_path: Path
) -> None:
    """A run is started once for a run key, and this is a third version to be ingested."""
    file, keys = tmp_path / "in" / "prices.json.gz", []
    for codes in (("1",), ("1", "2"), ("1",), ("1", "2")):
        write(file, b"").write_bytes(document(*codes))
        os.utime(file, (len(codes), len(codes)))
        hub.find(file.parent)
        with hub.warehouse.connection() as connection:
            keys += [due.run_key for due in catalog.due(connection)]
        hub.fetch("prices")
    assert len(keys) == len(set(keys)) == 4
