"""Labs, their members, managers and machines against the rules worked out in plain Python.

Twice: on rows made by chance, where every rule has its case, and on the campus.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.build import asset_of, build
from lsats_pipeline.hub.silver.ddl import declare_tables, fields
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table
from lsats_pipeline.warehouse import Warehouse, recorded_run
from lsats_pipeline_tests.hub.silver import oracle_labs as oracle
from lsats_pipeline_tests.hub.silver.conftest import DAYS, Lived
from lsats_pipeline_tests.hub.silver.oracle_labs import Row, Tables

LABS = (
    "department_name_matches", "lab_names", "lab_members", "labs", "lab_managers", "lab_computers"
)  # fmt: skip
STRONG = {"owner_is_pi", "ad_ou_nested", "fin_owner_is_pi", "name_pattern_pi"}
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)


def insert(connection: psycopg.Connection[Any], name: str, row: Row) -> None:
    connection.execute(
        sql.SQL("insert into silver.{} ({}) values ({})").format(
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() for _ in row),
        ),
        [Jsonb(v) if isinstance(v, list) else v for v in row.values()],
    )


class Hub:
    """The tables of labs, and rows put straight into those that they are made of."""

    def __init__(self, warehouse: Warehouse, settings: HubSettings) -> None:
        self.warehouse, self.settings = warehouse, settings
        with warehouse.owner() as connection:
            declare_tables(connection, SILVER_TABLES)

    def put(self, name: str, rows: list[Row]) -> None:
        """Replace a table's rows."""
        with self.warehouse.owner() as connection:
            connection.execute(sql.SQL("delete from silver.{}").format(sql.Identifier(name)))
            for row in rows:
                insert(connection, name, row)

    def build(self, *names: str) -> None:
        for name in names or LABS:
            build(
                self.warehouse, self.settings, table(name), self.settings.today(),
                full=True, accept_removals=True,
            )  # fmt: skip

    def update(self, name: str, full: bool = False) -> int:
        """Build one table; how many rows that changed."""
        counts = build(
            self.warehouse, self.settings, table(name), self.settings.today(),
            full=full, accept_removals=True,
        ).counts  # fmt: skip
        return counts.created + counts.updated + counts.removed

    def edit(self, random: Random, name: str, rows: list[Row]) -> None:
        """Some of these rows come or replace others, one may go: as a build writes it."""
        declared = table(name)
        come = random.sample(rows, min(len(rows), random.randrange(4)))
        known = [row[declared.identity] for row in self.rows(name)]
        go = random.sample(known, min(len(known), random.choice([0, 0, 1])))
        replaced = [*go, *(row[declared.identity] for row in come)]
        columns = sql.SQL(", ").join(sql.Identifier(f.name) for f in fields(declared))
        asset, day = asset_of(declared), self.settings.today()
        with recorded_run(self.warehouse, asset, day) as run, run.connection.transaction():
            run.connection.execute(
                sql.SQL(
                    "insert into silver.{history}"
                    " ({columns}, ingestion_run_id, valid_to, closed_by)"
                    " select {columns}, ingestion_run_id, now(), {run} from silver.{name}"
                    " where {identity} = any({keys})"
                ).format(
                    history=sql.Identifier(f"{name}_history"), name=sql.Identifier(name),
                    columns=columns, identity=sql.Identifier(declared.identity),
                    run=run.run_id, keys=replaced,
                )
            )  # fmt: skip
            run.connection.execute(
                sql.SQL("delete from silver.{} where {} = any({})").format(
                    sql.Identifier(name), sql.Identifier(declared.identity), replaced
                )
            )
            for row in come:
                insert(run.connection, name, row | {"ingestion_run_id": run.run_id})
            run.counts.created = len(replaced)
            run.complete()

    def rows(self, name: str) -> list[Row]:
        query = sql.SQL("select * from silver.{}").format(sql.Identifier(name))
        with self.warehouse.connection() as opened, opened.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def tables(self) -> Tables:
        return {t.name: self.rows(t.name) for t in SILVER_TABLES}


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> Hub:
    return Hub(warehouse, hub_settings)


# --- rows by chance ----------------------------------------------------------------------------

