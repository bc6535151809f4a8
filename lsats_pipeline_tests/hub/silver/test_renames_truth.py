"""Changes of uniqnames on the campus: nobody is taken for another, nobody missed."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import psycopg
import pytest

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.history import histories
from lsats_pipeline.hub.silver.tables.users import USERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row
from lsats_pipeline_tests.hub.silver.oracle_sources import shown_name

FIRST_DAY = dt.date(2026, 3, 2)
DAYS = [FIRST_DAY + dt.timedelta(days=n) for n in range(6)]
STREAMS = {
    ("tdx", "user"): "tdx_user",
    ("umich_api", "user"): "umich_api_user",
    ("mcommunity_ldap", "user"): "mcommunity_ldap_user",
    ("active_directory", "user"): "active_directory_user",
}
Pairs = set[tuple[str, str]]


def known_to_the_systems(connection: psycopg.Connection[Any], day: dt.date) -> dict[str, list[Row]]:
    """What each system gives out on a day; directories as their readers write it."""
    found: dict[str, list[Row]] = {name: [] for name in STREAMS.values()}
    rows = connection.execute(
        "select system, entity, payload from campus.records where entity = 'user' and fault = ''"
        " and record_key not like '?%%' and valid_from <= %(day)s"
        " and (valid_to is null or %(day)s < valid_to)",
        {"day": day},
    )
    for system, entity, payload in rows:
        content = json.loads(payload)
        if "dn" in content:
            listed = content["attributes"].items()
            content = {"dn": content["dn"]} | {k: v[0] if len(v) == 1 else v for k, v in listed}
        found[STREAMS[system, entity]].append(content)
    return found


def true_pairs(connection: psycopg.Connection[Any], seen: set[str], now: set[str]) -> Pairs:
    """(former, present) of all people: what any system shows now, and showed before."""
    found: Pairs = set()
    for (names,) in connection.execute(
        "select array_agg(uniqname order by first_seen) from ("
        " select person_id, uniqname, min(valid_from) as first_seen from campus.people"
        " group by 1, 2) as name group by person_id having count(*) > 1"
    ):
        if shown := [name for name in names if name in now]:
            found |= {(name, shown[-1]) for name in names if name in seen and name != shown[-1]}
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_renamed_people_are_linked(
    warehouse: Warehouse, hub_settings: HubSettings, seed: int
) -> None:
    seen: set[str] = set()
    linked = missed = mistaken = 0
    hub = ByHand(warehouse, hub_settings, USERS)
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        campus.create(connection, seed=seed, people=1500, first_day=FIRST_DAY)
        for day in DAYS:
            campus.advance(connection, day)
            hub.settings = hub.settings.model_copy(update={"lsats_today": day})
            records = known_to_the_systems(connection, day)
            hub.take_in(**records)
            hub.build()
            now = {shown_name(row) for rows in records.values() for row in rows}
            seen |= now
            truth = true_pairs(connection, seen, now)
            found = {
                (row["former_uniqname"], row["uniqname"])
                for row in hub.rows("former_uniqnames")
                if not row["is_conflict"]
            }
            linked += len(found & truth)
            missed += len(truth - found)
            mistaken += len(found - truth)
            users = {row["uniqname"]: row for row in hub.rows("users")}
            assert {former for former, _ in found} & users.keys() == set()
            for former, present in found:
                assert former in users[present]["former_uniqnames"]
        assert mistaken == 0
        assert linked / (linked + missed) >= 0.99
        assert linked > 5
    with hub.warehouse.connection() as connection_:
        for former, present in found:
            (one,) = histories(connection_, USERS, former)
            assert one.key == present
            assert {former, present} <= {version.values["uniqname"] for version in one.versions}
