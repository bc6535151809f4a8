"""LDAP transport of the sources: searches that are whole or an error, over dropped connections.

    Directory.search ──▶ request ──▶ entries, page after page ──▶ success, or an error
                            ▲                   └─ connection lost: another one, from the start
                            └───────────────────┘

A search is the unit that starts again: cookies die with their connection, and no server says where
an answer without pages was cut. What comes twice `distinct` leaves out. Tries are counted anew
whenever one gets further than all before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import search_operation

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    ConfigurationError,
    IncompleteRead,
    TransientError,
    Unreachable,
)
from lsats_pipeline.core.retry import Retries, RetryPolicy, TransientFailure
from lsats_pipeline.hub.sources.ldap_connection import BoundConnection, Outcome, open_connection
from lsats_pipeline.hub.sources.ldap_errors import (
    NO_PAGES,
    BindAccount,
    Declined,
    Ending,
    Truncated,
    search_error,
)
from lsats_pipeline.hub.sources.ldap_records import RANGE, LdapEntry, identity_of

__all__ = ["BindAccount", "Directory", "Truncated", "connect", "distinct", "escape"]

# Waits of 1 and 4 seconds, each up to half longer.
CONNECT_RETRIES = RetryPolicy(
    first_wait=1.0, factor=4, longest_wait=4.0, jitter=(1.0, 1.5), patience=0.0, attempts=3
)
# Of a search: about 40 seconds without getting further, so that a restarted server is waited for.
SEARCH_RETRIES = RetryPolicy(
    first_wait=0.5, factor=2, longest_wait=5.0, jitter=(1.0, 1.2), patience=0.0, attempts=12
)
SILENCE = 4  # tries that count for one that ended in minutes of silence
EMPTY_PAGES = 1000  # in a row, as of a domain controller that finds little; more never end
_BOUNDS = re.compile(rb"(\d{1,9})-(\d{1,9}|\*)")
_PLAIN = re.compile(rb"[A-Za-z0-9._@-]")


class Directory:
    """One directory, over as many connections as it takes. Not for several threads at once."""

    def __init__(self, account: BindAccount, clock: Clock) -> None:
        self.account, self.clock = account, clock
        self._connection: BoundConnection | None = None

    def connection(self) -> BoundConnection:
        """The connection in use, or another one if that is lost. TransientFailure: none answers."""
        if self._connection is None or self._connection.lost:
            self.close()
            self._connection = open_connection(self.account)
        return self._connection

    def close(self) -> None:
        """Give the connection back, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def search(
        self,
        base: str,
        filter: str,
        attributes: Sequence[str],
        *,
        page_size: int = 0,
        size_limit: int = 0,
        whole_tree: bool = True,
    ) -> Iterator[LdapEntry]:
        """Yield every entry that matches; ends without an exception only if that was all of them.

        With `page_size` the answer is fetched in pages of that size (RFC 2696), each of them whole
        in memory. Entries come again after a connection was lost. Raises Truncated after the last
        entry that the size limit let through, Declined by a server without pages.
        """
        scope = ldap3.SUBTREE if whole_tree else ldap3.BASE
        request = self.request(base, scope, filter, attributes, size_limit)
        for entries in _Search(self, base, request, page_size).batches():
            yield from entries

    def request(
        self, base: str, scope: str, filter: str, attributes: Sequence[str], size_limit: int = 0
    ) -> Any:
        """A search request, encoded by ldap3."""
        try:
            return search_operation(
                base, filter, scope, ldap3.DEREF_NEVER, list(attributes), size_limit, 0, False,
                auto_escape=False, auto_encode=False,
            )  # fmt: skip
        except LDAPException as error:
            raise ConfigurationError(
                f"{self.account.title}: cannot search {base!r} for {filter}: {error}; "
                f"check {self.account.base_variable}"
            ) from None


