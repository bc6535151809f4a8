"""Groups, members and owners on records that the campus does not have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.groups import GROUPS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

GUID = "00000000-0000-4000-8000-{:012}"
ROOT = "OU=UMICH,DC=adsroot,DC=example"
FOLDER = f"OU=Users and Groups,OU=LSA,OU=Organizations,{ROOT}"
ACCOUNTS = f"OU=People,OU=Accounts,{ROOT}"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, GROUPS)


def at(cn: str, folder: str = FOLDER) -> str:
    return f"CN={cn},{folder}"


def person_dn(uniqname: str) -> str:
    return f"uid={uniqname},ou=People,dc=umich,dc=example"


def mailing_dn(name: str) -> str:
    return f"cn={name},ou=User Groups,ou=Groups,dc=umich,dc=example"


def group(n: int, cn: str, *members: str, folder: str = FOLDER, **fields: Any) -> Row:
    dn = at(cn, folder)
    known = {"objectGUID": GUID.format(n), "cn": cn, "name": cn, "description": "D"}
    return {"dn": dn, "distinguishedName": dn, "member": list(members), **known, **fields}


def mailing(n: int, cn: str, *members: str, **fields: Any) -> Row:
    known = {"umichGroupEmail": cn, "umichDescription": "M"}
    return {"dn": mailing_dn(cn), "gidNumber": str(n), "cn": cn, "member": list(members)} | (
        known | fields
    )


def account(n: int, cn: str, folder: str = ACCOUNTS, **fields: Any) -> Row:
    dn = at(cn, folder)
    return {"dn": dn, "distinguishedName": dn, "objectGUID": GUID.format(n), "cn": cn, **fields}


def person(n: int, uid: str, **fields: Any) -> Row:
    return {"dn": person_dn(uid), "uidNumber": str(n), "uid": uid, **fields}


def members_of(hub: ByHand, key: str) -> dict[str, Row]:
    rows = [row for row in hub.rows("group_members") if row["group_key"] == key]
    return {row["member_name"] or row["member_computer_name"].lower(): row for row in rows}


def kinds_of(rows: dict[str, Row]) -> dict[str, tuple[str, Any, bool]]:
    """Of each member its kind, the id that goes with the kind, and whether the hub knows it."""
    ids = {
        "user": "member_uniqname",
        "group": "member_group_id",
        "computer": "member_computer_name",
    }
    return {
        name: (
            row["member_type"],
            row[ids[row["member_type"]]] if row["member_type"] in ids else None,
            row["is_known"],
        )
        for name, row in rows.items()
    }


# --- what members are --------------------------------------------------------------------------


def test_members_are_classified_by_what_they_are_not_by_their_spelling(hub: ByHand) -> None:
    """domain/hub.md 5.4: a nested group whose name lacked certain words was a user."""
    hub.take_in(
        active_directory_group=[
            group(
                1,
                "lsa-outer",
                at("printers"),  # a group with a name like a person's
                at("lsa-person"),  # a person with a name like a group's
                at("ada", ACCOUNTS),
                at("svc_backup"),  # an account of nobody
                at("PC-1", f"OU=Workstations,OU=LSA,{ROOT}"),
            ),
            group(2, "Printers"),
        ],
        active_directory_user=[
            account(3, "lsa-person", FOLDER),
            account(4, "Ada"),
            account(5, "svc_backup", FOLDER),
        ],
        active_directory_computer=[account(6, "PC-1", f"OU=Workstations,OU=LSA,{ROOT}")],
    )
    hub.build()
    assert kinds_of(members_of(hub, "lsa-outer")) == {
        "printers": ("group", "Printers", True),
        "lsa-person": ("user", "lsa-person", True),
        "ada": ("user", "ada", True),
        "svc_backup": ("user", "svc_backup", True),
        "pc-1": ("computer", "PC-1", True),
    }


def test_where_no_record_answers_the_container_decides(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[
            group(
                1,
                "g",
                at("gone", ACCOUNTS),
                at("eve", f"OU=Contacts,OU=Accounts,{ROOT}"),
                person_dn("zoe"),
                mailing_dn("old list"),
                at("Synced", f"OU=MCommADSync,{FOLDER}"),
                at("PC-9", f"OU=Workstations,OU=LSA,{ROOT}"),
                at("bob"),  # could be a person or a group, but somebody of that name is known
                at("whoever"),
                "CN=S-1-5-21-1,CN=ForeignSecurityPrincipals,DC=adsroot,DC=example",
                "no distinguished name",
            )
        ],
        mcommunity_ldap_user=[person(1, "eve"), person(2, "bob")],
    )
    hub.build()
    rows = members_of(hub, "g")
    assert kinds_of(rows) == {
        "gone": ("user", "gone", False),
        "eve": ("user", "eve", True),
        "zoe": ("user", "zoe", False),
        "old list": ("group", "old list", False),
        "synced": ("group", "Synced", False),
        "pc-9": ("computer", "PC-9", False),
        "bob": ("user", "bob", True),
        "whoever": ("unknown", None, False),
        "s-1-5-21-1": ("unknown", None, False),
        "no distinguished name": ("unknown", None, False),
    }
    flagged = {n for n, row in rows.items() if "unknown_member" in row["quality_flags"]}
    assert flagged == {n for n, row in rows.items() if not row["is_known"]}
    assert rows["gone"]["data_quality_score"] == Decimal("0.90")


def test_one_person_under_several_names_is_one_member(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[group(1, "G", at("Ada", ACCOUNTS), at("ada", ACCOUNTS.lower()))],
        mcommunity_ldap_group=[
            mailing(1, "g", person_dn("ada"), person_dn("ADA").replace(",", " , "))
        ],
        active_directory_user=[account(1, "Ada")],
        mcommunity_ldap_user=[person(1, "ada")],
    )
    hub.build()
    [row] = hub.rows("group_members")
    assert row["member_uniqname"] == "ada"
    assert (row["sources"], row["source_system"]) == (["ad", "mcommunity"], "ad+mcommunity")
    assert len(row["member_dns"]) == 4
    assert row["membership_id"] == "g/user/ada"
    [whole] = hub.rows("groups")
    assert (whole["members"], whole["member_count"]) == (["ada"], 1)


def test_a_person_and_a_group_of_one_name_stay_two(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[group(1, "g", at("abc"), at("abc", ACCOUNTS)), group(2, "abc")],
        active_directory_user=[account(3, "abc")],
    )
    hub.build()
    rows = [row for row in hub.rows("group_members") if row["group_key"] == "g"]
    assert [(r["member_type"], r["member_name"]) for r in rows] == [
        ("group", "abc"),
        ("user", "abc"),
    ]
    whole = hub.rows("groups")[1]
    assert (whole["members"], whole["nested_members"]) == (["abc"], ["abc"])


def test_escaped_commas_and_slashes_in_names(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[
            group(1, "a/b", at(r"Odd\, name"), at(r"Odd\2C name")),
            group(2, "Odd, name") | {"dn": at(r"Odd\, name"), "distinguishedName": None},
        ]
    )
    hub.build()
    [row] = hub.rows("group_members")
    assert row["membership_id"] == "a//b/group/odd, name"
    assert (row["member_group_id"], row["is_known"]) == ("Odd, name", True)


def test_who_is_a_direct_member(hub: ByHand) -> None:
    """In Active Directory everybody is; MCommunity lists them, if it says so at all."""
    ada, bob, eve = (person_dn(n) for n in ("ada", "bob", "eve"))
    hub.take_in(
        active_directory_group=[group(1, "both", at("eve", ACCOUNTS))],
        mcommunity_ldap_group=[
            mailing(
                1,
                "both",
                ada,
                bob,
                eve,
                umichDirectMember=ada,
                umichDirectGroupMember=mailing_dn("inner"),
            ),
            mailing(2, "silent", ada),
            mailing(3, "inner", bob, umichDirectMember=[bob]),
        ],
    )
    hub.build()
    direct = {
        (row["group_key"], row["member_name"]): row["is_direct_member"]
        for row in hub.rows("group_members")
    }
    assert direct == {
        ("both", "ada"): True,
        ("both", "bob"): False,
        ("both", "eve"): True,
        ("both", "inner"): True,
        ("silent", "ada"): True,
        ("inner", "bob"): True,
    }
    both = hub.rows("groups")[0]
    assert both["members"] == ["ada", "bob", "eve"]
    assert both["direct_members"] == ["ada", "eve"]
    assert both["nested_members"] == ["inner"]
    indirect = members_of(hub, "both")["bob"]
    assert indirect["quality_flags"] == ["unknown_member", "indirect_member"]


def test_a_group_inside_itself_and_a_circle_of_groups(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[
            group(1, "me", at("ME")),
            group(2, "a", at("b")),
            group(3, "b", at("a")),
        ]
    )
    hub.build()
    flags = {row["group_key"]: row["quality_flags"] for row in hub.rows("group_members")}
    assert flags == {"me": ["member_of_itself"], "a": [], "b": []}


def test_a_group_of_five_thousand(hub: ByHand) -> None:
    """The same people in both directories, listed in different orders."""
    names = [f"p{n}" for n in range(5000)]
    hub.take_in(
        active_directory_group=[group(1, "all", *(at(n, ACCOUNTS) for n in names))],
        mcommunity_ldap_group=[mailing(1, "All", *(person_dn(n) for n in reversed(names)))],
        mcommunity_ldap_user=[person(n, name) for n, name in enumerate(names)],
    )
    hub.build()
    rows = hub.rows("group_members")
    assert {row["member_uniqname"] for row in rows} == set(names)
    assert len(rows) == 5000
    assert {row["source_system"] for row in rows} == {"ad+mcommunity"}
    [whole] = hub.rows("groups")
    assert (whole["member_count"], whole["members"]) == (5000, sorted(names))


# --- owners ------------------------------------------------------------------------------------


def test_owners_of_both_directories(hub: ByHand) -> None:
    hub.take_in(
        active_directory_group=[
            group(1, "G", managedBy=at("ada", ACCOUNTS)),
            group(2, "Admins"),
            group(3, "managed", managedBy=at("Admins")),
        ],
        mcommunity_ldap_group=[
            mailing(1, "g", owner=[person_dn("ada"), person_dn("bob"), mailing_dn("helpers")]),
            mailing(2, "Helpers"),
        ],
        mcommunity_ldap_user=[person(1, "ada"), person(2, "bob")],
    )
    hub.build()
    owners = {
        (r["group_id"], r["owner_type"], r["owner_uniqname"] or r["owner_group_id"]): r["sources"]
        for r in hub.rows("group_owners")
    }
    assert owners == {
        ("G", "user", "ada"): ["ad", "mcommunity"],
        ("G", "user", "bob"): ["mcommunity"],
        ("G", "group", "Helpers"): ["mcommunity"],
        ("managed", "group", "Admins"): ["ad"],
    }
    admins, g, helpers, managed = hub.rows("groups")
    assert (g["owners"], g["owner_groups"]) == (["ada", "bob"], ["Helpers"])
    assert managed["owner_groups"] == ["Admins"]
    assert "no_owners" in admins["quality_flags"]
    assert "no_owners" in helpers["quality_flags"]


# --- groups ------------------------------------------------------------------------------------


def test_one_name_in_two_directories_is_one_group(hub: ByHand) -> None:
    synced = f"OU=MCommADSync,{FOLDER}"
    [row] = hub.silver(
        "groups",
        active_directory_group=[
            group(1, "Lab", at("ada", ACCOUNTS), folder=synced, groupType="-2147483646", mail="a@x")
        ],
        mcommunity_ldap_group=[mailing(7, " LAB ", umichGroupEmail="lab.list", joinable="TRUE")],
        mcommunity_ldap_user=[person(1, "ada")],
    )
    assert (row["group_key"], row["group_id"], row["cn"]) == ("lab", "Lab", "Lab")
    assert (row["group_email"], row["description"]) == ("lab.list", "M")
    assert row["field_sources"]["group_email"] == "mcommunity"
    assert row["field_sources"]["ad_group_guid"] == "ad"
    assert row["distinguished_name"] == at("Lab", synced)
    assert (row["is_joinable"], row["is_mcomm_adsync"]) == (True, True)
    assert (row["is_security_group"], row["is_distribution_group"]) == (True, False)
    assert row["source_system"] == "ad+mcommunity"
    assert set(row["source_raw_ids"]) == {"ad", "mcommunity"}
    assert row["quality_flags"] == ["no_owners", "merged_from_multiple_sources"]
    assert row["data_quality_score"] == 1


def test_changing_one_directory_keeps_what_the_other_said(hub: ByHand) -> None:
    """domain/hub.md 7.2 #1: the merged row lost the half that had not changed."""
    ada, bob = person_dn("ada"), at("bob", ACCOUNTS)
    people = [person(1, "ada"), person(2, "bob")]
    in_ad, in_mcommunity = group(1, "G", bob, displayName="Shown"), mailing(7, "g", ada)
    hub.silver("groups", active_directory_group=[in_ad], mcommunity_ldap_user=people)
    [both] = hub.silver("groups", mcommunity_ldap_group=[in_mcommunity])
    assert (both["display_name"], both["members"]) == ("Shown", ["ada", "bob"])
    [changed] = hub.silver("groups", active_directory_group=[in_ad | {"displayName": "New"}])
    assert (changed["display_name"], changed["description"]) == ("New", "M")
    assert changed["members"] == ["ada", "bob"]
    [left] = hub.silver("groups", active_directory_group=[])
    assert (left["display_name"], left["group_id"], left["members"]) == (None, "g", ["ada"])
    assert left["quality_flags"] == ["mcommunity_only", "no_owners"]


