"""Groups and folders against a second opinion: both sides of every membership, truth from names."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict

import psycopg
import pytest

from lsats_pipeline.campus.group_anomalies import ODDITIES
from lsats_pipeline.campus.group_records import campus_group_facts
from lsats_pipeline.campus.world import Campus
from lsats_pipeline_tests.campus.conftest import FIRST_DAY
from lsats_pipeline_tests.campus.directories import everything, many, one, readable, truth

DAYS = [FIRST_DAY + dt.timedelta(days=age) for age in (0, 2, 5)]
FOREIGN = "S-1-5-21-"  # a principal of another domain is named by its SID
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
CONTACTS = "OU=Contacts,OU=Accounts"
BRANCHES = ("OU=Research and Instrumentation", "OU=Workstations")


@EVERY_DAY
@pytest.mark.parametrize("entity", ["user", "computer", "group"])
def test_member_and_member_of_agree(aged_campus: psycopg.Connection, day: dt.date, entity) -> None:
    entries = everything(aged_campus, "active_directory", entity, day).values()
    groups = everything(aged_campus, "active_directory", "group", day).values()
    known = {entry["dn"] for entry in entries}
    above = {(entry["dn"], dn) for entry in entries for dn in many(entry, "memberOf")}
    below = {(dn, group["dn"]) for group in groups for dn in many(group, "member") if dn in known}
    assert above == below
    assert above


@EVERY_DAY
def test_members_that_are_nobody_are_meant_to_be(aged_campus: psycopg.Connection, day) -> None:
    entities = ("user", "computer", "group")
    known = {
        entry["dn"]
        for entity in entities
        for entry in everything(aged_campus, "active_directory", entity, day).values()
    }
    strangers = {
        dn.split(",")[0].removeprefix("CN=")
        for group in everything(aged_campus, "active_directory", "group", day).values()
        for dn in many(group, "member")
        if dn not in known and CONTACTS not in dn
    }
    assert strangers
    assert all(name.startswith(("former", "lsa-gone", FOREIGN)) for name in strangers)


@EVERY_DAY
def test_truth_of_members_follows_from_the_names(aged_campus: psycopg.Connection, day) -> None:
    """Uniqnames and machines behind the names, looked up in the records of the same day."""
    users = everything(aged_campus, "active_directory", "user", day).values()
    who = {user["dn"]: one(user, "cn") for user in users}
    machine = {
        row["record_key"]: str(row["machine_id"])
        for row in truth(aged_campus, "machine_records", day)
        if row["system"] == "active_directory"
    }
    computers = readable(aged_campus, "active_directory", "computer", day)
    which = {computer["dn"]: machine[key] for key, computer in computers.items()}
    groups = everything(aged_campus, "active_directory", "group", day)
    names = {group["dn"]: one(group, "cn") for group in groups.values()}
    keys = {row["ad_group_guid"]: row["group_key"] for row in truth(aged_campus, "groups", day)}
    found = set()
    for guid, group in groups.items():
        for dn in many(group, "member") if guid in keys else ():
            simple = dn.split(",")[0].removeprefix("CN=")
            for kind, meaning in (("computer", which), ("group", names), ("person", who)):
                if dn in meaning:
                    found.add((keys[guid], kind, meaning[dn]))
                    break
            else:
                kind = "group" if simple.startswith("lsa-") else "person"
                kind = "foreign" if simple.startswith(FOREIGN) else kind
                found.add((keys[guid], kind, simple))
    expected = {
        (row["group_key"], row["member_kind"], row["member"])
        for row in truth(aged_campus, "group_members", day)
        if row["in_ad"]
    }
    unreadable = {m for m in expected - found if m[1] == "computer"}
    assert expected - unreadable <= found
    # A machine whose object cannot be read is a member nobody could name.
    assert {m for m in found - expected if m[1] != "person"} == set()
    assert len(unreadable) == len({m for m in found - expected if m[1] == "person"})


@EVERY_DAY
def test_mcommunity_lists_direct_members_apart(aged_campus: psycopg.Connection, day) -> None:
    groups = readable(aged_campus, "mcommunity_ldap", "group", day)
    names = {row["gid_number"]: row["group_key"] for row in truth(aged_campus, "groups", day)}
    listed, indirect = defaultdict(set), 0
    for gid, group in groups.items():
        direct = set(many(group, "umichDirectMember"))
        assert direct <= set(many(group, "member"))
        for dn in many(group, "member"):
            uniqname = dn.removeprefix("uid=").removesuffix(",ou=People,dc=umich,dc=edu")
            listed[names[int(gid)]].add((uniqname, dn in direct))
            indirect += dn not in direct
    for row in truth(aged_campus, "group_members", day):
        if row["in_mcommunity"] and row["member_kind"] == "person" and row["group_key"] in listed:
            assert (row["member"], row["is_direct"]) in listed[row["group_key"]]
    assert indirect


@pytest.mark.parametrize(("people", "members"), [(400, 400), (2500, 2500), (11_000, 5000)])
def test_the_largest_group_is_as_large_as_can_be(people: int, members: int) -> None:
    made = Campus(3, people, FIRST_DAY)
    for age in (0, 30):
        facts = campus_group_facts(made, age)
        [payload] = [
            rest[1]
            for (system, _, _), rest in facts.of("records")
            if (system, rest[0]) == ("active_directory", "lsa-everyone")
        ]
        assert len(set(many(json.loads(payload), "member"))) == members
        truly = [key for key, _ in facts.of("group_members") if key[0] == "campus/everyone"]
        assert len(truly) == members


def test_every_oddity_of_a_group_is_labelled(aged_campus: psycopg.Connection) -> None:
    flags = {row["flag"] for row in truth(aged_campus, "labels", DAYS[0])}
    assert {f"group_{oddity}" for oddity in ODDITIES} <= flags


def test_pairs_bear_one_name(aged_campus: psycopg.Connection) -> None:
    day = DAYS[0]
    mine = readable(aged_campus, "active_directory", "group", day).values()
    theirs = readable(aged_campus, "mcommunity_ldap", "group", day).values()
    synced = {one(g, "cn").lower() for g in mine if "OU=MCommADSync" in g["dn"]}
    assert synced
    assert synced <= {one(g, "cn").lower() for g in theirs}
    assert any(" " in one(g, "cn") for g in theirs)


@EVERY_DAY
def test_folders_stand_in_folders(aged_campus: psycopg.Connection, day: dt.date) -> None:
    units = everything(aged_campus, "active_directory", "organizational_unit", day).values()
    names = [unit["dn"] for unit in units]
    assert len(names) == len(set(names))
    for dn in names:
        if not dn.startswith(BRANCHES):
            assert dn.replace("\\,", "??").split(",", 1)[1].replace("??", "\\,") in names
    assert any("\\," in dn for dn in names)


@EVERY_DAY
def test_machines_stand_in_folders(aged_campus: psycopg.Connection, day: dt.date) -> None:
    units = everything(aged_campus, "active_directory", "organizational_unit", day).values()
    names = {unit["dn"] for unit in units}
    above = Counter(
        computer["dn"].split(",", 1)[1]
        for computer in everything(aged_campus, "active_directory", "computer", day).values()
    )
    assert above.keys() <= names


@EVERY_DAY
def test_folders_of_labs_are_at_the_depth_of_labs(aged_campus: psycopg.Connection, day) -> None:
    labs = [row for row in truth(aged_campus, "labs", day) if row["ou_dn"]]
    units = {
        row["distinguished_name"]: row for row in truth(aged_campus, "organizational_units", day)
    }
    assert labs
    for lab in labs:
        unit = units[lab["ou_dn"]]
        assert unit["pi_uniqname"] == lab["pi_uniqname"]
        assert lab["pi_uniqname"] in unit["name"]
        assert lab["ou_dn"].replace("\\,", "").count("OU=") == 8