PEOPLE = (
    "ann", "bob", "lee", "ana", "joann", "bobby", "chem", "kim", "max", "zoe",
    "a.b", "d3", "eve", "mia", "sam", "tom", "uma", "vic", "wes", "xi",
)  # fmt: skip
TITLES = (
    "Lab Manager", "LABORATORY MANAGER 2", "Admin Coord/Project Coord", "Project Coordinator",
    "Research Lab Specialist Lead", "Research Lab Specialist Lead Sr", "Research Lab Tech Inter Sr",
    "Research Lab Specialist Senior", "Research Lab Specialist", "Research Fellow",
    "Team Lead", "Asst Research Scientist", "GSI and GSRA", "Graduate Student Instructor",
    "Assistant Professor", "Chief Administrator", "Clerk", None,
)  # fmt: skip
PLACES = ("Chemistry", "Physics and Optics", "Human Resources", "Dept of Chemistry", None)


def chance(random: Random) -> Tables:
    """A few people who have to do with each other in every way the rules know."""
    leaders = [p for p in PEOPLE if random.random() < 0.4]
    groups = [_group(random, n) for n in range(25)]
    return {
        "departments": [
            {"dept_id": f"10000{n}", "department_name": place, "tdx_id": n + 1 if n != 3 else None}
            for n, place in enumerate(PLACES)
        ],
        "users": [_user(random, n, p, p in leaders) for n, p in enumerate(PEOPLE)],
        "tdx_users": [
            {
                "external_id": str(n),
                "uniqname": p,
                "tdx_user_uid": _uid(n),
                "default_account_name": random.choice(
                    ["100001 Physics", "Departm. of Chemistry", "Nowhere", "Physics & Optics", None]
                ),
            }
            for n, p in enumerate(PEOPLE)
        ],
        "groups": groups,
        "group_members": [m for g in groups for m in _members(random, g)],
        "group_owners": [_owner(random, g) for g in groups if random.random() < 0.3],
        "lab_awards": [_award(random, n) for n in range(20)],
        "ad_organizational_units": [_unit(random, n) for n in range(12)],
        "ad_units": [],
        "tdx_assets": [
            {
                "external_id": str(n),
                "tdx_asset_id": n,
                "attr_function_name": random.choice(
                    ["Research", "classroom", "Administrative", "Development", "Kiosk", None]
                ),
            }
            for n in range(40)
        ],
        "computers": [_computer(random, n) for n in range(60)],
    }


def _uid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012}"


def _user(random: Random, n: int, uniqname: str, is_pi: bool) -> Row:
    place = random.randrange(len(PLACES))
    codes = random.choice([["102945"], ["1", "102944"], ["102908", "102909"], *[None] * 20])
    return {
        "uniqname": uniqname,
        "full_name": random.choice([f"{uniqname}, X", None]),
        "is_pi": is_pi,
        "is_active": random.random() < 0.7,
        "job_title": random.choice([*TITLES, *TITLES[7:] * 3]),
        "job_codes": [{"job_code": c, "empl_rcd": 0} for c in codes] if codes else None,
        "department_id": f"10000{place}",
        "department_name": PLACES[place],
        "tdx_user_uid": _uid(n),
    }


def _group(random: Random, n: int) -> Row:
    who = random.choice(PEOPLE)
    name = random.choice(
        [f"lsa-{who}-share {n}", f"{who.upper()}{n}", f"x{who} {n}", f"{who} lab {n}", f"g{n}"]
    )
    return {
        "group_key": name.lower(),
        "group_id": name,
        "group_name": random.choice([name, f"{n} of {random.choice(PEOPLE)}", None]),
        "ou_full_path": random.choice([["Users"], [random.choice(PEOPLE).title(), "LSA"], None]),
    }


def _members(random: Random, group: Row) -> list[Row]:
    crowd = [f"stranger{n}" for n in range(random.choice([0, 0, 1, 199, 201]))]
    people = [*random.sample(PEOPLE, random.randrange(5)), *crowd]
    rows = [_member(group, "user", who, member_uniqname=who) for who in people]
    return [*rows, _member(group, "group", "nested", member_group_id="nested")]


def _member(group: Row, kind: str, name: str, **columns: Any) -> Row:
    identity = f"{group['group_key']}/{kind}/{name}"
    shared = {k: group[k] for k in ("group_key", "group_id")}
    return {"membership_id": identity, "member_type": kind, **shared, **columns}


def _owner(random: Random, group: Row) -> Row:
    who = random.choice(PEOPLE)
    shared = {k: group[k] for k in ("group_key", "group_id")}
    identity = f"{group['group_key']}/{who}"
    return {"ownership_id": identity, "owner_type": "user", "owner_uniqname": who, **shared}


