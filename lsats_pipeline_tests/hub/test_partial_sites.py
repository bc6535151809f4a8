"""Sites with some of the six systems: everything runs, nothing is missing that nobody could know.

One campus serves all of them over its real protocols; a site sees what its variables point at.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.doctor import examine
from lsats_pipeline.hub.hub import Hub, open_hub
from lsats_pipeline.hub.plan import choose
from lsats_pipeline.hub.silver.cross_checks import cross_check
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import database_name
from lsats_pipeline_tests.cli.conftest import call, environment
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

DAY = dt.date(2026, 3, 20)
PREFIXES = {
    "tdx": "TDX_",
    "umich_api": "UM_",
    "mcommunity_ldap": "MCOMMUNITY_",
    "active_directory": "AD_",
}
DOCUMENTS = ("key_client", "lab_awards")
# Tables that have rows, besides those of each system alone.
SITES: dict[tuple[str, ...], set[str]] = {
    ("tdx",): {"departments", "users", "computers"},
    ("active_directory", *DOCUMENTS): {"users", "groups", "computers", "labs", "lab_computers"},
    DOCUMENTS: {"users", "computers", "labs", "lab_members", "lab_computers"},
    ("key_client",): {"computers"},
    ("umich_api",): {"departments", "users"},
    ("mcommunity_ldap",): {"users", "groups", "group_members", "group_owners"},
    ("tdx", "mcommunity_ldap", "active_directory", *DOCUMENTS): {
        "departments", "users", "groups", "computers", "labs", "lab_managers",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A campus: the variables that point at it, and the documents that it exported."""

    variables: Mapping[str, str]
    documents: Path

    def settle(self, systems: tuple[str, ...], folder: Path, patch: pytest.MonkeyPatch) -> None:
        """Let this process be a site with these systems; its documents arrive in `folder`."""
        for system in systems:
            if system in PREFIXES:
                for name, value in self.variables.items():
                    if name.startswith(PREFIXES[system]):
                        patch.setenv(name, value)
        stems = [{"key_client": "keyconf", "lab_awards": "lab_aw"}.get(s, "none") for s in systems]
        for file in self.documents.iterdir():
            if file.name.startswith(tuple(stems)):
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, folder)


