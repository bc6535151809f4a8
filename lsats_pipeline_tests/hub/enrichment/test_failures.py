"""What one detail that cannot be read costs, and what a source that gives none does."""

import datetime as dt
import json

import pytest

from lsats_pipeline.core.errors import (
    CallBroken,
    CallRefused,
    ConfigurationError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.hub.bronze.lookups import SUSPICIOUS, WORKERS
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.sources.source import Detail
from lsats_pipeline_tests.hub.stand_in import Pretend

REFUSED = CallRefused("TDX: GET people answered HTTP 403; this account may not", "HTTP 403")
BROKEN = CallBroken("TDX: GET people failed 4 times: HTTP 500", "HTTP 500")
PAGE = CallBroken('TDX: GET people failed 4 times: a web page ("Sign in")', "a web page")
FAILURES = [REFUSED, BROKEN, PAGE, KeyError("UID")]


class Scene:
    """`people` records with details; `answers`: what the call does for one of them instead."""

    def __init__(self, people):
        self.pretend = Pretend()
        self.ids = [f"p{n:04}" for n in range(people)]
        self.pretend.records = {n: {"id": one} for n, one in enumerate(self.ids)}
        self.detail = Detail(self.pretend.stream, self.fetch, key=("id",))
        self.answers = {}
        self.asked = []

    def fetch(self, client, external_id):
        self.asked.append(external_id)
        answer = self.answers.get(external_id, {"id": external_id, "text": "long"})
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode() if isinstance(answer, dict) else answer

    def enrich(self, warehouse, settings, days=0, **options):
        self.asked.clear()
        moved = settings.model_copy(update={"lsats_today": settings.today() + dt.timedelta(days)})
        return enrich(warehouse, moved, self.detail, lambda: None, moved.today(), **options)


@pytest.fixture
def scene(warehouse, hub_settings):
    def made(people=30):
        scene = Scene(people)
        scene.pretend.ingest(warehouse, hub_settings)
        return scene

    return made


def rejects(warehouse):
    return warehouse.query(
        "select external_id, reason, attempts, resolution from meta.rejects order by 1"
    )


def landed(warehouse):
    [(count,)] = warehouse.query(
        "select count(*) from bronze.heads where entity_type = 'user_detail' and not is_removed"
    )
    return count


def failed_checks(report):
    return [rule.name for rule in report.failed]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda error: str(error)[:30])
@pytest.mark.parametrize("bad", ["p0000", "p0013", "p0029"], ids=["first", "middle", "last"])
def test_one_that_cannot_be_read_is_a_reject_and_costs_no_other(
    warehouse, hub_settings, scene, failure, bad
):
    people = scene()
    people.answers = {bad: failure}
    report = people.enrich(warehouse, hub_settings)
    c = report.counts
    assert (c.processed, c.created, c.rejected, landed(warehouse)) == (30, 29, 1, 29)
    assert failed_checks(report) == []
    assert report.note.startswith("1 could not be used (")
    assert rejects(warehouse) == [(bad, "unreadable", 1, "open")]
    [(detail, payload)] = warehouse.query("select detail, payload from meta.rejects")
    assert str(failure) in detail
    assert payload is None


def test_it_is_asked_for_again_less_and_less_often_until_it_can_be_read(
    warehouse, hub_settings, scene
):
    people = scene()
    people.detail = Detail(people.pretend.stream, people.fetch, key=("id",), refresh_days=10_000)
    people.answers = {"p0007": REFUSED}
    days = (0, 1, 2, 3, 6, 7, 14, 15, 30, 31, 60, 61, 90, 91)
    asked_on = [day for day in days if people.enrich(warehouse, hub_settings, day) and people.asked]
    assert asked_on == [0, 1, 3, 7, 15, 31, 61, 91]
    assert rejects(warehouse) == [("p0007", "unreadable", 8, "open")]
    people.answers.clear()
    report = people.enrich(warehouse, hub_settings, 121)
    assert (report.counts.created, report.note) == (1, "")
    assert rejects(warehouse) == [("p0007", "unreadable", 8, "mended")]
    assert people.enrich(warehouse, hub_settings, 500).counts.processed == 0