def _award(random: Random, n: int) -> Row:
    return {
        "external_id": str(n),
        "award_id": f"AWD{n // 3}",
        "project_grant_id": random.choice(["F1", "F2", None]),
        "person_uniqname": random.choice(PEOPLE),
        "person_role": random.choice(
            ["UM Principal Investigator", "Co-Principal Investigator", "Key Personnel",
             "Participating Investigator", None]
        ),
        "person_appt_department_id": random.choice(["100001", "100004", "999999", None]),
        "award_total_dollars": random.choice([10, 20, None]),
        "award_end_date": random.choice([dt.date(2026, 3, 1), dt.date(2026, 3, 2), None]),
    }  # fmt: skip


def _unit(random: Random, n: int) -> Row:
    who = random.choice(PEOPLE)
    name = random.choice([who, who.title(), f"chem-{who}", f"{who}-lab", f"x{who}"])
    above = random.choice(["OU=Chemistry,OU=LSA,DC=x", "OU=LSA,DC=x"])
    return {
        "external_id": str(n),
        "ou_name": name,
        "distinguished_name": f"OU={name},OU=n{n},{above}",
        "ou_immediate_parent": random.choice(["Chemistry", "Physics Optics", None]),
        "when_created": dt.datetime(2026, 1, 1 + random.randrange(3), tzinfo=dt.UTC),
        "depth_category": random.choice(["potential_lab", "department"]),
    }


def _computer(random: Random, n: int) -> Row:
    who = random.choice(PEOPLE)
    name = random.choice([f"LSA-{who.upper()}-{n}", f"{who}{n}", f"x{who}{n}", f"PC{n}"])
    place = random.randrange(12)
    return {
        "computer_id": f"{name.upper()}.{n}",
        "computer_name": name,
        "is_active": random.random() < 0.9,
        "owner_uniqname": random.choice([*PEOPLE, None, None]),
        "financial_owner_uniqname": random.choice([*PEOPLE, None, None]),
        "last_user": random.choice([f"UMROOT\\{random.choice(PEOPLE)}", "lee@x.example", None]),
        "ad_distinguished_name": f"CN={name},OU=n{place},OU=LSA,DC=x",
        "tdx_asset_id": n if n < 40 else None,
        "source_system": random.choice(["ad+tdx", "keyconfigure", "tdx"]),
    }


def fill(hub: Hub, random: Random) -> None:
    world = chance(random)
    places = [unit["distinguished_name"] for unit in world["ad_organizational_units"]]
    for machine in world["computers"]:
        if random.random() < 0.6:
            inner = random.choice(["", "OU=deep\\, er,"])
            dn = f"CN={machine['computer_name']},{inner}{random.choice(places)}"
            machine["ad_distinguished_name"] = random.choice([dn, dn.upper()])
    world["ad_units"] = [
        {k: unit[k] for k in ("external_id", "ou_name", "ou_immediate_parent")}
        for unit in world["ad_organizational_units"]
    ]
    for name, rows in world.items():
        hub.put(name, rows)


