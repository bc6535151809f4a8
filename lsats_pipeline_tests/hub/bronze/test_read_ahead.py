"""Sources read side by side: what stays as it is when a step reads its stream itself, and what not.

Streams of a stand-in wait for each other, so that reading one after the other could not end.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import Busy, IncompleteRead
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub import hub as hub_module
from lsats_pipeline.hub.bronze import read_ahead
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Stream
from lsats_pipeline.warehouse import Warehouse, database
from lsats_pipeline_tests.hub.stand_in import PAGE, Pretend

LONG = 20.0  # seconds after which a test has failed
ALL = 4 * PAGE  # records of a stream
SYSTEMS = ("tdx", "umich_api", "mcommunity_ldap")
Hubs = Callable[..., Hub]


@pytest.fixture(autouse=True)
def no_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients are none: the streams of these tests need no more than the clock that they get."""
    monkeypatch.setattr(
        hub_module,
        "source",
        lambda _: SimpleNamespace(connect=lambda settings, clock: nullcontext(clock)),
    )
    monkeypatch.setattr(Hub, "source_settings", lambda self, system: None)
    monkeypatch.setattr(database, "_GRACE_SECONDS", 0.0)  # for killed writers, here there are none


@pytest.fixture
def hubs(warehouse: Warehouse, hub_settings: HubSettings) -> Iterator[Hubs]:
    """Opens hubs, each as a process of its own would, and closes them; no reader outlives that."""
    opened = []

    def another(day: dt.date | None = None) -> Hub:
        today = day or hub_settings.today()
        simulation: Any = object()
        hub = Hub(hub_settings.model_copy(update={"lsats_today": today}), warehouse, simulation)
        opened.append(hub)
        return hub

    yield another
    for hub in opened:
        hub.close()
    assert readers() == []


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("read ")]


def pretended(system: str = "tdx", entity: str = "user", **options: Any) -> Pretend:
    """Four pages of records."""
    pretend = Pretend(system, entity, **options)
    pretend.records = {n: {"id": f"{n:03}"} for n in range(ALL)}
    return pretend


def before_page(pretend: Pretend, page: int, act: Callable[[], object]) -> Stream:
    """The stream, which does something before one of its pages."""

    def read(client: Any, request: ReadRequest) -> Iterator[Page]:
        for number, one in enumerate(pretend.read(client, request)):
            if number == page:
                act()
            yield one

    return replace(pretend.stream, read=read)


def wait_until_read(hub: Hub, stream: Stream) -> None:
    hub._ahead._reads[stream.name, hub.settings.today()].result(LONG)


def until_end(hub: Hub, reached: threading.Event) -> Callable[[], None]:
    """For a reader: say that it is here, and wait until its run ends."""

    def wait() -> None:
        reached.set()
        hub._ahead._ended.wait(LONG)

    return wait


def begin(hub: Hub, *streams: Stream) -> None:
    hub.read_ahead(streams, [hub.settings.today()])


def runs(warehouse: Warehouse) -> dict[str, tuple[str, str | None]]:
    rows = warehouse.query(
        "select entity, status, error_message from meta.ingestion_runs order by started_at"
    )
    return {entity: (status, message) for entity, status, message in rows}


def spools(hub: Hub) -> list[str]:
    folder = hub.settings.lsats_home / "spool"
    return sorted(path.stem for path in folder.glob("*.frames"))


def fails() -> None:
    raise IncompleteRead("the source ended early")


def test_sources_are_read_side_by_side_and_landed_by_their_steps(
    hubs: Hubs, warehouse: Warehouse
) -> None:
    together = threading.Barrier(len(SYSTEMS))
    streams = [before_page(pretended(system), 1, lambda: together.wait(LONG)) for system in SYSTEMS]
    hub = hubs()
    begin(hub, *streams)
    reports = [hub.ingest(stream) for stream in streams]
    assert [report.counts.created for report in reports] == [ALL] * 3
    assert {status for status, _ in runs(warehouse).values()} == {"completed"}
    assert spools(hub) == []


