"""Matching against the campus, which knows what every machine really is.

`LSATS_TEST_MACHINES=20000 pytest -s -k computers_truth` for as many as the college has.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.silver.ddl import fields
from lsats_pipeline.hub.silver.tables.computer_groups import COMPUTER_GROUPS
from lsats_pipeline.hub.silver.tables.computer_matches import COMPUTER_MATCHES
from lsats_pipeline.hub.silver.tables.computer_records import COMPUTER_RECORDS
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.conftest import database_on, drop_database, execute
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

MACHINES = int(os.environ.get("LSATS_TEST_MACHINES", "1500"))
PEOPLE = 1000
FIRST_DAY = dt.date(2026, 3, 2)
STREAMS = {
    ("tdx", "department"): "tdx_department",
    ("tdx", "user"): "tdx_user",
    ("umich_api", "department"): "umich_api_department",
    ("tdx", "asset"): "tdx_asset",
    ("key_client", "computer"): "key_client_computer",
    ("active_directory", "computer"): "active_directory_computer",
    ("active_directory", "group"): "active_directory_group",
}
SYSTEMS = {"tdx": "tdx", "key_client": "keyconfigure", "active_directory": "ad"}
_RECORDS = """
select record_key, payload from campus.records
where system = %s and entity = %s and fault = '' and valid_from <= %s
    and (valid_to is null or %s < valid_to)
order by record_key
"""
_TRUTH = """
select record.system, record.record_key, record.machine_id, record.is_current, machine.defect
from campus.machine_records as record
join campus.computers as machine using (machine_id)
where record.valid_from <= %(day)s and (record.valid_to is null or %(day)s < record.valid_to)
    and machine.valid_from <= %(day)s and (machine.valid_to is null or %(day)s < machine.valid_to)
