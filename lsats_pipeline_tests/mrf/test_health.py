"""What long work needs is asked for before it begins."""

from __future__ import annotations

import socket
from collections import namedtuple

import pytest

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.diagnosis import Finding
from lsats_pipeline.core.errors import PermanentError, Unreachable
from lsats_pipeline.hub import doctor
from lsats_pipeline.mrf.health import MEMORY_FLOOR, database_answers, workers
from lsats_pipeline.mrf.ingest.file_ingest import MEMORY_OF_A_WORKER
from lsats_pipeline.mrf.settings import settings_findings
from lsats_pipeline.warehouse import Warehouse

Memory = namedtuple("Memory", "available")


@pytest.mark.parametrize(
    ("available", "wanted", "given"),
    [(MEMORY_OF_A_WORKER * 3, 8, 3), (MEMORY_OF_A_WORKER * 9, 2, 2), (MEMORY_FLOOR, 4, 1)],
)
def test_workers_are_as_many_as_memory_allows(
    available: int, wanted: int, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(available))
    assert workers(wanted) == given


def test_too_little_memory_for_one_worker_is_an_error_with_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(MEMORY_FLOOR - 1))
    with pytest.raises(PermanentError, match=r"268,435,455 bytes .* needs 268,435,456 at least"):
        workers(1)


def test_a_database_that_is_silent_is_not_waited_for(warehouse: Warehouse) -> None:
    database_answers(warehouse)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/x_test"
        with pytest.raises(Unreachable, match="does not answer"):
            database_answers(Warehouse(url))


def about_price_files() -> list[Finding]:
    return [
        one
        for one in doctor.examine(SimulatedCampus(), [settings_findings])
        if one.name == "price files"
    ]


def test_the_doctor_reports_price_files(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("LSATS_HOME", str(tmp_path))
    (found,) = about_price_files()
    assert (found.state, "LSATS_MRF_SOURCES" in found.text) == ("note", True)
    monkeypatch.setenv("LSATS_MRF_SOURCES", "https://files.example.com/index.json?sig=s3cr3t")
    (found,) = about_price_files()
    assert (found.state, "LSATS_MRF_HOSTS" in found.remedy) == ("note", True)
    monkeypatch.setenv("LSATS_MRF_HOSTS", "*.example.com")
    (found,) = about_price_files()
    assert (found.state, found.text) == ("ok", "sources: 1; hosts that may be asked: *.example.com")
    monkeypatch.setenv("LSATS_MRF_TRIES", "0")
    (found,) = about_price_files()
    assert (found.state, found.exit_code) == ("failed", 2)
