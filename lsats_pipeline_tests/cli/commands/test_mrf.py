"""`lsats mrf`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsats_pipeline.cli.price_demo import PriceDemonstration
from lsats_pipeline.mrf.workspace import Workspace
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.cli.conftest import Lsats, call, environment
from lsats_pipeline_tests.conftest import drop_database
from lsats_pipeline_tests.mrf.files import item, packed, price, text


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test alone, and its folder as the working one."""
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_the_demo_takes_its_own_file_through_all_steps_and_compares(
    warehouse: Warehouse, home: Path, postgres: str, tmp_path: Path
) -> None:
    env = environment(home, DATABASE_URL=warehouse.url)
    try:
        result = call("mrf", "demo", "--mb", "1", "--workers", "1", "--json", env=env, cwd=tmp_path)
        again = call("mrf", "demo", "--mb", "1", "--workers", "1", env=env, cwd=tmp_path)
    finally:
        drop_database(postgres, f"{warehouse.name}_dagster")
    assert result.code == 0, result.err
    assert result.json["differing"] == []
    assert result.json["counts"]["prices"] > 1000
    assert result.json["run"]["key"] == "mrf_demo"
    assert {check["asset"] for check in result.json["run"]["checks"]} <= {
        "mrf/file_profile",
        "mrf/split_files",
    }
    assert warehouse.query("select count(*) from mrf.in_network") == [
        (result.json["counts"]["prices"],)
    ]
    assert list((home / "exports" / "mrf" / "mrf_demo" / "in_network").glob("*.parquet"))
    assert again.code == 0
    assert "total of rates in cents" in again.out


def test_a_demo_that_differs_is_exit_code_4(
    lsats: Lsats, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = [("prices", 2, 1), ("rejects", 0, 0)]
    done = PriceDemonstration("mrf_demo", home, 0.1, compared, 1.0)
    monkeypatch.setattr("lsats_pipeline.cli.price_demo.run_price_demo", lambda **_: done)
    result = lsats("mrf", "demo", "--mb", "0.1", "--workers", "1")
    assert result.code == 4
    assert "differ in prices" in result.err


def test_load_and_unload(
    lsats: Lsats, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    path = packed(tmp_path / "a.json.gz", text(in_network=[item("1"), item("2\0")]))
    run = lsats("mrf", "run", str(path), "--workers", "1", "--to-postgres", "--json")
    assert (run.code, run.json["loaded"][0]["rows"]["in_network"]) == (0, 2)
    assert lsats("mrf", "load", str(path), "--json").json["files"][0]["state"] == "unchanged"
    loaded = lsats("mrf", "load", "--all")
    assert loaded.code == 0
    assert "2 values hold a NUL" in loaded.err
    wrong = lsats("mrf", "load", "absent", "a", "--json")
    assert wrong.code == 2
    assert [one["file"] for one in wrong.json["left_out"]] == ["absent"]
    assert [one["file"] for one in wrong.json["files"]] == ["a"]
    assert lsats("mrf", "load").code == 2
    assert lsats("mrf", "unload", "--all", "--json").json == {"rows": {"a": 2}}
    assert warehouse.query("select count(*) from mrf.in_network") == [(0,)]


def test_generate_plan_run_status(lsats: Lsats) -> None:
    made = lsats("mrf", "generate", "a.json.gz", "--mb", "0.3", "--version", "1", "--json")
    assert json.loads(Path("a.json.gz.manifest.json").read_text()) == made.json
    plan = lsats("mrf", "plan", "a.json.gz", "--json")
    assert plan.json["text"] == made.json["text"]
    assert not (Path("home") / "exports").exists()
    assert "in_network" in lsats("mrf", "plan", "a.json.gz").out
    run = lsats("mrf", "run", "a.json.gz", "--workers", "1", "--json")
    (file,) = run.json["files"]
    assert (run.code, file["state"]) == (0, "published")
    assert file["published"]["sums"]["cents"] == made.json["cents"]
    assert lsats("mrf", "run", "a.json.gz", "--json").json["files"][0]["state"] == "unchanged"
    (status,) = lsats("mrf", "status", "--json").json
    assert (status["file"], status["state"]) == ("a", "published")
    assert f"{made.json['prices']:,}" in lsats("mrf", "status").out


def test_status_of_nothing_says_how_to_begin(lsats: Lsats) -> None:
    result = lsats("mrf", "status")
    assert result.code == 0
    assert "mrf demo" in result.err


def test_a_bad_file_does_not_stop_the_others(lsats: Lsats, tmp_path: Path) -> None:
    packed(tmp_path / "good.json.gz", text(in_network=[item("1")]))
    packed(tmp_path / "bad.json.gz", text(in_network=[item("1")])[:-9])
    result = lsats("mrf", "run", "bad.json.gz", "good.json.gz", "--workers", "1", "--json")
    assert result.code == 1
    assert [file["file"] for file in result.json["files"]] == ["good"]
    assert [(f["file"], f["code"]) for f in result.json["left_out"]] == [
        ("bad.json.gz", "incomplete")
    ]
    assert "Traceback" not in result.err
    states = {one["file"]: one["state"] for one in lsats("mrf", "status", "--json").json}
    assert states == {"good": "published", "bad": "left out"}
    assert "before it is closed" in lsats("mrf", "status").out


def test_too_many_rejects_are_exit_code_3(lsats: Lsats, tmp_path: Path) -> None:
    rates = [{"negotiated_prices": [price("x"), price(1)]} for _ in range(20)]
    packed(tmp_path / "a.json.gz", text(in_network=[item("1", *rates)]))
    result = lsats("mrf", "run", "a.json.gz", "--workers", "1", "--json")
    assert result.code == 3
    assert result.json["files"][0]["published"]["sums"]["rows"]["rejects"] == 20


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["run", "none.json.gz"], "there is no file none.json.gz"),
        (["run", "https://x.example/a.json.gz"], "LSATS_MRF_HOSTS"),
        (["run", "a.json", "b.json", "--name", "x"], "for one file"),
        (["run", "a.json", "--workers", "0"], "--workers"),
        (["run"], "FILE"),
        (["plan", "none.json.gz"], "there is no file"),
        (["generate", "a.json.gz", "--mb", "0"], "0 to 1,000,000 MB"),
        (["generate", "a.json.gz", "--mb", "1", "--large", "2"], "does not fit"),
        (["generate", "a.json.gz", "--version", "3"], "--version"),
    ],
)
def test_a_users_mistake_is_exit_code_2(line: list[str], message: str, lsats: Lsats) -> None:
    result = lsats("mrf", *line)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


def test_a_place_that_cannot_be_written_is_an_error_message(lsats: Lsats) -> None:
    result = lsats("mrf", "generate", "no/such/folder/a.json.gz", "--mb", "0.1")
    assert result.code == 1
    assert "no/such/folder/a.json.gz cannot be written" in result.err


def test_another_run_on_the_file_is_an_error_message(
    lsats: Lsats, tmp_path: Path, home: Path
) -> None:
    packed(tmp_path / "a.json.gz", text(in_network=[item("1")]))
    with Workspace(home / "exports" / "mrf", "a").locked():
        result = lsats("mrf", "run", "a.json.gz", "--workers", "1")
    assert result.code == 1
    assert "another run" in result.err
