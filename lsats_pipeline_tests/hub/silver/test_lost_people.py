"""Nobody gets lost between the layers: a row, or a flag or a reject that says why there is none.

People as systems really spell them; random ones are in test_random_people.
"""

from __future__ import annotations

from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.group_members import GROUP_MEMBERS
from lsats_pipeline.hub.silver.tables.group_owners import GROUP_OWNERS
from lsats_pipeline.hub.silver.tables.users import USERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.status import statuses
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row
from lsats_pipeline_tests.hub.silver.test_groups import at, group, mailing, members_of, person_dn

UID = "00000000-0000-4000-8000-{:012}"
FOLDER = "OU=People,OU=Accounts,DC=adsroot,DC=example"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, USERS, GROUP_MEMBERS, GROUP_OWNERS)


def tdx(n: int, written: str | None, **fields: Any) -> Row:
    return {"UID": UID.format(n), "AlternateID": written, "IsActive": True, **fields}


def account(n: int, cn: str, **fields: Any) -> Row:
    dn = at(cn, FOLDER)
    shown = cn.replace("\\", "")
    known = {"objectGUID": UID.format(n), "cn": shown, "userAccountControl": "512"}
    return {"dn": dn, "distinguishedName": dn, **known, **fields}


def names(hub: ByHand) -> set[str]:
    return {row["uniqname"] for row in hub.rows("users")}


def check(hub: ByHand, table: str = "users") -> str:
    failed = hub.reports[table].failed
    return "".join(rule.description for rule in failed if rule.name == "no_record_lost")


# --- whose a record is -------------------------------------------------------------------------


def test_an_account_is_called_by_its_name_not_by_its_cn(hub: ByHand) -> None:
    hub.take_in(
        active_directory_user=[
            account(1, r"O'Quill\, Fianna", sAMAccountName="quill", sn="O'Quill"),
            account(2, "Renamed Long Ago", sAMAccountName="Brambly", uid="brambly"),
            account(
                3, "tova", sAMAccountName="tova2", uid="tova", userPrincipalName="t3@umich.edu"
            ),
            account(4, "uma", uid="uma1", mailNickname="uma2"),
            account(5, "vik", mailNickname="vik2"),
            account(6, "wes", userPrincipalName="wes2@adsroot.example"),
            account(7, "xan"),
            account(8, "svc_print", sAMAccountName="svc_print"),
            account(9, "yin\nCNF:1", sAMAccountName="yin"),
        ]
    )
    hub.build()
    assert names(hub) == {"quill", "brambly", "tova2", "uma1", "vik2", "wes2", "xan"}
    flags = {row["cn"]: row["quality_flags"] for row in hub.rows("ad_users")}
    disagreeing = {cn for cn, raised in flags.items() if "account_name_disagreement" in raised}
    assert disagreeing == {"tova", "uma", "vik", "wes"}
    assert "malformed_uniqname" in flags["svc_print"]
    assert "conflict_object" in flags["yin\nCNF:1"]
    assert not check(hub)


def test_members_are_who_the_entry_says(hub: ByHand) -> None:
    """One person by two names in two directories is one member, and known."""
    quill = account(1, r"O'Quill\, Fianna", sAMAccountName="quill")
    lab = group(2, "lab", quill["dn"], at("brambly", FOLDER), managedBy=quill["dn"])
    smith = {"dn": "cn=Smith\\2C Jo,ou=People,dc=x", "uid": "josmith", "uidNumber": "7"}
    list_of_lab = mailing(3, "lab", person_dn("quill"), smith["dn"], owner=[smith["dn"]])
    hub.take_in(active_directory_group=[lab], mcommunity_ldap_group=[list_of_lab])
    hub.build()
    assert "o'quill, fianna" in members_of(hub, "lab")
    hub.take_in(
        active_directory_user=[quill, account(4, "brambly", sAMAccountName="brambly")],
        mcommunity_ldap_user=[smith],
    )
    hub.build()
    rows = members_of(hub, "lab")
    assert {n: (r["member_uniqname"], r["is_known"]) for n, r in rows.items()} == {
        name: (name, True) for name in ("quill", "brambly", "josmith")
    }
    assert rows["quill"]["sources"] == ["ad", "mcommunity"]
    assert {r["owner_uniqname"] for r in hub.rows("group_owners")} == {"quill", "josmith"}
    hub.build(full=True)
    assert not hub.reports["group_members"].counts.changed
    # The account gets another name: its memberships follow, nothing else is worked out.
    hub.take_in(active_directory_user=[quill | {"sAMAccountName": "fianna"}])
    hub.build()
    assert set(members_of(hub, "lab")) == {"fianna", "brambly", "josmith"}
    hub.take_in(active_directory_user=[])
    hub.build()
    assert set(members_of(hub, "lab")) == {"fianna", "o'quill, fianna", "brambly", "josmith"}
    hub.build(full=True)
    assert not hub.reports["group_members"].counts.changed