def test_streams_of_one_source_are_read_one_after_the_other(hubs: Hubs) -> None:
    order: list[str] = []
    streams = [
        before_page(pretended(entity="user"), 3, partial(order.append, "end of users")),
        before_page(pretended(entity="asset"), 0, partial(order.append, "assets")),
    ]
    hub = hubs()
    begin(hub, *streams)
    for stream in reversed(streams):
        assert hub.ingest(stream).counts.created == ALL
    assert order == ["end of users", "assets"]


def test_a_source_that_fails_fails_its_own_step_alone(hubs: Hubs, warehouse: Warehouse) -> None:
    bad, next_one, other = pretended(), pretended(entity="asset"), pretended("umich_api")
    hub = hubs()
    broken = before_page(bad, 2, fails)
    begin(hub, broken, next_one.stream, other.stream)
    with pytest.raises(IncompleteRead, match="the source ended early"):
        hub.ingest(broken)
    assert runs(warehouse)["tdx_user"] == ("failed", "IncompleteRead: the source ended early")
    assert hub.ingest(next_one.stream).counts.created == ALL
    assert hub.ingest(other.stream).counts.created == ALL
    bad.pages_read = 0
    assert hub.ingest(bad.stream).counts.created == ALL  # tried again: it goes on after two pages
    assert bad.pages_read == 2


def test_a_run_that_ends_leaves_what_was_read_to_the_next(hubs: Hubs, warehouse: Warehouse) -> None:
    done, halfway, waiting = pretended("umich_api"), pretended(), pretended(entity="asset")
    hub, reached = hubs(), threading.Event()
    begin(hub, done.stream, before_page(halfway, 2, until_end(hub, reached)), waiting.stream)
    wait_until_read(hub, done.stream)
    assert reached.wait(LONG)
    hub.close()
    assert readers() == []
    assert spools(hub) == ["tdx_user", "umich_api_user"]
    given_up = "TransientError: the run ended before this stream landed; what was read is kept"
    for status, message in runs(warehouse).values():
        assert status == "failed"
        assert message is not None
        assert message.startswith(given_up)
    assert waiting.pages_read == 0
    done.pages_read = halfway.pages_read = 0
    again = hubs()
    for pretend in (done, halfway, waiting):
        assert again.ingest(pretend.stream).counts.created == ALL
    assert (done.pages_read, halfway.pages_read) == (0, 1)


def test_what_no_step_came_for_is_not_landed_on_another_day(
    hubs: Hubs, hub_settings: HubSettings
) -> None:
    people = pretended()
    hub = hubs()
    begin(hub, people.stream)
    wait_until_read(hub, people.stream)
    hub.close()
    people.records = {1: {"id": "the day after"}}
    report = hubs(hub_settings.today() + dt.timedelta(1)).ingest(people.stream)
    assert report.counts.processed == 1


def test_nor_after_another_run_has_landed(hubs: Hubs, warehouse: Warehouse) -> None:
    people = pretended()
    hub = hubs()
    begin(hub, people.stream)
    wait_until_read(hub, people.stream)
    kept = (hub.settings.lsats_home / "spool" / "tdx_user.frames").read_bytes()
    assert hub.ingest(people.stream).counts.created == ALL
    (hub.settings.lsats_home / "spool" / "tdx_user.frames").write_bytes(kept)
    people.records[1] = {"id": "001", "name": "newer"}
    assert hubs().ingest(people.stream).counts.updated == 1


def test_a_stream_that_another_run_holds_is_left_to_its_step(
    hubs: Hubs, warehouse: Warehouse
) -> None:
    held, other = pretended(), pretended("umich_api")
    hub = hubs()
    with warehouse.writer("bronze/tdx_user"):
        begin(hub, held.stream, other.stream)
        wait_until_read(hub, held.stream)
        assert hub.ingest(other.stream).counts.created == ALL
        with pytest.raises(Busy, match="bronze/tdx_user is being written by another process"):
            hub.ingest(held.stream)
    assert hub.ingest(held.stream).counts.created == ALL