@pytest.fixture(scope="module")
def served(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("campus")
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    settings = load(HubSettings, lsats_home=home, lsats_today=DAY, lsats_demo_people=200)
    try:
        with (
            Warehouse(database_on(postgres, name)) as warehouse,
            SimulatedCampus().served(warehouse, settings) as variables,
        ):
            yield Served(variables, Path(variables["LSATS_DATA_FOLDER"]))
    finally:
        drop_database(postgres, name)


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the site's hub lives."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LSATS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LSATS_TODAY", f"{DAY}")
    return tmp_path / "home"


def run(hub: Hub) -> dict[str, Report]:
    """Everything, in order."""
    reports = {}
    for one in choose():
        declared = one.declared
        if isinstance(declared, Stream):
            report = hub.ingest(declared)
        elif isinstance(declared, Detail):
            report = hub.enrich(declared)
        else:
            report = hub.build(declared)
        reports[str(one.asset)] = report
    return reports


@pytest.mark.parametrize("systems", SITES, ids="+".join)
def test_a_site_with_some_systems_is_a_hub(
    systems: tuple[str, ...], served: Served, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.settle(systems, home / "inbox", monkeypatch)
    with open_hub(simulation=SimulatedCampus()) as hub:
        assert hub.systems_in_use == frozenset(systems) - set(DOCUMENTS)
    with open_hub(simulation=SimulatedCampus()) as hub:
        reports = run(hub)
        again = run(hub)
        with hub.warehouse.connection() as connection:
            between = list(cross_check(connection, systems=hub.systems_in_use))
        assert hub.systems_in_use == frozenset(systems)
    read = {
        one.asset.source_system
        for one in choose(["bronze"])
        if reports[str(one.asset)].counts.created
    }
    assert read == set(systems)
    assert [str(r.asset) for r in again.values() if r.counts.changed] == []
    failed = [f"{r.asset}: {rule.description}" for r in reports.values() for rule in r.failed]
    assert failed + [result.line for result in between if not result.passed] == []
    filled = {name.removeprefix("silver/") for name, r in reports.items() if r.metadata.get("rows")}
    assert SITES[systems] <= filled
    # The campus is mostly good: what is taken off is for its defects, not for absent systems.
    if len(systems) <= 3:
        means = {name: reports[f"silver/{name}"].metadata["mean"] for name in SITES[systems]}
        # How sure a pair is lies in the data.
        means.pop("lab_computers", None)
        assert {name: mean for name, mean in means.items() if mean < 0.90} == {}
    assert not (home / "simulated").exists()


def test_the_command_runs_what_is_configured(
    served: Served,
    home: Path,
    postgres: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a process, with Dagster's own records; the documents arrive in a folder that is named."""
    folder = home.parent / "exported"
    served.settle(("active_directory", *DOCUMENTS), folder, monkeypatch)
    known = {name: os.environ[name] for name in os.environ if name.startswith(("AD_", "LSATS_TO"))}
    names = {"DATABASE_URL": database_url, "LSATS_DATA_FOLDER": str(folder), **known}
    try:
        ran = call("run", "--json", env=environment(home, **names), cwd=home.parent)
        past = call("run", "--day", "2026-03-19", env=environment(home, **names), cwd=home.parent)
    finally:
        drop_database(postgres, f"{database_name(database_url)}_dagster")
    assert (ran.code, ran.json["failures"], ran.json["checks"]) == (0, [], [])
    absent = ["TeamDynamix", "University API gateway", "MCommunity directory"]
    assert list(ran.json["not_configured"]) == absent
    for title in absent:
        assert f"not configured: {title} (set " in ran.err
    assert "Warning" not in ran.err  # what Dagster calls beta is no news to who runs the hub
    assert past.code == 2
    assert "bronze/active_directory_user can only be read as it is now, and 2026-03-19" in past.err
    assert "Nothing was started. Leave these out with --skip-unreadable" in past.err
    assert "key_client" not in past.err
    assert sorted(path.name for path in home.iterdir()) == ["archive", "days.json", "logs", "spool"]


def test_the_doctor_agrees_with_what_runs(
    served: Served, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.settle(("mcommunity_ldap", "lab_awards"), home / "inbox", monkeypatch)
    with open_hub(simulation=SimulatedCampus()) as hub:
        left_out = {s.title for s in hub.configuration.left_out}
    findings = list(examine(SimulatedCampus()))
    assert [f.text for f in findings if f.state == "failed"] == []
    settings = {f.name: f.text for f in findings if f.area == "settings"}
    assert (
        {s.title for s in SOURCES if settings[s.title].startswith("not configured: ")}
        == left_out
        == {s.title for s in SOURCES[:2]} | {"Active Directory"}
    )
    asked = {f.name for f in findings if f.area == "sources"}
    assert asked == {s.title for s in SOURCES} - left_out


def test_the_first_answer_of_another_source_rescores_what_it_concerns_once(
    served: Served, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.settle(("umich_api",), home / "inbox", monkeypatch)
    with open_hub(simulation=SimulatedCampus()) as hub:
        before = run(hub)
    served.settle(("tdx",), home / "inbox", monkeypatch)
    for anew in ({"departments", "users", "computers", "labs"}, set()):
        with open_hub(simulation=SimulatedCampus()) as hub:
            reports = run(hub)
        full = {r.asset.entity for r in reports.values() if r.metadata.get("full")}
        assert anew <= full if anew else not full
    assert before["silver/users"].metadata["mean"] > 0.95
    with open_hub(simulation=SimulatedCampus()) as hub:
        rows = hub.warehouse.query(
            "select distinct jsonb_array_elements_text(quality_flags) from silver.users"
        )
    flags = {row[0] for row in rows}
    assert {"no_tdx_record", "not_umapi_employee", "department_disagreement"} <= flags
    assert "mcom_only" not in flags


def test_documents_of_people_and_of_the_campus_stay_apart(
    served: Served, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_DEMO_PEOPLE", "200")
    with open_hub(simulation=SimulatedCampus()) as hub:
        stream = next(s for s in source("key_client").streams)
        assert hub.ingest(stream).counts.created > 0
    assert sorted(path.name for path in home.iterdir()) == ["simulated", "spool"]
    assert not configuration().is_real
    # Real documents arrive where the records of the simulated campus are.
    served.settle(("lab_awards",), home / "inbox", monkeypatch)
    assert configuration().configured == set(DOCUMENTS)
    with (
        pytest.raises(ConfigurationError, match="LSATS_HOME=another/folder"),
        open_hub(simulation=SimulatedCampus()),
    ):
        pass
    found = [f for f in examine(SimulatedCampus()) if f.state == "failed"]
    assert [f.name for f in found] == ["records"]


def test_no_campus_is_simulated_over_real_records(
    served: Served, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.settle(("lab_awards",), home / "inbox", monkeypatch)
    stream = next(s for s in source("lab_awards").streams)
    with open_hub(simulation=SimulatedCampus()) as hub:
        assert hub.ingest(stream).counts.created > 0
    assert list((home / "inbox").iterdir()) == []
    assert configuration().is_real  # what has landed from the inbox stays a real document
    shutil.rmtree(home / "archive")
    with (
        open_hub(simulation=SimulatedCampus()) as hub,
        pytest.raises(ConfigurationError, match="holds records, and no source is configured"),
    ):
        hub.ingest(stream)


def test_a_folder_that_is_named_has_to_be_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_DATA_FOLDER", str(home / "exported"))
    found = configuration()
    assert (found.is_real, found.configured) == (True, frozenset())
    with pytest.raises(ConfigurationError, match=r"LSATS_DATA_FOLDER .*there is no folder"):
        found.require(DOCUMENTS)
    (home / "exported").mkdir(parents=True)
    assert configuration().configured == set(DOCUMENTS)


@pytest.mark.parametrize("name", ["TDX_APP_ID", "TDX_BEID", "TDX_API_TOKEN", "AD_USER"])
def test_half_a_source_is_a_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "something")
    found = configuration()
    system = "tdx" if name.startswith("TDX") else "active_directory"
    assert (found.is_real, list(found.wrong)) == (True, [system])
    found.require(["umich_api"])
    with pytest.raises(ConfigurationError, match="settings: also needs"):
        found.require([system, "umich_api"])
