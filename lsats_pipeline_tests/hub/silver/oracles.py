"""All oracles by table."""

from __future__ import annotations

from collections.abc import Callable

from lsats_pipeline_tests.hub.silver import oracle_directories as directories
from lsats_pipeline_tests.hub.silver import oracle_groups, oracle_integrated, oracle_inventory
from lsats_pipeline_tests.hub.silver.conftest import Day
from lsats_pipeline_tests.hub.silver.oracle_integrated import Expected, Tier1
from lsats_pipeline_tests.hub.silver.oracle_sources import (
    AD_VOLATILE,
    Row,
    Stored,
    shown_name,
    usable,
)
from lsats_pipeline_tests.hub.silver.oracle_sources import SOURCES as OF_PEOPLE

SOURCES: dict[str, Callable[[list[Stored]], dict[str, Row]]] = OF_PEOPLE | {
    "tdx_assets": oracle_inventory.tdx_assets,
    "keyconfigure_cards": oracle_inventory.keyconfigure_cards,
    "lab_awards": oracle_inventory.lab_awards,
    "ad_groups": directories.ad_groups,
    "ad_computers": directories.ad_computers,
    "ad_units": directories.ad_units,
    "mcommunity_groups": directories.mcommunity_groups,
}
MERGED: dict[str, Callable[[Tier1], dict[str, Expected]]] = oracle_integrated.MERGED | {
    "groups": oracle_groups.groups,
}

_OBJECT = {"when_changed", "usn_changed", "ds_core_propagation_data"}
# The simulators add these to what the campus knows, different every day.
VOLATILE = {
    "ad_users": AD_VOLATILE,
    "ad_computers": AD_VOLATILE | _OBJECT,
    "ad_units": _OBJECT,
    "ad_groups": _OBJECT - {"ds_core_propagation_data"},
    "groups": {"when_changed"},
    "keyconfigure_cards": set(),
}


def tier1(day: Day) -> Tier1:
    """The expected tier 1, and members and owners of groups as they are (test_group_truth)."""
    links = {name: day.silver[name] for name in ("group_members", "group_owners")}
    return {name: oracle(day.known) for name, oracle in SOURCES.items()} | links


def by_present_names(day: Day, found: Tier1) -> Tier1:
    """Records that lag behind a change of the uniqname are those of the person with the new one."""
    shown = {shown_name(usable(row) or {}) for row in day.known if row.entity == "user"}
    present: dict[str, str] = {}
    for names in day.names:
        if seen := [name for name in names if name in shown]:
            present |= dict.fromkeys(names, seen[-1])
    people = ("tdx_users", "umapi_employees", "mcommunity_users", "ad_users")
    return found | {
        table: {
            key: row | {"uniqname": present.get(row["uniqname"], row["uniqname"])}
            for key, row in found[table].items()
        }
        for table in people
    }


def merged(day: Day, table: str) -> dict[str, Expected]:
    """The expected rows of a merged table."""
    return MERGED[table](by_present_names(day, tier1(day)))
