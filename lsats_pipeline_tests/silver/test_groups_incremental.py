"""Groups follow what their members become, and nothing else."""

from __future__ import annotations

import pytest

from lsats_pipeline.settings import HubSettings
from lsats_pipeline.silver.tables.groups import GROUPS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.silver.by_hand import ByHand
from lsats_pipeline_tests.silver.test_groups import (
    ACCOUNTS,
    FOLDER,
    account,
    at,
    group,
    members_of,
    person,
    told,
)


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, GROUPS)


def test_a_group_follows_its_members(hub: ByHand) -> None:
    """Nothing changes in the group; who is in it appears, is renamed, departs."""
    hub.silver("groups", active_directory_group=[group(1, "g", at("ada"), at("inner"))])
    assert set(told(members_of(hub, "g")).values()) == {("unknown", None, False)}
    hub.silver("groups", active_directory_user=[account(3, "ada", FOLDER)])
    assert told(members_of(hub, "g"))["ada"] == ("user", "ada", True)
    hub.silver(
        "groups",
        active_directory_group=[
            group(1, "g", at("ada"), at("inner")),
            group(2, "inner", sAMAccountName="x"),
        ],
    )
    assert told(members_of(hub, "g"))["inner"] == ("group", "inner", True)
    renamed = group(2, "inner", sAMAccountName="x") | {"cn": "Inner"}
    rows = hub.silver(
        "groups", active_directory_group=[group(1, "g", at("ada"), at("inner")), renamed]
    )
    assert rows[0]["nested_members"] == ["Inner"]
    hub.silver("groups", active_directory_user=[account(3, "zed", FOLDER)])
    assert told(members_of(hub, "g"))["ada"] == ("unknown", None, False)


def test_a_telephone_number_touches_no_group(hub: ByHand) -> None:
    ada = account(3, "ada")
    hub.silver(
        "groups",
        active_directory_group=[group(1, "g", at("ada", ACCOUNTS))],
        active_directory_user=[ada],
        mcommunity_ldap_user=[person(1, "ada")],
    )
    hub.silver(
        "groups",
        active_directory_user=[ada | {"telephoneNumber": "5"}],
        mcommunity_ldap_user=[person(1, "ada", telephoneNumber="5")],
    )
    assert hub.reports["users"].counts.updated == 1
    assert hub.reports["group_members"].counts.processed == 0
    hub.build(full=True)
    assert not hub.reports["group_members"].counts.changed


def test_what_came_and_changed_between_two_builds_of_the_members(hub: ByHand) -> None:
    """Two runs upstream, of which the second replaces what the first wrote."""
    hub.silver("groups", active_directory_group=[group(1, "g", at("ada"))])
    late = {"group_members", "group_owners", "groups"}
    everything = hub.tables
    hub.tables = tuple(t for t in everything if t.name not in late)
    hub.silver("users", active_directory_user=[account(3, "ada", FOLDER)])
    hub.silver("users", active_directory_user=[account(3, "ada", FOLDER, title="T")])
    hub.tables = everything
    hub.build()
    assert told(members_of(hub, "g"))["ada"] == ("user", "ada", True)


def test_a_computer_that_joins_leaves_and_joins_again(hub: ByHand) -> None:
    """Whether it is known changes with the computer's record, not with the group's."""
    dn = at("PC-1", "OU=Workstations,OU=LSA,DC=x")
    elsewhere = at("PC-2")  # in a folder of which nobody knows what is in it
    hub.silver("groups", active_directory_group=[group(1, "g", dn, elsewhere)])
    assert told(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", False),
        "pc-2": ("unknown", None, False),
    }
    machines = [
        account(2, "PC-1") | {"dn": dn, "distinguishedName": dn},
        account(3, "PC-2", FOLDER),
    ]
    hub.silver("groups", active_directory_computer=machines)
    assert told(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", True),
        "pc-2": ("computer", "PC-2", True),
    }
    hub.silver("groups", active_directory_computer=machines[:0])
    assert told(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", False),
        "pc-2": ("unknown", None, False),
    }
