"""Resources of the hub: their fields, mistakes in them, and that what they say is in force."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import sql

from lsats_pipeline.campus.simulation import settled_campus
from lsats_pipeline.campus.simulators.process import SimulatorProcess, start_simulators
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.defs.hub.bronze import bronze_asset
from lsats_pipeline.defs.hub.clients import ClientResource, client_resource
from lsats_pipeline.defs.hub.overrides import overrides_of, resource_key
from lsats_pipeline.defs.hub.resources import hub_resources
from lsats_pipeline.hub.configuration import configuration
from lsats_pipeline.hub.sources import SOURCES, source
from lsats_pipeline.hub.sources.source import Source
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.conftest import database_on, drop_database, execute
from lsats_pipeline_tests.defs.hub.conftest import DAYS
from lsats_pipeline_tests.defs.hub.test_steps import DEPARTMENTS, messages, recorded, run

CLIENTS = {"tdx", "umich_api", "mcommunity", "active_directory", "documents"}
PASTED = "hunter2 hunter2"


def config(**resources: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a run, by resource."""
    return {"resources": {key: {"config": fields} for key, fields in resources.items()}}


def described(key: str) -> str:
    """What a resource says under Deployment."""
    ours = [source for source in SOURCES if resource_key(source) == key]
    return client_resource(key, ours, configuration()).__doc__ or ""


def test_every_source_has_a_resource_and_its_streams_ask_for_it() -> None:
    assert {resource_key(source) for source in SOURCES} == CLIENTS
    assert hub_resources().keys() == {*CLIENTS, "warehouse", "run_options"}
    for one in SOURCES:
        for stream in one.streams:
            asset = bronze_asset(one, stream)
            assert asset.required_resource_keys & CLIENTS == {resource_key(one)}
            assert {"warehouse", "run_options"} <= asset.required_resource_keys


@pytest.mark.parametrize(
    ("variables", "key", "text"),
    [
        ({}, "tdx", "TeamDynamix: simulated, for no source is configured."),
        ({"UM_BASE_URL": "https://g"}, "umich_api", "half set: UM settings: also needs UM_CATEG"),
        ({"UM_BASE_URL": "https://g"}, "tdx", "not configured: set TDX_BASE_URL."),
        (
            {"TDX_BASE_URL": "https://me:pw@t.example.edu/api", "TDX_API_TOKEN": "very-secret"},
            "tdx",
            "TeamDynamix: configured, at https://t.example.edu/api.",
        ),
        ({"LSATS_DATA_FOLDER": "."}, "documents", "configured, files arrive in "),
    ],
)
def test_a_resource_says_how_its_source_is_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], key: str, text: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert text in described(key)
    assert "very-secret" not in described(key)


@pytest.mark.parametrize(
    ("key", "fields", "message"),
    [
        (
            "tdx",
            {"calls_per_minute": 0},
            "tdx.calls_per_minute (rate limit of single-record cal",
        ),
        ("tdx", {"record_limit": -1}, "tdx.record_limit (stop every stream after so many records"),
        ("tdx", {"password_variable": PASTED}, "tdx.password_variable is no name of an environ"),
        ("tdx", {"password_variable": "NOWHERE_SET"}, "tdx.password_variable names an environment"),
        ("documents", {"record_limit": "many"}, "documents.record_limit (stop every stream"),
    ],
)
def test_what_is_wrong_is_one_clear_message(key: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        overrides_of(config(**{key: fields}))
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert PASTED not in str(raised.value)
    assert "NOWHERE_SET" not in str(raised.value)


def test_empty_fields_and_usual_variables_set_nothing() -> None:
    usual = {"base_url": "", "calls_per_minute": None, "api_token_variable": "TDX_API_TOKEN"}
    assert overrides_of(config(tdx=usual)) == {}


def test_what_the_launchpad_sets_makes_a_source_of_a_real_site_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIAL_TOKEN", "t")
    chosen = {"base_url": "https://t.example.edu/api", "api_token_variable": "TRIAL_TOKEN"}
    overrides = overrides_of(config(tdx=chosen))
    assert not configuration(None, overrides).is_real  # the environment alone decides
    monkeypatch.setenv("AD_LDAP_URL", "ldaps://ad.example.edu")
    assert "tdx" in configuration().remedies
    found = configuration(None, overrides)
    assert found.configured == {"tdx"}
    assert "also needs AD_USER" in found.wrong["active_directory"]
    completed = {"user": "u", "password_variable": "TRIAL_TOKEN"}
    overrides = overrides_of(config(active_directory=completed))
    assert configuration(None, overrides).configured == {"active_directory"}
    assert "TRIAL" not in str(overrides)


def test_dagster_s_own_way_of_naming_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_URL", "http://127.0.0.1:9/api")
    found = overrides_of(config(tdx={"base_url": {"env": "TRIAL_URL"}}))["tdx"]
    assert found.values == {"base_url": "http://127.0.0.1:9/api"}
    assert found.origin == "base_url=http://127.0.0.1:9/api"


def test_limits_are_in_the_descriptions() -> None:
    made = client_resource("tdx", [source("tdx")], configuration())
    fields: Any = made.to_fields_dict()
    limited = fields["calls_per_minute"].description
    assert "rate limit of single-record calls (at least 1)" in limited
    assert "password" not in fields
    assert fields["password_variable"].default_value == "TDX_PASSWORD"
    assert all(field.description for field in fields.values())


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"run_options": {"record_limit": -1}}, "run_options.record_limit (stop every stream"),
        ({"warehouse": {"url_variable": "no such name"}}, "warehouse.url_variable is no name"),
        ({"warehouse": {"database": "of nobody_test"}}, "there is no database 'of nobody_test'"),
        ({"tdx": {"base_url": "https://real.example.edu/api"}}, "is not on this machine"),
    ],
)
def test_a_run_with_a_mistake_in_its_configuration_does_not_start(
    hub: None, instance: dg.DagsterInstance, resources: dict[str, Any], message: str
) -> None:
    result = run(instance, "bronze/tdx_department", config=resources)
    assert not result.success
    assert message in messages(result)
    assert recorded(result) == []
    (failed,) = instance.get_runs()
    assert failed.tags["dagster/max_retries"] == "0"  # another try would fail of the same


