"""Parts are valid price files of their own, and together the same elements, whatever happens."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from lsats_pipeline.core.errors import Busy, ConfigurationError, PermanentError, VerificationFailed
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.splitting import (
    Codes,
    Plan,
    Split,
    SplitOptions,
    codes_of,
    folder_of,
    planned,
    providers_of,
    split,
)
from lsats_pipeline.mrf.splitting.writer import PartWriter, joined_crc
from lsats_pipeline.mrf.text.index import index_file
from lsats_pipeline.mrf.text.reading import Reading
from lsats_pipeline.synthetic.price_files import PriceFile, write_price_file
from lsats_pipeline_tests.mrf.files import HEADER, SMALL, TINY, item, packed, price, reference
from lsats_pipeline_tests.mrf.files import text as document

MADE = {
    "version 2": PriceFile(megabytes=0.6),
    "prices first, a line each": PriceFile(
        megabytes=0.6, order="prices-first", pretty=True, seed=2
    ),
    "version 1": PriceFile(megabytes=0.6, version=1, seed=3),
    "a large element": PriceFile(megabytes=1.8, large=1.5, seed=4),
    "amounts": PriceFile(megabytes=0.3, kind="allowed-amounts", seed=5),
}
PLANS = (
    Plan("Heron", "hios", "12345", "individual", "Lakewhistle"),
    Plan("Marlow", "ein", "12-3456789", "group", "Lakewhistle", "Wick & Thorne"),
)
WAYS = {
    "size": SplitOptions(megabytes=0.1),
    "codes": SplitOptions(by="codes"),
    "some codes": SplitOptions(by="codes", codes=codes_of("CPT:00000-49999,RC"), megabytes=0.1),
    "buckets": SplitOptions(by="provider", buckets=3),
    "plan": SplitOptions(by="plan", plans=PLANS, megabytes=0.2),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path, Any]]:
    """Each file: its name, the folder it is published in, and what is in it."""
    folder = tmp_path_factory.mktemp("made")
    found = {}
    for number, (name, options) in enumerate(MADE.items()):
        file = folder / f"file-{number}.json.gz"
        write_price_file(file, options)
        outcome = ingest(file, folder / "mrf", IngestOptions(1, SMALL))
        found[name] = outcome.file, folder / "mrf", loaded(file)
    return found


def loaded(path: Path) -> Any:
    """By other means than those under test."""
    return json.loads(gzip.decompress(path.read_bytes()))


def parts_of(done: Split, exports: Path, options: SplitOptions) -> list[Any]:
    folder = folder_of(done.file, exports, options).final
    assert sorted(p.name for p in folder.glob("*.gz")) == [part.name for part in done.parts]
    return [loaded(folder / part.name) for part in done.parts]


def section_of(whole: Any) -> str:
    return "in_network" if "in_network" in whole else "out_of_network"


def raw_elements(path: Path, section: str) -> Counter[bytes]:
    members = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=dict[str, msgspec.Raw])
    return Counter(map(bytes, msgspec.json.decode(members[section], type=list[msgspec.Raw])))


def rates(whole: Any) -> Counter[str]:
    """Every rate with the rest of its element."""
    inner = "negotiated_rates" if section_of(whole) == "in_network" else "allowed_amounts"
    return Counter(
        json.dumps([{k: v for k, v in element.items() if k != inner}, rate])
        for element in whole[section_of(whole)]
        for rate in element[inner]
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_parts_are_valid_and_together_the_whole(name: str, way: str, made: Any) -> None:
    file, exports, whole = made[name]
    options = WAYS[way]
    done = split(file, exports, options)
    parts = parts_of(done, exports, options)
    assert sum(map(rates, parts), Counter()) == Counter(
        {rate: count * done.copies for rate, count in rates(whole).items()}
    )
    assert done.violations == 0
    assert done.left.not_json == 0
    for part in parts:
        assert part[section_of(whole)]
        assert {k: part[k] for k in HEADER if k != "version"} == {
            k: whole[k] for k in HEADER if k != "version"
        }
        _has_the_references_that_it_uses(part, whole)
    seen = planned(file, exports, options)
    assert [(p.group, p.elements) for p in seen] == [(p.group, p.elements) for p in done.parts]


def _has_the_references_that_it_uses(part: Any, whole: Any) -> None:
    used = {
        number
        for element in part.get("in_network", ())
        for rate in element["negotiated_rates"]
        for number in rate.get("provider_references", ())
    }
    wanted = [r for r in whole.get("provider_references", ()) if r["provider_group_id"] in used]
    assert part.get("provider_references", []) == wanted


@pytest.mark.parametrize("way", ["size", "codes", "plan"])
@pytest.mark.parametrize("name", ["prices first, a line each", "a large element", "amounts"])
def test_elements_are_byte_for_byte_those_of_the_source(name: str, way: str, made: Any) -> None:
    file, exports, whole = made[name]
    options, section = WAYS[way], section_of(whole)
    done = split(file, exports, options)
    folder = folder_of(file, exports, options).final
    parts = (raw_elements(folder / part.name, section) for part in done.parts)
    source = raw_elements(exports.parent / f"{file}.json.gz", section)
    assert sum(parts, Counter()) == Counter({k: n * done.copies for k, n in source.items()})


def test_codes_and_plans_are_where_they_belong(made: Any) -> None:
    file, exports, _ = made["version 2"]
    done = split(file, exports, WAYS["some codes"])
    groups: dict[str, set[tuple[str, bool]]] = {}
    for about, part in zip(done.parts, parts_of(done, exports, WAYS["some codes"]), strict=True):
        groups.setdefault(about.group, set()).update(
            (e["billing_code_type"], e["billing_code"] < "5") for e in part["in_network"]
        )
    assert groups["CPT:00000-49999"] == {("CPT", True)}
    assert {system for system, _ in groups["RC"]} == {"RC"}
    assert not groups["rest"] & {("CPT", True), ("RC", True), ("RC", False)}
    assert done.parts[-1].group == "rest"
    done = split(file, exports, WAYS["plan"])
    for about, part in zip(done.parts, parts_of(done, exports, WAYS["plan"]), strict=True):
        plan = next(p for p in PLANS if p.plan_id == part["plan_id"])
        assert plan.plan_id in about.group
        assert {name: part[name] for name in plan.members} == plan.members
    assert done.copies == 2


def test_listed_providers_are_apart_from_the_rest(made: Any) -> None:
    file, exports, whole = made["version 2"]
    first, second = whole["provider_references"][:2]
    tin = first["provider_groups"][0]["tin"]["value"]
    npi = second["provider_groups"][0]["npi"][0]
    options = SplitOptions(by="provider", providers=providers_of(f"{tin}, {npi}"))
    done = split(file, exports, options)
    listed = {
        r["provider_group_id"]
        for r in whole["provider_references"]
        for g in r["provider_groups"]
        if g["tin"]["value"] == tin or npi in g["npi"]
    }
    assert {part.group for part in done.parts} == {"listed", "rest"}
    for about, part in zip(done.parts, parts_of(done, exports, options), strict=True):
        for element in part["in_network"]:
            for rate in element["negotiated_rates"]:
                has = bool(listed & set(rate["provider_references"]))
                assert has is (about.group == "listed")


def _record(calls: list[tuple[str, int, int]], *of: Any) -> None:
    calls.append(of)


@pytest.mark.parametrize("way", ["size", "buckets"])
def test_workers_make_no_difference(way: str, made: Any, tmp_path: Path) -> None:
    """The same parts, byte for byte, from one process or several."""
    file, exports, _ = made["a large element"]
    one = split(file, exports, WAYS[way])
    options = WAYS[way]
    for workers in (2, 4):
        several = SplitOptions(**{**vars(options), "workers": workers})
        folder = tmp_path / str(workers) / "mrf"
        folder.parent.mkdir()
        folder.symlink_to(exports)
        calls: list[tuple[str, int, int]] = []
        again = split(file, folder, several, partial(_record, calls))
        assert again.parts == one.parts
        assert (again.digest, again.units) == (one.digest, one.units)
        assert calls
        assert all(0 <= done <= total for _, done, total in calls)
        assert calls[-1][1] == calls[-1][2]


def test_faults_of_a_reference_count_once(tmp_path: Path) -> None:
    """However many parts repeat it; in each of them it is counted too."""
    bad = reference(1)
    bad["provider_groups"][0]["npi"] = ["a", "b"]
    elements = [item(str(number), description="x" * 400) for number in range(20)]
    elements[3]["billing_class"] = elements[3].pop("name")
    text = document(provider_references=[bad, reference(2)], in_network=elements)
    ingest(packed(tmp_path / "prices.json.gz", text), tmp_path / "mrf", IngestOptions(1, TINY))
    done = split("prices", tmp_path / "mrf", SplitOptions(megabytes=0.005))
    assert len(done.parts) > 2
    each = done.parts[0].in_references
    assert each > 0
    assert {part.in_references for part in done.parts} == {each}
    own = [part.violations - part.in_references for part in done.parts]
    assert done.violations == each + sum(own)
    assert done.parts[-1].first_violation


def test_what_is_no_json_is_set_aside_and_nothing_is_lost(tmp_path: Path) -> None:
    good = [item("1"), item("3")]
    first, third = (json.dumps(e) for e in good)
    bad = first.replace('"1"', '"9\n9"')
    text = document(provider_references=[reference(1), reference(2)], in_network=[])
    text = text.replace('"in_network": []', f'"in_network": [{first},{bad},{third},null]')
    ingest(packed(tmp_path / "prices.json.gz", text), tmp_path / "mrf", IngestOptions(1, TINY))
    done = split("prices", tmp_path / "mrf", SplitOptions())
    folder = folder_of("prices", tmp_path / "mrf", SplitOptions()).final
    assert [p.elements for p in done.parts] == [3]
    assert loaded(folder / done.parts[0].name)["in_network"] == [*good, None]
    assert done.parts[0].violations > 0
    assert (done.left.not_json, done.left.unused_references) == (1, 1)
    assert (folder / "left" / "not-json.txt").read_text() == f"{bad}\n"
    assert text.encode()[done.left.offsets[0] :].startswith(bad.encode())
    unused = loaded(folder / "left" / "unused-references.json.gz")["provider_references"]
    assert unused == [reference(2, 123)] or unused[0]["provider_group_id"] == 2


def test_a_file_without_elements_gives_one_part(tmp_path: Path) -> None:
    ingest(
        packed(tmp_path / "prices.json.gz", document(in_network=[])),
        tmp_path / "mrf",
        IngestOptions(1),
    )
    done = split("prices", tmp_path / "mrf")
    assert [(p.name, p.elements) for p in done.parts] == [("prices_part-00001.json.gz", 0)]


def test_a_rate_that_is_twice_in_its_element_is_left_whole(tmp_path: Path) -> None:
    """An element of which a member is there twice cannot be taken apart: it goes to the rest."""
    twice = json.dumps(item("1")).replace('"name"', '"billing_code": "2", "name"')
    text = document(provider_references=[reference(1)], in_network=[]).replace(
        '"in_network": []', f'"in_network": [{twice}, {json.dumps(item("3"))}]'
    )
    ingest(packed(tmp_path / "prices.json.gz", text), tmp_path / "mrf", IngestOptions(1, TINY))
    options = SplitOptions(by="provider", buckets=1)
    done = split("prices", tmp_path / "mrf", options)
    assert [(p.group, p.elements) for p in done.parts] == [("bucket 1 of 1", 1), ("rest", 1)]
    folder = folder_of("prices", tmp_path / "mrf", options).final
    assert twice in gzip.decompress((folder / done.parts[1].name).read_bytes()).decode()


def test_the_same_split_again_reads_and_writes_nothing(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, exports, _ = made["version 1"]
    done = split(file, exports, SplitOptions(megabytes=0.3))
    folder = folder_of(file, exports, SplitOptions(megabytes=0.3)).final
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    monkeypatch.setattr(Reading, "chunks", None)
    assert split(file, exports, SplitOptions(megabytes=0.3, workers=2)) == done
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_part_that_went_bad_on_the_disk_is_never_published(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, exports, _ = made["version 2"]
    options, finish = SplitOptions(megabytes=0.25), PartWriter.finish

    def one_element_less(self: PartWriter, header: bytes, references: Any) -> Any:
        written = finish(self, header, references)
        whole = loaded(written.path)
        whole["in_network"].pop()
        written.path.write_bytes(gzip.compress(json.dumps(whole).encode()))
        return written

    monkeypatch.setattr(PartWriter, "finish", one_element_less)
    with pytest.raises(VerificationFailed, match="for sha256"):
        split(file, exports, options)
    workspace = folder_of(file, exports, options)
    assert not workspace.final.exists()
    assert [path.name for path in workspace.folder.iterdir()] == ["lock"]


def test_an_element_that_gets_lost_on_the_way_is_noticed(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that are whole by themselves, and together are not."""
    file, exports, _ = made["version 2"]
    options, element = SplitOptions(by="codes", megabytes=0.2), PartWriter.element
    lost: list[int] = []

    def lossy(self: PartWriter, chunks: Any) -> None:
        if self.elements == 3 and not lost:
            lost.append(1)
            self.digest.add = lambda unit: setattr(  # type: ignore[method-assign]
                self.digest, "add", type(self.digest).add.__get__(self.digest)
            )
            return
        element(self, chunks)

    monkeypatch.setattr(PartWriter, "element", lossy)
    with pytest.raises(VerificationFailed, match="nothing is published"):
        split(file, exports, options)
    assert not folder_of(file, exports, options).final.exists()


