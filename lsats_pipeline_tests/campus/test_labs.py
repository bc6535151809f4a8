"""Labs: led by somebody known, tied to their people, machines, folder and money."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict

import psycopg
import pytest

from lsats_pipeline.campus.lab_snapshot import lab_facts
from lsats_pipeline.campus.labs import lab_count, lab_members, lab_start, labs_of
from lsats_pipeline.campus.people import start_of
from lsats_pipeline.campus.world import Campus
from lsats_pipeline_tests.campus.conftest import FIRST_DAY
from lsats_pipeline_tests.campus.directories import Entry, many, one, readable, truth

DAYS = [FIRST_DAY + dt.timedelta(days=age) for age in (0, 2, 5)]
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
MANY = Campus(6, 20_000, FIRST_DAY)
MANAGER = re.compile(
    r"lab(oratory)? manager|lab coordinator|coordinator|research lab specialist|research fellow"
    r"|lab tech|graduate student",
    re.IGNORECASE,
)


def test_who_is_in_a_lab_and_which_labs_somebody_is_in_agree() -> None:
    small = Campus(5, 1500, FIRST_DAY)
    for day in (0, 40):
        for number in range(small.population(day)):
            found = {
                lab
                for lab in range(lab_count(small))
                if number in lab_members(small, lab, day)
                or lab_start(small, lab).pi.number == number
            }
            assert set(labs_of(small, number, day)) == found


def test_labs_are_led_by_faculty_each_by_another() -> None:
    leaders = [lab_start(MANY, number).pi for number in range(lab_count(MANY))]
    assert len({pi.number for pi in leaders}) == len(leaders) == 66
    assert {pi.kind for pi in leaders} == {"faculty"}


@pytest.mark.parametrize("people", [200, 400, 1000])
def test_the_smallest_campus_has_labs(people: int) -> None:
    for seed in range(5):
        made = Campus(seed, people, FIRST_DAY)
        leaders = {lab_start(made, number).pi.number for number in range(lab_count(made))}
        assert len(leaders) == lab_count(made) >= 4


def test_some_labs_lack_something() -> None:
    labs = [lab_start(MANY, number) for number in range(lab_count(MANY))]
    for lacks in (
        [not lab.has_folder for lab in labs],
        [not lab.awards for lab in labs],
        [not lab.has_machines for lab in labs],
        [not lab.has_groups for lab in labs],
    ):
        assert 0 < sum(lacks) < len(labs) / 2
    assert all(lab.has_folder or lab.awards for lab in labs)


def test_labs_have_a_few_people_who_run_them() -> None:
    counts = Counter(
        sum(
            bool(MANAGER.search(start_of(MANY, number).title))
            for number in lab_members(MANY, lab, 0)
            if start_of(MANY, number).kind == "staff"
        )
        for lab in range(lab_count(MANY))
    )
    assert {0, 1, 2, 3} <= counts.keys()
    assert sum(size * count for size, count in counts.items()) / lab_count(MANY) < 5


@EVERY_DAY
def test_members_are_those_of_the_lab_s_groups(
    aged_campus: psycopg.Connection, day: dt.date
) -> None:
    """The rule of hub.md 5.8 over the groups themselves: owned by the PI, or named after them."""
    labs = {row["pi_uniqname"] for row in truth(aged_campus, "labs", day)}
    names = {row["group_key"]: row["group_name"] for row in truth(aged_campus, "groups", day)}
    owners = {
        (row["group_key"], row["owner"])
        for row in truth(aged_campus, "group_owners", day)
        if row["owner_kind"] == "person"
    }
    people = defaultdict(set)
    for row in truth(aged_campus, "group_members", day):
        if row["member_kind"] == "person":
            people[row["group_key"]].add(row["member"])
    found = {(pi, pi) for pi in labs}
    for key, name in names.items():
        for pi in labs & {*re.split(r"[^a-z]+", name.lower()), *(o for k, o in owners if k == key)}:
            found |= {(pi, member) for member in people[key] if len(people[key]) <= 200}
    expected = {
        (row["pi_uniqname"], row["uniqname"]) for row in truth(aged_campus, "lab_members", day)
    }
    assert expected == found


@EVERY_DAY
def test_machines_are_tied_to_labs_by_what_the_records_say(
    aged_campus: psycopg.Connection, day: dt.date
) -> None:
    """A second opinion on `lab_computers` from the JSON of TDX and Active Directory."""
    labs = truth(aged_campus, "labs", day)
    records = [row for row in truth(aged_campus, "machine_records", day) if row["is_current"]]
    users = readable(aged_campus, "tdx", "user", day)
    number_of = {row["person_id"]: row["pi_uniqname"] for row in labs}
    pi_by_uid = {
        uid: number_of[user["BEIDInt"]]
        for uid, user in users.items()
        if user["BEIDInt"] in number_of
    }
    assets = readable(aged_campus, "tdx", "asset", day)
    details = readable(aged_campus, "tdx", "asset_detail", day)
    computers = readable(aged_campus, "active_directory", "computer", day)
    found: set[tuple[str, int, str]] = set()
    for row in records:
        key, machine = row["record_key"], row["machine_id"]
        if row["system"] == "tdx":
            owner, payer = assets[key]["OwningCustomerID"], _payer(details.get(key, {}))
            if owner in pi_by_uid:
                found.add((pi_by_uid[owner], machine, "owner_is_pi"))
            if payer in pi_by_uid:
                found.add((pi_by_uid[payer], machine, "fin_owner_is_pi"))
        elif row["system"] == "active_directory":
            for lab in labs:
                if lab["ou_dn"] and computers[key]["dn"].endswith(f",{lab['ou_dn']}"):
                    found.add((lab["pi_uniqname"], machine, "ad_ou_nested"))
    expected = {
        (row["pi_uniqname"], row["machine_id"], method)
        for row in truth(aged_campus, "lab_computers", day)
        for method in row["methods"].split()
        if method != "name_pattern_pi"
    }
    # A leader whose account has gone is known by the truth alone.
    assert {f for f in expected - found if f[0] in pi_by_uid.values()} == set()
    assert found - expected == set()
    assert len(found) > 20


def _payer(detail: Entry) -> str:
    named = (a for a in detail.get("Attributes", []) if a["Name"].startswith("Financial Owner"))
    return next((str(attribute["Value"]) for attribute in named), "")


@EVERY_DAY
def test_every_lab_s_machine_shows_its_lab(aged_campus: psycopg.Connection, day: dt.date) -> None:
    tied = {
        (row["pi_uniqname"], row["machine_id"]) for row in truth(aged_campus, "lab_computers", day)
    }
    machines = [row for row in truth(aged_campus, "computers", day) if row["lab_pi"]]
    unreadable = ("_nul", "_bytes", "tdx_no_detail", "tdx_no_owner", "tdx_unknown_owner")
    tied_machines = [m for m in machines if (m["lab_pi"], m["machine_id"]) in tied]
    assert machines
    for machine in machines:
        assert (
            machine in tied_machines or machine["defect"].endswith(unreadable) or machine["status"]
        )
    assert len(tied_machines) > 0.8 * len(machines)


def test_awards_are_written_as_the_export_does(aged_campus: psycopg.Connection) -> None:
    rows = readable(aged_campus, "lab_awards", "lab_award", DAYS[0]).values()
    assert len(rows) > 10
    for row in rows:
        assert len(row) == 29
        assert re.fullmatch(r"\d{6}\.0||17-500", row["Person Appt Department Id"])
        assert re.fullmatch(r"\$[\d,]+(\.\d\d)?", row["Award Total Dollars"])
        assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", row["Award Project Start Date"])
    assert "" in {row["Person Appt Department Id"] for row in rows}
    flags = {row["flag"] for row in truth(aged_campus, "labels", DAYS[0])}
    assert {"award_missing_department", "award_collides"} <= flags


def test_some_award_rows_collide() -> None:
    collisions = 0
    for number in range(lab_count(MANY)):
        keys = [key[:4] for key, _ in lab_facts(MANY, number, 0).of("lab_awards")]
        collisions += len(keys) - len(set(keys))
    assert collisions > 3


@EVERY_DAY
def test_labels_of_directories_and_inventory_follow_from_the_json(
    aged_campus: psycopg.Connection, day: dt.date
) -> None:
    wanted: set[tuple[str, str, str]] = set()

    def flag(table: str, subject: str, **flags: object) -> None:
        wanted.update((table, name, subject) for name, holds in flags.items() if holds)

    for key, entry in readable(aged_campus, "active_directory", "computer", day).items():
        flag(
            "ad_computers",
            key,
            conflict_object="CNF:" in one(entry, "cn"),
            missing_operating_system=not one(entry, "operatingSystem"),
            missing_dns_hostname=not one(entry, "dNSHostName"),
            account_disabled=int(one(entry, "userAccountControl")) & 2,
        )
    for key, entry in readable(aged_campus, "active_directory", "group", day).items():
        flag(
            "ad_groups",
            key,
            conflict_object="CNF:" in one(entry, "cn"),
            missing_description=not one(entry, "description"),
            no_members=not many(entry, "member"),
        )
    for key, entry in readable(aged_campus, "mcommunity_ldap", "group", day).items():
        flag(
            "mcommunity_groups",
            key,
            missing_group_email=not one(entry, "umichGroupEmail"),
            missing_description=not one(entry, "umichDescription"),
            missing_owner=not many(entry, "owner"),
            no_members=not many(entry, "member"),
        )
    details = readable(aged_campus, "tdx", "asset_detail", day)
    for key, row in readable(aged_campus, "tdx", "asset", day).items():
        attributes = details.get(key, {}).get("Attributes", [])
        address = next((a["Value"] for a in attributes if a["Name"].startswith("MAC")), "")
        inventoried = next((a["Value"] for a in attributes if a["ID"] == 3514), "")
        serial = (row["SerialNumber"] or "").strip()
        flag(
            "tdx_assets",
            key,
            missing_name=not row["Name"].strip(),
            missing_serial_number=not serial,
            placeholder_serial_number=re.fullmatch(
                r"0000|n/a|unknown|none|to be filled .*|default string", serial, re.IGNORECASE
            ),
            damaged_serial_number=re.fullmatch(r"\d\.\d+E\+\d+", serial),
            missing_owner=row["OwningCustomerID"].startswith("00000000"),
            missing_department=not row["OwningDepartmentID"],
            not_enriched=key not in details,
            missing_mac_address=key in details and not address,
            malformed_mac_address=address and not re.search("[0-9A-Fa-f]{4}|:|-", address),
            invalid_attr_last_inventoried_date=inventoried.startswith("31/02"),
        )
    tables = {"ad_computers", "ad_groups", "mcommunity_groups", "tdx_assets"}
    expected = {
        (row["table_name"], row["flag"], row["subject"])
        for row in truth(aged_campus, "labels", day)
        if row["table_name"] in tables
    }
    assert expected == wanted
