"""Profiles: what was made doubtful is found, all of it and nothing else; nothing is read twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import Busy, ConfigurationError
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.profiling import (
    FileProfile,
    ProfileOptions,
    checks_of,
    profile,
)
from lsats_pipeline.mrf.schema.json_schema import accepts
from lsats_pipeline.mrf.text.reading import Reading
from lsats_pipeline.mrf.workspace import Workspace, lock
from lsats_pipeline.synthetic.price_files import Manifest, PriceFile, write_price_file
from lsats_pipeline.synthetic.price_files import defects as doubtful
from lsats_pipeline_tests.mrf.files import SMALL, item, packed, price, reference, taken
from lsats_pipeline_tests.mrf.files import text as document

MADE = {
    "clean": PriceFile(megabytes=0.5),
    "clean, version 1, prices first": PriceFile(
        megabytes=0.8, version=1, order="prices-first", seed=2
    ),
    "clean, a large element": PriceFile(megabytes=1.8, large=1.4, seed=3),
    "doubtful": PriceFile(megabytes=2, defects=0.4, seed=4),
    "doubtful and faulty": PriceFile(megabytes=1, defects=0.4, faults=0.2, seed=5, pretty=True),
    "faulty": PriceFile(megabytes=0.5, faults=1, seed=6),
    "clean amounts": PriceFile(megabytes=0.3, kind="allowed-amounts", seed=7),
}
# What is doubtful in a row; of these a clean file has nothing.
FINDINGS = {
    *doubtful.PRICE, doubtful.OUTLYING, doubtful.DUPLICATE, doubtful.DANGLING, *doubtful.GROUP,
    doubtful.REPEATED, doubtful.CONTRADICTS, "amount_negative", "amount_huge",
}  # fmt: skip


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[FileProfile, Manifest]]:
    folder = tmp_path_factory.mktemp("profiled")
    found = {}
    for number, (name, options) in enumerate(MADE.items()):
        file = folder / f"file-{number}.json.gz"
        manifest = write_price_file(file, options)
        outcome = ingest(file, folder / "mrf", IngestOptions(1, SMALL))
        found[name] = profile(outcome.file, folder / "mrf"), manifest
    return found


def found_in(made: FileProfile) -> dict[str, int]:
    malformed = sum(system.malformed for system in made.systems)
    counts = {finding.name: finding.count for finding in made.findings if finding.count}
    counts.pop("reference_unused", None)  # small files have some by chance
    return {**counts, **({doubtful.CODE: malformed} if malformed else {})}


@pytest.mark.parametrize("name", [name for name in MADE if name.startswith("clean")])
def test_nothing_is_found_in_a_clean_file(name: str, profiled: Any) -> None:
    made, _ = profiled[name]
    assert found_in(made) == {}
    assert made.schema.violations == []
    assert [check.name for check in checks_of(made) if not check.passed] == []
    assert {finding.name for finding in made.findings} >= FINDINGS


@pytest.mark.parametrize("name", ["doubtful", "doubtful and faulty"])
def test_all_that_is_doubtful_is_found_and_nothing_else(name: str, profiled: Any) -> None:
    made, manifest = profiled[name]
    wanted: Counter[str] = Counter()
    for defect in manifest.defects:
        wanted[defect.kind] += defect.count
    kinds = {*doubtful.IN_PRICES, *doubtful.IN_REFERENCES}
    assert set(wanted) == kinds if name == "doubtful" else set(wanted) <= kinds
    assert found_in(made) == dict(wanted)


def test_examples_lead_to_the_places(profiled: Any) -> None:
    made, manifest = profiled["doubtful"]
    for finding in made.findings:
        places = {d.element for d in manifest.defects if d.kind == finding.name}
        if places:
            assert finding.examples
            assert {example.element for example in finding.examples} <= places


@pytest.mark.parametrize("name", MADE)
def test_counts_are_those_of_the_account(name: str, profiled: Any) -> None:
    made, manifest = profiled[name]
    assert made.counts["prices"] == manifest.prices
    assert made.counts["payments"] == manifest.payments
    assert made.counts["provider groups"] == manifest.groups + manifest.inline_groups
    assert sum(made.categories.get("negotiated_type", {}).values()) == manifest.prices
    total = sum(found.sum for found in made.prices.values())
    assert total == pytest.approx(manifest.cents / 100)
    for found in made.prices.values():
        assert sum(found.histogram.values()) + found.not_positive == found.rows
        ordered = list(found.quantiles.values())
        assert ordered == sorted(ordered)
        assert found.least <= ordered[0] <= ordered[-1] <= found.most
    assert made.ledger["text"] == manifest.text


@pytest.mark.parametrize("name", ["clean", "clean, version 1, prices first", "faulty"])
def test_the_version_is_that_of_the_shape(name: str, profiled: Any) -> None:
    made, _ = profiled[name]
    assert made.schema.version == MADE[name].version


def test_every_fault_is_a_violation_with_its_place(profiled: Any) -> None:
    """What the decoder rejects breaks the schema; only of two keys the walk sees the last alone."""
    made, manifest = profiled["faulty"]
    violations = {(v.what, v.detail) for v in made.schema.violations}
    assert {("missing", name) for name in ("negotiated_rate", "billing_code", "npi")} <= violations
    assert {("wrong type", name) for name in ("string", "boolean", "integer", "null")} <= violations
    assert ("unexpected", "Negotiated_Rate") in violations
    nulls = sum(fault.kind == "element_null" for fault in manifest.faults)
    violation = next(v for v in made.schema.violations
                     if (v.path, v.detail) == ("in_network[]", "null"))  # fmt: skip
    assert violation.count == nulls
    first = min(f.element for f in manifest.faults if f.kind == "element_null")
    assert (violation.first.element, violation.first.text) == (first, "null")
    assert any(v.what == "not json" for v in made.schema.violations)


def test_a_changed_element_is_a_violation_at_its_offset(tmp_path: Path) -> None:
    text = document(
        provider_references=[reference()],
        in_network=[item("99213"), item("99214"), item("99215", negotiation_arrangement="fss")],
    )
    outcome = taken(tmp_path, text)
    made = profile(outcome.file, tmp_path / "mrf")
    wrong = next(v for v in made.schema.violations if v.what == "not allowed")
    assert (wrong.path, wrong.detail) == ("in_network[].negotiation_arrangement", "'fss'")
    assert wrong.first.element == 2
    assert text.encode()[wrong.first.offset :].startswith(b'{"negotiation_arrangement": "fss"')


def test_the_inferred_schema_accepts_its_own_file_and_no_other_shape(tmp_path: Path) -> None:
    elements = [item("1"), item("2", severity_of_illness="3"), item("3", bundled_codes=[])]
    outcome = taken(tmp_path, document(in_network=elements))
    schema = profile(outcome.file, tmp_path / "mrf").schema.inferred["in_network"]
    assert all(accepts(schema, element) for element in elements)
    mutated = [
        {**elements[0], "name": 5},
        {**elements[0], "description": None},
        {**elements[0], "billing_code": ["1"]},
        {**elements[0], "new_member": 1},
        {**elements[0], "negotiated_rates": {}},
        {**elements[0], "negotiated_rates": [5]},
        {**elements[1], "severity_of_illness": 3},
        {name: value for name, value in elements[0].items() if name != "name"},
        item("4", {"negotiated_prices": [price("5")], "provider_references": [1]}),
        item("4", {"negotiated_prices": [price(5.5)], "provider_references": ["1"]}),
        item("4", {"negotiated_prices": [price(5.5, extra=1)], "provider_references": [1]}),
    ]
    assert [accepts(schema, element) for element in mutated] == [False] * len(mutated)


def test_a_second_profile_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = taken(tmp_path, document(in_network=[item()]))
    first = profile(outcome.file, tmp_path / "mrf")

    def read(self: Reading) -> Any:
        raise AssertionError("the file is read again")

    monkeypatch.setattr(Reading, "chunks", read)
    (tmp_path / "prices.json.gz").unlink()
    assert profile(outcome.file, tmp_path / "mrf") == first


def test_another_content_is_profiled_anew(tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[item()]))
    profile(outcome.file, tmp_path / "mrf")
    outcome = taken(tmp_path, document(in_network=[item("1"), item("2")]))
    assert profile(outcome.file, tmp_path / "mrf").counts["prices"] == 2


@pytest.mark.parametrize("name", ["doubtful", "clean, a large element"])
def test_two_workers_find_what_one_finds(name: str, profiled: Any, tmp_path: Path) -> None:
    made, _ = profiled[name]
    file = tmp_path / f"{made.file}.json.gz"
    write_price_file(file, MADE[name])
    ingest(file, tmp_path / "mrf", IngestOptions(1, SMALL))
    again = profile(made.file, tmp_path / "mrf", ProfileOptions(workers=2))
    again.seconds = made.seconds
    assert again == made


def test_what_cannot_be_profiled_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no price file nothing is published"):
        profile("nothing", tmp_path / "mrf")
    outcome = taken(tmp_path, document(in_network=[item()]))
    file = tmp_path / "prices.json.gz"
    whole = file.read_bytes()
    file.unlink()
    with pytest.raises(ConfigurationError, match="is gone: put it back"):
        profile(outcome.file, tmp_path / "mrf")
    packed(tmp_path / "prices.json.gz", document(in_network=[item(), item()]))
    with pytest.raises(ConfigurationError, match="is not the file of which"):
        profile(outcome.file, tmp_path / "mrf")
    file.write_bytes(whole)
    workspace = Workspace(tmp_path / "mrf", outcome.file)
    with lock(workspace.folder / "profile", "it"), pytest.raises(Busy):
        profile(outcome.file, tmp_path / "mrf")
    assert profile(outcome.file, tmp_path / "mrf").counts["prices"] == 1


def test_a_byte_too_few_fails_the_ledger(profiled: Any) -> None:
    made, _ = profiled["clean"]
    made = FileProfile(**{n: getattr(made, n) for n in made.__struct_fields__})
    made.ledger = {**made.ledger, "text_between": made.ledger["text_between"] - 1}
    check = checks_of(made)[0]
    assert (check.name, check.passed, check.blocking) == ("every_byte_once", False, True)
