"""The predecessor's bronze taken over: versions in order, its own keys moved aside, once only."""

import json

import psycopg
import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.bronze.predecessor import import_bronze
from lsats_pipeline.hub.sources import SOURCES

OLD = """
create schema bronze;
create table bronze.raw_entities (
    raw_id uuid primary key default gen_random_uuid(), entity_type varchar(50),
    source_system varchar(50), external_id varchar(255), raw_data jsonb,
    ingested_at timestamptz, ingestion_run_id uuid);
"""
UID = "00000000-0000-0000-0000-000000000001"
GUID = "0f9e8d7c-0000-0000-0000-00000000000a"
BRACED = f"{{{GUID.upper()}}}"
AWARD = {"Award Id": "AWD1", "Person Uniqname": "adam", "A\nB": "c"}
ROWS = [
    ("tdx", "user", "1", {"UID": UID, "LastName": "One", "_content_hash_basic": "x"}, 1),
    ("tdx", "user", "made up", {"UID": UID, "LastName": "Two", "_content_hash_basic": "y"}, 2),
    ("tdx", "user", "1", {"UID": UID, "LastName": "Two", "GroupIDs": [7], "_enriched_at": "t"}, 3),
    ("active_directory", "user", "g", {"objectGUID": BRACED, "cn": "adam"}, 1),
    ("umich_api", "user", "7", {"EmplId": "7", "EmplRcd": 0, "UniqName": "adam"}, 1),
    ("umich_api", "user", "7", {"EmplId": "7", "EmplRcd": 1, "UniqName": "adam"}, 2),
    ("umich_api", "user", "7", {"EmplId": "7", "EmplRcd": 0, "UniqName": "adam", "_h": 1}, 3),
    ("lab_awards", "lab_award", "a", AWARD, 1),
    ("somewhere", "thing", "1", {"x": 1}, 1),
]


@pytest.fixture
def predecessor(database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(OLD)
        for system, entity, key, data, day in ROWS:
            connection.execute(
                "insert into bronze.raw_entities (source_system, entity_type, external_id,"
                " raw_data, ingested_at) values (%s, %s, %s, %s, %s)",
                [system, entity, key, json.dumps(data), f"2026-01-0{day}"],
            )
    return database_url


def test_every_version_in_its_order(warehouse, hub_settings, predecessor, caplog):
    reports = list(import_bronze(warehouse, hub_settings, SOURCES, predecessor))
    assert {str(r.asset): (r.counts.created, r.counts.updated) for r in reports} == {
        "bronze/tdx_user": (1, 2),
        "enrichment/tdx_user": (1, 0),
        "bronze/active_directory_user": (1, 0),
        "bronze/umich_api_user": (2, 0),
        "bronze/lab_awards_lab_award": (1, 0),
    }
    assert "somewhere/thing" in caplog.text
    assert warehouse.query(
        "select raw_data, ingestion_metadata->'imported'->>'_content_hash_basic'"
        " from bronze.raw_entities where entity_type = 'user' and source_system = 'tdx'"
        " order by raw_id"
    ) == [
        ({"UID": UID, "LastName": "One"}, "x"),
        ({"UID": UID, "LastName": "Two"}, "y"),
        ({"UID": UID, "LastName": "Two", "GroupIDs": [7]}, None),
    ]
    heads = {(s, e, i) for s, e, i in warehouse.query(
        "select source_system, entity_type, external_id from bronze.heads"
    )}  # fmt: skip
    assert ("active_directory", "user", GUID) in heads
    assert ("umich_api", "user", "7-1") in heads
    assert ("tdx", "user_detail", UID) in heads
    [(award,)] = warehouse.query(
        "select raw_data from bronze.raw_entities where source_system = 'lab_awards'"
    )
    assert award["A B"] == "c"


def test_only_into_a_new_hub(warehouse, hub_settings, predecessor):
    list(import_bronze(warehouse, hub_settings, SOURCES, predecessor))
    with pytest.raises(ConfigurationError, match=r"bronze/active_directory_user.* already ran"):
        list(import_bronze(warehouse, hub_settings, SOURCES, predecessor))


def test_a_database_of_somebody_else(warehouse, hub_settings, database_url):
    with pytest.raises(ConfigurationError, match=r"has no bronze\.raw_entities"):
        list(import_bronze(warehouse, hub_settings, SOURCES, database_url))
