"""Machines and their records: identities, truth, evidence, defects, and what changes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from typing import Any

import psycopg
import pytest

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.group_records import department_group_facts
from lsats_pipeline.campus.lab_snapshot import lab_facts
from lsats_pipeline.campus.labs import lab_count
from lsats_pipeline.campus.machine_defects import DEFECTS, PAIR_DEFECTS
from lsats_pipeline.campus.machine_snapshot import machine_facts
from lsats_pipeline.campus.machine_views import PLACEHOLDERS
from lsats_pipeline.campus.machines import machine_count
from lsats_pipeline.campus.propagated_changes import PropagatedChanges
from lsats_pipeline.campus.world import Campus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.sources.keyconfigure.addresses import canonical_mac
from lsats_pipeline.hub.sources.keyconfigure.client import identify as card_identity
from lsats_pipeline.hub.sources.lab_awards.client import identify as award_identity
from lsats_pipeline_tests.campus.conftest import FIRST_DAY
from lsats_pipeline_tests.campus.directories import many, one, readable, truth

DAYS = [FIRST_DAY + dt.timedelta(days=age) for age in (0, 2, 5)]
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
MANY = Campus(4, 400, FIRST_DAY, wanted_machines=4000)
NO_SERIAL = {"", *(text.upper() for text in PLACEHOLDERS)}


@EVERY_DAY
def test_keys_are_the_identities_of_bronze(aged_campus: psycopg.Connection, day: dt.date) -> None:
    for system, entity, identify in (
        ("key_client", "computer", card_identity),
        ("lab_awards", "lab_award", award_identity),
    ):
        found = readable(aged_campus, system, entity, day)
        assert {key: identify(_as_read(row)) for key, row in found.items()} == {
            key: key for key in found
        }


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    return {" ".join(column.split()): value for column, value in row.items()}


@EVERY_DAY
def test_every_readable_record_is_one_machine(aged_campus: psycopg.Connection, day) -> None:
    labelled = Counter(
        (row["system"], row["record_key"]) for row in truth(aged_campus, "machine_records", day)
    )
    assets = readable(aged_campus, "tdx", "asset", day)
    wanted = {("tdx", k) for k, asset in assets.items() if asset["FormName"] == "Computer Form"}
    for system in ("key_client", "active_directory"):
        wanted |= {(system, key) for key in readable(aged_campus, system, "computer", day)}
    assert labelled == Counter(wanted)


@EVERY_DAY
def test_cards_and_serials_are_the_true_ones(aged_campus: psycopg.Connection, day: dt.date) -> None:
    """But for docks, placeholders and what a defect says."""
    machines = {row["machine_id"]: row for row in truth(aged_campus, "computers", day)}
    rows = readable(aged_campus, "key_client", "computer", day)
    for record in truth(aged_campus, "machine_records", day):
        if record["system"] != "key_client" or not record["is_current"]:
            continue
        row, machine = rows[record["record_key"]], machines[record["machine_id"]]
        address = canonical_mac(row["MAC"])
        assert address in machine["macs"].split() or "dock" in machine["defect"]
        serials = NO_SERIAL | {machine["serial"]}
        assert (row["OEM SN"] or "").upper() in serials or "damaged" in machine["defect"]
        assert row["Name"].upper() == machine["name"] or "keys" in machine["defect"]


class Evidence:
    """What the readable records of all machines on a day say about them."""

    def __init__(self, made: Campus, day: int) -> None:
        self.records: dict[int, dict[str, set[str]]] = {}
        self.defects: dict[int, str] = {}
        for number in range(machine_count(made, day)):
            facts = machine_facts(made, number, day)
            payloads = {key: rest[1] for key, rest in facts.of("records")}
            for _, rest in facts.of("computers"):
                self.defects[number] = rest[9]
            described: dict[str, set[str]] = defaultdict(set)
            for (_, system, entity, key), (current,) in facts.of("machine_records"):
                if current:
                    detail = payloads.get((system, f"{entity}_detail", key), "{}")
                    described[system] |= _described(system, payloads[system, entity, key], detail)
            self.records[number] = described


def _described(system: str, payload: str, detail: str) -> set[str]:
    """Name, serial and addresses, normalised, each with its kind."""
    row = json.loads(payload)
    if system == "active_directory":
        return {"name " + one(row, "cn").upper()}
    if system == "key_client":
        name, serial, addresses = row["Name"], row["OEM SN"], row["MAC"]
    else:
        name, serial = row["Name"], row["SerialNumber"]
        attributes = json.loads(detail).get("Attributes", [])
        addresses = next((a["Value"] for a in attributes if a["Name"].startswith("MAC")), "")
    found = {"mac " + m for part in addresses.split(",") if (m := canonical_mac(part))}
    if name.strip():
        found.add("name " + name.strip().upper())
    if (serial or "").upper() not in NO_SERIAL:
        found.add("serial " + serial.upper())
    return found


@pytest.mark.parametrize("age", [0, 20])
def test_records_of_a_machine_hang_together(age: int) -> None:
    """Every system shares something with another one that knows the machine; few do not."""
    evidence = Evidence(MANY, age)
    loose = [
        evidence.defects[number]
        for number, described in evidence.records.items()
        if len(described) > 1 and not _hangs_together(list(described.values()))
    ]
    assert len(loose) < 0.003 * len(evidence.records)
    assert set(loose) <= {"undecidable", "tdx_detail_nul", "tdx_no_detail"}


def _hangs_together(parts: list[set[str]]) -> bool:
    whole, rest = parts[0], parts[1:]
    while rest:
        joined = [part for part in rest if part & whole]
        if not joined:
            return False
        whole = whole.union(*joined)
        rest = [part for part in rest if part not in joined]
    return True


def test_few_facts_are_shared_by_two_machines() -> None:
    """What two machines share is intended, and more than one other fact speaks against it."""
    evidence = Evidence(MANY, 0)
    holders: dict[str, set[int]] = defaultdict(set)
    for number, described in evidence.records.items():
        for fact in set().union(*described.values()):
            holders[fact].add(number)
    shared = {fact: numbers for fact, numbers in holders.items() if len(numbers) > 1}
    assert {fact.split()[0] for fact in shared} == {"name", "serial", "mac"}
    for numbers in shared.values():
        assert len(numbers) == 2
        assert len({evidence.defects[number] for number in numbers}) == 1
        assert len({number // 2 for number in numbers}) == 1


@pytest.mark.parametrize("people", [200, 2000])
def test_the_smallest_campus_shows_every_defect(people: int) -> None:
    made = Campus(8, people, FIRST_DAY)
    flags = {
        flag.removeprefix("machine_")
        for number in range(made.machines)
        for (table, flag, _), _ in machine_facts(made, number, 0).of("labels")
        if table == "campus"
    }
    assert flags == {defect.name for defect in (*DEFECTS, *PAIR_DEFECTS)}


def test_shares_of_systems_and_overlaps() -> None:
    known: Counter[str | int] = Counter()
    for number in range(MANY.machines):
        systems = {key[1] for key, _ in machine_facts(MANY, number, 0).of("machine_records")}
        known.update([*systems, len(systems)])
    share = {key: count / MANY.machines for key, count in known.items()}
    assert 0.87 < share["tdx"] < 0.95
    assert 0.28 < share["key_client"] < 0.40
    assert 0.28 < share["active_directory"] < 0.40
    assert share[1] + share[2] + share[3] > 0.99
    assert share[3] > 0.15


def test_shared_docks_and_swapped_serials_are_what_they_say(
    aged_campus: psycopg.Connection,
) -> None:
    day = DAYS[0]
    machines = {row["machine_id"]: row for row in truth(aged_campus, "computers", day)}
    addresses: dict[str, set[int]] = defaultdict(set)
    rows = readable(aged_campus, "key_client", "computer", day)
    assets = readable(aged_campus, "tdx", "asset", day)
    swapped = {}
    for record in truth(aged_campus, "machine_records", day):
        number = record["machine_id"]
        if record["system"] == "key_client":
            addresses[canonical_mac(rows[record["record_key"]]["MAC"]) or ""].add(number)
        if record["system"] == "tdx" and machines[number]["defect"] == "swapped_serials":
            swapped[number] = assets[record["record_key"]]["SerialNumber"].upper()
    docks = [pair for pair in addresses.values() if len(pair) > 1]
    assert docks
    assert all(machines[n]["defect"] == "shared_dock" for pair in docks for n in pair)
    assert swapped
    for number, serial in swapped.items():
        assert serial == machines[number ^ 1]["serial"]


def test_password_attributes_are_there_to_be_left_out(aged_campus: psycopg.Connection) -> None:
    computers = readable(aged_campus, "active_directory", "computer", DAYS[0]).values()
    names = {name for computer in computers for name in computer["attributes"]}
    assert {"ms-Mcs-AdmPwd", "msLAPS-Password", "msLAPS-EncryptedPassword"} <= names


def test_accounts_of_computers_are_in_order(aged_campus: psycopg.Connection) -> None:
    computers = readable(aged_campus, "active_directory", "computer", DAYS[0]).values()
    sids = [one(computer, "objectSid") for computer in computers]
    assert len(sids) == len(set(sids))
    for computer in computers:
        assert re.fullmatch(r"[^\s,]{1,19}\$", one(computer, "sAMAccountName"))
        assert len(one(computer, "cn")) <= 15 or "CNF:" in one(computer, "cn")
        assert all(group.startswith("CN=lsa-") for group in many(computer, "memberOf"))


@pytest.mark.parametrize("day", [1, 2, 31, 32, 33, 64])
def test_nothing_changes_that_no_event_reaches(day: int) -> None:
    made = Campus(9, 700, FIRST_DAY, wanted_machines=300)
    propagated = PropagatedChanges(made, day)
    reached = set(propagated.machines)
    for number in set(range(machine_count(made, day))) - reached:
        before = machine_facts(made, number, day - 1)
        assert before.rows == machine_facts(made, number, day).rows
    for facts_of, numbers, reached_ones in (
        (lab_facts, range(lab_count(made)), propagated.labs()),
        (department_group_facts, homes(made), propagated.departments()),
    ):
        for number in set(numbers) - set(reached_ones):
            assert facts_of(made, number, day - 1).rows == facts_of(made, number, day).rows


def test_about_one_percent_of_machines_change_each_day() -> None:
    changed = 0
    for day in range(1, 11):
        propagated = PropagatedChanges(MANY, day)
        changed += sum(
            machine_facts(MANY, number, day).rows != machine_facts(MANY, number, day - 1).rows
            for number in propagated.machines
            if number % 4 == 0
        )
    assert 0.006 < changed * 4 / 10 / MANY.machines < 0.03


def test_every_kind_of_thing_happens_to_machines(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=3, people=300, first_day=FIRST_DAY, machines=1500)
    campus.advance(connection, FIRST_DAY + dt.timedelta(days=6))
    happened = connection.execute(
        """
        select count(*) filter (where b.machine_id is null and n.machine_id >= 1500) as new,
               count(*) filter (where n.name <> b.name) as renamed,
               count(*) filter (where n.status <> b.status) as retired,
               count(*) filter (where n.owner <> b.owner) as handed_on,
               count(*) filter (where n.dept_id <> b.dept_id) as moved,
               count(*) filter (where n.last_user <> b.last_user) as used
        from campus.computers n left join campus.computers b
          on b.machine_id = n.machine_id and b.valid_to = n.valid_from
        where n.valid_from > %s
        """,
        (FIRST_DAY,),
    ).fetchone()
    assert happened and all(happened)
    gone = connection.execute(
        "select count(*) from campus.records where (system, entity) = ('active_directory',"
        " 'computer') and valid_to is not null"
    ).fetchone()
    assert gone and gone[0]


def test_machines_can_be_asked_for(connection: psycopg.Connection) -> None:
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY, machines=90)
    assert connection.execute("select count(*) from campus.computers").fetchone() == (90,)
    campus.create(connection, seed=5, people=200, first_day=FIRST_DAY, machines=90)
    campus.advance(connection, FIRST_DAY + dt.timedelta(days=1))
    with pytest.raises(ConfigurationError, match="200 people from 2026-01-01, 90 machines, wanted"):
        campus.create(connection, seed=5, people=200, first_day=FIRST_DAY)


@pytest.mark.parametrize("machines", [59, 1_000_001])
def test_their_number_has_bounds(connection: psycopg.Connection, machines: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{machines} machines"):
        campus.create(connection, seed=5, people=200, first_day=FIRST_DAY, machines=machines)
