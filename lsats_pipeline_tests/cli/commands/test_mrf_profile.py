"""`lsats mrf profile`, `split`, `show-source`, `rejects`, `replay`, as a user types them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lsats_pipeline_tests.cli.conftest import Lsats
from lsats_pipeline_tests.mrf.files import item, packed, price, reference, text

RATE = {"negotiated_prices": [price(1.5), price("12.50")], "provider_references": [1]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test alone, and its folder as the working one."""
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def ingested_file(lsats: Lsats, home: Path) -> Path:
    """A file with one reject in it; the folder that it is published in."""
    elements = [item("99213", RATE), item("99214"), item("470", billing_code_type="MS-DRG")]
    document = text(provider_references=[reference(1, 1234567893)], in_network=elements)
    packed(Path("a.json.gz"), document)
    assert lsats("mrf", "run", "a.json.gz", "--workers", "1").code == 0
    return home / "exports" / "mrf" / "a"


def test_a_profile_is_printed_in_words_and_as_json(ingested_file: Path, lsats: Lsats) -> None:
    result = lsats("mrf", "profile", "a")
    assert result.code == 0
    assert "✅ every_byte_once" in result.out
    assert "⚠️ schema" in result.out
    assert "wrong type" in result.out
    output = lsats("mrf", "profile", "a.json.gz", "--json").json
    assert output["counts"]["prices"] == 3
    assert {check["name"] for check in output["checks"]} >= {"schema", "references", "duplicates"}
    assert (ingested_file / "profile.json").exists()


def test_rejects_are_listed_shown_and_replayed(ingested_file: Path, lsats: Lsats) -> None:
    output = lsats("mrf", "rejects", "a", "--json").json
    assert [(r["level"], r["rejects"]) for r in output["reasons"]] == [("price", 1)]
    assert "12.50" in lsats("mrf", "rejects", "a").out
    assert "no rejects" in lsats("mrf", "rejects", "a", "--reason", "nothing like it").err
    shown = lsats("mrf", "show-source", "a", "rejects:0", "--json").json
    assert json.loads(shown["text"])["negotiated_rate"] == "12.50"
    assert lsats("mrf", "replay", "a").code == 3
    result = lsats("mrf", "replay", "a", "--coerce")
    assert (result.code, "1 rejects ingested" in result.out) == (0, True)
    assert lsats("mrf", "rejects", "a", "--json").json["rejects"] == []
    assert lsats("mrf", "status", "--json").json[0]["published"]["sums"]["rows"]["in_network"] == 4


def test_an_index_is_made_of_a_file_and_goes_with_it(lsats: Lsats, ingested_file: Path) -> None:
    output = lsats("mrf", "index", "a", "--json").json
    size = len(gzip.decompress(Path("a.json.gz").read_bytes()))
    assert (output["file"], output["text"], output["blocks"]) == ("a", size, 1)
    assert (ingested_file / "seek.gzi").exists()
    assert json.loads(lsats("mrf", "show-source", "a", "1").out)["billing_code"] == "99214"
    # Of a file that is not ingested yet it is made first, and published with it.
    packed(Path("b.json.gz"), text(in_network=[item("99215")]))
    assert "reading can begin anywhere" in lsats("mrf", "index", "b.json.gz").out
    (status,) = (one for one in lsats("mrf", "status", "--json").json if one["file"] == "b")
    assert status["state"] == "unfinished"
    assert lsats("mrf", "run", "b.json.gz", "--workers", "1").code == 0
    assert (ingested_file.with_name("b") / "seek.gzi").exists()


def test_a_corrected_text_is_read_from_a_file(ingested_file: Path, lsats: Lsats) -> None:
    Path("better.json").write_text(json.dumps(price(13)))
    output = lsats("mrf", "replay", "a", "--reject", "0", "--with", "better.json", "--json").json
    assert (len(output["taken"]), output["left"], output["rows"]) == (1, 0, {"in_network": 1})


def test_a_split_is_planned_made_and_reported(ingested_file: Path, lsats: Lsats) -> None:
    line = ("mrf", "split", "a", "--by", "codes", "--codes", "CPT:99213,MS-DRG")
    planned = lsats(*line, "--dry-run", "--json").json
    assert [part["group"] for part in planned] == ["CPT:99213", "MS-DRG", "rest"]
    assert not (ingested_file.parent.parent / "mrf_parts").exists()
    output = lsats(*line, "--json").json
    assert [(p["group"], p["elements"]) for p in output["parts"]] == [
        ("CPT:99213", 1), ("MS-DRG", 1), ("rest", 1),
    ]  # fmt: skip
    part = Path(output["folder"]) / output["parts"][1]["name"]
    assert json.loads(gzip.decompress(part.read_bytes()))["in_network"][0]["billing_code"] == "470"
    assert "the same as in the source" in lsats(*line).out
    Path("tins").write_text("11-1111111\n")
    result = lsats("mrf", "split", "a", "--by", "provider", "--providers", "@tins", "--json").json
    assert [(p["group"], p["units"]) for p in result["parts"]] == [("listed", 3)]
    plan = {"plan_name": "Heron", "plan_id_type": "hios", "plan_id": "5",
            "plan_market_type": "group"}  # fmt: skip
    Path("plans").write_text(json.dumps([plan]))
    result = lsats("mrf", "split", "a", "--by", "plan", "--plans", "plans")
    assert (result.code, "in each of" in result.out) == (0, False)


@pytest.mark.parametrize(("line", "message"), [
    (["profile", "b"], "no price file b is published"),
    (["show-source", "a", "here"], "'here' is no place"),
    (["index", "b"], "no price file b is published"),
    (["rejects", "b"], "no price file b is published"),
    (["replay", "a", "--reject", "0"], "go together"),
    (["replay", "a", "--reject", "0", "--with", "missing"], "missing cannot be read"),
    (["split", "a", "--mb", "0"], "more than 0"),
    (["split", "a", "--by", "provider"], "--providers"),
    (["split", "a", "--by", "plan"], "--plans"),
    (["split", "a", "--by", "plan", "--plans", "a.json.gz"], "is no list of plans"),
    (["split", "a", "--by", "codes", "--codes", "CPT:9-1"], "names no codes"),
])  # fmt: skip
def test_mistakes_are_reported_in_a_line(
    line: list[str], message: str, ingested_file: Path, lsats: Lsats
) -> None:
    result = lsats("mrf", *line)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
