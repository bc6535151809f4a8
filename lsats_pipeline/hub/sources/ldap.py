"""LDAP transport of the sources: one bound connection, and searches that are whole or an error.

    Directory.search ──▶ request, encoded by ldap3 ──▶ socket ──▶ entries ──▶ next page, if any
                                                          └──▶ result code: success or an error

ldap3 opens, encrypts, binds and encodes. Its decoding of entries is bypassed: it takes several
times as long as everything else in a sweep. What entries become is in ldap_records.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import RESULT_CODES
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decode_message_fast
from pydantic import SecretStr

from lsats_pipeline.core import addresses
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    ConfigurationError,
    IncompleteRead,
    LsatsError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.hub.sources.ldap_records import RANGE, LdapEntry, read_entry, read_header

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 15  # seconds
RECEIVE_TIMEOUT = 300  # seconds of silence; directories think long before the first entry
BACKOFF = (1.0, 4.0)  # seconds before the second and third try to connect
RECEIVE = 1 << 18  # bytes per read of the socket
MAX_MESSAGE = 64 << 20  # bytes; a larger entry is a broken stream
PAGED_RESULTS = "1.2.840.113556.1.4.319"

_ENTRY, _DONE, _REFERENCE = 0x64, 0x65, 0x73
_SUCCESS, _TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT = 0, 3, 4, 11
_NO_SUCH_OBJECT, _BAD_CREDENTIALS, _NO_RIGHT = 32, 49, 50
_BUSY = (51, 52)
_PLAIN = re.compile(rb"[A-Za-z0-9._@-]")


class Truncated(IncompleteRead):
    """The server stopped at its size limit; the entries before the limit were all delivered."""


@dataclass(frozen=True)
class BindAccount:
    """Where to connect and as whom, with the names of the variables that say so."""

    title: str
    url: str
    user: str
    password: SecretStr | None
    url_variable: str
    user_variable: str
    password_variable: str
    base_variable: str


class Directory:
    """A bound connection to one directory. Not for use by several threads at once."""

    def __init__(self, account: BindAccount, connection: Any) -> None:
        self._account, self._connection = account, connection

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
        in memory. Raises Truncated after the last entry that the size limit let through.
        """
        scope = ldap3.SUBTREE if whole_tree else ldap3.BASE
        request = self._request(base, scope, filter, attributes, size_limit)
        number: int | None = self._send(request, page_size)
        while number is not None:
            page, outcome = self._receive(number)
            entries = [self._with_ranges(entry) if entry.has_ranges else entry for entry in page]
            # Asked for already, so that the server works on the next page while we do on this one.
            more = outcome.code == _SUCCESS and outcome.cookie
            number = self._send(request, page_size, outcome.cookie) if more else None
            yield from entries
            self._check(outcome, base)

    def _request(
        self, base: str, scope: str, filter: str, attributes: Sequence[str], size_limit: int
    ) -> Any:
        try:
            return search_operation(
                base, filter, scope, ldap3.DEREF_NEVER, list(attributes), size_limit, 0, False,
                auto_escape=False, auto_encode=False,
            )  # fmt: skip
        except LDAPException as error:
            raise ConfigurationError(
                f"{self._account.title}: cannot search {base!r} for {filter}: {error}; "
                f"check {self._account.base_variable}"
            ) from None

    def _send(self, request: Any, page_size: int = 0, cookie: bytes = b"") -> int:
        controls = [paged_search_control(True, page_size, cookie)] if page_size else None
        try:
            number: int = self._connection.send("searchRequest", request, controls)
        except (LDAPException, OSError) as error:
            raise self._lost(type(error).__name__) from None
        # ldap3 would keep each request until it reads the answer, which is done here instead.
        self._connection.strategy._outstanding.pop(number, None)
        return number

    def _receive(self, number: int) -> tuple[list[LdapEntry], _Outcome]:
        try:
            return self._answer(number)
        except (LDAPException, OSError) as error:
            raise self._lost(type(error).__name__) from None
        except (IndexError, KeyError):
            raise PermanentError(f"{self._account.title}: the answer is not LDAP") from None

    def _answer(self, number: int) -> tuple[list[LdapEntry], _Outcome]:
        entries, references = [], 0
        for message in self._messages():
            start, _ = read_header(message, 0)
            at, stop = read_header(message, start)
            if int.from_bytes(message[at:stop], "big") != number:
                self._unexpected(int.from_bytes(message[at:stop], "big"))
                continue
            kind = message[stop]
            if kind == _ENTRY:
                entries.append(read_entry(message, read_header(message, stop)[0]))
            elif kind == _DONE:
                break
            references += kind == _REFERENCE
        if references:
            log.warning("%s: %d referrals not followed", self._account.title, references)
        return entries, self._outcome(message)

    def _unexpected(self, number: int) -> None:
        if number == 0:  # RFC 4511, 4.4.1: notice of disconnection
            raise self._lost("notice of disconnection")

    def _outcome(self, message: bytes) -> _Outcome:
        answer = self._connection.strategy.decode_response_fast(decode_message_fast(message))
        control = answer.get("controls", {}).get(PAGED_RESULTS)
        return _Outcome(answer["result"], control["value"]["cookie"] if control else b"")

    def _messages(self) -> Iterator[bytes]:
        """Cut the stream of bytes into messages."""
        rest = b""
        while received := self._connection.socket.recv(RECEIVE):
            data, at = rest + received, 0
            while (end := _message_end(data, at)) <= len(data):
                yield data[at:end]
                at = end
            if end - at > MAX_MESSAGE:
                raise PermanentError(f"{self._account.title}: an entry of {end - at} bytes")
            rest = data[at:]
        raise self._lost("closed by the server")

    def _check(self, outcome: _Outcome, base: str) -> None:
        if outcome.code != _SUCCESS:
            raise self._failure(outcome.code, base)

    def _failure(self, code: int, base: str) -> LsatsError:
        account, name = self._account, RESULT_CODES.get(code, "unknown")
        message = f"{account.title}: the search ended with code {code} ({name})"
        if code == _SIZE_LIMIT:
            return Truncated(f"{message}: the server gives out no more entries per search")
        if code in (_TIME_LIMIT, _ADMIN_LIMIT):
            return IncompleteRead(f"{message}: a limit of the server cut it short")
        if code == _NO_SUCH_OBJECT:
            return ConfigurationError(
                f"{message}: no {base!r} there; check {account.base_variable}"
            )
        if code == _NO_RIGHT:
            return ConfigurationError(f"{message}: {account.user_variable} may not read {base!r}")
        return TransientError(message) if code in _BUSY else PermanentError(message)

    def _lost(self, reason: str) -> TransientError:
        return TransientError(
            f"{self._account.title}: the connection was lost during a search ({reason})"
        )

    def _with_ranges(self, entry: LdapEntry) -> LdapEntry:
        """Fetch the values that Active Directory held back (`memberOf;range=0-1499`)."""
        try:
            dn = entry.dn.decode()
        except UnicodeDecodeError:
            return entry  # cannot be named in a search, nor become a record
        whole: dict[bytes, list[bytes]] = {}
        for spelled, values in entry.attributes:
            name, _, bounds = spelled.partition(RANGE)
            whole.setdefault(name, []).extend(values)
            while bounds and not bounds.endswith(b"*"):
                beyond = int(bounds.partition(b"-")[2]) + 1
                bounds, more = self._range(dn, name, beyond)
                whole[name] += more
        return LdapEntry(entry.dn, list(whole.items()))

    def _range(self, dn: str, name: bytes, beyond: int) -> tuple[bytes, list[bytes]]:
        wanted = f"{name.decode()};range={beyond}-*"
        request = self._request(dn, ldap3.BASE, "(objectClass=*)", [wanted], 0)
        found, outcome = self._receive(self._send(request))
        if outcome.code == _NO_SUCH_OBJECT:
            raise TransientError(f"{self._account.title}: an entry went away while it was read")
        self._check(outcome, dn)
        for spelled, values in found[0].attributes if found else ():
            if spelled.startswith(name + RANGE):
                return spelled.partition(RANGE)[2], values
        raise IncompleteRead(f"{self._account.title}: {wanted} of an entry was not delivered")