def test_conflict_objects_are_no_groups(hub: ByHand) -> None:
    conflict = f"lab\nCNF:{GUID.format(2)}"
    tables = hub.silver("groups", active_directory_group=[group(1, "lab"), group(2, conflict)])
    assert [row["group_id"] for row in tables] == ["lab"]
    assert len(hub.rows("ad_groups")) == 2


def test_several_groups_of_one_name_in_one_directory(hub: ByHand) -> None:
    first, second = group(1, "Lab", at("ada", ACCOUNTS)), group(2, "lab", at("bob", ACCOUNTS))
    [row] = hub.silver("groups", active_directory_group=[second, first])
    assert (row["group_id"], row["members"]) == ("Lab", ["ada"])
    assert "duplicate_group_name" in row["quality_flags"]


def test_flags_and_scores_of_groups(hub: ByHand) -> None:
    rows = hub.silver(
        "groups",
        active_directory_group=[group(1, "plain", description=None)],
        mcommunity_ldap_group=[mailing(2, "silent", umichGroupEmail=" ")],
    )
    found = {r["group_key"]: (r["quality_flags"], str(r["data_quality_score"])) for r in rows}
    assert found == {
        "plain": (["no_members", "missing_description", "ad_only", "no_owners"], "0.80"),
        "silent": (["missing_group_email", "no_members", "mcommunity_only", "no_owners"], "0.75"),
    }
