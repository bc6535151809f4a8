"""Replay of rejects; and the text that any row, element or byte comes from."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import Busy, ConfigurationError, PermanentError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.mrf.ingest import replay as replay_module
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, IngestOutcome, ingest
from lsats_pipeline.mrf.ingest.rejects import rejects_of
from lsats_pipeline.mrf.ingest.replay import replay
from lsats_pipeline.mrf.profiling import checks_of, profile
from lsats_pipeline.mrf.provenance.locating import origin
from lsats_pipeline.mrf.rows.coercion import coerced
from lsats_pipeline.mrf.workspace import Workspace
from lsats_pipeline.synthetic.price_files import Manifest, PriceFile, write_price_file
from lsats_pipeline_tests.mrf.files import SMALL, item, price, reference, rows, taken
from lsats_pipeline_tests.mrf.files import text as document

MADE = {
    "faulty": PriceFile(megabytes=0.6, faults=0.5, seed=1),
    "faulty, version 1, a line each": PriceFile(
        megabytes=0.6, faults=0.5, version=1, order="prices-first", pretty=True, seed=2
    ),
}
# What coercing mends: numbers in quotes, texts without.
MENDED = {"rate_in_quotes", "npi_in_quotes", "code_a_number"}


def made(folder: Path, name: str) -> tuple[IngestOutcome, Manifest]:
    manifest = write_price_file(folder / "prices.json.gz", MADE[name])
    return ingest(folder / "prices.json.gz", folder / "mrf", IngestOptions(1, SMALL)), manifest


@pytest.mark.parametrize("name", MADE)
def test_coercing_takes_in_what_it_can_and_counts_stay_exact(name: str, tmp_path: Path) -> None:
    outcome, manifest = made(tmp_path, name)
    before = outcome.published.sums
    source = (tmp_path / "prices.json.gz").read_bytes()
    done = replay("prices", tmp_path / "mrf", coerce=True)
    kinds = {(f.section, f.element, f.path): f.kind for f in manifest.faults}
    assert Counter(kinds[r.section, r.element, r.path] for r in done.ingested) == Counter(
        kind for kind in kinds.values() if kind in MENDED
    )
    after = Workspace(tmp_path / "mrf", "prices").published
    assert after is not None
    assert after.sums.rows["rejects"] == before.rows["rejects"] - len(done.ingested)
    assert after.sums.values == after.sums.taken + after.sums.rejected == before.values
    quoted = sum(kind == "rate_in_quotes" for kind in kinds.values())
    rated = list(rows(outcome, tmp_path, "in_network"))
    assert sum(row["negotiated_rate"] == 12.5 for row in rated) >= quoted > 0
    assert len(rated) == after.sums.rows["in_network"] > before.rows["in_network"]
    assert sum(round(row["negotiated_rate"] * 100) for row in rated) == after.sums.cents
    assert (tmp_path / "prices.json.gz").read_bytes() == source
    checks = checks_of(profile("prices", tmp_path / "mrf"))
    assert [c.name for c in checks if c.blocking] == []


def test_nothing_is_ingested_twice(tmp_path: Path) -> None:
    outcome, _ = made(tmp_path, "faulty")
    replay("prices", tmp_path / "mrf", coerce=True)
    once = rows(outcome, tmp_path, "in_network")
    again = replay("prices", tmp_path / "mrf", coerce=True)
    assert (again.ingested, again.rows) == ([], {})
    assert rows(outcome, tmp_path, "in_network") == once
    assert (
        ingest(tmp_path / "prices.json.gz", tmp_path / "mrf", IngestOptions(1)).state == "unchanged"
    )


def test_without_a_change_nothing_fits(tmp_path: Path) -> None:
    outcome, _ = made(tmp_path, "faulty")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "mrf" / outcome.file).rglob("*")}
    done = replay("prices", tmp_path / "mrf")
    assert done.ingested == []
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "mrf" / outcome.file).rglob("*")} == before


RATE = {"negotiated_prices": [price(1), price("2"), price(3)], "provider_references": [7]}


@pytest.mark.parametrize("largest", [False, True])
def test_a_row_of_a_replay_is_where_it_would_have_been(tmp_path: Path, largest: bool) -> None:
    """Also in an element that was cut inside."""
    good = {"negotiated_prices": [price(9)], "provider_references": [7]}
    many = [good] * (40 if largest else 1)
    elements = [item("1"), item("2", *many, RATE, good, name="A service")]
    outcome = taken(tmp_path, document(provider_references=[reference(7)], in_network=elements))
    [reject] = rejects_of(Workspace(tmp_path / "mrf", outcome.file))
    assert (reject.element, reject.path) == (
        1, f"negotiated_rates[{len(many)}].negotiated_prices[1]",
    )  # fmt: skip
    done = replay(outcome.file, tmp_path / "mrf", coerce=True)
    assert (done.rows, done.remaining) == ({"in_network": 1}, [])
    [row] = [r for r in rows(outcome, tmp_path, "in_network") if r["negotiated_rate"] == 2]
    assert (row["element"], row["rate"], row["span"]) == (1, len(many), reject.span)
    assert (row["name"], row["billing_code"], row["provider_references"]) == ("A service", "2", [7])


def test_a_text_corrected_by_hand_is_ingested(tmp_path: Path) -> None:
    elements = [item("1"), item(None), item("3", negotiation_arrangement=5)]
    outcome = taken(tmp_path, document(in_network=elements))
    exports = tmp_path / "mrf"
    better = json.dumps(item("2", {"negotiated_prices": [price(4), price("5")],
                                   "provider_references": []})).encode()  # fmt: skip
    done = replay(outcome.file, exports, corrections={0: better})
    assert [reject.number for reject in done.ingested] == [0]
    found = rows(outcome, tmp_path, "in_network")
    assert [(r["element"], r["negotiated_rate"]) for r in found] == [(0, 12.5), (1, 4.0)]
    left = rejects_of(Workspace(exports, outcome.file))
    assert {(r.element, r.path, r.level) for r in left} == {
        (1, "negotiated_rates[0].negotiated_prices[1]", "price"),
        (2, "", "element"),
    }
    with pytest.raises(ConfigurationError, match="cannot be used"):
        replay(outcome.file, exports, corrections={0: b"{"})
    with pytest.raises(ConfigurationError, match="no 5"):
        replay(outcome.file, exports, corrections={5: b"{}"})


def test_a_replay_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, _ = made(tmp_path, "faulty")
    workspace = Workspace(tmp_path / "mrf", outcome.file)
    before = {p: p.read_bytes() for p in workspace.final.rglob("*") if p.is_file()}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(replay_module, "_write", full)
        with pytest.raises(PermanentError, match="No space left on device: nothing was changed"):
            replay(outcome.file, tmp_path / "mrf", coerce=True)
    assert {p: p.read_bytes() for p in workspace.final.rglob("*") if p.is_file()} == before
    assert [path.name for path in workspace.folder.iterdir()] == ["lock"]
    assert replay(outcome.file, tmp_path / "mrf", coerce=True).ingested


def test_a_replay_that_is_killed_changes_nothing_or_all(tmp_path: Path) -> None:
    """Killed when the new tables and the old ones both exist; the next one begins again."""
    outcome, _ = made(tmp_path, "faulty")
    workspace = Workspace(tmp_path / "mrf", outcome.file)
    before = {p: p.read_bytes() for p in workspace.final.rglob("*") if p.is_file()}
    code = (
        "import os, pathlib, signal, sys\n"
        "from lsats_pipeline.mrf.ingest import replay\n"
        "from lsats_pipeline.mrf import workspace\n"
        "workspace.Workspace.swap = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "replay.replay('prices', pathlib.Path(sys.argv[1]), coerce=True)\n"
    )
    # The other swap, of the small file's own tables, has to go on.
    code = code.replace(
        "lambda self:", "lambda self, swap=workspace.Workspace.swap: "
        "swap(self) if self.file != 'prices' else"
    )  # fmt: skip
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "mrf")], cwd=CHECKOUT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert (workspace.out / "in_network").is_dir()
    assert {p: p.read_bytes() for p in workspace.final.rglob("*") if p.is_file()} == before
    assert replay(outcome.file, tmp_path / "mrf", coerce=True).ingested


def test_replay_waits_for_nobody(tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[item(1)]))
    with Workspace(tmp_path / "mrf", outcome.file).locked(), pytest.raises(Busy):
        replay(outcome.file, tmp_path / "mrf", coerce=True)


@pytest.mark.parametrize(("text", "section", "path", "wanted"), [
    ('{"negotiated_rate":"12.50"}', "in_network", "negotiated_rates[3].negotiated_prices[1]",
     '{"negotiated_rate":12.50}'),
    ('{"negotiated_rate":"012.5"}', "in_network", "negotiated_rates[3].negotiated_prices[1]", None),
    ('{"negotiated_rate":""}', "in_network", "negotiated_rates[3].negotiated_prices[1]", None),
    ('{"negotiated_rate":"1,200"}', "in_network", "negotiated_rates[3].negotiated_prices[1]", None),
    ('{"negotiated_rate":true}', "in_network", "negotiated_rates[3].negotiated_prices[1]", None),
    ('{"npi":["1234567893",5],"tin":{"type":"ein","value":123456789}}', "provider_references",
     "provider_groups[0]", '{"npi":[1234567893,5],"tin":{"type":"ein","value":"123456789"}}'),
    ('{"billing_code":99213,"unknown":"5"}', "in_network", "",
     '{"billing_code":"99213","unknown":"5"}'),
])  # fmt: skip
def test_only_what_is_beyond_doubt_is_coerced(
    text: str, section: str, path: str, wanted: str | None
) -> None:
    assert coerced(text.encode(), section, path).decode() == (wanted or text)


# -- where it comes from


def shown(tmp_path: Path, outcome: IngestOutcome, place: str) -> tuple[Any, bytes]:
    found = origin(Workspace(tmp_path / "mrf", outcome.file), place)
    return found, b"".join(found.text)


def test_every_row_leads_to_its_text(tmp_path: Path) -> None:
    rates: list[dict[str, Any]] = [
        {"negotiated_prices": [price("bad"), price(1.5), price(2.5)], "provider_references": [1]},
        {"negotiated_prices": [price(3.5)], "provider_references": "bad"},
        {"negotiated_prices": [price(4.5, additional_information="é , ]")],
         "provider_references": [1]},
    ]  # fmt: skip
    elements = [item("0"), item("1", *rates, name='say "negotiated_rates": ['), item("2")]
    text = document(provider_references=[reference(1), reference(2)], in_network=elements)
    outcome = taken(tmp_path, text)
    for number, row in enumerate(rows(outcome, tmp_path, "in_network")):
        found, data = shown(tmp_path, outcome, f"in_network:{number}")
        assert json.loads(data)["negotiated_rate"] == row["negotiated_rate"]
        assert text.encode()[found.offset : found.offset + found.length] == data
        assert found.element == row["element"]
    for number, element in enumerate(elements):
        found, data = shown(tmp_path, outcome, str(number))
        assert data.decode() == json.dumps(element, ensure_ascii=False)
        assert shown(tmp_path, outcome, f"byte:{found.offset + 5}")[1] == data
    _, data = shown(tmp_path, outcome, "provider_references/1")
    assert json.loads(data)["provider_group_id"] == 2
    assert shown(tmp_path, outcome, "provider_references:1")[1] == data
    bad = [json.loads(shown(tmp_path, outcome, f"rejects:{n}")[1]) for n in (0, 1)]
    assert (bad[0]["negotiated_rate"], bad[1]["provider_references"]) == ("bad", "bad")


def test_a_large_element_is_printed_whole(tmp_path: Path) -> None:
    many = [{"negotiated_prices": [price(n)], "provider_references": [1]} for n in range(60)]
    elements = [item("0"), item("1", *many), item("2")]
    outcome = taken(tmp_path, document(in_network=elements))
    for place in ("1", "in_network:5"):
        assert json.loads(shown(tmp_path, outcome, place)[1]) == elements[1]


@pytest.mark.parametrize(("place", "message"), [
    ("5", "has 1 elements, counted from 0, and no 5"), ("what", "is no place"),
    ("nothing/1", "no array nothing"), ("nothing:1", "no table nothing"),
    ("in_network:1", "has 1 rows, counted from 0, and no 1"),
    ("byte:3", "between"), ("byte:99999", "between the members"),
    ("rejects:0", "rejects has 0 rows"),
])  # fmt: skip
def test_a_place_that_is_none_is_an_error(place: str, message: str, tmp_path: Path) -> None:
    outcome = taken(tmp_path, document(in_network=[item()]))
    with pytest.raises(ConfigurationError, match=message):
        shown(tmp_path, outcome, place)
