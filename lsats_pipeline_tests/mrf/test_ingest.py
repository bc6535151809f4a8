"""Ingest of whole files: every count and sum as generated, however ordered, resumed or killed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from lsats_pipeline.core.errors import (
    BadFile,
    Busy,
    ConfigurationError,
    PermanentError,
    TransientError,
)
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.mrf.ingest import file_ingest as ingest_module
from lsats_pipeline.mrf.ingest import spans as spans_module
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, IngestOutcome, ingest, prepare
from lsats_pipeline.mrf.ingest.publication import finished
from lsats_pipeline.mrf.ingest.spans import SpanIngester, SpanResult
from lsats_pipeline.mrf.provenance.rereading import texts_of
from lsats_pipeline.mrf.rows.parts import write_part
from lsats_pipeline.mrf.status import statuses
from lsats_pipeline.mrf.text.access import OpenedText
from lsats_pipeline.mrf.text.index import LargeElement, Span
from lsats_pipeline.mrf.workspace import Sums, Workspace, name_for, write
from lsats_pipeline.synthetic.price_files import Manifest, PriceFile, write_price_file
from lsats_pipeline.synthetic.price_files import faults as fault_kinds
from lsats_pipeline_tests.mrf.files import SMALL, TINY, item, packed, price, rows, taken
from lsats_pipeline_tests.mrf.files import text as document

MADE: dict[str, PriceFile] = {
    "version 2": PriceFile(megabytes=0.6),
    "prices first": PriceFile(megabytes=0.6, order="prices-first", seed=2),
    "version 1": PriceFile(megabytes=0.6, version=1, seed=3),
    "version 1, prices first, a line each": PriceFile(
        megabytes=0.6, version=1, order="prices-first", pretty=True, seed=4
    ),
    "faults everywhere": PriceFile(megabytes=0.8, faults=1, seed=5),
    "faults in version 1": PriceFile(megabytes=0.8, faults=0.3, version=1, seed=6),
    "a large element": PriceFile(megabytes=1, large=0.6, seed=7),
    "a large element in version 1": PriceFile(megabytes=1, large=0.6, version=1, seed=8),
    "allowed amounts": PriceFile(megabytes=0.4, kind="allowed-amounts", seed=9),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Manifest]]:
    """Each file, and the account of it."""
    folder = tmp_path_factory.mktemp("made")
    files = {name: folder / f"{number}.json.gz" for number, name in enumerate(MADE)}
    return {name: (file, write_price_file(file, MADE[name])) for name, file in files.items()}


def counted(sums: Sums) -> dict[str, int]:
    got = sums.rows.get
    return {
        "prices": got("in_network", 0),
        "groups": got("provider_references", 0),
        "inline groups": got("inline_groups", 0),
        "payments": got("allowed_amounts", 0),
        "rejects": got("rejects", 0),
        "cents": sums.cents + sums.allowed_cents,
        "npis": sums.npis,
    }


def expected(manifest: Manifest) -> dict[str, int]:
    allowed = "out_of_network" in manifest.elements
    return {
        "prices": manifest.prices,
        "groups": manifest.groups,
        "inline groups": manifest.inline_groups,
        "payments": manifest.payments,
        "rejects": len(manifest.faults),
        "cents": manifest.cents,
        "npis": 0 if allowed else manifest.npis,
    }


def fingerprint(folder: Path) -> dict[str, str]:
    """The content of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def parts(folder: Path) -> dict[str, str]:
    """The same of its tables."""
    return {name: digest for name, digest in fingerprint(folder).items() if "/" in name}