"""

_MACHINES = """
select machine_id, owner, financial_owner, dept_id, status from campus.computers
where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)
"""

Record = tuple[str, str]  # system and id
Pair = tuple[Record, Record]


class Truth(NamedTuple):
    """What is known of a record."""

    machine: int
    current: bool
    defect: str


class College(NamedTuple):
    """The hub after it took everything in, and the truth on that day."""

    hub: ByHand
    records: dict[str, list[Row]]
    details: dict[str, Row]
    truth: dict[Record, Truth]
    machines: dict[int, tuple[str | None, ...]]  # owner, who pays, department, status


@contextmanager
def emptied(postgres: str, template: str) -> Iterator[Warehouse]:
    """A hub's empty database."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    statement = sql.SQL("create database {} template {}")
    execute(postgres, statement.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        with Warehouse(database_on(postgres, name)) as warehouse:
            yield warehouse
    finally:
        drop_database(postgres, name)


def ingested(
    warehouse: Warehouse, home: Path, records: dict[str, list[Row]], details: dict[str, Row]
) -> ByHand:
    """The hub after it ingested these records, in this order."""
    settings = load(
        HubSettings, lsats_home=home, lsats_today=FIRST_DAY, lsats_detail_minutes=10_000.0
    )
    hub = ByHand(warehouse, settings, COMPUTERS, COMPUTER_GROUPS)
    hub.take_in(**records)
    hub.complete("tdx_asset_detail", details)
    hub.build()
    return hub


@pytest.fixture(scope="module")
def college(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[College]:
    with emptied(postgres, template) as warehouse:
        with psycopg.connect(warehouse.url, autocommit=True) as connection:
            campus.create(connection, seed=3, people=PEOPLE, machines=MACHINES, first_day=FIRST_DAY)
            records = {name: list(_known(connection, *what)) for what, name in STREAMS.items()}
            details = {str(row["ID"]): row for row in _known(connection, "tdx", "asset_detail")}
            truth = _truth(connection)
            rows = connection.execute(_MACHINES, {"day": FIRST_DAY}).fetchall()
            machines = {row[0]: tuple(row[1:]) for row in rows}
        hub = ingested(warehouse, tmp_path_factory.mktemp("home"), records, details)
        yield College(hub, records, details, truth, machines)


def _known(connection: psycopg.Connection[Any], system: str, entity: str) -> Iterator[Row]:
    rows = connection.execute(_RECORDS, [system, entity, FIRST_DAY, FIRST_DAY]).fetchall()
    for _, payload in rows:
        if "\ue0ff" not in payload and "\\u0000" not in payload:  # bronze would refuse these
            yield _flat(json.loads(payload))


def _flat(record: Row) -> Row:
    """A directory's entry as the hub keeps it."""
    if "attributes" not in record:
        return record
    values = {
        name: given[0] if len(given) == 1 else given
        for name, given in record["attributes"].items()
        if given
    }
    return {"dn": record["dn"], **values}


def _truth(connection: psycopg.Connection[Any]) -> dict[Record, Truth]:
    """By the hub's own ids: a KeyConfigure machine has one for all of its cards."""
    found: dict[Record, Truth] = {}
    for system, key, machine, current, defect in connection.execute(_TRUTH, {"day": FIRST_DAY}):
        record = (SYSTEMS[system], key)
        known = found.get(record)
        found[record] = Truth(machine, current or bool(known and known.current), defect)
    return found


def _of_hub(college: College) -> dict[Record, Truth]:
    """The truth of every record of computer_records."""
    cards = college.hub.rows("keyconfigure_cards")
    machines: dict[Record, Truth] = {}
    by_card = {row["external_id"]: row["computer_id"] for row in cards}
    for (system, key), truth in college.truth.items():
        if system == "keyconfigure":
            if key not in by_card:
                continue
            record = (system, by_card[key])
            known = machines.get(record)
            truth = truth._replace(current=truth.current or bool(known and known.current))
        else:
            record = (system, key)
        machines[record] = truth
    return machines


def _together(college: College) -> set[Pair]:
    """Pairs of records that the hub takes for one machine."""
    by_machine: dict[str, list[Record]] = {}
    for row in college.hub.rows("computer_records"):
        record = (row["record_system"], row["system_id"])
        by_machine.setdefault(row["computer_id"], []).append(record)
    return _pairs(by_machine.values())


def _pairs(groups: Iterable[list[Record]]) -> set[Pair]:
    order = list(SYSTEMS.values())
    return {
        (a, b)
        for group in groups
        for a, b in combinations(sorted(group, key=lambda r: order.index(r[0])), 2)
        if a[0] != b[0]
    }


def test_records_of_one_machine_are_found(college: College) -> None:
    truth = _of_hub(college)
    by_machine: dict[int, list[Record]] = {}
    for record, known in truth.items():
        if known.current:
            by_machine.setdefault(known.machine, []).append(record)
    true, found = _pairs(by_machine.values()), _together(college)
    # What a system keeps of a machine's past may be matched or not.
    past = {(a, b) for a, b in found - true if truth[a].machine == truth[b].machine}
    right, wrong, missed = found & true, found - true - past, true - found
    precision, recall = len(right) / (len(right) + len(wrong)), len(right) / len(true)
    lines = [
        f"{MACHINES:,} machines, {len(truth):,} records, {len(true):,} true pairs",
        f"{'':24}{'found':>9}{'missed':>9}{'wrong':>9}{'of its past':>13}",
    ]
    for kinds in combinations(SYSTEMS.values(), 2):
        counts = [_count(pairs, kinds) for pairs in (right, missed, wrong)]
        numbers = "".join(f"{count:>9,}" for count in counts)
        lines.append(f"{' + '.join(kinds):24}{numbers}{_count(past, kinds):>13,}")
    lines += [
        f"precision {precision:.4f}, recall {recall:.4f}",
        f"missed, by what is wrong with the machine: {_by_defect(missed, truth)}",
        f"wrong: {_by_defect(wrong, truth)}",
        *(f"{a} {b}" for a, b in sorted([*wrong, *missed])[:20]),
        "seconds: " + ", ".join(f"{n} {r.seconds:.1f}" for n, r in college.hub.reports.items()),
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert precision >= 0.995
    assert recall >= 0.99


def _by_defect(pairs: set[Pair], truth: dict[Record, Truth]) -> dict[str, int]:
    return dict(Counter(truth[a].defect or "nothing" for a, _ in pairs))


def _count(pairs: set[Pair], kinds: tuple[str, str]) -> int:
    return sum((a[0], b[0]) == kinds for a, b in pairs)


def test_every_record_is_of_exactly_one_machine(college: College) -> None:
    rows = college.hub.rows("computer_records")
    present = (row for row in rows if not row["is_former"])
    of_kind = Counter((row["record_system"], row["computer_id"]) for row in present)
    assert set(of_kind.values()) == {1}
    assets = [r for r in college.hub.rows("tdx_assets") if r["form_name"] == "Computer Form"]
    assert len(rows) == len(assets) + sum(
        len(college.hub.rows(name)) for name in ("keyconfigure_computers", "ad_computers")
    )
    ids = {row["computer_id"] for row in college.hub.rows("computers")}
    assert ids == {row["computer_id"] for row in rows}


def test_owners_departments_and_status_are_those_of_the_machine(college: College) -> None:
    truth, looked_at = _of_hub(college), 0
    for row in college.hub.rows("computers"):
        known = truth.get(("tdx", str(row["tdx_asset_id"])))
        if known is None or known.defect:  # a defect may be that TDX says something else
            continue
        owner, payer, department, status = college.machines[known.machine]
        found = (row["owner_uniqname"], row["financial_owner_uniqname"])
        flags = set(row["quality_flags"])
        if "invalid_owner_tdx_uid" not in flags:
            assert found[0] == owner
        if "invalid_financial_owner_tdx_uid" not in flags:
            assert found[1] == payer
        # Some assets name no department; then it is that of the folder, or of the inventory.
        if row["field_sources"].get("owner_department_id") == "tdx":
            assert row["owner_department_id"] == department
            looked_at += 1
        assert row["is_active"] == (status == "Active")
    assert looked_at > 100


def test_shuffled_records_give_the_same_bytes(
    college: College, postgres: str, template: str, tmp_path: Path
) -> None:
    random = Random(5)
    records = {name: random.sample(rows, len(rows)) for name, rows in college.records.items()}
    details = dict(random.sample(sorted(college.details.items()), len(college.details)))
    with emptied(postgres, template) as warehouse:
        other = ingested(warehouse, tmp_path, records, details)
        for table in (COMPUTER_MATCHES, COMPUTER_RECORDS, COMPUTERS, COMPUTER_GROUPS):
            columns = [f.name for f in fields(table) if f.compared]
            assert _bytes(college.hub, table.name, columns) == _bytes(other, table.name, columns)


def _bytes(hub: ByHand, table: str, columns: list[str]) -> list[tuple[str]]:
    """Every row as text, in the order of the key; without ids of runs and bronze rows."""
    query = sql.SQL('select row({})::text from silver.{} order by {} collate "C"').format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table),
        sql.Identifier(columns[0]),
    )
    return hub.warehouse.query(query)
