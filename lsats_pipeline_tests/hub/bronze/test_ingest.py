"""Rows in, versions out: change detection, tombstones, the hold, rejects, resuming, one writer."""

import datetime as dt
import threading
from dataclasses import replace

import psycopg
import pytest

from lsats_pipeline.core.errors import Busy, ConfigurationError, IncompleteRead
from lsats_pipeline.hub.sources.nesting import DEEPEST
from lsats_pipeline.hub.sources.source import Page
from lsats_pipeline_tests.hub.stand_in import PAGE, Pretend


@pytest.fixture
def people():
    pretend = Pretend(volatile=frozenset({"seen"}))
    pretend.records = {n: {"id": f"p{n}", "name": f"Name {n}", "seen": 0} for n in range(100)}
    return pretend


def counts(report):
    c = report.counts
    return c.created, c.updated, c.skipped, c.removed, c.rejected


def versions(warehouse, external_id):
    return warehouse.query(
        "select is_removed, raw_data->>'name' from bronze.raw_entities where external_id = %s"
        " order by raw_id",
        [external_id],
    )


def test_only_what_differs_lands(warehouse, hub_settings, people):
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 0)
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)
    people.records[1]["name"] = "Renamed"
    people.records[2]["seen"] = 99
    people.records[100] = {"id": "p100", "name": "New"}
    del people.records[3]
    assert counts(people.ingest(warehouse, hub_settings)) == (1, 1, 98, 1, 0)
    assert versions(warehouse, "p1") == [(False, "Name 1"), (False, "Renamed")]
    assert versions(warehouse, "p3") == [(False, "Name 3"), (True, None)]


def test_the_order_of_keys_is_no_change(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    people.records[1] = dict(reversed(people.records[1].items()))
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)


def test_who_comes_back_is_alive_again(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    gone = people.records.pop(5)
    people.ingest(warehouse, hub_settings)
    people.records[5] = gone
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 1, 99, 0, 0)
    assert [removed for removed, _ in versions(warehouse, "p5")] == [False, True, False]


def test_raw_data_is_what_the_source_gave(warehouse, hub_settings):
    pretend = Pretend()
    pretend.records = {1: b'{"id": 1, "big": 12345678901234567890123, "x": 1.10, "a":[null]}'}
    pretend.ingest(warehouse, hub_settings)
    [(text,)] = warehouse.query("select raw_data::text from bronze.raw_entities")
    assert text == '{"a": [null], "x": 1.10, "id": 1, "big": 12345678901234567890123}'


