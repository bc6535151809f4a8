"""What a source declares: how to connect, which streams it offers, which details it can fetch.

A record is the JSON text of one thing exactly as the source gave it, as bytes. It stays bytes until
bronze decodes it, so a record with broken bytes spoils nothing but itself.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lsats_pipeline.core.declaration import Place, place
from lsats_pipeline.core.errors import BadDeclaration, CallFailed
from lsats_pipeline.hub.sources.settings import SourceSettings

# Part of asset and view names. Those of the six systems: contract.md, "Bronze identity".
_SYSTEM = re.compile(r"[a-z][a-z_]*")


class NothingToRead(Exception):
    """Raised by a read instead of pages: nothing is new, which says nothing of what is known."""


class UnusableRecord(Exception):
    """Raised when a record cannot be identified because of what stands in it.

    `reason` is a code, the message is for people. `may_be`: a pattern of LIKE for the identities
    that the record may have; none of them counts as gone because of it.
    """

    def __init__(self, reason: str, message: str, may_be: str = "%") -> None:
        super().__init__(message)
        self.reason, self.may_be = reason, may_be


class SetAside(NamedTuple):
    """A document that stays where it is. `cause` says why, and what helps."""

    file: str
    cause: str
    overdue: bool  # waits for longer than it may


class Page(NamedTuple):
    """Some records, and where reading can go on after them.

    `origin`: for records of a document, its name and place (`file`, `sheet`, ...) with the `row` of
    the first record; kept next to each record, never in it. `position` is None when a broken-off
    read has to start again. Anything that is given must be valid for the next process too: a key or
    a boundary, never a server-side cursor.
    """

    records: Sequence[bytes]
    position: str | None = None
    origin: dict[str, Any] | None = None


def _raise(part: str, failure: CallFailed) -> None:
    raise failure


@dataclass(frozen=True)
class ReadRequest:
    """What one read of a stream is given.

    `resume_after`: the position of the last page that an interrupted read had stored, else None.
    `hints`: what the previous complete read left for the next one; may be replaced through
    `leave_hints`. `after_landing` takes something to do once the whole read has landed, `remark`
    something that the run should say, `set_aside` a document that stays unread. `day`: the
    partition being observed.
    `known(entity_type)`: identities of what another stream of the source has landed.
    `missed(part, failure)`: this part cannot be read, the others can; it becomes a reject, and
    nothing counts as gone after such a read.
    """

    day: dt.date
    resume_after: str | None = None
    hints: Any = None
    leave_hints: Callable[[Any], None] = field(default=lambda hints: None)
    after_landing: Callable[[Callable[[], None]], None] = field(default=lambda action: None)
    remark: Callable[[str], None] = field(default=lambda text: None)
    set_aside: Callable[[SetAside], None] = field(default=lambda document: None)
    known: Callable[[str], Sequence[str]] = field(default=lambda entity_type: ())
    missed: Callable[[str, CallFailed], None] = field(default=_raise)


@dataclass(frozen=True)
class Stream:
    """One kind of record of one source, read whole ("a sweep").

    `read(client, request)` yields pages; ending without an exception states that every record of
    the stream was seen. It raises IncompleteRead when the source cut it short.
    `key`: fields whose values, joined by "-", identify a record for ever.
    `volatile`: fields left out of the content hash because they move without meaning.
    `identify`: how the key fields make the identity when joining them is not enough (a network
    address has several spellings); None for a record that has none; may raise UnusableRecord.
    `modified`: field with the time of the last change, when the source has one.
    `documents`: the records come in files, whose arrival decides the day.
    Only streams with either can be asked about a past day.
    `find_by_id(client, external_id)`: for a list that may leave out what is still there: the record
    by itself, or None when the source has none. What was listed once is asked for before it counts
    as gone.
    """

    source_system: str
    entity_type: str
    key: tuple[str, ...]
    read: Callable[[Any, ReadRequest], Iterator[Page]]
    volatile: frozenset[str] = frozenset()
    modified: str | None = None
    identify: Callable[[dict[str, Any]], str | None] | None = None
    documents: bool = False
    find_by_id: Callable[[Any, str], bytes | None] | None = None
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_identity(self.name, self.source_system, self.key)

    @property
    def answers_for_past_days(self) -> bool:
        """Whether its source can say what there was on a past day."""
        return self.modified is not None or self.documents

    @property
    def name(self) -> str:
        """The stream's name, the same in Dagster, SQL and messages: `tdx_user`."""
        return f"{self.source_system}_{self.entity_type}"


@dataclass(frozen=True)
class Detail:
    """The single-record call that completes the records of a stream.

    `fetch(client, external_id)` returns the record, or None when the source has none.
    `refresh_days`: a detail older than this is fetched again though the list has not changed.
    """

    of: Stream
    fetch: Callable[[Any, str], bytes | None]
    key: tuple[str, ...]
    volatile: frozenset[str] = frozenset()
    refresh_days: int = 30
    place: Place | None = field(default_factory=place, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_identity(self.name, self.source_system, self.key)

    @property
    def source_system(self) -> str:
        """The system of the stream it completes."""
        return self.of.source_system

    @property
    def entity_type(self) -> str:
        """The bronze entity type: that of the list stream plus `_detail`."""
        return f"{self.of.entity_type}_detail"

    @property
    def name(self) -> str:
        """The detail stream's name in bronze: `tdx_user_detail`."""
        return f"{self.source_system}_{self.entity_type}"


@dataclass(frozen=True)
class Source:
    """One system: its settings, its client, its streams and details.

    `connect(settings, clock)` opens a client as a context manager, whose waits are the clock's;
    `probe(client)` makes the cheapest call that proves address and credentials, and returns a line
    for people.
    """

    system: str
    title: str
    settings: type[SourceSettings]
    connect: Callable[..., AbstractContextManager[Any]]
    probe: Callable[[Any], str]
    streams: tuple[Stream, ...]
    details: tuple[Detail, ...] = ()

    def __post_init__(self) -> None:
        declared: tuple[Stream | Detail, ...] = (*self.streams, *self.details)
        foreign = [s.name for s in declared if s.source_system != self.system]
        if foreign:
            raise BadDeclaration(
                f"source {self.system!r} lists streams of another system: {foreign}"
            )


def _check_identity(name: str, system: str, key: tuple[str, ...]) -> None:
    if not _SYSTEM.fullmatch(system):
        raise BadDeclaration(f"stream {name!r}: {system!r} names no system; use letters and _")
    if not key:
        raise BadDeclaration(
            f"stream {name!r} declares no key; name the fields that identify a record"
        )