def test_a_misspelt_option_is_an_error_before_anything_runs(
    hub: None, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "ful"'):
        run(instance, "silver/umapi_departments", ful=True)
    assert instance.get_runs_count() == 0


@pytest.fixture
def other_campus(postgres: str) -> Iterator[tuple[Warehouse, SimulatorProcess]]:
    """A campus of other people in a database of its own, and its simulators."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    url = database_on(postgres, name)
    try:
        with Warehouse(url) as warehouse:
            settled_campus(warehouse, people=200, seed=7, first_day=DAYS[0])
            with start_simulators(url) as simulators:
                yield warehouse, simulators
    finally:
        drop_database(postgres, name)


def test_the_launchpad_can_have_another_simulator_read(
    hub: None,
    instance: dg.DagsterInstance,
    database_url: str,
    other_campus: tuple[Warehouse, SimulatorProcess],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campus, simulators = other_campus
    for name in ("TDX_BEID", "TDX_WEB_SERVICES_KEY"):
        monkeypatch.setenv(f"OTHER_{name}", simulators.environment[name])
    elsewhere = {
        "base_url": simulators.environment["TDX_BASE_URL"],
        "beid_variable": "OTHER_TDX_BEID",
        "web_services_key_variable": "OTHER_TDX_WEB_SERVICES_KEY",
        "record_limit": 60,
    }
    result = run(instance, "bronze/tdx_user", "bronze/tdx_department", config={"tdx": elsewhere})
    assert result.success, messages(result)
    with Warehouse(database_url) as warehouse:
        users = landed(warehouse, "user")
        assert 0 < len(users) <= 60
        assert users <= known(campus, "user")
        assert not users <= known(warehouse, "user")
    # Neither the run's configuration nor its log holds a secret.
    run_record = instance.get_run_by_id(result.run_id)
    assert run_record is not None
    shown = f"{run_record.run_config} {[e.to_json() for e in instance.all_logs(result.run_id)]}"
    assert simulators.environment["TDX_WEB_SERVICES_KEY"] not in shown
    assert simulators.environment["TDX_BEID"] not in shown


def landed(warehouse: Warehouse, entity: str) -> set[str]:
    """Identities that bronze holds of TDX."""
    rows = warehouse.query(
        "select external_id from bronze.heads where source_system = 'tdx' and entity_type = %s",
        [entity],
    )
    return {row[0] for row in rows}


def known(warehouse: Warehouse, entity: str) -> set[str]:
    """Identities that the TDX of a simulated campus knows."""
    with warehouse.owner() as connection:
        rows = connection.execute(
            "select record_key from campus.records where system = 'tdx' and entity = %s", [entity]
        )
        return {row[0] for row in rows}


def test_another_database_has_the_records_and_the_hub_none(
    hub: None, instance: dg.DagsterInstance, database_url: str, postgres: str, tmp_path: Path
) -> None:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        result = run(instance, DEPARTMENTS, config={"warehouse": {"database": name}})
        assert result.success, messages(result)
        with Warehouse(database_on(postgres, name)) as other, Warehouse(database_url) as usual:
            assert other.query("select count(*) from bronze.heads")[0][0] > 0
            assert usual.query("select to_regclass('bronze.heads')")[0][0] is None
        assert (tmp_path / "state" / "databases" / name).is_dir()
        assert recorded(result) == []  # the catalog is of the hub's own database
    finally:
        drop_database(postgres, name)


def test_simulated_records_go_to_no_other_database_whose_name_does_not_say_so(
    hub: None, instance: dg.DagsterInstance, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"lsats_{uuid.uuid4().hex[:12]}"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    monkeypatch.setenv("OTHER_URL", database_on(postgres, name))
    try:
        result = run(instance, DEPARTMENTS, config={"warehouse": {"url_variable": "OTHER_URL"}})
        assert "synthetic data is written only to databases whose name ends" in messages(result)
        assert not result.success
        ended = instance.get_run_by_id(result.run_id)
        # Failed, it would turn a day of the hub's own red.
        assert ended is not None and ended.status is dg.DagsterRunStatus.CANCELED
    finally:
        drop_database(postgres, name)


class NoAccounts:
    """A client of a TDX that has no department at all."""

    def accounts(self) -> list[memoryview]:
        """What the list of accounts answers."""
        return []


class EmptyTdxResource(ClientResource):
    """Opens that client, without a connection."""

    sources = (source("tdx"),)

    def opener(self, source: Source) -> Callable[..., Any]:
        """Whatever the settings say."""
        return lambda *_: nullcontext(NoAccounts())


def test_a_test_gives_a_client_of_its_own(
    hub: None, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("TDX_API_TOKEN", "none")
    resources = hub_resources()
    own = EmptyTdxResource.configure_at_launch(warehouse=resources["warehouse"])
    tdx = source("tdx")
    substituted = dg.Definitions(
        assets=[bronze_asset(tdx, tdx.streams[0])], resources={**resources, "tdx": own}
    )
    result = substituted.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, partition_key=f"{DAYS[0]}", raise_on_error=False
    )
    assert result.success, messages(result)
    (made,) = result.asset_materializations_for_node("bronze__tdx_department")
    assert made.metadata["new"].value == 0