class _Outcome(NamedTuple):
    code: int
    cookie: bytes


@contextmanager
def connect(account: BindAccount, clock: Clock | None = None) -> Iterator[Directory]:
    """Open, encrypt and bind; the connection is closed at the end."""
    connection = _bound(account, clock or Clock())
    try:
        yield Directory(account, connection)
    finally:
        _close(connection)


def escape(value: bytes) -> str:
    """Write a value for use in a filter, whatever its bytes (RFC 4515)."""
    plain = _PLAIN.fullmatch
    return "".join(chr(b) if plain(bytes([b])) else f"\\{b:02x}" for b in value)


def _bound(account: BindAccount, clock: Clock) -> Any:
    for wait in (*BACKOFF, None):
        try:
            return _bind(account)
        except (LDAPException, OSError) as error:
            if "certificate" in str(error).lower():
                raise ConfigurationError(
                    f"{account.title}: the certificate of {account.url} is not trusted; check "
                    f"{account.url_variable}, or name the issuer's file in SSL_CERT_FILE"
                ) from None
            reason = type(error).__name__
            if wait is not None:
                log.warning("%s: %s; next try in %.0f s", account.title, reason, wait)
                clock.sleep(wait * (1 + clock.jitter() / 2))
    raise Unreachable(
        f"{account.title} does not answer at {account.url} ({reason}); {account.url_variable}?"
    )