def test_a_detail_that_is_known_stays_when_it_cannot_be_read(warehouse, hub_settings, scene):
    people = scene()
    people.enrich(warehouse, hub_settings)
    people.answers = {"p0003": BROKEN}
    people.pretend.records[3]["name"] = "changed"
    people.pretend.ingest(warehouse, hub_settings)
    report = people.enrich(warehouse, hub_settings)
    assert (report.counts.rejected, report.counts.removed, landed(warehouse)) == (1, 0, 30)
    # The only call of the run failed; that it is no outage was seen by asking for another.
    assert people.asked.count("p0003") == 1
    assert failed_checks(report) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"id": "p0001", "text": "of somebody else"}, "another_record"),
        ({"Message": "An error has occurred."}, "missing_key"),
        (b'{"id": "p0000", "n": "\xff"}', "invalid_utf8"),
        (b"[]", "not_an_object"),
    ],
)
def test_an_answer_of_no_use_is_kept_and_asked_for_again(
    warehouse, hub_settings, scene, answer, reason
):
    people = scene()
    people.answers = {"p0000": answer}
    assert people.enrich(warehouse, hub_settings).counts.created == 29
    assert rejects(warehouse) == [("p0000", reason, 1, "open")]
    [(payload,)] = warehouse.query("select payload from meta.rejects")
    assert payload == (answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    people.answers.clear()
    people.enrich(warehouse, hub_settings, 1)
    assert people.asked == ["p0000"]
    assert rejects(warehouse) == [("p0000", reason, 1, "mended")]


def test_a_reject_of_somebody_who_left_is_closed(warehouse, hub_settings, scene):
    people = scene()
    people.answers = {"p0005": REFUSED}
    people.enrich(warehouse, hub_settings)
    gone = people.pretend.records.pop(5)
    people.pretend.ingest(warehouse, hub_settings)
    people.enrich(warehouse, hub_settings)
    assert rejects(warehouse) == [("p0005", "unreadable", 1, "mended")]
    people.pretend.records[5] = gone
    people.pretend.ingest(warehouse, hub_settings)
    people.enrich(warehouse, hub_settings)
    assert people.asked[0] == "p0005"
    assert rejects(warehouse) == [("p0005", "unreadable", 2, "open")]


BAD = {
    "the first 200": lambda n: n < 200,
    "the last 200": lambda n: n >= 120,
    "every tenth": lambda n: n % 10 == 0,
    "nine of ten": lambda n: n % 10 != 9,
    "all but the last": lambda n: n != 319,
    "as many as workers": lambda n: n < WORKERS,
}


@pytest.mark.parametrize("which", BAD)
def test_many_that_cannot_be_read_cost_no_other(warehouse, hub_settings, scene, which):
    people = scene(320)
    bad = {one for n, one in enumerate(people.ids) if BAD[which](n)}
    people.answers = dict.fromkeys(bad, REFUSED)
    report = people.enrich(warehouse, hub_settings)
    assert (report.counts.created, report.counts.rejected) == (320 - len(bad), len(bad))
    assert failed_checks(report) == (["reject_share"] if len(bad) > 16 else [])
    again = people.enrich(warehouse, hub_settings, 1)
    assert (again.counts.rejected, landed(warehouse)) == (len(bad), 320 - len(bad))
    assert failed_checks(again) == failed_checks(report)


@pytest.mark.parametrize(("failure", "kind"), [(REFUSED, PermanentError), (BROKEN, TransientError)])
def test_a_source_that_gives_no_record_at_all(warehouse, hub_settings, scene, failure, kind):
    people = scene(2000)
    people.answers = dict.fromkeys(people.ids, failure)
    for _ in range(2):
        with pytest.raises(kind, match=r"in a row .* The last: TDX: GET"):
            people.enrich(warehouse, hub_settings)
        assert len(people.asked) < 2 * SUSPICIOUS
    assert rejects(warehouse) == []
    runs = "select status from meta.ingestion_runs where layer = 'enrichment'"
    assert warehouse.query(runs) == [("failed",)] * 2
    people.answers.clear()
    assert people.enrich(warehouse, hub_settings).counts.created == 2000


def test_a_single_detail_that_fails_on_a_new_hub_is_no_success(warehouse, hub_settings, scene):
    people = scene(1)
    people.answers = {"p0000": REFUSED}
    with pytest.raises(PermanentError, match="HTTP 403"):
        people.enrich(warehouse, hub_settings)


OUTAGES = [
    Unreachable("TDX does not answer"),
    TransientError("TDX is rate limited"),
    ConfigurationError("TDX refuses the credentials"),
    REFUSED,
    BROKEN,
]


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
def test_a_source_that_fails_half_way_keeps_what_was_fetched(
    warehouse, hub_settings, scene, outage
):
    people = scene(1000)
    read = 0

    def fetch(client, external_id):
        nonlocal read
        read += 1
        if read > 600:
            raise outage
        return json.dumps({"id": external_id}).encode()

    people.detail = Detail(people.pretend.stream, fetch, key=("id",))
    kind = {REFUSED: PermanentError, BROKEN: TransientError}.get(outage, type(outage))
    with pytest.raises(kind):
        people.enrich(warehouse, hub_settings)
    assert (landed(warehouse), rejects(warehouse)) == (600, [])
    assert read < 600 + 2 * SUSPICIOUS
    statuses = warehouse.query(
        "select status, records_created from meta.ingestion_runs where layer = 'enrichment'"
        " order by started_at"
    )
    assert statuses == [("completed", 600), ("failed", 0)]
    read = -10_000
    report = people.enrich(warehouse, hub_settings)
    assert (report.counts.created, landed(warehouse)) == (400, 1000)


def test_a_mass_disappearance_of_details_is_held(warehouse, hub_settings, scene):
    people = scene(100)
    people.enrich(warehouse, hub_settings)
    people.answers = dict.fromkeys(people.ids)
    report = people.enrich(warehouse, hub_settings, 31)
    assert (failed_checks(report), landed(warehouse)) == (["mass_disappearance"], 100)
    report = people.enrich(warehouse, hub_settings, 32, accept_removals=True)
    assert (failed_checks(report), landed(warehouse)) == ([], 0)
