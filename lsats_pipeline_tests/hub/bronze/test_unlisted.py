"""What a list no longer shows is asked for by id before it counts as gone."""

import json
from typing import Any

import pytest

from lsats_pipeline.core.errors import CallBroken, CallRefused, TransientError, Unreachable
from lsats_pipeline.hub.bronze import unlisted
from lsats_pipeline.hub.bronze.lookups import SUSPICIOUS
from lsats_pipeline_tests.hub.stand_in import Pretend

REFUSED = CallRefused("HTTP 403; this account may not", "HTTP 403")


class Hidden:
    """A stream whose list leaves some out; `by_id` answers for them, None where it says nothing."""

    def __init__(self, count=100):
        self.pretend = Pretend(key=("ID",), volatile=frozenset({"seen"}), find_by_id=self.find)
        self.pretend.records = {
            n: {"ID": n, "Name": f"n{n}", "IsActive": True, "Tags": None, "Cost": 1.10}
            for n in range(count)
        }
        self.by_id = {}
        self.asked = []

    def find(self, client, external_id):
        self.asked.append(external_id)
        number = int(external_id)
        answer: Any = self.by_id.get(number, self.pretend.records.get(number))
        if isinstance(answer, Exception):
            raise answer
        return json.dumps({**answer, "City": "Hill"}).encode() if answer else None

    def hide(self, *numbers, answer=None, **changed):
        for n in numbers:
            record: Any = self.pretend.records.pop(n)
            self.by_id[n] = answer or {**record, **changed}

    def ingest(self, warehouse, settings, **options):
        self.asked.clear()
        return self.pretend.ingest(warehouse, settings, **options)


@pytest.fixture
def hidden(warehouse, hub_settings):
    made = Hidden()
    made.ingest(warehouse, hub_settings)
    return made


def counts(report):
    c = report.counts
    return c.created, c.updated, c.skipped, c.removed, c.rejected


def versions(warehouse, number):
    return warehouse.query(
        "select raw_data, ingestion_metadata from bronze.raw_entities where external_id = %s"
        " order by raw_id",
        [str(number)],
    )


def failed_checks(report):
    return [rule.name for rule in report.failed]


def open_rejects(warehouse):
    return warehouse.query(
        "select external_id, reason from meta.rejects where resolution = 'open' order by 1"
    )


def test_what_is_still_there_stays_in_its_list_form(warehouse, hub_settings, hidden):
    hidden.hide(7, IsActive=False, Tags=[1])
    report = hidden.ingest(warehouse, hub_settings)
    assert (hidden.asked, counts(report)) == (["7"], (0, 1, 99, 0, 0))
    assert report.note == "1 not listed any more, but found by id"
    [_, (data, origin)] = versions(warehouse, 7)
    assert data == {"ID": 7, "Name": "n7", "IsActive": False, "Tags": None, "Cost": 1.10}
    assert origin == {"found_by_id": True}
    for _ in range(2):
        assert counts(hidden.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)


def test_what_is_hidden_and_unchanged_is_no_change(warehouse, hub_settings, hidden):
    hidden.hide(7, seen=99)
    assert counts(hidden.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)
    hidden.pretend.records[7] = hidden.by_id.pop(7)
    assert counts(hidden.ingest(warehouse, hub_settings)) == (0, 0, 100, 0, 0)


def test_what_is_gone_is_gone(warehouse, hub_settings, hidden):
    del hidden.pretend.records[7]
    assert counts(hidden.ingest(warehouse, hub_settings)) == (0, 0, 99, 1, 0)
    hidden.ingest(warehouse, hub_settings)
    assert hidden.asked == []


@pytest.mark.parametrize(
    "failure", [REFUSED, CallBroken("HTTP 500", "HTTP 500"), ValueError("odd")], ids=str
)
def test_what_cannot_be_asked_for_stays_and_is_reported(warehouse, hub_settings, hidden, failure):
    hidden.hide(7, answer=failure)
    del hidden.pretend.records[8]
    report = hidden.ingest(warehouse, hub_settings)
    assert (counts(report), failed_checks(report)) == ((0, 0, 98, 1, 1), [])
    assert report.note == "1 not listed any more, and not readable by id"
    assert open_rejects(warehouse) == [("7", "unreadable")]
    hidden.pretend.records[7] = {"ID": 7, "Name": "n7", "IsActive": True}
    hidden.ingest(warehouse, hub_settings)
    assert open_rejects(warehouse) == []


