"""A loopback LDAP v3 server for one directory: bind, search, unbind; the rest is declined.

    message -> bind    -> 0, 49 invalidCredentials, 53, 7
            -> search  -> SearchResultEntry* SearchResultDone  0, 4, 32, 50 or 1
            -> abandon -> nothing: a search is always over before the next message is read

A page cookie is worth something only on the connection that gave it.
"""

from __future__ import annotations

import re
import sys
import threading
import time
import zlib
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, BinaryIO, cast

import psycopg
from psycopg import sql

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.directory import EntryKind, SimulatedDirectory
from lsats_pipeline.campus.simulators.entries import ServedEntry, decode_entry, encode_entry
from lsats_pipeline.campus.simulators.ldap_filter import Compare, without_rules
from lsats_pipeline.campus.simulators.ldap_messages import (
    BASE,
    ONE_LEVEL,
    PAGED_RESULTS,
    Controls,
    Refused,
    ResultCode,
    Search,
    controls_of,
    decode_search,
    page_control,
)
from lsats_pipeline.campus.simulators.record_store import EVERYTHING, Moment, RecordStore, after_key
from lsats_pipeline.core.errors import LsatsError

_BIND, _UNBIND, _SEARCH, _ABANDON, _EXTENDED = 0x60, 0x42, 0x63, 0x50, 0x77
# Answered with the response type that follows the request's; none of them is offered.
_DECLINED = {0x66: 0x67, 0x68: 0x69, 0x4A: 0x6B, 0x6C: 0x6D, 0x6E: 0x6F, _EXTENDED: 0x78}

Place = tuple[int, str]  # number of the kind, and key within it
Found = tuple[Place, bytes]  # and the encoded entry


@dataclass(frozen=True)
class SearchProgress:
    """How far a paged search has come: the last place given out, and how many entries."""

    after: Place = (0, "")
    sent: int = 0


