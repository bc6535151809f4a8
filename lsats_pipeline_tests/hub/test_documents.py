"""The hub whose documents arrive in a folder: simulated, or real among other sources."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.doctor import examine
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.plan import choose, plan_run
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.warehouse import Warehouse

FIRST = dt.date(2026, 3, 2)
COMPUTER = stream("key_client_computer")


def settings_on(day: dt.date, home: Path) -> HubSettings:
    return load(HubSettings, lsats_home=home, lsats_today=day, lsats_demo_people=400)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_simulated_day_brings_its_documents(warehouse: Warehouse, tmp_path: Path) -> None:
    for day in (FIRST, FIRST + dt.timedelta(days=20)):
        hub = Hub(settings_on(day, tmp_path), warehouse, SimulatedCampus())
        try:
            first, again = hub.ingest(COMPUTER), hub.ingest(COMPUTER)
        finally:
            hub.close()
        # The folder is there on the second day, and yet it is the campus that fills it.
        assert first.counts.changed > 0
        assert again.counts.processed == 0
        assert again.note == "no new file"
        assert names(tmp_path / "simulated" / "archive" / "key_client" / str(day)) == [
            f"keyconfigure_computers_{day}.xlsx"
        ]
    assert not configuration(settings_on(FIRST, tmp_path)).is_real
    assert f"lab_awards_{FIRST}.csv" in names(tmp_path / "simulated" / "inbox")
    assert names(tmp_path) == ["simulated", "spool"]


def test_with_a_real_source_documents_need_their_folder(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "https://tdx.example.edu")
    monkeypatch.setenv("TDX_API_TOKEN", "token")
    settings = settings_on(FIRST, tmp_path)
    folder = tmp_path / "exported"
    hub = Hub(settings, warehouse, SimulatedCampus())
    report = hub.ingest(COMPUTER)
    remedy = f"put its files into {tmp_path / 'inbox'}, or name their folder in LSATS_DATA_FOLDER"
    assert report.note == f"not configured: {remedy}"
    assert report.metadata == {"configured": False}
    hub.close()
    folder.mkdir()
    named = settings.model_copy(update={"lsats_data_folder": folder})
    hub = Hub(named, warehouse, SimulatedCampus())
    assert hub.ingest(COMPUTER).note == "no new file"
    hub.close()
    assert names(folder) == []


def test_a_folder_of_its_own(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(settings_on(FIRST, tmp_path / "simulated"), warehouse, SimulatedCampus())
    hub.client("key_client")
    hub.close()
    real = tmp_path / "real"
    shutil.move(tmp_path / "simulated" / "simulated" / "inbox", real)
    monkeypatch.setenv("TDX_BASE_URL", "https://tdx.example.edu")
    monkeypatch.setenv("TDX_API_TOKEN", "token")
    settings = load(
        HubSettings, lsats_home=tmp_path / "home", lsats_today=FIRST, lsats_data_folder=real
    )
    hub = Hub(settings, warehouse, SimulatedCampus())
    assert hub.ingest(COMPUTER).counts.created > 0
    hub.close()
    assert names(real) == [".simulated", f"lab_awards_{FIRST}.csv"]
    assert names(tmp_path / "home" / "archive") == ["key_client"]


def test_simulated_documents_stay_out_of_a_real_hub(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "https://tdx.example.edu")
    monkeypatch.setenv("TDX_API_TOKEN", "token")
    (tmp_path / "simulated").mkdir()
    (tmp_path / "simulated" / ".simulated").touch()
    settings = settings_on(FIRST, tmp_path)
    settings = settings.model_copy(update={"lsats_data_folder": tmp_path / "simulated"})
    hub = Hub(settings, warehouse, SimulatedCampus())
    assert hub.source_settings("key_client").configured  # a database for such records
    monkeypatch.setattr(warehouse, "name", "lsats")
    with pytest.raises(ConfigurationError, match="was filled by a simulated campus"):
        hub.source_settings("key_client")


def test_a_dry_run_reports_and_moves_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    settings = settings_on(FIRST, tmp_path)
    chosen = choose(["bronze"], ["key_client"])
    yesterday = FIRST - dt.timedelta(days=1)
    planned = [
        step.would
        for step in plan_run(None, settings, chosen, [yesterday, FIRST], configuration(settings))
    ]
    assert planned == [
        f"{day}: read the newest new file that had arrived by then" for day in (yesterday, FIRST)
    ]
    assert not (tmp_path / "inbox").exists()


def test_the_doctor_looks_into_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("UM_BASE_URL", "https://gw.example.edu/um")  # half set: a mistake elsewhere
    found = {(f.area, f.name): f for f in examine(SimulatedCampus())}
    missing = found["settings", "KeyConfigure export"]
    assert (missing.state, str(tmp_path / "inbox") in missing.text) == ("note", True)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "lab_awards 2026.csv").write_bytes(b"")
    found = {(f.area, f.name): f for f in examine(SimulatedCampus())}
    assert found["settings", "lab awards export"].text == "configured"