def test_of_several_uids_the_one_in_the_distinguished_name_counts(hub: ByHand) -> None:
    twice = {"dn": "uid=second,ou=People,dc=x", "uid": ["First", "Second"], "uidNumber": "1"}
    spaced = {"dn": "uid=spaced\\20,ou=People,dc=x", "uid": "spaced ", "uidNumber": "2"}
    hub.take_in(mcommunity_ldap_user=[twice, spaced])
    hub.build()
    assert names(hub) == {"second", "spaced"}


def test_tdx_accounts_belong_to_people_however_that_is_written(hub: ByHand) -> None:
    login = {"UserName": "gil@umich.edu", "PrimaryEmail": "other@elsewhere.org"}
    hub.take_in(
        tdx_user=[
            tdx(1, "ada@umich.edu"),
            tdx(2, "UMROOT\\Bea"),
            tdx(3, "cyd@x.edu; dov@x.edu"),
            tdx(4, " EVE "),
            tdx(5, "\u200ffay\u200b"),
            tdx(6, "", **login),
            tdx(7, None, AuthenticationUserName="hal@med.umich.edu"),
            tdx(8, None, PrimaryEmail="Ivo@UMICH.EDU"),
            tdx(9, None, UserName="jan@elsewhere.org"),
            tdx(10, "Doe, Kit"),
            tdx(11, "lea@mail.example.com"),
            tdx(12, "None"),
        ]
    )
    hub.build()
    assert names(hub) == {"ada", "bea", "cyd", "eve", "fay", "gil", "hal", "ivo"}
    flags = {row["external_id"][-2:]: row["quality_flags"] for row in hub.rows("tdx_users")}
    assert "several_uniqnames" in flags["03"]
    assert all("uniqname_from_login" in flags[n] for n in ("06", "07", "08"))
    assert all("missing_uniqname" in flags[n] for n in ("09", "10", "11", "12"))
    assert all("malformed_uniqname" in flags[n] for n in ("10", "11", "12"))
    assert not any("malformed_uniqname" in flags[f"0{n}"] for n in range(1, 10))
    assert not check(hub)


def test_names_are_kept_apart_by_letters_alone(hub: ByHand) -> None:
    """Marks that nobody sees, composed and decomposed accents are no disagreement."""
    hub.take_in(
        tdx_user=[tdx(1, "ada", FirstName="\u202eJosé\u202c", LastName="N\u0303u\u00f1ez\u200b ")],
        mcommunity_ldap_user=[
            {"dn": "uid=ada", "uid": "ada", "uidNumber": "1", "sn": "\u00d1un\u0303ez"}
        ],
        umich_api_user=[{"EmplId": "1", "EmplRcd": 0, "UniqName": "ADA", "LastName": "ÑUÑEZ"}],
    )
    hub.build()
    [ada] = hub.rows("users")
    assert (ada["first_name"], ada["last_name"]) == ("José", "Ñuñez")
    assert "name_disagreement" not in ada["quality_flags"]


def test_whoever_has_one_name_is_called_by_it(hub: ByHand) -> None:
    hub.take_in(
        tdx_user=[
            tdx(1, "ada", FirstName="Madrigal", LastName="", FullName="Madrigal"),
            tdx(2, "bea", FirstName=" ", LastName="Solo"),
            tdx(3, "cyd", FirstName="", LastName=None, FullName="\u200b"),
        ]
    )
    hub.build()
    assert [r["full_name"] for r in hub.rows("users")] == ["Madrigal", "Solo", None]


# --- nobody is lost without a word ------------------------------------------------------------


def test_somebody_lost_is_counted_every_day(hub: ByHand) -> None:
    hub.take_in(tdx_user=[tdx(1, "ada"), tdx(2, "bea")])
    hub.build()
    assert not check(hub)
    with hub.warehouse.owner() as connection:  # as a defect of ours would do
        connection.execute("update silver.tdx_users set uniqname = 'not a name' where beid is null"
                           " and alternate_id = 'bea'")  # fmt: skip
    hub.take_in(tdx_user=[tdx(1, "ada", FirstName="Ada"), tdx(2, "bea")])
    hub.build()
    lost = (
        "1 records are in no row, and neither flag nor reject says why: `lsats status` names some"
    )
    for _ in range(2):
        assert check(hub) == lost
        with hub.warehouse.connection() as connection:
            (status,) = [s for s in statuses(connection) if s.asset == "silver/users"]
        assert (status.lost, status.lost_examples) == (1, [f"tdx_users {UID.format(2)}"])
        hub.build()  # nothing new, and still lost


def test_a_record_that_left_no_row_is_counted(hub: ByHand) -> None:
    hub.take_in(tdx_user=[tdx(1, "ada"), {"UID": "no uid", "AlternateID": "bea"}])
    hub.build()
    assert not check(hub, "tdx_users")  # a reject says why
    with hub.warehouse.owner() as connection:
        connection.execute("update meta.rejects set resolution = 'mended'")
    hub.take_in(tdx_user=[tdx(1, "ada"), {"UID": "no uid", "AlternateID": "cyd"}])
    hub.build()
    assert not check(hub, "tdx_users")