class LdapServer(ThreadingTCPServer):
    """One directory on a free loopback port, in threads of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, directory: SimulatedDirectory, campus: RecordStore) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.directory = directory
        self.campus = campus

    @property
    def address(self) -> str:
        """`ldap://127.0.0.1:<port>`."""
        return f"ldap://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Serve until the process ends."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away or talk nonsense: their connection just ends."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ber.BadMessage)):
            super().handle_error(request, client_address)


class _Connection(StreamRequestHandler):
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: LdapServer

    def setup(self) -> None:
        super().setup()
        self.directory = self.server.directory
        self.bound = False
        self.cookies: dict[bytes, SearchProgress] = {}

    def handle(self) -> None:
        while (message := ber.read_message(cast(BinaryIO, self.rfile))) is not None:
            (_, number), (tag, content), *controls = ber.parts(message)
            if tag == _UNBIND:
                return
            self._answer(ber.element(ber.INTEGER, number), tag, content, controls_of(controls))
            self.wfile.flush()

    def _answer(self, message_id: bytes, tag: int, content: bytes, controls: Controls) -> None:
        if tag == _BIND:
            self._reply(message_id, 0x61, *self._bind(content))
        elif tag == _SEARCH:
            self._search(message_id, content, controls)
        elif tag in _DECLINED:
            self._reply(
                message_id,
                _DECLINED[tag],
                ResultCode.PROTOCOL_ERROR,
                "not offered by this directory",
            )
        elif tag != _ABANDON:
            raise ber.BadMessage(f"request type {tag:#x}")

    def _reply(
        self, message_id: bytes, tag: int, code: int, message: str = "", controls: bytes = b""
    ) -> None:
        texts = ber.element(ber.OCTETS) + ber.element(ber.OCTETS, message.encode())
        result = ber.element(tag, ber.integer(code, ber.ENUMERATED), texts)
        self.wfile.write(ber.element(ber.SEQUENCE, message_id, result, controls))

    def _bind(self, content: bytes) -> tuple[int, str]:
        _, (_, name), (method, password) = ber.parts(content)
        self.bound = False
        if method != 0x80:
            return ResultCode.AUTH_METHOD_NOT_SUPPORTED, "only simple binds"
        if not password:
            return (
                (ResultCode.UNWILLING_TO_PERFORM, "a name without a password")
                if name
                else (ResultCode.OK, "")
            )
        same_name = _plain_dn(name.decode(errors="replace")) == _plain_dn(self.directory.user)
        self.bound = same_name and password == self.directory.password.encode()
        return (
            (ResultCode.OK, "")
            if self.bound
            else (ResultCode.INVALID_CREDENTIALS, "invalid credentials")
        )

    def _search(self, message_id: bytes, content: bytes, controls: Controls) -> None:
        try:
            request = decode_search(content, controls)
            code, message, cookie = self._find(message_id, request)
        except Refused as refused:
            code, message, cookie = refused.code, str(refused), b""
        except (psycopg.Error, LsatsError) as error:
            code, message, cookie = ResultCode.OPERATIONS_ERROR, str(error), b""
        answer = page_control(cookie) if PAGED_RESULTS in controls else b""
        self._reply(message_id, 0x65, code, message, answer)

    def _find(self, message_id: bytes, request: Search) -> tuple[int, str, bytes]:
        if request.base == "" and request.scope == BASE:
            return self._send_one(message_id, request, _root_dse(self.directory))
        if not self.bound:
            raise Refused(self.directory.unbound_code, "bind first")
        base, top = _plain_dn(request.base), _plain_dn(self.directory.base)
        if base != top and not base.endswith("," + top):
            raise Refused(ResultCode.NO_SUCH_OBJECT, f"nothing at {request.base}")
        if base == top and request.scope == BASE:
            return self._send_one(message_id, request, _top(self.directory))
        return self._send_matches(message_id, request)

    def _send_one(
        self, message_id: bytes, request: Search, entry: ServedEntry
    ) -> tuple[int, str, bytes]:
        if request.filter.matches(entry.attributes):
            self.wfile.write(encode_entry(message_id, entry, request.wanted, request.types_only))
        return ResultCode.OK, "", b""

    def _send_matches(self, message_id: bytes, request: Search) -> tuple[int, str, bytes]:
        moment = self.server.campus.moment()
        self._dawdle(moment)
        if missing := moment.faults.get("ldap_no_rule", self.directory.system):
            criteria = without_rules(request.filter, missing["rules"])
            request = request._replace(filter=criteria)
        progress = self._resume(request, moment)
        limit, room = self._room(request, progress, moment)
        with closing(self._matches(message_id, request, progress, moment, room)) as matches:
            found = list(islice(matches, room))
            more = next(matches, None) is not None
        if not found and request.scope == BASE:
            raise Refused(ResultCode.NO_SUCH_OBJECT, f"nothing at {request.base}")
        self._send(found, progress, moment)
        sent = progress.sent + len(found)
        if more and limit and sent >= limit:
            return ResultCode.SIZE_LIMIT_EXCEEDED, "size limit exceeded", b""
        return (
            ResultCode.OK,
            "",
            self._cookie(SearchProgress(found[-1][0], sent)) if more and found else b"",
        )

    def _resume(self, request: Search, moment: Moment) -> SearchProgress:
        refusal = moment.faults.get("ldap_no_paging", self.directory.system)
        if request.page is not None and refusal:
            raise Refused(refusal.get("code", 12), "no paged results here")
        if request.page is None or not request.page[1]:
            return SearchProgress()
        if gone := moment.faults.take("ldap_cookie_gone", self.directory.system):
            raise Refused(gone.get("code", 53), "the page cookie is not known any more")
        if (progress := self.cookies.pop(request.page[1], None)) is None:
            raise Refused(
                ResultCode.UNWILLING_TO_PERFORM, "the page cookie is not from this connection"
            )
        return progress

    def _cookie(self, progress: SearchProgress) -> bytes:
        cookie = f"{progress.sent}:{progress.after[0]}:{progress.after[1]}".encode()
        self.cookies[cookie] = progress
        return cookie

    def _room(self, request: Search, progress: SearchProgress, moment: Moment) -> tuple[int, int]:
        """How many entries the whole search may give (0: no limit), and how many this answer."""
        fault = moment.faults.get("ldap_size_limit", self.directory.system)
        unpaged = 0 if request.page else self.directory.page_limit
        most = self.directory.most_entries
        if fault:
            most = 0 if request.page and fault.get("pages") else fault["entries"]
            unpaged = unpaged if most else 0
        limit = min((n for n in (request.size_limit, most, unpaged) if n), default=0)
        page = min(request.page[0], self.directory.page_limit) if request.page else sys.maxsize
        return limit, min(page, max(limit - progress.sent, 0) if limit else page)

    def _matches(
        self,
        message_id: bytes,
        request: Search,
        progress: SearchProgress,
        moment: Moment,
        room: int,
    ) -> Generator[Found]:
        for number, kind in enumerate(self.directory.kinds):
            if number < progress.after[0] or not _concerns(request, kind, self.directory):
                continue
            after = progress.after[1] if number == progress.after[0] else ""
            for key, entry in self._matches_of(kind, message_id, request, after, moment, room):
                yield (number, key), entry

    def _matches_of(
        self,
        kind: EntryKind,
        message_id: bytes,
        request: Search,
        after: str,
        moment: Moment,
        room: int,
    ) -> Generator[tuple[str, bytes]]:
        where, exact = request.filter.condition(kind.columns)
        later = after_key(after) if after else EVERYTHING
        where = sql.SQL("{} and {} and {}").format(where, later, _named(request, kind))
        inside = _Inside(request, self.directory)
        most = self.directory.most_values
        records = self.server.campus.stream(
            self.directory.system, kind.entity, moment.day, where, step=min(room + 1, 1001)
        )
        with closing(records):
            for key, payload, _ in records:
                entry = decode_entry(payload)
                entry.attributes.update(kind.volatile(key, moment.day))
                if inside(entry.dn) and (exact or request.filter.matches(entry.attributes)):
                    # Bytes at once: a page of decoded entries keeps the garbage collector busy.
                    wanted = request.wanted, request.types_only, most
                    yield key, encode_entry(message_id, entry, *wanted)

    def _send(self, found: list[Found], progress: SearchProgress, moment: Moment) -> None:
        cut = moment.faults.get("ldap_cut", self.directory.system)
        # No order that a reader could lean on, but the same one every time.
        for number, (_, entry) in enumerate(sorted(found, key=_shuffled), progress.sent):
            if cut and number >= cut["after_entries"]:
                self.wfile.write(entry[: cut.get("bytes", 0)])
                self._hang_up(moment)
            self.wfile.write(entry)

    def _hang_up(self, moment: Moment) -> None:
        moment.faults.take("ldap_cut", self.directory.system)
        self.wfile.flush()
        raise ConnectionAbortedError("cut on request")

    def _dawdle(self, moment: Moment) -> None:
        if slow := moment.faults.take("slow", self.directory.system):
            time.sleep(slow["seconds"])


class _Inside:
    """Whether a DN lies within the base and scope of a search."""

    def __init__(self, request: Search, directory: SimulatedDirectory) -> None:
        self._base = _plain_dn(request.base)
        self._scope = request.scope
        self._everything = self._base == _plain_dn(directory.base) and request.scope > ONE_LEVEL

    def __call__(self, dn: str) -> bool:
        if self._everything:
            return True
        plain = _plain_dn(dn)
        if self._scope == BASE:
            return plain == self._base
        if self._scope == ONE_LEVEL:
            return re.split(r"(?<!\\),", plain, maxsplit=1)[-1] == self._base
        return plain == self._base or plain.endswith("," + self._base)


def _concerns(request: Search, kind: EntryKind, directory: SimulatedDirectory) -> bool:
    """Whether entries of this kind may be among the answers."""
    if not kind.may_match(request.filter):
        return False
    if request.scope == BASE:
        return kind.may_be(request.base)
    home = _plain_dn(",".join(filter(None, (kind.home, directory.base))))
    base = _plain_dn(request.base)
    return home.endswith(base) or base.endswith(home)


def _named(request: Search, kind: EntryKind) -> sql.Composable:
    """For a search of one entry: what its DN says about its lookup value."""
    match = re.match(r"(\w+)=((?:[^,\\]|\\.)*)", request.base)
    if request.scope != BASE or match is None or "\\" in match[2]:
        return EVERYTHING
    return Compare(match[1].lower(), "=", match[2]).condition(kind.columns).where


def _shuffled(item: Found) -> int:
    return zlib.crc32(item[0][1].encode())


def _plain_dn(dn: str) -> str:
    return re.sub(r"\s*([,=])\s*", r"\1", dn.strip().lower())


def _root_dse(directory: SimulatedDirectory) -> ServedEntry:
    return ServedEntry(
        "",
        {
            "objectClass": ["top"],
            "namingContexts": [directory.base],
            "supportedControl": [PAGED_RESULTS],
            "supportedLDAPVersion": ["3"],
        },
    )


def _top(directory: SimulatedDirectory) -> ServedEntry:
    kind, _, name = directory.base.partition(",")[0].partition("=")
    classes = {"dc": ["top", "domain"], "ou": ["top", "organizationalUnit"]}
    return ServedEntry(directory.base, {"objectClass": classes[kind.lower()], kind.lower(): [name]})