def test_what_is_read_is_held_until_it_has_landed(hubs: Hubs) -> None:
    people = pretended()
    hub = hubs()
    begin(hub, people.stream)
    wait_until_read(hub, people.stream)
    with pytest.raises(Busy, match=r"is being written by process \d+ on .* since"):
        hubs().ingest(people.stream)
    hub.ingest(people.stream)
    assert hubs().ingest(people.stream).counts.skipped == ALL


def test_only_what_was_chosen_is_read_and_once(hubs: Hubs) -> None:
    chosen, others = pretended(), pretended("umich_api")
    hub = hubs()
    begin(hub, chosen.stream)
    begin(hub, chosen.stream, others.stream)
    hub.ingest(chosen.stream)
    assert (chosen.pages_read, others.pages_read) == (4, 0)
    assert hub.ingest(others.stream).counts.created == ALL


def test_of_several_days_the_first_that_has_to_be_read(hubs: Hubs) -> None:
    today_only, any_day = pretended(), pretended("umich_api", modified="changed")
    hub = hubs()
    yesterday, today = hub.settings.today() - dt.timedelta(1), hub.settings.today()
    hub.read_ahead([today_only.stream, any_day.stream], [yesterday, today, today + dt.timedelta(1)])
    assert sorted(hub._ahead._reads) == [("tdx_user", today), ("umich_api_user", yesterday)]
    for stream, day in ((any_day.stream, yesterday), (any_day.stream, today)):
        assert hub.ingest(stream, day).counts.processed == ALL
    hub.ingest(today_only.stream, today)
    assert (today_only.pages_read, any_day.pages_read) == (4, 8)


def test_what_a_document_asks_for_is_done_when_it_has_landed(hubs: Hubs) -> None:
    done: list[str] = []
    document = pretended("lab_awards", "lab_award", documents=True)

    def read(client: Any, request: ReadRequest) -> Iterator[Page]:
        yield from document.read(client, request)
        request.after_landing(lambda: done.append("moved"))
        request.leave_hints("this one")
        request.remark("read it")

    hub, stream = hubs(), replace(document.stream, read=read)
    begin(hub, stream)
    wait_until_read(hub, stream)
    assert done == []
    assert hub.ingest(stream).note == "read it"
    assert done == ["moved"]
    assert hub.warehouse.query("select hints from meta.stream_hints") == [("this one",)]


def test_removals_are_held_or_accepted_as_the_run_says(hubs: Hubs) -> None:
    people = pretended()
    hubs().ingest(people.stream)
    people.records = {0: people.records[0]}
    reports: list[Report] = []
    for accepted in (False, True):
        hub = hubs()
        hub.read_ahead([people.stream], [hub.settings.today()], accept_removals=accepted)
        reports.append(hub.ingest(people.stream, accept_removals=accepted))
    assert [report.counts.removed for report in reports] == [0, ALL - 1]


def test_a_wait_for_a_source_ends_with_the_run(hubs: Hubs) -> None:
    waiting = threading.Event()
    people = pretended()

    def read(clock: Clock, request: ReadRequest) -> Iterator[Page]:
        waiting.set()
        clock.sleep(3600)
        yield from people.read(clock, request)

    hub = hubs()
    begin(hub, replace(people.stream, read=read))
    assert waiting.wait(LONG)
    hub.close()
    assert readers() == []


def test_a_call_that_is_never_answered_keeps_nothing_from_ending(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(read_ahead, "_LONGEST_END", 0.01)
    answer, asked = threading.Event(), threading.Event()

    def never() -> None:
        asked.set()
        answer.wait(LONG)

    hub, people = hubs(), pretended()
    begin(hub, before_page(people, 0, never))
    assert asked.wait(LONG)
    hub.close()
    assert "read tdx: no answer yet, and nobody waits for it any more" in caplog.text
    with pytest.raises(Busy):  # no other may write its spool while it lives
        hubs().ingest(people.stream)
    [reader] = readers()
    answer.set()
    reader.join(LONG)
    assert hubs().ingest(people.stream).counts.created == ALL
