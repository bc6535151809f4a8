"""Whom enrichment asks for, in which order, how often, and what becomes of those who are gone."""

import datetime as dt
import json

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.sources.source import Detail
from lsats_pipeline_tests.hub.stand_in import Pretend


class Details:
    """A detail call that remembers whom it was asked for."""

    def __init__(self):
        self.people = Pretend(volatile=frozenset({"seen"}))
        self.people.records = {n: {"id": f"p{n}", "name": "x"} for n in range(5)}
        self.asked = []
        self.missing = set()
        self.text = "long"
        self.detail = Detail(self.people.stream, self.fetch, key=("id",))

    def fetch(self, client, external_id):
        self.asked.append(external_id)
        if external_id in self.missing:
            return None
        return json.dumps({"id": external_id, "text": self.text}).encode()

    def enrich(self, warehouse, settings, **options):
        self.asked.clear()
        report = enrich(warehouse, settings, self.detail, lambda: None, settings.today(), **options)
        c = report.counts
        return sorted(self.asked), (c.created, c.updated, c.skipped, c.removed)


@pytest.fixture
def details(warehouse, hub_settings):
    made = Details()
    made.people.ingest(warehouse, hub_settings)
    return made


def later(settings, days):
    return settings.model_copy(update={"lsats_today": settings.today() + dt.timedelta(days)})


def test_everybody_once_then_only_who_changed(warehouse, hub_settings, details):
    everybody = [f"p{n}" for n in range(5)]
    assert details.enrich(warehouse, hub_settings) == (everybody, (5, 0, 0, 0))
    assert details.enrich(warehouse, hub_settings) == ([], (0, 0, 0, 0))
    details.people.records[2]["name"] = "y"
    details.people.ingest(warehouse, hub_settings)
    assert details.enrich(warehouse, hub_settings) == (["p2"], (0, 0, 1, 0))


def test_a_detail_grows_old_after_30_days(warehouse, hub_settings, details):
    details.enrich(warehouse, hub_settings)
    assert details.enrich(warehouse, later(hub_settings, 29))[0] == []
    details.text = "other"
    asked, outcome = details.enrich(warehouse, later(hub_settings, 31))
    assert (len(asked), outcome) == (5, (0, 5, 0, 0))


def test_the_budget_takes_the_most_urgent(warehouse, hub_settings, details):
    hour = hub_settings.model_copy(update={"lsats_detail_minutes": 1.0})
    assert details.enrich(warehouse, hour, calls_per_minute=2)[0] == ["p0", "p1"]
    details.people.records[0]["name"] = "changed"
    details.people.ingest(warehouse, hour)
    assert details.enrich(warehouse, hour, calls_per_minute=3)[0] == ["p2", "p3", "p4"]
    assert details.enrich(warehouse, hour, calls_per_minute=3)[0] == ["p0"]


def test_what_waits_is_reported(warehouse, hub_settings, details):
    report = enrich(
        warehouse,
        hub_settings.model_copy(update={"max_records": 2}),
        details.detail,
        lambda: None,
        hub_settings.today(),
    )
    assert (report.counts.created, report.note) == (2, "3 wait for the next run")


def test_who_leaves_the_list_loses_the_detail_and_regains_it(warehouse, hub_settings, details):
    details.enrich(warehouse, hub_settings)
    gone = details.people.records.pop(1)
    details.people.ingest(warehouse, hub_settings, accept_removals=True)
    assert details.enrich(warehouse, hub_settings) == ([], (0, 0, 0, 1))
    assert details.enrich(warehouse, hub_settings) == ([], (0, 0, 0, 0))
    details.people.records[1] = gone
    details.people.ingest(warehouse, hub_settings)
    assert details.enrich(warehouse, hub_settings) == (["p1"], (0, 1, 0, 0))


def test_a_detail_that_the_source_has_not(warehouse, hub_settings, details):
    details.missing = {"p3"}
    asked, outcome = details.enrich(warehouse, hub_settings)
    assert (len(asked), outcome) == (5, (4, 0, 0, 0))
    assert details.enrich(warehouse, hub_settings)[0] == []
    details.missing = {"p3", "p4"}
    details.people.records[4]["name"] = "y"
    details.people.ingest(warehouse, hub_settings)
    assert details.enrich(warehouse, hub_settings) == (["p4"], (0, 0, 0, 1))


def test_the_future_has_no_details(warehouse, hub_settings, details):
    with pytest.raises(ConfigurationError, match="has not come yet"):
        enrich(
            warehouse,
            hub_settings,
            details.detail,
            lambda: None,
            hub_settings.today() + dt.timedelta(1),
        )