def test_a_full_disk_is_an_error_and_leaves_nothing(made: Any, tmp_path: Path) -> None:
    file, exports, _ = made["version 2"]
    code = (
        "import resource, signal, sys, pathlib\n"
        "from lsats_pipeline.mrf.splitting import split\n"
        "from lsats_pipeline.core.errors import PermanentError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: split(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
        "except PermanentError as error: print(error)\n"
    )
    (tmp_path / "mrf").symlink_to(exports)
    ended = subprocess.run(
        [sys.executable, "-c", code, file, str(tmp_path / "mrf")],
        capture_output=True, text=True, check=True, cwd=CHECKOUT,
    )  # fmt: skip
    assert "File too large" in ended.stdout
    assert "run the same command again" in ended.stdout
    assert not folder_of(file, tmp_path / "mrf", SplitOptions()).final.exists()
    assert split(file, tmp_path / "mrf").parts


def test_a_disk_that_is_too_small_is_an_error_beforehand(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, exports, _ = made["version 2"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(PermanentError, match="has 1,000 bytes free, and the parts may need"):
        split(file, exports, SplitOptions(megabytes=3))
    assert not folder_of(file, exports, SplitOptions(megabytes=3)).folder.exists()


def test_killed_anywhere_it_begins_again(made: Any, tmp_path: Path) -> None:
    file, exports, _ = made["a large element"]
    (tmp_path / "mrf").symlink_to(exports)
    options = WAYS["size"]
    workspace = folder_of(file, tmp_path / "mrf", options)
    code = (
        "import sys, pathlib\n"
        "from lsats_pipeline.mrf.splitting import split, SplitOptions\n"
        "split(sys.argv[1], pathlib.Path(sys.argv[2]), SplitOptions(megabytes=0.1))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, file, str(tmp_path / "mrf")], cwd=CHECKOUT
    )
    while not list(workspace.folder.glob("*.body")) and child.poll() is None:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert split(file, tmp_path / "mrf", options).parts == split(file, exports, options).parts
    assert [path.name for path in workspace.folder.iterdir()] == ["lock"]


def test_what_cannot_be_split_is_an_error(made: Any, tmp_path: Path) -> None:
    file, exports, _ = made["version 2"]
    with pytest.raises(ConfigurationError, match="no price file nothing"):
        split("nothing", tmp_path)
    with pytest.raises(ConfigurationError, match="does not say of which plan"):
        split(file, exports, SplitOptions(by="plan"))
    with pytest.raises(ConfigurationError, match="--providers"):
        SplitOptions(by="provider")
    with pytest.raises(ConfigurationError, match="'CPT:99-1' names no codes"):
        codes_of("MS-DRG,CPT:99-1")
    with pytest.raises(ConfigurationError, match="'12' is no provider"):
        providers_of("12-3456789 12")
    with folder_of(file, exports, SplitOptions(megabytes=7)).locked(), pytest.raises(Busy):
        split(file, exports, SplitOptions(megabytes=7))


def test_a_source_that_changed_is_not_split(tmp_path: Path) -> None:
    path = packed(tmp_path / "prices.json.gz", document(in_network=[item("1")]))
    ingest(path, tmp_path / "mrf", IngestOptions(1))
    packed(path, document(in_network=[item("2")]))
    with pytest.raises(ConfigurationError, match="is not the file of which"):
        split("prices", tmp_path / "mrf")


def test_codes_as_written() -> None:
    assert codes_of("CPT:99201-99215, MS-DRG,HCPCS:J1100") == (
        Codes("CPT", "99201", "99215"), Codes("MS-DRG"), Codes("HCPCS", "J1100"),
    )  # fmt: skip
    some = Codes("CPT", "99201", "99215")
    assert all(some.hold("CPT", code) for code in ("99201", "99210", "99215"))
    assert not any(some.hold("CPT", code) for code in ("99216", "9921", "992011", "99200"))


@given(st.binary(max_size=50), st.binary(max_size=50))
@settings(deadline=None)
def test_the_sum_of_two_texts_is_that_of_both_together(first: bytes, second: bytes) -> None:
    one, two = isal_zlib.crc32(first), isal_zlib.crc32(second)
    assert joined_crc(one, two, len(second)) == isal_zlib.crc32(first + second)


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


NAMES = st.tuples(LETTERS, st.sampled_from(["CPT", "RC"]), st.integers(1, 4))


@settings(max_examples=10, deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=12),
    indent=st.sampled_from([None, 2]),
    last=st.booleans(),
)  # fmt: skip
def test_any_text_anywhere_survives(
    names: list[tuple[str, str, int]], indent: int | None, last: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    """Letters of several bytes, text that looks like structure, arrays in either order."""
    folder = tmp_path_factory.mktemp("any")
    elements = [
        item("1", {"negotiated_prices": [price()], "provider_references": [number]},
             description=name, billing_code_type=system)
        for name, system, number in names
    ]  # fmt: skip
    both = [("provider_references", [reference(n) for n in range(1, 5)]), ("in_network", elements)]
    text = json.dumps({**HEADER, **dict(both[::-1] if last else both)}, ensure_ascii=False,
                      indent=indent)  # fmt: skip
    ingest(packed(folder / "prices.json.gz", text), folder / "mrf", IngestOptions(1, TINY))
    for options in (SplitOptions(megabytes=0.0005), SplitOptions(by="codes")):
        done = split("prices", folder / "mrf", options)
        found = [e for part in parts_of(done, folder / "mrf", options) for e in part["in_network"]]
        assert Counter(map(json.dumps, found)) == Counter(map(json.dumps, elements))


def test_a_part_is_one_gzip_member_that_any_reader_takes(made: Any) -> None:
    file, exports, _ = made["version 2"]
    done = split(file, exports, WAYS["size"])
    for part in done.parts:
        index = index_file(folder_of(file, exports, WAYS["size"]).final / part.name)
        assert (index.gzip_members, index.text, index.sha256) == (1, part.text, part.sha256)
        assert [m.key for m in index.members][-2:] == ["provider_references", "in_network"]