def test_a_mass_disappearance_is_held_until_a_person_accepts_it(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    for n in range(50):
        del people.records[n]
    people.records[99]["name"] = "Changed all the same"
    report = people.ingest(warehouse, hub_settings)
    assert counts(report) == (0, 1, 49, 0, 0)
    assert report.blocked
    assert [rule.name for rule in report.failed] == ["mass_disappearance"]
    assert counts(people.ingest(warehouse, hub_settings, accept_removals=True))[3] == 50
    assert not people.ingest(warehouse, hub_settings).blocked


def test_an_empty_answer_never_empties_a_stream(warehouse, hub_settings):
    pretend = Pretend()
    pretend.records = {n: {"id": n} for n in range(3)}
    pretend.ingest(warehouse, hub_settings)
    pretend.records.clear()
    assert pretend.ingest(warehouse, hub_settings).blocked


def test_an_incomplete_read_lands_nothing_and_buries_nobody(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    whole = people.read

    def cut(client, request):
        yield next(whole(client, request))
        raise IncompleteRead("size limit after 7 of 100")

    broken = replace(people.stream, read=cut)
    people.records[0]["name"] = "Changed"
    original, people.stream = people.stream, broken
    with pytest.raises(IncompleteRead):
        people.ingest(warehouse, hub_settings)
    assert versions(warehouse, "p0") == [(False, "Name 0")]
    [(status, message)] = warehouse.query(
        "select status, error_message from meta.ingestion_runs order by started_at desc limit 1"
    )
    assert (status, message) == ("failed", "IncompleteRead: size limit after 7 of 100")
    people.stream = original
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 1, 99, 0, 0)


BAD = {
    "nul_character": b'{"id": "p1", "name": "a\\u0000b"}',
    "invalid_utf8": b'{"id": "p1", "name": "a\xffb"}',
    "missing_key": b'{"id": null, "name": "x"}',
    "invalid_json": b'{"id": "p1", "name": ',
    "not_an_object": b"[1]",
    "oversized_key": b'{"id": "' + b"x" * 3000 + b'"}',
    "nested_too_deep": b'{"id": "p1", "n": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}",
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_record_is_kept_and_spoils_nothing_else(warehouse, hub_settings, people, reason):
    people.records["bad"] = BAD[reason]
    del people.records[1]
    assert counts(people.ingest(warehouse, hub_settings)) == (99, 0, 0, 0, 1)
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 99, 0, 1)
    [(found, payload, attempts)] = warehouse.query(
        "select reason, payload, attempts from meta.rejects"
    )
    assert (found, payload, attempts) == (reason, BAD[reason], 2)
    del people.records["bad"]
    people.ingest(warehouse, hub_settings)
    assert warehouse.query("select resolution from meta.rejects") == [("mended",)]


def test_a_record_that_turned_bad_is_not_taken_for_gone(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    people.records[1] = BAD["invalid_utf8"]
    people.records[2] = b'{"id": "p2", "n": "\\ud800"}'
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 98, 0, 2)


def test_what_postgresql_refuses_is_found_and_rejected_alone(warehouse, hub_settings, people):
    people.records["tiny"] = b'{"id": "tiny", "n": 1e-200000}'
    report = people.ingest(warehouse, hub_settings)
    assert counts(report) == (100, 0, 0, 0, 1)
    assert warehouse.query("select external_id, reason from meta.rejects") == [
        ("tiny", "unstorable")
    ]


@pytest.mark.parametrize("levels", [9_000, 90_000])
def test_nesting_without_end_is_a_reject(warehouse, hub_settings, people, levels):
    people.records["deep"] = b'{"id": "deep", "n": ' + b"[" * levels + b"]" * levels + b"}"
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 1)
    assert warehouse.query("select external_id, reason, detail from meta.rejects") == [
        ("deep", "nested_too_deep", "more than 500 levels")
    ]


def test_nesting_up_to_the_limit_lands_and_is_stored(warehouse, hub_settings, people):
    inner = b"[" * (DEEPEST - 1) + b'"[[{"' + b"]" * (DEEPEST - 1)
    people.records["deep"] = b'{"id": "deep", "n": ' + inner + b', "m": [' + b"{}," * 600 + b"{}]}"
    assert counts(people.ingest(warehouse, hub_settings)) == (101, 0, 0, 0, 0)


def test_a_good_record_wins_over_a_bad_one_with_its_identity(warehouse, hub_settings, people):
    people.records["bad"] = BAD["nul_character"]
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 1)


@pytest.mark.parametrize("batch_size", [2000, 30], ids=["one batch", "batches apart"])
def test_two_records_with_one_identity(warehouse, hub_settings, people, batch_size):
    hub_settings = hub_settings.model_copy(update={"batch_size": batch_size})
    people.records["same"] = dict(people.records[1])
    people.records["other"] = {"id": "p1", "name": "Somebody else"}
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 1, 0, 1)
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 101, 0, 1)
    assert versions(warehouse, "p1") == [(False, "Name 1")]
    assert warehouse.query("select reason from meta.rejects") == [("duplicate_identity",)]