def _bind(account: BindAccount) -> Any:
    connection = ldap3.Connection(
        _server(account),
        user=account.user,
        password=account.password.get_secret_value() if account.password else "",
        read_only=True,
        check_names=False,
        receive_timeout=RECEIVE_TIMEOUT,
        auto_referrals=False,
    )
    try:
        if connection.bind():
            return connection
        raise _refusal(account, connection)
    except BaseException:
        _close(connection)
        raise


def _refusal(account: BindAccount, connection: Any) -> LsatsError:
    code = (connection.result or {}).get("result")
    if code == _BAD_CREDENTIALS:
        return ConfigurationError(
            f"{account.title} refuses the credentials; "
            f"check {account.user_variable} and {account.password_variable}"
        )
    return PermanentError(
        f"{account.title}: bind failed with code {code} ({connection.last_error})"
    )


def _close(connection: Any) -> None:
    with suppress(LDAPException, OSError):
        connection.unbind()
    # ldap3 leaves the socket open when it could not connect or encrypt.
    if connection.socket is not None:
        connection.socket.close()


def _server(account: BindAccount) -> Any:
    parts = addresses.checked(account.url, account.url_variable, encrypted="ldaps", plain="ldap")
    secure = parts.scheme == "ldaps"
    tls = _VerifiedTls(validate=ssl.CERT_REQUIRED) if secure else None
    return ldap3.Server(
        parts.hostname,
        port=parts.port or (636 if secure else 389),
        use_ssl=secure,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=CONNECT_TIMEOUT,
    )


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """Leaves names and certificates to OpenSSL; ldap3 compares names by a function now gone."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = ssl.create_default_context().wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


def _message_end(data: bytes, at: int) -> int:
    """Where the message at `at` ends; past the end of the data while that is not known."""
    if len(data) < at + 2 or (data[at + 1] >= 0x80 and len(data) < at + 2 + (data[at + 1] & 0x7F)):
        return len(data) + 1
    return read_header(data, at)[1]