def test_chance_has_no_say(hub: Hub) -> None:
    """Every lab table equals the rules, on worlds made by chance."""
    seen: set[str] = set()
    for seed in range(12):
        fill(hub, Random(seed))
        hub.build()
        tables = hub.tables()
        check(tables)
        seen |= {r["association_method"] for r in tables["lab_computers"]}
        seen |= {f"score {r['manager_confidence_score']}" for r in tables["lab_managers"]}
    assert seen >= {"owner_is_pi", "ad_ou_nested", "fin_owner_is_pi", "name_pattern_pi"}
    assert seen >= {"owner_member", "last_user_member", "score 1", "score 9", "score 11"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labs_after_any_edits_are_those_of_a_full_build(hub: Hub, seed: int) -> None:
    """Whatever changes in whichever table above: building what was touched is enough."""
    random = Random(seed)
    fill(hub, random)
    hub.build()
    for _ in range(12):
        world = chance(random)
        for name in world:
            if random.random() < 0.4:
                hub.edit(random, name, world[name])
        for name in LABS:
            hub.update(name)
        check(hub.tables())
        changed = {name: hub.update(name, full=True) for name in LABS}
        assert changed == dict.fromkeys(LABS, 0)


def test_managers_one_by_one(hub: Hub) -> None:
    """A lab for every title and job code: all scores from 1 to 14 are given and stored."""
    titles = [
        *(t for t in TITLES if t),
        "Biotech Class Sr",
        "GSI/GSRA",
        "Research Lab Specialist X",
    ]
    codes = ["102945", "102946", "102929", "102909", "102908", "102944"]
    cases = [(t, None) for t in titles] + [("Clerk", c) for c in codes]
    cases += [("Graduate Student Instructor and Graduate Student Research Assistant", None)]
    cases += [(f"Research Lab Specialist {t}", None) for t in ("Assoc", "Inter")]
    pis = ["pi" + chr(97 + n // 26) + chr(97 + n % 26) for n in range(len(cases))]
    members = [f"m{n}" for n in range(len(cases))]
    hub.put("departments", [{"dept_id": "1", "department_name": "X", "tdx_id": 1}])
    hub.put("users", [
        *({"uniqname": p, "is_pi": True, "is_active": True, "department_id": "1"} for p in pis),
        *(
            {"uniqname": m, "is_pi": False, "job_title": title,
             "job_codes": [{"job_code": code}] if code else None}
            for m, (title, code) in zip(members, cases, strict=True)
        ),
    ])  # fmt: skip
    groups = [{"group_key": p, "group_id": p, "group_name": p} for p in pis]
    hub.put("groups", groups)
    hub.put("group_members", [
        _member(g, "user", m, member_uniqname=m) for g, m in zip(groups, members, strict=True)
    ])  # fmt: skip
    hub.put("computers", [
        {"computer_id": p, "owner_uniqname": p, "source_system": "tdx", "is_active": True}
        for p in pis
    ])  # fmt: skip
    hub.build()
    found = {r["manager_uniqname"]: r["manager_confidence_score"] for r in hub.rows("lab_managers")}
    expected = {
        m: oracle.manager_score(title, [code] if code else [])
        for m, (title, code) in zip(members, cases, strict=True)
        if "Professor" not in title and "Chief" not in title
    }
    assert found == {m: score for m, score in expected.items() if score}
    assert set(found.values()) == set(range(1, 15))


def check(tables: Tables) -> None:
    """The rules hold, to the last row."""
    assert {r["lab_id"] for r in tables["labs"]} == oracle.pis(tables).keys()
    same(oracle.members(tables), by(tables["lab_members"], "lab_id", "member_uniqname"))
    same(oracle.managers(tables), by(tables["lab_managers"], "lab_id", "manager_uniqname"))
    found = {
        key: row | {"confidence": int(row["confidence_score"] * 100), "flags": row["quality_flags"]}
        for key, row in by(tables["lab_computers"], "computer_id", "lab_id").items()
    }
    same(oracle.computers(tables), found)
    for match in tables["department_name_matches"]:
        department, similar = oracle.resembling(match["name"], tables["departments"])
        assert match["dept_id"] == department, match
        assert match["similarity"] == pytest.approx(similar), match


def by(rows: list[Row], *key: str) -> dict[tuple[str, ...], Row]:
    return {tuple(row[k] for k in key): row for row in rows}


def same(expected: dict[Any, Row], found: dict[Any, Row]) -> None:
    assert found.keys() == expected.keys()
    cells = [
        (key, column, value, found[key][column])
        for key, row in expected.items()
        for column, value in row.items()
        if found[key][column] != value
    ]
    assert cells == []


# --- what people wrote -------------------------------------------------------------------------


def _small_lab(hub: Hub) -> None:
    """Lab ann, with bob in its group and one machine."""
    hub.put("departments", [{"dept_id": "1", "department_name": "X", "tdx_id": 1}])
    hub.put("users", [
        {"uniqname": "ann", "is_pi": True, "is_active": True, "department_id": "1"},
        {"uniqname": "bob", "is_pi": False, "job_title": "Lab Manager"},
    ])  # fmt: skip
    hub.put("groups", [{"group_key": "ann lab", "group_id": "ann lab"}])
    _employ(hub, "bob")
    hub.put("computers", [
        {"computer_id": "PC", "owner_uniqname": "ann", "source_system": "tdx", "is_active": True}
    ])  # fmt: skip


def _employ(hub: Hub, *people: str) -> None:
    group = {"group_key": "ann lab", "group_id": "ann lab"}
    hub.put("group_members", [_member(group, "user", p, member_uniqname=p) for p in people])
    hub.build()


def test_marks_on_managers_survive_refreshes_and_returns(hub: Hub) -> None:
    _small_lab(hub)
    hub.build()
    with hub.warehouse.owner() as connection:
        connection.execute(
            "update silver.lab_managers set is_verified = true, verification_notes = 'asked her'"
        )
    hub.build()
    [marked] = hub.rows("lab_managers")
    assert (marked["is_verified"], marked["verification_notes"]) == (True, "asked her")
    hub.put("users", [
        {"uniqname": "ann", "is_pi": True, "is_active": True, "department_id": "1"},
        {"uniqname": "bob", "is_pi": False, "job_title": "Research Fellow"},
    ])  # fmt: skip
    hub.build()
    [other] = hub.rows("lab_managers")
    assert (other["manager_confidence_score"], other["is_verified"]) == (9, True)
    _employ(hub)
    assert hub.rows("lab_managers") == []
    _employ(hub, "bob")
    [back] = hub.rows("lab_managers")
    assert (back["is_verified"], back["verification_notes"]) == (True, "asked her")


def test_the_configuration_item_of_a_lab_survives(hub: Hub) -> None:
    _small_lab(hub)
    hub.build()
    with hub.warehouse.owner() as connection:
        connection.execute("update silver.labs set tdx_ci_id = 77")
    hub.put("departments", [])
    hub.build()
    [lab] = hub.rows("labs")
    assert (lab["primary_department_id"], lab["tdx_ci_id"]) == (None, 77)
    users = [{"uniqname": "ann", "is_pi": False}]
    hub.put("users", users)
    hub.build()
    assert hub.rows("labs") == []
    hub.put("users", [users[0] | {"is_pi": True}])
    hub.build()
    assert [r["tdx_ci_id"] for r in hub.rows("labs")] == [77]


def test_a_computer_that_loses_its_labs_loses_its_primary_lab(hub: Hub) -> None:
    _small_lab(hub)
    hub.build()
    assert [(r["lab_id"], r["is_primary"]) for r in hub.rows("lab_computers")] == [("ann", True)]
    hub.put("computers", [{"computer_id": "PC", "source_system": "tdx", "is_active": True}])
    hub.build()
    assert hub.rows("lab_computers") == []


def test_an_award_that_ends_is_noticed_though_nothing_comes_in(
    hub: Hub, hub_settings: HubSettings
) -> None:
    _small_lab(hub)
    hub.put("lab_awards", [{
        "external_id": "1", "award_id": "A", "person_uniqname": "ann",
        "award_end_date": hub_settings.today(),
    }])  # fmt: skip
    hub.build()
    assert [r["active_award_count"] for r in hub.rows("labs")] == [1]
    for days, count, note in ((0, 1, "nothing new upstream"), (1, 0, "")):
        later = hub_settings.today() + dt.timedelta(days)
        settings = hub_settings.model_copy(update={"lsats_today": later})
        report = build(hub.warehouse, settings, table("labs"), later)
        assert (report.note, report.counts.updated) == (note, 1 - count)
        assert [r["active_award_count"] for r in hub.rows("labs")] == [count]


# --- scale -------------------------------------------------------------------------------------

_MANY = """
insert into silver.users (uniqname, full_name, is_pi, is_active, tdx_user_uid, job_title)
select name, name, n <= 600, true, gen_random_uuid(), (array['Lab Manager', 'Clerk'])[1 + n % 2]
from (
    select n, translate(lpad(n::text, 6, '0'), '0123456789', 'abcdefghij') as name
    from generate_series(1, 20000) as n
) as person;
insert into silver.groups (group_key, group_id)
select 'lsa-' || uniqname || '-' || n, 'lsa-' || uniqname || '-' || n
from silver.users, generate_series(1, 2) as n;
insert into silver.group_members (
    membership_id, group_key, group_id, member_type, member_uniqname)
select group_key || n, group_key, group_id, 'user',
    translate(lpad((1 + abs(hashtext(group_key || n)) % 20000)::text, 6, '0'),
        '0123456789', 'abcdefghij')
from silver.groups, generate_series(1, 5) as n;
insert into silver.ad_organizational_units (
    external_id, ou_name, ou_immediate_parent, distinguished_name)
select uniqname, uniqname, 'Chemistry', 'OU=' || uniqname || ',OU=Chemistry,OU=LSA,DC=x'
from silver.users where is_pi;
insert into silver.departments (dept_id, department_name, tdx_id)
select n::text, 'Department of ' || initcap(md5(n::text)), n
from generate_series(100000, 102999) as n;
insert into silver.tdx_users (external_id, uniqname, tdx_user_uid, default_account_name)
select uniqname, uniqname, tdx_user_uid, case when n % 2 = 0 then 'Dept. of ' || substr(
    initcap(md5((100000 + n % 300)::text)), 1, 30) else 'Unit ' || (100000 + n % 3000) end
from (select *, row_number() over () as n from silver.users) as person;
insert into silver.lab_awards (
    external_id, award_id, person_uniqname, person_role, person_appt_department_id)
select uniqname || n, 'AWD' || uniqname || n, uniqname, 'UM Principal Investigator', '100001'
from silver.users, generate_series(1, 5) as n where is_pi;
insert into silver.computers (
    computer_id, computer_name, is_active, owner_uniqname, last_user, source_system,
    ad_distinguished_name)
select 'PC' || n, 'LSA-' || upper(uniqname) || '-' || n, true, uniqname, uniqname, 'ad+tdx',
    'CN=PC' || n || ',OU=' || lab || ',OU=Chemistry,OU=LSA,DC=x'
from (
    select n, translate(lpad((1 + abs(hashint4(n)) % 20000)::text, 6, '0'),
            '0123456789', 'abcdefghij') as uniqname,
        translate(lpad((1 + n % 600)::text, 6, '0'), '0123456789', 'abcdefghij') as lab
    from generate_series(1, 20000) as n
) as machine
"""


def test_labs_times_machines_is_never_tried(hub: Hub) -> None:
    """600 labs and 20,000 machines, with no statistics: seconds, where pairs would take minutes."""
    with hub.warehouse.owner() as connection:
        connection.execute(_MANY)
    seconds = {}
    for name in LABS:
        started = time.monotonic()
        hub.build(name)
        seconds[name] = time.monotonic() - started
    assert len(hub.rows("labs")) == 600
    assert len(hub.rows("lab_managers")) > 600
    assert len(hub.rows("lab_computers")) > 20_000
    # Pairs would take minutes; the bound is far from what a slow machine needs.
    assert max(seconds.values()) < 120, seconds


# --- the campus --------------------------------------------------------------------------------


@EVERY_DAY
def test_labs_of_the_campus_follow_the_rules(lived: Lived, day: dt.date) -> None:
    tables = {name: list(rows.values()) for name, rows in lived.days[day].silver.items()}
    assert tables["labs"]
    check(tables)


@EVERY_DAY
def test_labs_and_members_are_the_true_ones(lived: Lived, day: dt.date) -> None:
    known = lived.days[day]
    assert set(known.silver["labs"]) == {r["pi_uniqname"] for r in known.truth["labs"]}
    found = {(r["lab_id"], r["member_uniqname"]) for r in known.silver["lab_members"].values()}
    true = {(r["pi_uniqname"], r["uniqname"]) for r in known.truth["lab_members"]}
    assert found == true | {(lab, lab) for lab in known.silver["labs"]}


@EVERY_DAY
def test_machines_are_in_the_labs_that_records_tie_them_to(lived: Lived, day: dt.date) -> None:
    """Machines by their asset; those with records under another name may be matched otherwise."""
    known = lived.days[day]
    names = {r["machine_id"]: r["name"].upper() for r in known.truth["computers"]}
    machine = {
        int(r["record_key"]): r["machine_id"]
        for r in known.truth["machine_records"]
        if (r["system"], r["entity"]) == ("tdx", "asset") and r["is_current"]
    }
    true: dict[int, dict[str, list[str]]] = defaultdict(dict)
    for tie in known.truth["lab_computers"]:
        true[tie["machine_id"]][tie["pi_uniqname"]] = tie["methods"].split()
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for pair in known.silver["lab_computers"].values():
        if strong := sorted(set(pair["association_methods"]) & STRONG):
            found[pair["computer_id"]][pair["lab_id"]] = strong
    compared = [
        (row["computer_id"], found[row["computer_id"]], true[machine[row["tdx_asset_id"]]])
        for row in known.silver["computers"].values()
        if row["is_active"]
        and row["tdx_asset_id"] in machine
        and row["computer_name"].upper() == names[machine[row["tdx_asset_id"]]]
    ]
    assert len(compared) > 30
    assert any(theirs for _, _, theirs in compared)
    assert [(name, mine, theirs) for name, mine, theirs in compared if mine != theirs] == []