class _Search:
    """One search, begun again on another connection as often as it gets further by that."""

    def __init__(self, directory: Directory, base: str, request: Any, page_size: int) -> None:
        self._directory, self._account = directory, directory.account
        self._base, self._request, self._page_size = base, request, page_size
        self._connection: BoundConnection | None = None
        self._number, self._cookie = 0, b""
        self._ending: Outcome | None = None
        self._in_part: list[LdapEntry] = []
        self._first: bytes | None = None  # DN of a page's first entry
        self._count = self._furthest = self._tries = self._empty = 0
        self._retries = Retries(
            SEARCH_RETRIES, directory.clock, self._account.title, self._progressed
        )

    def batches(self) -> Iterator[list[LdapEntry]]:
        """Entries as they come; an error after the last of them unless they are all."""
        account, retries = self._account, self._retries
        while self._ending is None:
            try:
                entries = retries.run(self._next)
            except TransientFailure as error:
                message = f"{account.title}: {error}, {self._tries} times in a row"
                if error.unreachable:
                    raise Unreachable(f"{message}; {account.url_variable}?") from None
                if self._furthest:
                    message += f" after no more than {self._furthest:,} entries"
                raise TransientError(message) from None
            yield entries
        if self._ending.code != Ending.SUCCESS:
            raise self._failure(self._ending)

    def _progressed(self) -> bool:
        """Whether a try that failed got further than those before; the next one begins anew."""
        further = self._count > self._furthest
        self._tries = 1 if further else self._tries + 1
        self._furthest = max(self._furthest, self._count)
        if self._connection is not None and self._connection.silent:
            self._retries.failures += SILENCE - 1
        self._connection = None
        return further

    def _begin(self, connection: BoundConnection) -> BoundConnection:
        self._number = connection.send(self._request, self._page_size)
        self._connection, self._cookie, self._ending = connection, b"", None
        self._count, self._in_part, self._first = 0, [], None
        return connection

    def _next(self) -> list[LdapEntry]:
        connection = self._connection or self._begin(self._directory.connection())
        entries, outcome = self._receive(connection)
        while self._page_size and outcome is None:
            more, outcome = self._receive(connection)
            entries += more
        page = entries
        # Values held back are fetched when the connection has nothing else to deliver.
        self._in_part += [entry for entry in entries if entry.has_ranges]
        entries = [entry for entry in entries if not entry.has_ranges]
        if outcome is not None:
            self._end(outcome, page)
            entries += [self._completed(connection, entry) for entry in self._in_part]
            self._in_part = []
            if self._ending is None:
                self._ask_for_more(connection)
        return entries

    def _receive(self, connection: BoundConnection) -> tuple[list[LdapEntry], Outcome | None]:
        entries, outcome = connection.receive(self._number)
        self._count += len(entries)
        return entries, outcome

    def _end(self, outcome: Outcome, entries: Sequence[LdapEntry]) -> None:
        """Take note of how the answer ended, or that there is a page after these entries."""
        if outcome.code in NO_PAGES and self._cookie:
            raise TransientFailure(f"the server has forgotten the page (code {outcome.code})")
        if isinstance(later := self._failure(outcome), TransientFailure):
            raise later
        if outcome.code == Ending.SUCCESS and outcome.cookie:
            self._cookie = outcome.cookie
            self._prove_end(entries)
        else:
            self._ending = outcome

    def _prove_end(self, entries: Sequence[LdapEntry]) -> None:
        """IncompleteRead when pages go on without leading anywhere."""
        self._empty = 0 if entries else self._empty + 1
        if self._empty > EMPTY_PAGES:
            what = f"{self._empty:,} pages without an entry, and no end"
        elif entries and entries[0].dn == self._first:
            what = "the server gives out the same page again and again"
        else:
            self._first = entries[0].dn if entries else self._first
            return
        raise IncompleteRead(f"{self._account.title}: {what}")

    def _ask_for_more(self, connection: BoundConnection) -> None:
        """Ask in advance, so that the server works on the next page while we do on this one."""
        with suppress(TransientFailure):  # which the next step meets again
            self._number = connection.send(self._request, self._page_size, self._cookie)

    def _failure(self, outcome: Outcome) -> Exception:
        if self._page_size and outcome.code in NO_PAGES:
            return Declined(
                f"{self._account.title}: the server does not give out pages of"
                f" {self._page_size:,} entries (code {outcome.code})"
            )
        return search_error(
            self._account, self._base, outcome.code, outcome.words, outcome.referral
        )

    def _completed(self, connection: BoundConnection, entry: LdapEntry) -> LdapEntry:
        """Fetch the values that Active Directory held back (`memberOf;range=0-1499`)."""
        try:
            dn = entry.dn.decode()
        except UnicodeDecodeError:
            return entry  # cannot be named in a search, nor become a record
        whole: dict[bytes, list[bytes]] = {}
        for spelled, values in entry.attributes:
            name, _, bounds = spelled.partition(RANGE)
            whole.setdefault(name, []).extend(values)
            beyond = 0
            while bounds and (beyond := self._beyond(spelled, bounds, beyond)):
                bounds, more = self._range(connection, dn, name, beyond)
                whole[name] += more
        return LdapEntry(entry.dn, list(whole.items()))

    def _beyond(self, spelled: bytes, bounds: bytes, first: int) -> int:
        """The number of the first value after a part (`0-1499`); 0: it was the last one."""
        if (part := _BOUNDS.fullmatch(bounds)) is not None:
            if part[2] == b"*":
                return 0
            if int(part[2]) >= first:
                return int(part[2]) + 1
        raise IncompleteRead(
            f"{self._account.title}: {spelled.decode(errors='replace')} is no part of a list"
        )

    def _range(
        self, connection: BoundConnection, dn: str, name: bytes, beyond: int
    ) -> tuple[bytes, list[bytes]]:
        wanted = f"{name.decode()};range={beyond}-*"
        request = self._directory.request(dn, ldap3.BASE, "(objectClass=*)", [wanted])
        number, found, outcome = connection.send(request), [], None
        while outcome is None:
            entries, outcome = connection.receive(number)
            found += entries
        if outcome.code not in (Ending.SUCCESS, Ending.NO_SUCH_OBJECT):
            raise search_error(self._account, dn, outcome.code, outcome.words, outcome.referral)
        for spelled, values in found[0].attributes if found else ():
            if spelled.startswith(name + RANGE):
                return spelled.partition(RANGE)[2], values
        # Deleted, moved or changed meanwhile: the search shows it as it is now.
        raise TransientFailure("an entry went away, or changed, while its values were read")