def test_a_broken_off_read_goes_on_where_it_was(warehouse, hub_settings, people):
    whole = people.read

    def breaks(client, request):
        for number, page in enumerate(whole(client, request)):
            if number == 5:
                raise ConnectionResetError("cable cut")
            yield page

    original, people.stream = people.stream, replace(people.stream, read=breaks)
    with pytest.raises(ConnectionResetError):
        people.ingest(warehouse, hub_settings)
    assert warehouse.query("select count(*) from bronze.raw_entities") == [(0,)]
    people.stream, people.pages_read = original, 0
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 0)
    assert people.pages_read == -(-100 // PAGE) - 5


def test_pages_of_another_place_are_no_part_of_a_read(warehouse, hub_settings, people):
    whole = people.read

    def breaks(client, request):
        yield next(whole(client, request))
        raise ConnectionResetError("cable cut")

    original, people.stream = people.stream, replace(people.stream, read=breaks)
    with pytest.raises(ConnectionResetError):
        people.ingest(warehouse, hub_settings, origin="base_url=http://127.0.0.1:9")
    people.stream, people.pages_read = original, 0
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 0)
    assert people.pages_read == -(-100 // PAGE)


def test_a_read_without_positions_starts_again(warehouse, hub_settings, people):
    whole = people.read

    def breaks(client, request):
        for page in whole(client, replace(request, resume_after=None)):
            yield Page(page.records)
            if not retried:
                raise ConnectionResetError("cable cut")

    retried = False
    people.stream = replace(people.stream, read=breaks)
    with pytest.raises(ConnectionResetError):
        people.ingest(warehouse, hub_settings)
    retried = True
    assert counts(people.ingest(warehouse, hub_settings)) == (100, 0, 0, 0, 0)


def test_a_second_writer_gets_an_error_that_names_the_holder(warehouse, hub_settings, people):
    reading, go_on = threading.Event(), threading.Event()
    whole = people.read

    def slow(client, request):
        reading.set()
        go_on.wait(20)
        yield from whole(client, request)

    slow_people = replace(people.stream, read=slow)
    first = Pretend(volatile=frozenset({"seen"}))
    first.stream = slow_people
    thread = threading.Thread(target=first.ingest, args=(warehouse, hub_settings))
    thread.start()
    try:
        assert reading.wait(20)
        with pytest.raises(Busy, match=r"tdx_user is being written by process \d+ on .* since"):
            people.ingest(warehouse, hub_settings)
    finally:
        go_on.set()
        thread.join()
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)


def test_a_change_made_while_a_run_reads_is_in_the_next(warehouse, hub_settings, people):
    whole = people.read

    def meanwhile(client, request):
        for number, page in enumerate(whole(client, request)):
            yield page
            if number == 2:
                people.records[0]["name"] = "Changed behind the reader"

    people.stream = replace(people.stream, read=meanwhile)
    people.ingest(warehouse, hub_settings)
    assert counts(people.ingest(warehouse, hub_settings)) == (0, 1, 99, 0, 0)
    assert versions(warehouse, "p0")[-1] == (False, "Changed behind the reader")


def test_days_that_cannot_be_read(warehouse, hub_settings, people):
    today = hub_settings.today()
    with pytest.raises(ConfigurationError, match="has not come yet"):
        people.ingest(warehouse, hub_settings, day=today + dt.timedelta(1))
    with pytest.raises(ConfigurationError, match="only be read as it is now"):
        people.ingest(warehouse, hub_settings, day=today - dt.timedelta(1))
    people.ingest(warehouse, hub_settings)
    tomorrow = hub_settings.model_copy(update={"lsats_today": today + dt.timedelta(1)})
    report = people.ingest(warehouse, tomorrow, day=today)
    assert report.run_id is None
    assert "already observed" in report.note


def test_a_past_day_of_a_source_that_knows_when_it_changed(warehouse, hub_settings):
    pretend = Pretend(modified="changed")
    today = hub_settings.today()
    yesterday = today - dt.timedelta(1)
    pretend.records = {
        1: {"id": 1, "changed": f"{today}T15:00:00Z"},
        2: {"id": 2, "changed": f"{yesterday}T15:00:00Z"},
    }
    assert counts(pretend.ingest(warehouse, hub_settings, day=yesterday))[0] == 1
    assert warehouse.query("select external_id, partition_key from bronze.raw_entities") == [
        ("2", yesterday)
    ]


def test_a_limited_trial_buries_nobody(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    trial = hub_settings.model_copy(update={"max_records": 10})
    assert counts(people.ingest(warehouse, trial)) == (0, 0, 10, 0, 0)


def test_too_many_rejects_block(warehouse, hub_settings, people):
    for n in range(11):
        people.records[n] = b'{"id": null, "n": %d}' % n
    report = people.ingest(warehouse, hub_settings)
    assert [rule.name for rule in report.failed] == ["reject_share"]


def test_etl_may_not_rewrite_history(warehouse, hub_settings, people):
    people.ingest(warehouse, hub_settings)
    for statement in ("delete from", "truncate"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            warehouse.query(f"{statement} bronze.raw_entities")