@pytest.mark.parametrize("name", MADE)
def test_every_count_and_sum_is_as_made(name: str, made: Any, tmp_path: Path) -> None:
    file, manifest = made[name]
    outcome = ingest(file, tmp_path, IngestOptions(1, SMALL))
    published = outcome.published
    assert outcome.state == "published"
    assert published.spans >= 5
    assert published.elements == manifest.elements
    assert counted(published.sums) == expected(manifest)
    stored = {
        table: sum(
            pq.read_metadata(p).num_rows for p in (tmp_path / outcome.file / table).glob("*")
        )
        for table in ("in_network", "provider_references", "allowed_amounts", "rejects")
    }
    assert stored == {
        "in_network": manifest.prices,
        "provider_references": manifest.groups + manifest.inline_groups,
        "allowed_amounts": manifest.payments,
        "rejects": len(manifest.faults),
    }


@pytest.mark.parametrize("name", ["faults everywhere", "faults in version 1"])
def test_rejects_are_the_faults_and_say_where(name: str, made: Any, tmp_path: Path) -> None:
    file, manifest = made[name]
    outcome = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    found = {(r["section"], r["element"], r["path"], r["level"])
             for r in rows(outcome, tmp_path, "rejects")}  # fmt: skip
    assert found == {(f.section, f.element, f.path, f.level) for f in manifest.faults}


def test_every_kind_of_fault_is_among_them(made: Any) -> None:
    kinds = {*fault_kinds.IN_PRICES, *fault_kinds.GROUP}
    assert {fault.kind for fault in made["faults everywhere"][1].faults} == kinds


@pytest.mark.parametrize("name", ["version 1, prices first, a line each", "a large element"])
def test_several_workers_write_what_one_writes(name: str, made: Any, tmp_path: Path) -> None:
    """Every time, in the same parts, byte for byte."""
    file, manifest = made[name]
    one = ingest(file, tmp_path / "one", IngestOptions(1, SMALL))
    for again, workers in enumerate((2, 4, 4)):
        other = ingest(file, tmp_path / str(again), IngestOptions(workers, SMALL))
        assert counted(other.published.sums) == expected(manifest)
        assert parts(tmp_path / str(again) / other.file) == parts(tmp_path / "one" / one.file)


def test_every_price_finds_its_providers(made: Any, tmp_path: Path) -> None:
    """Rates refer to groups by number, whether those are written out or listed."""
    file, _ = made["version 1"]
    outcome = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    providers = rows(outcome, tmp_path, "provider_references")
    known = {row["provider_group_id"] for row in providers}
    prices = rows(outcome, tmp_path, "in_network")
    assert all(set(row["provider_references"]) <= known for row in prices)
    assert any(number < 0 for row in prices for number in row["provider_references"])
    assert {row["inline"] for row in providers if row["provider_group_id"] < 0} == {True}
    assert {row["inline"] for row in providers if row["provider_group_id"] >= 0} == {False}


def test_all_that_is_published_of_a_price_is_in_its_row(tmp_path: Path) -> None:
    """Both versions in one file: inline groups, a location, a bundle, all optional members."""
    group = {"npi": [111, 222], "tin": {"type": "npi", "value": "111"}}
    code = {"billing_code_type": "CPT", "billing_code_type_version": "1", "billing_code": "7"}
    more = {"service_code": ["11", "CSTM-00"], "setting": "both", "billing_code_modifier": ["25"],
            "additional_information": "by day"}  # fmt: skip
    bundle = item(
        "81.54",
        {"negotiated_prices": [price(1.5, **more), price(2)], "provider_references": [5]},
        {"negotiated_prices": [price(3)], "provider_groups": [group, group]},
        bundled_codes=[{**code, "description": "part"}],
        covered_services=[code],
        severity_of_illness="2",
    )
    references = [
        {"provider_group_id": 5, "provider_groups": [{**group, "tin": {"type": "ein", "value": "1",
         "business_name": "Wick"}}], "network_name": ["Heron", "Marlow"]},
        {"provider_group_id": 6, "location": "https://x.example/providers.json"},
    ]  # fmt: skip
    outcome = taken(tmp_path, document(in_network=[bundle], provider_references=references))
    first, second, third = rows(outcome, tmp_path, "in_network")
    assert {name: first[name] for name in more} == more
    assert {name: second[name] for name in more} == dict.fromkeys(more)
    assert (first["rate"], second["rate"], third["rate"]) == (0, 0, 1)
    assert first["bundled_codes"] == [{**code, "description": "part"}]
    assert first["covered_services"] == [{**code, "description": None}]
    assert (first["severity_of_illness"], first["billing_code"]) == ("2", "81.54")
    assert first["provider_references"] == second["provider_references"] == [5]
    inline = third["provider_references"]
    providers = {r["provider_group_id"]: r for r in rows(outcome, tmp_path, "provider_references")}
    assert providers[5]["network_name"] == ["Heron", "Marlow"]
    assert (providers[5]["business_name"], providers[5]["npi"]) == ("Wick", [111, 222])
    assert providers[6]["location"] == "https://x.example/providers.json"
    assert providers[inline[0]]["tin_type"] == "npi"
    assert {row["file"] for row in providers.values()} == {"prices"}
    assert outcome.published.sums.rows["inline_groups"] == 2