@contextmanager
def connect(account: BindAccount, clock: Clock | None = None) -> Iterator[Directory]:
    """Open, encrypt and bind; whatever is open is closed at the end."""
    directory = Directory(account, clock or Clock())
    try:
        Retries(CONNECT_RETRIES, directory.clock, account.title).run(directory.connection)
    except TransientFailure as error:
        raise Unreachable(
            f"{account.title} does not answer at {account.url} ({error}); {account.url_variable}?"
        ) from None
    try:
        yield directory
    finally:
        directory.close()


def distinct(
    entries: Iterable[LdapEntry], identity: str, seen: set[bytes] | None = None
) -> Iterator[LdapEntry]:
    """Leave out what came before: of a repeated search, also what was changed or renamed meanwhile.

    `identity`: an attribute that is an entry's own for ever; without it the DN counts. About 90
    bytes are kept of each entry until the end (700,000 of them: 65 MB), in `seen` if that is given.
    """
    seen = set() if seen is None else seen
    for entry in entries:
        mark = identity_of(entry, identity)
        if mark not in seen:
            seen.add(mark)
            yield entry


def escape(value: bytes) -> str:
    """Write a value for use in a filter, whatever its bytes (RFC 4515)."""
    plain = _PLAIN.fullmatch
    return "".join(chr(b) if plain(bytes([b])) else f"\\{b:02x}" for b in value)
