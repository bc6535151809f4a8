"""Bronze against the ground truth, through the real protocols: what changed lands, nothing else.

The campus says what each system knew on each day (`campus.records`), the simulators serve it, the
hub ingests it day by day, and bronze has to hold exactly the campus's own changes.
"""

from __future__ import annotations

import datetime as dt
import json

import pytest

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.campus.simulators import STAND_INS, SYSTEMS
from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline_tests.campus.systems import DETAILS_OF_CAMPUS, STREAMS_OF_CAMPUS

FIRST = dt.date(2026, 3, 2)
DAYS = [FIRST + dt.timedelta(n) for n in range(3)]
DECLARED: list[Stream | Detail] = [*STREAMS_OF_CAMPUS, *DETAILS_OF_CAMPUS]

# What bronze should have received on a day: new versions, and keys that ended without a successor;
# records that bronze rejects are known from the labels.
EXPECTED = """
with rejected as (
    select subject from campus.labels
    where table_name = 'rejects:' || %(name)s and valid_from <= %(day)s
        and (valid_to is null or valid_to > %(day)s)
),
born as (
    select record_key from campus.records
    where system = %(system)s and entity = %(entity)s and valid_from = %(day)s
        and fault = '' and record_key not like '?%%'
        and record_key not in (select subject from rejected)
),
ended as (
    select record_key from campus.records old
    where system = %(system)s and entity = %(entity)s and valid_to = %(day)s
        and fault = '' and record_key not like '?%%'
        and not exists (
            select from campus.records new
            where (new.system, new.entity) = (old.system, old.entity)
                and new.record_key = old.record_key
                and new.valid_from = %(day)s)
        and not exists (
            select from campus.labels
            where table_name = 'rejects:' || %(name)s and subject = old.record_key
                and valid_from < %(day)s)
)
select record_key, false from born union all select record_key, true from ended
"""
LANDED = """
select external_id, is_removed from bronze.raw_entities
where source_system = %(system)s and entity_type = %(entity)s and partition_key = %(day)s
"""


def settings_on(day: dt.date, home) -> HubSettings:
    return load(HubSettings, lsats_home=home, lsats_today=day, lsats_demo_people=400)


def ingest_all(hub: Hub) -> None:
    for listed in STREAMS_OF_CAMPUS:
        hub.ingest(listed)
    for detail in DETAILS_OF_CAMPUS:
        hub.enrich(detail)


def live(warehouse, tmp_path, days):
    """The hub over some days of the campus; one hub a day, as one run a day."""
    with warehouse.owner() as connection:
        campus.create(connection, seed=7, people=400, first_day=FIRST)
    for day in days:
        hub = Hub(settings_on(day, tmp_path), warehouse, SimulatedCampus())
        try:
            ingest_all(hub)
            yield day, hub
        finally:
            hub.close()


def both(warehouse, declared: Stream | Detail, day):
    scope = {
        "name": declared.name,
        "system": declared.source_system,
        "entity": declared.entity_type,
        "day": day,
    }
    with warehouse.owner() as connection:
        expected = connection.execute(EXPECTED, scope).fetchall()
        landed = connection.execute(LANDED, scope).fetchall()
    return sorted(expected), sorted(landed)


def test_every_stream_lands_the_true_changes_of_each_day(warehouse, tmp_path):
    changed = 0
    for day, hub in live(warehouse, tmp_path, DAYS):
        for declared in DECLARED:
            expected, landed = both(warehouse, declared, day)
            assert landed == expected, (declared.name, day)
            changed += len(landed) if day > FIRST else 0
        before = warehouse.query("select count(*) from bronze.raw_entities")
        ingest_all(hub)
        assert warehouse.query("select count(*) from bronze.raw_entities") == before
    assert changed > 10


def test_the_campus_knows_what_it_says_it_knows(warehouse, tmp_path):
    """Which sources are served by simulators, and which by what is recorded, hangs on it."""
    for _ in live(warehouse, tmp_path, DAYS[:1]):
        with warehouse.owner() as connection:
            rows = connection.execute(
                "select distinct system, entity from campus.records"
                " where entity not like '%_detail'"
            ).fetchall()
        streams = {(s, entity) for s, known in SYSTEMS.items() for entity in known}
        assert set(rows) == streams | STAND_INS
        assert len(STREAMS_OF_CAMPUS) == len(streams)