def test_all_that_is_published_of_a_payment_is_in_its_row(tmp_path: Path) -> None:
    charge = {"billed_charge": 50.0, "npi": [1234567891]}
    payments = [
        {"allowed_amount": 25.0, "billing_code_modifier": ["26"], "providers": [charge, charge]},
        {"allowed_amount": 0, "providers": []},
    ]
    amount = {"tin": {"type": "ein", "value": "1"}, "service_code": ["01"], "payments": payments,
              "billing_class": "professional", "billing_code_modifier": ["25"]}  # fmt: skip
    whole = {k: v for k, v in item("99214").items() if not k.startswith("negotia")}
    outcome = taken(tmp_path, document(out_of_network=[{**whole, "allowed_amounts": [amount]}]))
    first, second = rows(outcome, tmp_path, "allowed_amounts")
    assert (first["billing_code"], first["tin_value"], first["service_code"]) == (
        "99214",
        "1",
        ["01"],
    )
    assert (first["allowed_amount"], first["providers"]) == (25, [charge, charge])
    assert (second["allowed_amount"], second["providers"]) == (0, [])
    assert (first["billing_code_modifier"], second["billing_code_modifier"]) == (["26"], ["25"])
    assert outcome.published.sums.allowed_cents == 2500


def test_a_file_without_prices_is_published_empty(tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[], provider_references=[]))
    assert outcome.published.elements == {"in_network": 0, "provider_references": 0}
    assert sum(outcome.published.sums.rows.values()) == 0


def test_the_same_file_twice_changes_nothing(made: Any, tmp_path: Path) -> None:
    file = Path(shutil.copy(made["version 2"][0], tmp_path / "prices.json.gz"))
    first = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    before = fingerprint(tmp_path / "mrf")
    assert ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL)).state == "unchanged"
    os.utime(file, (1, 1))
    assert ingest(file, tmp_path / "mrf", IngestOptions(2, SMALL)).state == "unchanged"
    moved = file.rename(tmp_path / "elsewhere.json.gz")
    again = ingest(moved, tmp_path / "mrf", IngestOptions(1, SMALL), "prices")
    assert (again.state, again.published) == ("unchanged", first.published)
    assert fingerprint(tmp_path / "mrf") == before


def test_a_changed_file_is_a_new_version(tmp_path: Path) -> None:
    taken(tmp_path, document(in_network=[item("1"), item("2")]))
    outcome = taken(tmp_path, document(in_network=[item("3")]))
    assert outcome.state == "published"
    assert [row["billing_code"] for row in rows(outcome, tmp_path, "in_network")] == ["3"]


def test_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    one = packed(tmp_path / "a" / "prices.json.gz", document(in_network=[item("1")]))
    two = packed(tmp_path / "b" / "prices.json.gz", document(in_network=[item("2")]))
    ingest(one, tmp_path / "mrf", IngestOptions(1))
    with pytest.raises(ConfigurationError, match="--name"):
        ingest(two, tmp_path / "mrf", IngestOptions(1))
    assert ingest(two, tmp_path / "mrf", IngestOptions(1), "other").file == "other"
    same = packed(tmp_path / "c" / "prices.json.gz", document(in_network=[item("1")]))
    assert ingest(same, tmp_path / "mrf", IngestOptions(1)).state == "unchanged"


