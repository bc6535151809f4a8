"""Groups follow what their members become, and nothing else."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.groups import GROUPS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand
from lsats_pipeline_tests.hub.silver.test_groups import (
    ACCOUNTS,
    FOLDER,
    account,
    at,
    group,
    kinds_of,
    members_of,
    person,
)


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, GROUPS)


def test_a_group_follows_its_members(hub: ByHand) -> None:
    """Nothing changes in the group; who is in it appears, is renamed, departs."""
    hub.silver("groups", active_directory_group=[group(1, "g", at("ada"), at("inner"))])
    assert set(kinds_of(members_of(hub, "g")).values()) == {("unknown", None, False)}
    hub.silver("groups", active_directory_user=[account(3, "ada", FOLDER)])
    assert kinds_of(members_of(hub, "g"))["ada"] == ("user", "ada", True)
    hub.silver(
        "groups",
        active_directory_group=[
            group(1, "g", at("ada"), at("inner")),
            group(2, "inner", sAMAccountName="x"),
        ],
    )
    assert kinds_of(members_of(hub, "g"))["inner"] == ("group", "inner", True)
    renamed = group(2, "inner", sAMAccountName="x") | {"cn": "Inner"}
    rows = hub.silver(
        "groups", active_directory_group=[group(1, "g", at("ada"), at("inner")), renamed]
    )
    assert rows[0]["nested_members"] == ["Inner"]
    hub.silver("groups", active_directory_user=[account(3, "zed", FOLDER)])
    # The same account under another name is the same person.
    assert kinds_of(members_of(hub, "g"))["zed"] == ("user", "zed", True)
    hub.silver("groups", active_directory_user=[])
    assert kinds_of(members_of(hub, "g"))["ada"] == ("unknown", None, False)


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
    assert kinds_of(members_of(hub, "g"))["ada"] == ("user", "ada", True)


def test_a_computer_that_joins_leaves_and_joins_again(hub: ByHand) -> None:
    """Whether it is known changes with the computer's record, not with the group's."""
    dn = at("PC-1", "OU=Workstations,OU=LSA,DC=x")
    elsewhere = at("PC-2")  # in a folder of which nobody knows what is in it
    hub.silver("groups", active_directory_group=[group(1, "g", dn, elsewhere)])
    assert kinds_of(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", False),
        "pc-2": ("unknown", None, False),
    }
    machines = [
        account(2, "PC-1") | {"dn": dn, "distinguishedName": dn},
        account(3, "PC-2", FOLDER),
    ]
    hub.silver("groups", active_directory_computer=machines)
    assert kinds_of(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", True),
        "pc-2": ("computer", "PC-2", True),
    }
    hub.silver("groups", active_directory_computer=machines[:0])
    assert kinds_of(members_of(hub, "g")) == {
        "pc-1": ("computer", "PC-1", False),
        "pc-2": ("unknown", None, False),
    }


def test_who_joins_or_leaves_is_the_only_row_worked_out(hub: ByHand) -> None:
    """However many others are in the group."""
    many = [at(f"m{n}", ACCOUNTS) for n in range(30)]
    hub.silver("groups", active_directory_group=[group(1, "g", *many)])
    hub.silver("groups", active_directory_group=[group(1, "g", *many[1:], at("ada", ACCOUNTS))])
    counts = hub.reports["group_members"].counts
    assert (counts.processed, counts.created, counts.removed) == (1, 1, 1)
    assert hub.reports["groups"].counts.updated == 1


def test_a_description_touches_no_member(hub: ByHand) -> None:
    hub.silver("groups", active_directory_group=[group(1, "g", at("ada", ACCOUNTS))])
    hub.silver(
        "groups", active_directory_group=[group(1, "g", at("ada", ACCOUNTS), description="new")]
    )
    assert hub.reports["groups"].counts.updated == 1
    assert hub.reports["group_members"].counts.processed == 0


def test_all_of_a_group_follows_its_name(hub: ByHand) -> None:
    people = [at("ada", ACCOUNTS), at("bob", ACCOUNTS)]
    hub.silver("groups", active_directory_group=[group(1, "g", *people)])
    renamed = group(1, "g", *people) | {"cn": "G"}
    hub.silver("groups", active_directory_group=[renamed])
    assert hub.reports["group_members"].counts.updated == 2


def test_when_another_record_speaks_for_a_group(hub: ByHand) -> None:
    """The record with the smallest id goes, and nothing changes in the one that is left."""
    first = group(1, "g", at("ada", ACCOUNTS))
    second = group(2, "g", at("bob", ACCOUNTS), folder=f"OU=B,{FOLDER}")
    hub.silver("groups", active_directory_group=[first, second])
    assert set(kinds_of(members_of(hub, "g"))) == {"ada"}
    hub.silver("groups", active_directory_group=[second])
    assert set(kinds_of(members_of(hub, "g"))) == {"bob"}


def test_spellings_of_one_name_in_several_groups(hub: ByHand) -> None:
    """A group shows a name as it spells it, whatever is worked out with it."""
    groups = [
        group(1, "a", at("Zoe", f"OU=Groups,{FOLDER}")),
        group(2, "b", at("zoe", f"OU=groups,{FOLDER}")),
    ]
    hub.silver("groups", active_directory_group=groups)
    hub.silver("groups", active_directory_group=[groups[0], group(2, "B", *groups[1]["member"])])
    hub.build(full=True)
    assert not hub.reports["group_members"].counts.changed
    assert members_of(hub, "a")["zoe"]["member_group_id"] == "Zoe"
    assert members_of(hub, "b")["zoe"]["member_group_id"] == "zoe"
