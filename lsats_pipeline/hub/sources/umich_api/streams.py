"""What the gateway offers: departments and appointments, read by start index.

The gateway pages by counting, so a record that is added or removed in front of the reader shifts
all that follow, and a shift to the left would skip one unseen. Therefore each page begins with the
last record of the page before:

    [0 ............ 999]
                   [999 ............ 1998]
                                    [1998]  only the known record comes back: the end, proven

If it begins with anything else, the reader steps back until it meets records it knows. That also
makes short pages harmless: only a page with nothing after the known record is the end.

A page that cannot be read is asked for in smaller parts, until one record alone is what cannot be
read. It is skipped, and the read goes on behind it, where no record is known: nothing counts as
gone after such a read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import msgspec

from lsats_pipeline.core.errors import CallFailed, IncompleteRead
from lsats_pipeline.hub.sources.json_records import read_as
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Source, Stream
from lsats_pipeline.hub.sources.umich_api.client import PAGE, UmichApiClient, connect
from lsats_pipeline.hub.sources.umich_api.settings import UmichApiSettings

log = logging.getLogger(__name__)
FetchPage = Callable[[int, int], list[memoryview]]
Missed = Callable[[str, CallFailed], None]
Identity = tuple[object, ...] | bytes

STEPS_BACK = (0, 10, 100, 999)
REMEMBERED = 1000
# An ordered list under change shifts a few times in a read; one without order does so at each page.
MOST_SHIFTS = 12
# Records in a row that may be skipped; more of them are no fault of records.
MOST_SKIPPED = 20


class _Department(msgspec.Struct, frozen=True):
    DeptId: str | int


class _Appointment(msgspec.Struct, frozen=True):
    EmplId: str | int
    EmplRcd: str | int


def read_departments(client: UmichApiClient, request: ReadRequest) -> Iterator[Page]:
    """Every department."""
    reader = _Reader("departments", client.departments, _Department, request.missed)
    yield from reader.pages()


def read_users(client: UmichApiClient, request: ReadRequest) -> Iterator[Page]:
    """Every appointment; a person with two has two records."""
    reader = _Reader("appointments", client.appointments, _Appointment, request.missed)
    yield from reader.pages()


def probe(client: UmichApiClient) -> str:
    """Get a token and one department."""
    return "answers" + ("" if client.departments(0, count=1) else ", but knows no department")


class _Reader:
    """One read from index 0 to the proven end.

    `_known` are the latest records by identity, in order, `_next` is the index after the last one.
    Positions are None: an index means nothing to a later process.
    """

    def __init__(
        self, what: str, fetch: FetchPage, shape: type[msgspec.Struct], missed: Missed
    ) -> None:
        self._what, self._fetch, self._shape, self._missed = what, fetch, shape, missed
        self._known: dict[Identity, None] = {}
        self._last: Identity = b""
        self._next = 0
        self._shifts = 0
        self._count, self._unreadable_before = PAGE, 0

    def pages(self) -> Iterator[Page]:
        start, page = self._resumed(0)
        yield self._next_page(page, page, start)
        at_end = not page
        while not at_end:
            continued = self._continued()
            start, page = continued or self._resumed(self._next)
            in_step = bool(page) and self._identity(page[0]) == self._last
            at_end = not page or (in_step and len(page) == 1)
            fresh = (
                page[1:] if in_step else [r for r in page if self._identity(r) not in self._known]
            )
            yield self._next_page(page, fresh, start)

    def _resumed(self, start: int) -> tuple[int, list[memoryview]]:
        """The first page from here on that can be read, behind records that cannot."""
        for skipped in range(MOST_SKIPPED + 1):
            try:
                return start, self._readable(start, least=1)
            except CallFailed as failure:
                if skipped == MOST_SKIPPED or (skipped == 0 and not self._answers_behind(start)):
                    raise
                self._missed(f"{self._what}, the one at index {start}", failure)
                start += 1
        raise AssertionError("the last failure is raised")

    def _answers_behind(self, start: int) -> bool:
        """Whether the gateway can read anything that stands behind a record."""
        for step in STEPS_BACK[1:]:
            try:
                self._fetch(start + step, 1)
            except CallFailed:
                continue
            return True
        return False

    def _readable(self, start: int, least: int) -> list[memoryview]:
        """The page from here, or as much of it as can be read; CallFailed with `least` records."""
        self._count = max(self._count, least)
        while True:
            try:
                page = self._fetch(start, self._count)
            except CallFailed:
                if self._count <= least:
                    raise
                self._unreadable_before = start + self._count
                self._count = max(least, self._count // 2)
                continue
            if start + self._count > self._unreadable_before:
                self._count = min(PAGE, self._count * 2)
            return page

    def _next_page(
        self, page: Sequence[memoryview], fresh: Sequence[memoryview], start: int
    ) -> Page:
        identities = [self._identity(record) for record in page]
        self._known = dict.fromkeys([*list(self._known)[-REMEMBERED:], *identities])
        self._last = identities[-1] if identities else self._last
        self._next = start + len(page)
        return Page([bytes(record) for record in fresh])

    def _continued(self) -> tuple[int, list[memoryview]] | None:
        """The next page that begins on known ground, and its index.

        None when the record behind the last known one cannot be read.
        """
        for step in STEPS_BACK:
            start = max(0, self._next - 1 - step)
            try:
                page = self._readable(start, least=2)
            except CallFailed:
                return None
            first = self._identity(page[0]) if page else None
            if first != self._last:
                self._count_shift(start)
            if first in self._known:
                return start, page
        raise self._incomplete("has no record left that was there before")

    def _count_shift(self, start: int) -> None:
        self._shifts += 1
        log.info("API gateway: the list of %s shifted at %d", self._what, start)
        if self._shifts > MOST_SHIFTS:
            raise self._incomplete("has no stable order")

    def _incomplete(self, reason: str) -> IncompleteRead:
        return IncompleteRead(
            f"API gateway: the list of {self._what} {reason} around index {self._next}: "
            "records may have been skipped; run again, at a quieter time if this repeats"
        )

    def _identity(self, record: memoryview) -> Identity:
        """The key of a record; the whole of it when it has none."""
        found = read_as(record, self._shape)
        return bytes(record) if found is None else msgspec.structs.astuple(found)


DEPARTMENT = Stream("umich_api", "department", key=("DeptId",), read=read_departments)
# With the appointment's number: by EmplId alone, people with two appointments were landed anew
# with every run (domain/hub.md 7.2 no. 8).
USER = Stream("umich_api", "user", key=("EmplId", "EmplRcd"), read=read_users)

SOURCE = Source(
    "umich_api",
    "University API gateway",
    settings=UmichApiSettings,
    connect=connect,
    probe=probe,
    streams=(DEPARTMENT, USER),
)