def test_a_bad_version_leaves_the_good_one(tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[item("1")]))
    before = fingerprint(tmp_path / "mrf" / outcome.file)
    with pytest.raises(BadFile):
        taken(tmp_path, document(in_network=[item("2")])[:-5])
    assert fingerprint(tmp_path / "mrf" / outcome.file) == before
    states = {one.state: one for one in statuses(tmp_path / "mrf")}
    assert set(states) == {"published", "left out"}
    assert "before it is closed" in states["left out"].reason
    taken(tmp_path, document(in_network=[item("3")]))
    assert [one.state for one in statuses(tmp_path / "mrf")] == ["published"]


class Stopped(Exception):
    """The run dies here."""


@contextmanager
def dying_after(spans: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run that dies when it has ingested so many spans."""
    decode, left = SpanIngester.decode, [spans]

    def dying(
        self: SpanIngester, span: Span, large: LargeElement | None, documents: list[bytes]
    ) -> SpanResult:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return decode(self, span, large, documents)

    with monkeypatch.context() as patched:
        patched.setattr(SpanIngester, "decode", dying)
        yield


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "new"])
@pytest.mark.parametrize("spans", [0, 1, 4])
@pytest.mark.parametrize("name", ["faults in version 1", "a large element"])
def test_a_run_that_died_is_gone_on_with(
    name: str,
    spans: int,
    indexed: bool,
    made: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, manifest = made[name]
    whole = ingest(file, tmp_path / "whole", IngestOptions(1, SMALL))
    if indexed:
        prepare(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    with dying_after(spans, monkeypatch), pytest.raises(Stopped):
        ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    (state,) = statuses(tmp_path / "mrf")
    assert (state.state, state.spans_done) == ("unfinished", spans)
    assert (state.spans > 0) == indexed
    calls: list[tuple[str, int, int]] = []
    resumed = ingest(
        file, tmp_path / "mrf", IngestOptions(1, SMALL), progress=lambda *now: calls.append(now)
    )
    assert resumed.spans_resumed == spans
    assert {stage for stage, *_ in calls} == ({"ingest"} if indexed else {"index", "ingest"})
    assert calls[-1][1] == calls[-1][2]
    assert counted(resumed.published.sums) == expected(manifest)
    assert parts(tmp_path / "mrf" / resumed.file) == parts(tmp_path / "whole" / whole.file)


def test_a_run_that_died_is_gone_on_with_in_other_spans(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is of other bytes then, and nothing of it stays."""
    file, manifest = made["faults everywhere"]
    larger = replace(SMALL, span=2 * SMALL.span)
    whole = ingest(file, tmp_path / "whole", IngestOptions(1, larger))
    with dying_after(4, monkeypatch), pytest.raises(Stopped):
        ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    resumed = ingest(file, tmp_path / "mrf", IngestOptions(1, larger))
    assert resumed.spans_resumed < 4
    assert counted(resumed.published.sums) == expected(manifest)
    assert parts(tmp_path / "mrf" / resumed.file) == parts(tmp_path / "whole" / whole.file)


def test_a_file_that_changed_since_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dying_after(1, monkeypatch), pytest.raises(Stopped):
        taken(tmp_path, document(in_network=[item(str(n)) for n in range(20)]))
    outcome = taken(tmp_path, document(in_network=[item(str(n)) for n in range(30)]))
    assert (outcome.spans_resumed, len(rows(outcome, tmp_path, "in_network"))) == (0, 30)


@pytest.mark.parametrize("year", [1971, 2140])
def test_times_of_files_do_not_matter(
    year: int, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks go backwards, and copies have the times of elsewhere: content is what counts."""
    made_file, manifest = made["version 2"]
    file = tmp_path / "prices.json.gz"
    shutil.copy(made_file, file)
    long_ago_or_ahead = (year - 1970) * 31_556_952
    prepare(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    with dying_after(3, monkeypatch), pytest.raises(Stopped):
        ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    os.utime(file, (long_ago_or_ahead, long_ago_or_ahead))
    for path in (tmp_path / "mrf").rglob("*"):
        os.utime(path, (long_ago_or_ahead, long_ago_or_ahead))
    resumed = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    assert (resumed.spans_resumed, counted(resumed.published.sums)) == (3, expected(manifest))
    os.utime(file)
    assert ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL)).state == "unchanged"


def test_a_permission_that_is_lost_in_mid_run(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, manifest = made["version 2"]
    written: list[Path] = []

    def denied(table: Any, path: Path) -> None:
        if len({found.name for found in written} | {path.name}) > 4:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        written.append(path)
        write_part(table, path)

    with monkeypatch.context() as patched:
        patched.setattr(spans_module, "write_part", denied)
        with pytest.raises(PermanentError, match=r"Permission denied .*part-.*mend that and run"):
            ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    assert not (tmp_path / "mrf" / "0").exists()
    resumed = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    assert (resumed.spans_resumed, counted(resumed.published.sums)) == (4, expected(manifest))


def test_a_file_that_changes_while_it_is_worked_on_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(text: OpenedText, spans: list[Span]) -> Any:
        packed(text.path, document(in_network=[item(str(n + 1)) for n in range(20)]))
        return texts_of(text, spans)

    file = packed(
        tmp_path / "prices.json.gz", document(in_network=[item(str(n)) for n in range(20)])
    )
    prepare(file, tmp_path / "mrf", IngestOptions(1, TINY))
    monkeypatch.setattr(ingest_module, "texts_of", changed)
    with pytest.raises(BadFile, match="not what they were") as caught:
        ingest(file, tmp_path / "mrf", IngestOptions(1, TINY))
    assert caught.value.code == "changed"
    assert not (tmp_path / "mrf" / "prices").exists()


RUN = """
import sys
from pathlib import Path
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline_tests.mrf.files import SMALL
ingest(Path(sys.argv[1]), Path(sys.argv[2]), IngestOptions(2, SMALL))
"""


def started(file: Path, exports: Path) -> subprocess.Popen[bytes]:
    """A run with two workers in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", RUN, str(file), str(exports)], cwd=CHECKOUT)


def test_kill_nine_at_any_moment(made: Any, tmp_path: Path) -> None:
    """The parent alone is killed: its workers end by themselves, and the next run goes on."""
    file, manifest = made["faults everywhere"]
    whole = ingest(file, tmp_path / "whole", IngestOptions(1, SMALL))
    workspace = Workspace(tmp_path / "mrf", whole.file)
    for spans in (1, 5):
        run = started(file, tmp_path / "mrf")
        deadline = time.monotonic() + 60
        while len(finished(workspace)) < spans and time.monotonic() < deadline:
            time.sleep(0.01)
        workers = psutil.Process(run.pid).children(recursive=True)
        run.kill()
        assert run.wait() == -signal.SIGKILL
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
        assert not workspace.final.exists()
    outcome = ingest(file, tmp_path / "mrf", IngestOptions(2, SMALL))
    assert outcome.spans_resumed >= 5
    assert counted(outcome.published.sums) == expected(manifest)
    assert parts(workspace.final) == parts(tmp_path / "whole" / whole.file)
    assert not list((tmp_path / "mrf").rglob("*.tmp"))


def test_a_worker_that_is_killed_ends_the_run_which_is_gone_on_with(
    made: Any, tmp_path: Path
) -> None:
    file, manifest = made["faults everywhere"]

    def killing(*_: object) -> None:
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    with pytest.raises(TransientError, match="a worker ended with -9"):
        ingest(file, tmp_path, IngestOptions(2, SMALL), progress=killing)
    assert not Workspace(tmp_path, name_for(file)).final.exists()
    outcome = ingest(file, tmp_path, IngestOptions(2, SMALL))
    assert counted(outcome.published.sums) == expected(manifest)


def test_a_span_that_does_not_fit_its_slot_is_ingested(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, manifest = made["version 1"]
    monkeypatch.setattr(IngestOptions, "room", 1000)
    outcome = ingest(file, tmp_path, IngestOptions(2, SMALL))
    assert counted(outcome.published.sums) == expected(manifest)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    file = packed(tmp_path / "prices.json.gz", document(in_network=[item("1")]))
    with Workspace(tmp_path / "mrf", "prices").locked(), pytest.raises(Busy, match="another run"):
        ingest(file, tmp_path / "mrf", IngestOptions(1))
    assert ingest(file, tmp_path / "mrf", IngestOptions(1)).state == "published"


def test_a_death_between_the_two_renames_of_publishing_is_recovered(tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[item("1")]))
    workspace = Workspace(tmp_path / "mrf", outcome.file)
    before = fingerprint(workspace.final)
    workspace.final.rename(workspace.folder / "before")
    assert taken(tmp_path, document(in_network=[item("1")])).state == "unchanged"
    assert fingerprint(workspace.final) == before


def test_lost_rows_are_noticed(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that says more than its parts have stops the file before it is published."""
    file, _ = made["version 2"]
    workspace = Workspace(tmp_path / "mrf", name_for(file))
    with dying_after(3, monkeypatch), pytest.raises(Stopped):
        ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    note = finished(workspace)[2]
    note.sums.rows = {name: count + 1 for name, count in note.sums.rows.items()}
    write(workspace.done / "000002.json", note)
    with pytest.raises(PermanentError, match="were written"):
        ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    assert not workspace.final.exists()


def test_a_full_disk_is_an_error_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(PermanentError, match="10 bytes free"):
        taken(tmp_path, document(in_network=[item("1")]))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_fills_up_is_an_error_and_resumed(
    workers: int, made: Any, tmp_path: Path
) -> None:
    """Files may not grow: the writing of the first part that is larger fails."""
    file, manifest = made["version 2"]
    code = f"""
import psutil, resource
from lsats_pipeline.core.errors import PermanentError
def limit(*_):
    this = psutil.Process()
    for process in (this, *this.children()):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
try:
    ingest(Path(sys.argv[1]), Path(sys.argv[2]), IngestOptions({workers}, SMALL), "", limit)
except PermanentError as error:
    print(error)
"""
    run = RUN.rsplit("\n", 2)[0] + code
    done = subprocess.run(
        [sys.executable, "-c", run, str(file), str(tmp_path)],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "File too large" in done.stdout
    assert "goes on from there" in done.stdout
    (state,) = statuses(tmp_path)
    assert state.state == "unfinished"
    outcome = ingest(file, tmp_path, IngestOptions(1, SMALL))
    assert counted(outcome.published.sums) == expected(manifest)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("2026-11-01_payer_in-network-rates.json.gz", "2026-11-01_payer_in-network-rates"),
        ("A File (1).JSON.GZ", "A_File_1"),
        (".hidden.json", "hidden"),
        ("-rf.json.gz", "rf"),
        ("x" * 300 + ".json", "x" * 120),
        ("naïve.json.gz", "na_ve"),
    ],
)
def test_the_name_of_a_file_is_safe(name: str, kept: str) -> None:
    assert name_for(Path("/somewhere") / name) == kept


@pytest.mark.parametrize("name", ["...json.gz", "---.json"])
def test_a_name_that_gives_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="--name"):
        name_for(Path(name))


def test_lineage_leads_back_to_the_element(made: Any, tmp_path: Path) -> None:
    file, _ = made["version 2"]
    outcome: IngestOutcome = ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    found = rows(outcome, tmp_path, "in_network")
    elements = [row["element"] for row in found]
    assert elements == sorted(elements)
    assert {f"Service {row['element']}" for row in found} == {row["name"] for row in found}
    assert {row["span"] for row in found} <= set(range(outcome.published.spans))
