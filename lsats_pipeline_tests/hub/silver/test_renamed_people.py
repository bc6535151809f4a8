"""Who changes the uniqname stays one person, whatever the systems do meanwhile (decision 31)."""

from __future__ import annotations

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.history import histories
from lsats_pipeline.hub.silver.tables.group_members import GROUP_MEMBERS
from lsats_pipeline.hub.silver.tables.users import USERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

UID = "00000000-0000-4000-8000-{:012}"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, USERS, GROUP_MEMBERS)


def person(n: int, *, ad: str = "", tdx: str = "", umapi: str = "", mcom: str = "") -> list[Row]:
    """What each system has of a person; nothing where it does not know them."""
    rows: list[Row] = []
    if ad:
        dn = f"CN={ad},OU=People,OU=Accounts,DC=x"
        rows.append({"dn": dn, "distinguishedName": dn, "objectGUID": UID.format(n), "cn": ad,
                     "sAMAccountName": ad, "uidNumber": str(n)})  # fmt: skip
    if tdx:
        rows.append({"UID": UID.format(n), "AlternateID": tdx, "ExternalID": str(n)})
    if umapi:
        rows.append({"EmplId": str(n), "EmplRcd": 0, "UniqName": umapi})
    if mcom:
        rows.append({"dn": f"uid={mcom},ou=People,dc=y", "uid": mcom, "uidNumber": str(n)})
    return rows


def put(hub: ByHand, *people: list[Row], **more: list[Row]) -> dict[str, Row]:
    """Take all of it in, build, and look at `users`; a rebuild must change nothing."""
    streams = {"objectGUID": "active_directory_user", "UID": "tdx_user",
               "EmplId": "umich_api_user", "dn": "mcommunity_ldap_user"}  # fmt: skip
    found: dict[str, list[Row]] = {name: [] for name in streams.values()}
    for row in (row for rows in people for row in rows):
        found[next(stream for key, stream in streams.items() if key in row)].append(row)
    hub.take_in(**found, **more)
    hub.build()
    failed = {rule.name for rule in hub.reports["users"].failed}
    assert not failed & {"key_unique", "no_record_lost"}
    seen = {row["uniqname"]: row for row in hub.rows("users")}
    hub.build(full=True)
    assert {name: r.counts.changed for name, r in hub.reports.items() if r.counts.changed} == {}
    return seen


def names_in_history(hub: ByHand, name: str) -> list[list[str]]:
    """The uniqnames of each history that a name finds."""
    with hub.warehouse.connection() as connection:
        found = histories(connection, USERS, name)
    return [list(dict.fromkeys(v.values["uniqname"] for v in one.versions)) for one in found]


def everywhere(name: str) -> dict[str, str]:
    return dict.fromkeys(("ad", "tdx", "umapi", "mcom"), name)


@pytest.mark.parametrize("first", ["ad", "tdx", "umapi", "mcom"])
def test_systems_rename_one_after_the_other(hub: ByHand, first: str) -> None:
    """From the first that does to the last one row, which says so."""
    before = everywhere("ada")
    assert put(hub, person(1, **before))["ada"]["former_uniqnames"] == []
    order = [first, *(s for s in ("tdx", "ad", "mcom", "umapi") if s != first)]
    for nth, system in enumerate(order):
        before[system] = "byron"
        rows = put(hub, person(1, **before))
        assert set(rows) == {"byron"}
        row = rows["byron"]
        assert row["source_system"] == "ad+mcom+tdx+umapi"
        assert row["former_uniqnames"] == ["ada"]
        assert "renamed" in row["quality_flags"]
        assert ("rename_under_way" in row["quality_flags"]) is (nth < 3)
        assert len(row["uniqname_evidence"]) == nth + 1
        assert "identity_conflict" not in row["quality_flags"]
    assert row["uniqname_evidence"] == [
        "ad_object_guid", "tdx_user_uid", "umich_empl_id", "ldap_uid_number"
    ]  # fmt: skip
    assert names_in_history(hub, "ada") == names_in_history(hub, "byron") == [["ada", "byron"]]


def test_a_record_that_lags_is_followed(hub: ByHand) -> None:
    """What changes in it, and its subordinates."""
    boss, other = person(1, ad="ada", tdx="ada"), person(2, tdx="eve")
    other[0]["ReportsToUID"] = UID.format(1)
    assert put(hub, boss, other)["eve"]["primary_supervisor_uniqname"] == "ada"
    boss = person(1, ad="byron", tdx="ada")
    rows = put(hub, boss, other)
    assert rows["eve"]["primary_supervisor_uniqname"] == "byron"
    boss[1]["WorkPhone"] = "555"
    assert put(hub, boss, other)["byron"]["work_phone"] == "555"


def test_twice_renamed_while_others_lag(hub: ByHand) -> None:
    put(hub, person(1, **everywhere("ada")))
    put(hub, person(1, ad="byron", tdx="ada", umapi="ada", mcom="ada"))
    rows = put(hub, person(1, ad="cecil", tdx="ada", umapi="byron", mcom="ada"))
    assert {n: r["former_uniqnames"] for n, r in rows.items()} == {"cecil": ["byron", "ada"]}
    rows = put(hub, person(1, ad="cecil", tdx="byron", umapi="cecil", mcom="cecil"))
    assert set(rows) == {"cecil"}
    rows = put(hub, person(1, **everywhere("cecil")))
    assert set(rows["cecil"]["former_uniqnames"]) == {"ada", "byron"}
    assert (
        names_in_history(hub, "ada")
        == names_in_history(hub, "byron")
        == [["ada", "byron", "cecil"]]
    )