def test_payloads_are_what_the_systems_know(warehouse, tmp_path):
    for _ in live(warehouse, tmp_path, DAYS[:1]):
        rows = warehouse.query(
            "select source_system, entity_type, external_id, raw_data from bronze.raw_entities"
            " where source_system in ('tdx', 'umich_api')"
        )
        with warehouse.owner() as connection:
            truth = {
                (system, entity, key): payload
                for system, entity, key, payload in connection.execute(
                    "select system, entity, record_key, payload from campus.records"
                )
            }
        assert len(rows) > 300
        for system, entity, key, data in rows:
            assert data == json.loads(truth[system, entity, key])


def test_rejects_are_the_intended_ones(warehouse, tmp_path):
    for day, _ in live(warehouse, tmp_path, DAYS):
        found = warehouse.query(
            "select case layer when 'enrichment' then entity || '_detail' else entity end, reason,"
            " coalesce(external_id, '') from meta.rejects where resolution = 'open'"
        )
        with warehouse.owner() as connection:
            intended = connection.execute(
                "select substring(table_name from 9), flag, subject from campus.labels"
                " where table_name like 'rejects:%%' and valid_from <= %(day)s"
                " and (valid_to is null or valid_to > %(day)s)",
                {"day": day},
            ).fetchall()
        assert sorted(found) == sorted(intended)


def test_rows_of_documents_say_where_they_stood(warehouse, tmp_path):
    for day, _ in live(warehouse, tmp_path, DAYS[:1]):
        rows = warehouse.query(
            "select source_system, external_id, raw_data, ingestion_metadata"
            " from bronze.raw_entities where source_system in ('key_client', 'lab_awards')"
        )
        assert {row[0] for row in rows} == {"key_client", "lab_awards"}
        for system, key, _, origin in rows:
            suffix = {"key_client": ".xlsx", "lab_awards": ".csv"}[system]
            assert origin["file"].endswith(f"{day}{suffix}"), key
            assert (origin["row"] >= 2, "sheet" in origin) == (True, system == "key_client")
        archived = [
            path.name for path in (tmp_path / "simulated/archive").rglob("*.*") if path.is_file()
        ]
        assert sorted(archived) == sorted({row[3]["file"] for row in rows})


def test_no_password_of_the_campus_arrives(warehouse, tmp_path):
    """Its computers have passwords that Active Directory would return."""
    for _ in live(warehouse, tmp_path, DAYS[:1]):
        with warehouse.owner() as connection:
            (served,) = connection.execute(
                "select count(*) from campus.records where payload like '%\"ms-Mcs-AdmPwd\"%'"
                " or payload like '%\"msLAPS-%Password\"%'"
            ).fetchone()
        [(stored, expiry_times)] = warehouse.query(
            "select count(*) filter (where raw::text ~ '\"(ms-Mcs-AdmPwd|msLAPS-[A-Za-z]*Password"
            "(History)?|unicodePwd|userPassword|msDS-ManagedPassword[A-Za-z]*)\\\\*\"'),"
            " count(*) filter (where raw::text like '%PasswordExpirationTime%'"
            " or raw::text like '%AdmPwdExpirationTime%') from bronze.raw_entities raw"
        )
        assert served > 0
        assert (stored, expiry_times > 0) == (0, True)


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("active_directory", "active_directory_user"),
        ("active_directory", "active_directory_group"),
        ("active_directory", "active_directory_computer"),
        ("active_directory", "active_directory_organizational_unit"),
        # Its groups are read past any limit, by the beginnings of their names.
        ("mcommunity", "mcommunity_ldap_user"),
    ],
)
def test_a_truncated_directory_removes_nobody_and_fails(warehouse, tmp_path, directory, name):
    for day, hub in live(warehouse, tmp_path, DAYS[:1]):
        with warehouse.owner() as connection:
            connection.execute(
                "insert into campus.faults values ('ldap_size_limit', %s)",
                [json.dumps({"directory": directory, "entries": 1})],
            )
        with pytest.raises(IncompleteRead, match=r"(?i)limit"):
            hub.ingest(stream(name))
        [(status, removed)] = warehouse.query(
            "select status, records_removed from meta.ingestion_runs where entity = %s"
            " order by started_at desc limit 1",
            [name],
        )
        assert (status, removed) == ("failed", 0)
        assert warehouse.query("select count(*) from bronze.raw_entities where is_removed") == [
            (0,)
        ]
        assert day == FIRST