@pytest.mark.parametrize("answer", [None, REFUSED], ids=["404", "403"])
def test_a_lost_permission_is_held(warehouse, hub_settings, hidden, answer):
    for n in range(30):
        del hidden.pretend.records[n]
        hidden.by_id[n] = answer
    report = hidden.ingest(warehouse, hub_settings)
    assert (report.counts.removed, "mass_disappearance" in failed_checks(report)) == (0, True)
    assert [c.values["held"] for c in report.checks if c.name == "removals"] == [30]
    report = hidden.ingest(warehouse, hub_settings, accept_removals=True)
    assert report.counts.removed == (30 if answer is None else 0)


def test_half_of_a_list_may_be_hidden(warehouse, hub_settings, hidden):
    hidden.hide(*range(50), IsActive=False)
    report = hidden.ingest(warehouse, hub_settings)
    assert (counts(report), failed_checks(report)) == ((0, 50, 50, 0, 0), [])


@pytest.mark.parametrize(
    "outage", [Unreachable("does not answer"), TransientError("rate limited"), REFUSED], ids=str
)
def test_a_source_that_answers_no_questions_by_id_loses_nothing(
    warehouse, hub_settings, hidden, outage
):
    hidden.hide(*range(40))
    hidden.by_id = dict.fromkeys(range(100), outage)
    hidden.pretend.records[99]["Name"] = "changed"
    report = hidden.ingest(warehouse, hub_settings)
    assert (report.counts.updated, report.counts.removed) == (1, 0)
    assert len(hidden.asked) < 2 * SUSPICIOUS
    assert "mass_disappearance" in failed_checks(report)
    assert "40 not listed any more: " in report.note


def test_too_many_are_not_asked_for_at_all(warehouse, hub_settings, hidden, monkeypatch):
    monkeypatch.setattr(unlisted, "MOST_ASKED", 20)
    hidden.hide(*range(30))
    report = hidden.ingest(warehouse, hub_settings)
    assert (hidden.asked, report.counts.removed) == ([], 0)
    assert failed_checks(report) == ["mass_disappearance"]


def test_more_than_one_run_asks_for_have_their_turn(warehouse, hub_settings, hidden, monkeypatch):
    monkeypatch.setattr(unlisted, "MOST_ASKED", 3)
    for n in range(8):
        del hidden.pretend.records[n]
    report = hidden.ingest(warehouse, hub_settings)
    assert (len(hidden.asked), report.counts.removed, failed_checks(report)) == (3, 3, [])
    assert report.note == "5 not listed any more are asked for another day"
    for left in (3, 2):
        assert hidden.ingest(warehouse, hub_settings).counts.removed == left


def test_a_read_that_is_not_complete_asks_for_nobody(warehouse, hub_settings, hidden):
    trial = hub_settings.model_copy(update={"max_records": 5})
    hidden.ingest(warehouse, trial)
    assert hidden.asked == []


def test_a_run_that_was_killed_asks_once(warehouse, hub_settings, hidden, monkeypatch):
    hidden.hide(1, 2, IsActive=False)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("lsats_pipeline.hub.bronze.ingest.Landing.finish", killed)
        hidden.ingest(warehouse, hub_settings)
    assert sorted(hidden.asked) == ["1", "2"]
    assert counts(hidden.ingest(warehouse, hub_settings)) == (0, 2, 98, 0, 0)
    assert hidden.asked == []


def test_a_part_that_cannot_be_read_removes_nobody(warehouse, hub_settings, hidden):
    whole = hidden.pretend.stream.read

    def read(client, request):
        request.missed("people of account 5", REFUSED)
        yield from whole(client, request)

    object.__setattr__(hidden.pretend.stream, "read", read)
    hidden.hide(1)
    hidden.pretend.records[9]["Name"] = "changed"
    report = hidden.ingest(warehouse, hub_settings)
    assert (counts(report), hidden.asked) == ((0, 1, 98, 0, 1), [])
    assert report.note == "not read: people of account 5: HTTP 403; this account may not"
    assert open_rejects(warehouse) == [(None, "unreadable")]
    object.__setattr__(hidden.pretend.stream, "read", whole)
    hidden.ingest(warehouse, hub_settings)
    assert open_rejects(warehouse) == []
