"""People and their records: unique names, real references, changes that can be noticed."""

from __future__ import annotations

import datetime as dt
import json
import re

import psycopg

from lsats_pipeline.campus.names import uniqname
from lsats_pipeline.campus.people import ids_of
from lsats_pipeline.campus.propagated_changes import changed_people
from lsats_pipeline.campus.snapshot import person_change, person_facts
from lsats_pipeline.campus.world import Campus

CAMPUS = Campus(seed=7, people=1000, first_day=dt.date(2026, 1, 1))


def test_uniqnames_are_unique_short_and_plain() -> None:
    edges = (105, 105**2, 105**3)
    numbers = [n for edge in edges for n in range(max(0, edge - 3000), edge + 3000)]
    made = [uniqname(n, 7, "Zoë", "O'Synth") for n in sorted(set(numbers))]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[a-z]{3,8}", name) for name in made)


def test_identifiers_are_unique() -> None:
    ids = [ids_of(CAMPUS, number, "A", "B") for number in range(30_000)]
    for texts in ([i.empl_id for i in ids], [i.tdx_uid for i in ids], [i.guid for i in ids]):
        assert len(set(texts)) == len(ids)
    numbers = [n for i in ids for n in (i.uid_number, i.spare_uid_number)]
    assert len(set(numbers)) == len(numbers)


def test_only_changed_people_differ() -> None:
    for day in (1, 31, 32, 33, 64):
        found = set(changed_people(CAMPUS, day))
        for number in range(CAMPUS.population(day)):
            if number not in found:
                before = person_facts(CAMPUS, number, day - 1)
                assert before.rows == person_facts(CAMPUS, number, day).rows


def test_a_change_has_two_sides() -> None:
    for number in changed_people(CAMPUS, 20):
        change = person_change(CAMPUS, number, 20)
        sides = person_facts(CAMPUS, number, 19).rows, person_facts(CAMPUS, number, 20).rows
        assert (change and (change[0].rows, change[1].rows)) == (
            sides if sides[0] != sides[1] or change else None
        )


def test_superiors_exist(aged_campus: psycopg.Connection) -> None:
    unknown = aged_campus.execute(
        """
        with record as (select system, entity, record_key, lookup, payload::jsonb as p
                        from campus.records where valid_to is null and payload not like '%\\u0000%')
        select count(*) from record r
        where (system, entity) = ('umich_api', 'user') and btrim(p ->> 'SupervisorId') <> ''
          and not exists (select from record e where (e.system, e.entity) = ('umich_api', 'user')
                          and e.p ->> 'EmplId' = r.p ->> 'SupervisorId')
           or (system, entity) = ('tdx', 'user') and p ->> 'ReportsToUID' is not null
          and not exists (select from record e where (e.system, e.entity) = ('tdx', 'user')
                          and e.record_key = r.p ->> 'ReportsToUID')
           or (system, entity) = ('tdx', 'user')
          and not exists (select from record e where (e.system, e.entity) = ('tdx', 'department')
                          and e.record_key = r.lookup)
           or (system, entity) = ('tdx', 'department')
          and p ->> 'ManagerUID' <> '00000000-0000-0000-0000-000000000000'
          and not exists (select from record e where (e.system, e.entity) = ('tdx', 'user')
                          and e.record_key = r.p ->> 'ManagerUID')
        """
    ).fetchone()
    assert unknown == (0,)


def test_details_change_only_with_their_list_record(aged_campus: psycopg.Connection) -> None:
    alone = aged_campus.execute(
        """
        select count(*) from campus.records d
        where entity like '%_detail' and not exists (
            select from campus.records l where l.system = d.system
            and l.entity || '_detail' = d.entity and l.record_key = d.record_key
            and l.valid_from = d.valid_from)
        """
    ).fetchone()
    assert alone == (0,)


def test_a_detail_repeats_its_list_record(aged_campus: psycopg.Connection) -> None:
    rows = aged_campus.execute(
        "select l.payload, d.payload from campus.records l join campus.records d"
        " on d.system = l.system and d.entity = l.entity || '_detail'"
        " and d.record_key = l.record_key and d.valid_to is null"
        " where l.valid_to is null and d.fault = ''"
    ).fetchall()
    assert len(rows) > 500
    for listed, detail in ((json.loads(a), json.loads(b)) for a, b in rows):
        listed.pop("Attributes", None)
        assert listed.items() <= detail.items()


def test_no_good_record_turns_bad(aged_campus: psycopg.Connection) -> None:
    bad = r"(payload like '%%\u0000%%' or payload like '%%' || chr(57599) || '%%')"
    turned = aged_campus.execute(
        f"""
        select count(*) from campus.records n join campus.records b
          using (system, entity, record_key)
        where {bad.replace("payload", "n.payload")} and not {bad.replace("payload", "b.payload")}
          and b.valid_to <= n.valid_from
        """
    ).fetchone()
    assert turned == (0,)


def test_versions_follow_each_other_without_a_repeat(aged_campus: psycopg.Connection) -> None:
    repeated = aged_campus.execute(
        "select count(*) from campus.records a join campus.records b"
        " using (system, entity, record_key)"
        " where a.valid_to = b.valid_from"
        " and (a.payload, a.lookup, a.fault) = (b.payload, b.lookup, b.fault)"
    ).fetchone()
    overlapping = aged_campus.execute(
        "select count(*) from campus.records a join campus.records b"
        " using (system, entity, record_key) where a.valid_from < b.valid_from"
        " and (a.valid_to is null or a.valid_to > b.valid_from)"
    ).fetchone()
    assert (repeated, overlapping) == ((0,), (0,))


def test_mix_of_people_and_fill_rates(aged_campus: psycopg.Connection) -> None:
    kinds: dict[str, float] = dict(
        aged_campus.execute(
            "select kind, count(*)::float / 2000 from campus.people where valid_from = '2026-01-01'"
            " group by kind"
        ).fetchall()
    )
    wanted = {"alumni": 0.55, "student": 0.22, "staff": 0.14, "faculty": 0.06, "sponsored": 0.03}
    assert all(abs(kinds[kind] - share) < 0.05 for kind, share in wanted.items())
    nameless = aged_campus.execute(
        "select avg((coalesce(btrim(payload::json ->> 'UniqName'), '') = '')::int)"
        " from campus.records where (system, entity) = ('umich_api', 'user')"
        " and valid_to is null and payload not like '%\\u0000%'"
    ).fetchone()
    assert nameless and 0.2 < nameless[0] < 0.4