def test_back_to_the_old_name(hub: ByHand) -> None:
    for name in ("ada", "byron", "ada"):
        rows = put(hub, person(1, **everywhere(name)))
        assert set(rows) == {name}
    assert rows["ada"]["former_uniqnames"] == ["byron"]
    assert names_in_history(hub, "byron") == [["ada", "byron", "ada"]] or names_in_history(
        hub, "byron"
    ) == [["ada", "byron"]]


def test_a_name_that_somebody_else_gets_is_not_theirs_before(hub: ByHand) -> None:
    put(hub, person(1, **everywhere("ada")))
    put(hub, person(1, **everywhere("byron")))
    rows = put(hub, person(1, **everywhere("byron")), person(2, **everywhere("ada")))
    assert rows["byron"]["former_uniqnames"] == ["ada"]
    assert rows["ada"]["former_uniqnames"] == []
    assert "reused_uniqname" in rows["ada"]["quality_flags"]
    assert "identity_conflict" not in rows["ada"]["quality_flags"]
    assert rows["ada"]["tdx_user_uid"] != rows["byron"]["tdx_user_uid"]
    assert names_in_history(hub, "byron") == [["ada", "byron"]]
    assert sorted(names_in_history(hub, "ada")) == [["ada"], ["ada", "byron"]]


def test_a_name_reused_while_one_system_lags(hub: ByHand) -> None:
    """The record that lags is the old tenant's, the new ones are somebody else's."""
    put(hub, person(1, ad="ada", tdx="ada", mcom="ada"))
    rows = put(hub, person(1, ad="byron", tdx="ada", mcom="byron"), person(2, ad="ada"))
    assert {n: r["source_system"] for n, r in rows.items()} == {
        "byron": "ad+mcom+tdx", "ada": "ad"
    }  # fmt: skip
    rows = put(hub, person(1, **everywhere("byron")), person(2, ad="ada", tdx="ada", mcom="ada"))
    assert rows["ada"]["source_system"] == "ad+mcom+tdx"


def test_two_identifiers_of_one_person_part(hub: ByHand) -> None:
    """The account became one person, the appointment another: none is merged, all flagged."""
    put(hub, person(1, ad="ada", umapi="ada", mcom="ada"))
    rows = put(hub, person(1, ad="byron", umapi="cecil", mcom="ada"))
    assert set(rows) == {"ada", "byron", "cecil"}
    assert all("identity_conflict" in row["quality_flags"] for row in rows.values())
    assert all(row["former_uniqnames"] == [] for row in rows.values())
    rows = put(hub, person(1, ad="byron", umapi="byron", mcom="ada"))  # it was a mistake
    assert {n: set(r["former_uniqnames"]) for n, r in rows.items()} == {"byron": {"ada", "cecil"}}
    assert "identity_conflict" not in rows["byron"]["quality_flags"]


def test_renamed_to_somebody_elses_name(hub: ByHand) -> None:
    put(hub, person(1, **everywhere("ada")), person(2, tdx="byron", umapi="byron", mcom="byron"))
    rows = put(
        hub,
        person(1, ad="byron", tdx="ada", umapi="ada", mcom="ada"),
        person(2, tdx="byron", umapi="byron", mcom="byron"),
    )
    assert set(rows) == {"ada", "byron"}
    assert all("identity_conflict" in row["quality_flags"] for row in rows.values())
    assert rows["ada"]["source_system"] == "mcom+tdx+umapi"


def test_a_new_account_instead_of_a_renamed_one(hub: ByHand) -> None:
    """The same employee id says that both are theirs."""
    put(hub, person(1, **everywhere("ada")))
    again = {"UID": UID.format(9), "AlternateID": "byron", "ExternalID": "1"}
    rows = put(hub, person(1, ad="byron", tdx="ada", umapi="byron", mcom="byron"), [again])
    assert set(rows) == {"byron"}
    assert "duplicate_tdx_account" in rows["byron"]["quality_flags"]
    assert "identity_conflict" not in rows["byron"]["quality_flags"]


def test_a_telephone_number_is_no_new_name(hub: ByHand) -> None:
    first = person(1, **everywhere("ada"))
    put(hub, first)
    first[1]["WorkPhone"] = "5"
    put(hub, first)
    hub.build()
    assert hub.rows("former_uniqnames") == []
    assert hub.rows("uniqname_evidence") == []


def test_groups_follow_people(hub: ByHand) -> None:
    """Each directory lists them by the name it has for them; owners and members are one person."""
    ada = "CN=ada,OU=People,OU=Accounts,DC=x"
    lab = {"objectGUID": UID.format(7), "cn": "lab", "dn": "CN=lab,DC=x", "member": [ada]}
    listed = {
        "gidNumber": "8",
        "cn": "lab",
        "dn": "cn=lab,dc=y",
        "member": ["uid=ada,ou=People,dc=y"],
    }
    more = {"active_directory_group": [lab], "mcommunity_ldap_group": [listed]}
    put(hub, person(1, **everywhere("ada")), **more)
    moved = {**lab, "member": [ada.replace("ada", "byron")]}
    put(
        hub,
        person(1, ad="byron", tdx="ada", umapi="ada", mcom="ada"),
        active_directory_group=[moved],
        mcommunity_ldap_group=[listed],
    )
    [row] = hub.rows("group_members")
    assert (row["member_uniqname"], row["is_known"]) == ("byron", True)
    assert row["sources"] == ["ad", "mcommunity"]
    put(hub, person(1, **everywhere("byron")), active_directory_group=[moved])
    [row] = hub.rows("group_members")
    assert row["member_uniqname"] == "byron"
