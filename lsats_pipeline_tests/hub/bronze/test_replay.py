"""Landing rejects again: what lands, what stays open, what a newer version has overtaken."""

from __future__ import annotations

import datetime as dt

import pytest

from lsats_pipeline.core.errors import Busy
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.replay import replay
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.rejects import find, one, open_counts, readable
from lsats_pipeline_tests.hub.stand_in import Pretend

NUL = b'{"id": "p1", "name": "a\\u0000b"}'


def resolutions(warehouse: Warehouse) -> list[tuple[str, str, int]]:
    """(reason, resolution, attempts) of every reject."""
    return warehouse.query("select reason, resolution, attempts from meta.rejects order by 1, 2")


def heads(warehouse: Warehouse) -> list[tuple[str, bool]]:
    return warehouse.query("select external_id, is_removed from bronze.heads order by 1")


def corrected(people: Pretend, key: str = "id") -> Pretend:
    """The same stream with its declaration put right."""
    return Pretend(key=(key,)) if people.stream.name == "tdx_user" else people


@pytest.fixture
def missing_key(warehouse: Warehouse, hub_settings: HubSettings) -> Pretend:
    """Ten good records landed before the declaration named a wrong key for two more."""
    good = Pretend()
    good.records = {n: {"id": f"g{n}"} for n in range(10)}
    good.ingest(warehouse, hub_settings)
    wrong = Pretend(key=("uid",))
    wrong.records = {
        **{n: {"uid": f"g{n}", "id": f"g{n}"} for n in range(10)},
        10: {"id": "p1"},
        11: {"id": "p2"},
    }
    wrong.ingest(warehouse, hub_settings)
    return wrong


def test_what_lands_is_replayed_and_removes_nobody(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    report = replay(warehouse, hub_settings, corrected(missing_key).stream)
    assert report.metadata == {"replayed": 2, "refused": 0, "overtaken": 0}
    assert (report.counts.created, report.counts.removed) == (2, 0)
    assert resolutions(warehouse) == [("missing_key", "replayed", 1)] * 2
    live = [(f"g{n}", False) for n in range(10)]
    assert heads(warehouse) == [*live, ("p1", False), ("p2", False)]
    run = warehouse.query(
        "select status, metadata ->> 'complete' from meta.ingestion_runs order by started_at desc"
    )[0]
    assert run == ("completed", "false")


def test_only_the_chosen_ones(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    with warehouse.connection() as connection:
        chosen = find(connection)[0].reject_id
    report = replay(warehouse, hub_settings, corrected(missing_key).stream, [chosen])
    assert report.metadata["replayed"] == 1
    assert sorted(r for _, r, _ in resolutions(warehouse)) == ["open", "replayed"]


def test_what_is_refused_again_stays_open(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    report = replay(warehouse, hub_settings, missing_key.stream)
    assert report.metadata == {"replayed": 0, "refused": 2, "overtaken": 0}
    assert resolutions(warehouse) == [("missing_key", "open", 2)] * 2


def test_a_replay_may_be_repeated(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    replay(warehouse, hub_settings, corrected(missing_key).stream)
    again = replay(warehouse, hub_settings, corrected(missing_key).stream)
    assert again.run_id is None
    assert again.note == "nothing to replay"


def test_a_complete_read_after_a_replay_resolves_the_rest(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    replay(warehouse, hub_settings, missing_key.stream)
    good = corrected(missing_key)
    good.records = {n: {"id": f"g{n}"} for n in range(10)}
    good.ingest(warehouse, hub_settings)
    assert {r for _, r, _ in resolutions(warehouse)} == {"mended"}


def test_what_a_newer_version_has_overtaken_does_not_come_back(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    people = Pretend()
    people.records = {1: NUL}
    people.ingest(warehouse, hub_settings)
    people.records = {1: b'{"id": "p1", "name": "new"}'}
    day = hub_settings.today() + dt.timedelta(days=1)
    # A trial shows only some records, so it resolves nothing.
    tomorrow = hub_settings.model_copy(update={"lsats_today": day, "max_records": 5})
    people.ingest(warehouse, tomorrow)
    report = replay(warehouse, tomorrow, people.stream)
    assert report.metadata == {"replayed": 0, "refused": 0, "overtaken": 1}
    assert resolutions(warehouse) == [("nul_character", "mended", 1)]


def test_two_records_with_one_identity_are_left_to_people(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    people = Pretend()
    people.records = {1: {"id": "p1", "name": "a"}, 2: {"id": "p1", "name": "b"}}
    people.ingest(warehouse, hub_settings)
    assert replay(warehouse, hub_settings, people.stream).run_id is None
    with warehouse.connection() as connection:
        (reject,) = find(connection)
    replay(warehouse, hub_settings, people.stream, [reject.reject_id])
    assert warehouse.query(
        "select raw_data ->> 'name' from bronze.raw_entities order by raw_id"
    ) == [
        ("a",),
        ("b",),
    ]


def test_it_waits_for_nobody_and_says_who_holds_the_stream(
    warehouse: Warehouse, hub_settings: HubSettings, missing_key: Pretend
) -> None:
    with warehouse.writer("bronze/tdx_user"), pytest.raises(Busy):
        replay(warehouse, hub_settings, missing_key.stream)


def test_payloads_are_read_as_far_as_they_can_be(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    people = Pretend()
    people.records = {1: NUL, 2: b'{"id": "p2", "name": "caf\xff"}', 3: b'{"id": \xff'}
    people.ingest(warehouse, hub_settings)
    with warehouse.connection() as connection:
        shown = {
            reject.reason: readable(one(connection, reject.reject_id)[1])
            for reject in find(connection, asset="bronze/tdx_user")
            if reject.external_id
        }
        assert shown["nul_character"] == {"id": "p1", "name": "a\0b"}
        assert shown["invalid_utf8"] == {"id": "p2", "name": "caf\ufffd"}
        assert sum(n for _, _, n in open_counts(connection)) == 3
    assert readable(b'{"id": \xff') == '{"id": \\xff'
