"""What is left of the declarations on a site that has only some of the systems."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.consumers import declare_silver
from lsats_pipeline.hub.silver.cross_checks import CROSS_CHECKS, cross_check
from lsats_pipeline.hub.silver.ddl import fingerprint
from lsats_pipeline.hub.silver.sources_in_use import live_systems, reduced
from lsats_pipeline.hub.silver.spec import IntegratedTable, StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.users import USERS
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.stand_in import Pretend

SYSTEMS = frozenset(source.system for source in SOURCES)


def upstream(table: Table) -> set[str]:
    """The systems whose streams a table is made of in the end."""
    if isinstance(table, StagingTable):
        return {table.stream.source_system}
    return set().union(*map(upstream, table.upstream))


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda table: table.name)
def test_rules_speak_of_systems_that_the_table_is_made_of(table: Table) -> None:
    for rule in table.rules:
        assert set(rule.sources) <= upstream(table), rule.name
    if isinstance(table, IntegratedTable) and table.bonus:
        assert set(table.bonus.known) <= upstream(table)


def test_cross_checks_speak_of_known_systems() -> None:
    for rule in CROSS_CHECKS:
        assert set(rule.sources) <= SYSTEMS, rule.name


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda table: table.name)
def test_with_all_sources_a_declaration_is_what_it_is(table: Table) -> None:
    assert reduced(table, None) == table
    assert fingerprint(reduced(table, SYSTEMS)) == fingerprint(table)


def test_another_set_of_sources_concerns_only_some_tables() -> None:
    def concerned(*without: str) -> set[str]:
        pairs = ((table, reduced(table, SYSTEMS - set(without))) for table in SILVER_TABLES)
        return {table.name for table, then in pairs if fingerprint(then) != fingerprint(table)}

    assert concerned("key_client") == {"computers"}
    assert concerned("umich_api") == {"departments", "users"}
    assert concerned("lab_awards") == {"labs"}
    assert "groups" in concerned("mcommunity_ldap") & concerned("active_directory")
    assert not any(name.startswith("tdx_") for name in concerned(*SYSTEMS))


def test_people_are_those_of_the_systems_that_know_people() -> None:
    def making(*systems: str) -> list[str]:
        table = reduced(USERS, systems)
        assert isinstance(table, IntegratedTable)
        return [i.alias for i in table.inputs if not i.enrichment_only]

    everybody = ["tdx", "umapi", "mcom", "ad"]
    assert making(*SYSTEMS) == making("tdx", "lab_awards") == making("key_client") == everybody
    assert making("lab_awards", "key_client") == [*everybody, "award"]


def test_the_sources_in_use_rescore_a_table_once(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    with warehouse.owner() as connection:
        declare_silver(connection, SILVER_TABLES)
    tdx = Pretend("tdx", "department", ("ID",))
    tdx.records[1] = {"ID": 1, "Code": "170100", "Name": "LSA Dean", "IsActive": True}
    tdx.ingest(warehouse, hub_settings)
    day = hub_settings.today()
    build(warehouse, hub_settings, TDX_DEPARTMENTS, day)

    def departments(*systems: str) -> tuple[float, bool]:
        table = reduced(DEPARTMENTS, systems or None)
        report = build(warehouse, hub_settings, table, day)
        rows = warehouse.query("select data_quality_score::float from silver.departments")
        return rows[0][0], report.metadata["full"]

    # Without the gateway: campus, college, area and the gateway itself.
    assert departments() == (0.65, True)
    assert departments("tdx") == (1.0, True)
    assert departments("tdx") == departments("tdx", "key_client") == (1.0, False)
    assert departments("tdx", "umich_api") == (0.65, True)
    assert departments() == (0.65, False)


def test_systems_with_live_records_are_in_use(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    tdx = Pretend("tdx", "department", ("ID",))
    tdx.records[1] = {"ID": 1}
    tdx.ingest(warehouse, hub_settings)
    with warehouse.connection() as connection:
        assert live_systems(connection, SYSTEMS) == {"tdx"}
    tdx.records.clear()
    tdx.ingest(warehouse, hub_settings, accept_removals=True)
    with warehouse.connection() as connection:
        assert live_systems(connection, SYSTEMS) == frozenset()


def test_a_cross_check_that_no_source_could_hold_passes(warehouse: Warehouse) -> None:
    with warehouse.owner() as connection:
        declare_silver(connection, SILVER_TABLES)
    with warehouse.connection() as connection:
        results = {r.name: r for r in cross_check(connection, systems={"key_client"})}
    assert list(results) == [rule.name for rule in CROSS_CHECKS]
    department = results["lab_has_department"]
    assert department.passed
    assert department.description == (
        "nothing to check: no source of it is in use (tdx, umich_api)"
    )
    assert "nothing to check" not in results["lab_has_leader"].description
