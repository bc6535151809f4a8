"""One bound connection: the first server of the address that answers, encrypted, signed in.

    AD_LDAP_URL ──▶ server, server, ... ──▶ TLS or StartTLS ──▶ bind ──▶ requests and answers
                        └─ does not answer: the next one; none: each with its reason

ldap3 opens, encrypts, binds and encodes. Its decoding of entries is bypassed: it takes several
times as long as everything else in a sweep. What entries become is in ldap_records.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import ldap3
from ldap3.core.exceptions import (
    LDAPException,
    LDAPSessionTerminatedByServerError,
    LDAPStartTLSError,
)
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decode_message_fast

from lsats_pipeline.core import addresses
from lsats_pipeline.core.errors import ConfigurationError, PermanentError
from lsats_pipeline.core.retry import TransientFailure
from lsats_pipeline.hub.sources.ldap_errors import BindAccount, bind_error
from lsats_pipeline.hub.sources.ldap_records import LdapEntry, read_entry, read_header

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 15  # seconds, for each step until the bind is answered
RECEIVE_TIMEOUT = 300  # seconds of silence; directories think long before the first entry
PROBE_TIMEOUT = 5  # seconds, to see what a port speaks that did not answer as expected
RECEIVE = 1 << 18  # bytes per read of the socket
MAX_MESSAGE = 64 << 20  # bytes; a larger entry is a broken stream
PAGED_RESULTS = "1.2.840.113556.1.4.319"
LDAPS, STARTTLS, PLAIN = "ldaps", "ldap+starttls", "ldap"
PORTS = {LDAPS: 636, STARTTLS: 389, PLAIN: 389}

_ENTRY, _DONE, _REFERENCE, _SEQUENCE = 0x64, 0x65, 0x73, b"\x30"
# Anonymous search for the root entry, which every directory answers in some way (RFC 4512, 5.1).
_ROOT = bytes.fromhex(
    "3025020101632004000a01000a0100020101020100010100870b6f626a656374436c6173733000"
)


class Outcome(NamedTuple):
    """How a search ended. `words` are the server's; `cookie` asks for the next page."""

    code: int
    cookie: bytes = b""
    words: str = ""
    referral: str = ""


class Server(NamedTuple):
    """One server of an address."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (
            "" if self.port == PORTS[self.scheme] else f":{self.port}"
        )


def servers_of(account: BindAccount) -> list[Server]:
    """The servers of the address in order; ConfigurationError when one may not be asked."""
    found = []
    for url in addresses.listed(account.url):
        parts = addresses.checked(
            url, account.url_variable, encrypted=LDAPS, plain=PLAIN, also=(STARTTLS,)
        )
        found.append(Server(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]))
    if not found:
        raise ConfigurationError(
            f"{account.url_variable}: no address; expected something like ldaps://host.example.edu"
        )
    return found


def open_connection(account: BindAccount) -> BoundConnection:
    """Connect to the first server that lets us in.

    TransientFailure when none answers, ConfigurationError for refused credentials, and where no
    server can be trusted or spoken to as the address says.
    """
    servers, problems = servers_of(account), []
    for number, server in enumerate(servers, 1):
        try:
            return BoundConnection(account, server)
        except (TransientFailure, UnusableServer) as problem:
            problems.append(problem)
            if number < len(servers):
                log.warning("%s: %s: %s; trying the next server", account.title, server, problem)
    listed = "; ".join(f"{server}: {text}" for server, text in zip(servers, problems, strict=True))
    text = str(problems[0]) if len(problems) == 1 else listed
    if all(isinstance(problem, UnusableServer) for problem in problems):
        raise UnusableServer(f"{account.title}: {text}")
    raise TransientFailure(text, unreachable=True)


class UnusableServer(ConfigurationError):
    """A server that cannot be trusted, or does not speak what its address says."""


class BoundConnection:
    """A connection that is signed in. TransientFailure when it is lost, which `lost` remembers.

    `silent`: that is because nothing came for RECEIVE_TIMEOUT.
    """

    def __init__(self, account: BindAccount, server: Server) -> None:
        self.lost, self.silent, self._reason = False, False, ""
        self._account, self._server = account, server
        self._tls = _VerifiedTls(account) if server.scheme != PLAIN else None
        self._data, self._at = b"", 0
        self._passed_over: set[int] = set()
        self._connection = ldap3.Connection(
            ldap3.Server(
                server.host,
                port=server.port,
                use_ssl=server.scheme == LDAPS,
                tls=self._tls,
                get_info=ldap3.NONE,
                connect_timeout=CONNECT_TIMEOUT,
            ),
            user=account.user,
            password=account.password.get_secret_value() if account.password else "",
            read_only=True,
            check_names=False,
            receive_timeout=CONNECT_TIMEOUT,
            auto_referrals=False,
        )
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection, in whatever state it is."""
        self.lost = True
        with suppress(LDAPException, OSError):
            self._connection.unbind()
        # ldap3 leaves the socket open when it could not connect or encrypt.
        if self._connection.socket is not None:
            self._connection.socket.close()

    def send(self, request: Any, page_size: int = 0, cookie: bytes = b"") -> int:
        """Send a search, or ask for its next page; the number of the answer."""
        controls = [paged_search_control(True, page_size, cookie)] if page_size else None
        try:
            number: int = self._connection.send("searchRequest", request, controls)
        except (LDAPException, OSError) as error:
            raise self._loss(type(error).__name__) from None
        # ldap3 would keep each request until it reads the answer, which is done here instead.
        self._connection.strategy._outstanding.pop(number, None)
        return number

    def receive(self, number: int) -> tuple[list[LdapEntry], Outcome | None]:
        """Some entries of an answer as they come; its outcome with the last of them.

        What came before a connection was lost is delivered; the next call says so. TransientFailure
        too when another search has been read in between, as this one's entries were passed over.
        """
        entries: list[LdapEntry] = []
        if number in self._passed_over:
            raise TransientFailure("another search was read in the middle of this one")
        try:
            while not entries:
                for message in self._arrived():
                    start, _ = read_header(message, 0)
                    at, stop = read_header(message, start)
                    if (answered := int.from_bytes(message[at:stop], "big")) != number:
                        self._pass_over(answered)
                    elif message[stop] == _ENTRY:
                        entries.append(read_entry(message, read_header(message, stop)[0]))
                    elif message[stop] == _DONE:
                        return entries, self._outcome(message)
                    elif message[stop] == _REFERENCE:
                        log.warning("%s: a referral was not followed", self._account.title)
        except TransientFailure:
            if not entries:
                raise
        except (LDAPException, OSError) as error:
            self.silent = isinstance(error, TimeoutError)
            loss = self._loss(type(error).__name__)
            if not entries:
                raise loss from None
        except (IndexError, KeyError, ValueError):
            self.lost = True
            raise PermanentError(f"{self._account.title}: the answer is not LDAP") from None
        return entries, None

    def _arrived(self) -> Iterator[bytes]:
        """The messages that are here; waits for more bytes if there is none."""
        if self.lost:
            raise self._loss(self._reason)
        while (end := _message_end(self._data, self._at)) > len(self._data):
            if end - self._at > MAX_MESSAGE:
                self.lost = True
                raise PermanentError(f"{self._account.title}: an entry of {end - self._at} bytes")
            received = self._connection.socket.recv(RECEIVE)
            if not received:
                raise self._loss("closed by the server")
            self._data, self._at = self._data[self._at :] + received, 0
        data = self._data
        while (end := _message_end(data, self._at)) <= len(data):
            at, self._at = self._at, end
            yield data[at:end]

    def _pass_over(self, number: int) -> None:
        if number == 0:  # RFC 4511, 4.4.1: notice of disconnection
            raise self._loss("notice of disconnection")
        self._passed_over.add(number)

    def _outcome(self, message: bytes) -> Outcome:
        answer = self._connection.strategy.decode_response_fast(decode_message_fast(message))
        control = answer.get("controls", {}).get(PAGED_RESULTS)
        cookie = control["value"]["cookie"] if control else b""
        referrals = answer.get("referrals") or ()
        return Outcome(
            answer["result"], cookie or b"", answer.get("message") or "", ", ".join(referrals)
        )

    def _loss(self, reason: str) -> TransientFailure:
        self.lost, self._reason = True, reason
        return TransientFailure(f"the connection was lost during a search ({reason})")

    # ── opening ───────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        connection, reached = self._connection, False
        try:
            connection.open(read_server_info=False)
            reached = True
            if self._server.scheme == STARTTLS:
                connection.start_tls(read_server_info=False)
            signed_in = connection.bind()
            connection.socket.settimeout(RECEIVE_TIMEOUT)
        except (LDAPException, OSError) as error:
            raise self._problem(error, reached) from None
        if not signed_in:
            answer = connection.result or {}
            code, words = answer.get("result", -1), answer.get("message") or ""
            raise bind_error(self._account, str(self._server), code, words)

    def _problem(self, error: Exception, reached: bool) -> Exception:
        """What kept the connection from being opened: the port, the certificate, the network."""
        server = self._server
        failed = self._tls.error if self._tls else None
        if isinstance(failed, ssl.SSLCertVerificationError):
            return UnusableServer(_distrust(failed, self._account, server))
        if isinstance(failed, ssl.SSLError | ConnectionError) and _speaks_plain(server):
            return UnusableServer(
                f"{server} answers unencrypted, not in TLS: name the port of ldaps:// (usually 636)"
                f" in {self._account.url_variable}, or use {STARTTLS}:// with this one"
            )
        if isinstance(failed, ssl.SSLError):
            return UnusableServer(
                f"{server} cannot be encrypted ({failed.reason or failed}); check"
                f" {self._account.url_variable}"
            )
        if isinstance(error, LDAPStartTLSError):
            return UnusableServer(
                f"{server} does not offer StartTLS ({error}): use ldaps:// in"
                f" {self._account.url_variable}, or ask its administrators"
            )
        if server.scheme != LDAPS and reached and _speaks_tls(server):
            return UnusableServer(
                f"{server} speaks TLS from the start: use ldaps:// in {self._account.url_variable}"
            )
        return TransientFailure(_reason(error), unreachable=True)


_SYSTEM = re.compile(r"\[Errno -?\d+\] ([^'\"]+)")


def _reason(error: Exception) -> str:
    """What the network said, of which ldap3 keeps the text alone."""
    if found := _SYSTEM.search(str(error)):
        return found[1]
    if "invalid server address" in str(error):
        return "its name is not known"
    if "timed out" in str(error):
        return f"no answer within {CONNECT_TIMEOUT} s"
    if isinstance(error, LDAPSessionTerminatedByServerError):
        return "it closed the connection, as what does not speak LDAP would"
    return type(error).__name__


# What OpenSSL says of a certificate that it does not accept (x509_vfy.h).
_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21, 27)
_OTHER_NAME = (62, 63, 64)


def _distrust(error: ssl.SSLCertVerificationError, account: BindAccount, server: Server) -> str:
    subject = f"the certificate of {server}"
    if error.verify_code in _OTHER_NAME:
        return (
            f"{subject} is for another name: write the name that it is for in"
            f" {account.url_variable}, not {server.host}"
        )
    if error.verify_code == _EXPIRED:
        return f"{subject} has expired: its administrators have to renew it"
    if error.verify_code == _NOT_YET:
        return f"{subject} is not valid yet: check the clock of this machine"
    if error.verify_code in _UNKNOWN_ISSUER:
        remedy = f"name its issuer's file in {account.ca_variable}"
        if account.ca_file is None and account.ca_variable != "SSL_CERT_FILE":
            remedy += " (or SSL_CERT_FILE)"
        return f"{subject} is not trusted ({error.verify_message}): {remedy}"
    return f"{subject} is not accepted ({error.verify_message}); check {account.url_variable}"


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """Leaves names and certificates to OpenSSL; ldap3 compares names by a function now gone.

    `error` is what OpenSSL said, of which ldap3 keeps the text alone.
    """

    def __init__(self, account: BindAccount) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.error: OSError | None = None
        try:
            self._context = ssl.create_default_context(
                cafile=str(account.ca_file) if account.ca_file else None
            )
        except OSError as error:
            raise ConfigurationError(
                f"{account.ca_variable}: {account.ca_file} holds no certificates that can be read"
                f" ({error}); name a file in PEM form"
            ) from None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket,
                server_hostname=connection.server.host,
                do_handshake_on_connect=do_handshake,
            )
        except OSError as error:
            self.error = error
            raise


def _speaks_plain(server: Server) -> bool:
    """Whether a port that does not take part in TLS answers LDAP."""
    try:
        with socket.create_connection((server.host, server.port), PROBE_TIMEOUT) as probe:
            probe.sendall(_ROOT)
            return probe.recv(1) == _SEQUENCE
    except OSError:
        return False


def _speaks_tls(server: Server) -> bool:
    """Whether a port that does not answer LDAP takes part in TLS; nothing is sent over it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((server.host, server.port), PROBE_TIMEOUT) as probe,
            context.wrap_socket(probe, server_hostname=server.host),
        ):
            return True
    except OSError:
        return False


def _message_end(data: bytes, at: int) -> int:
    """Where the message at `at` ends; past the end of the data while that is not known."""
    if len(data) < at + 2 or (data[at + 1] >= 0x80 and len(data) < at + 2 + (data[at + 1] & 0x7F)):
        return len(data) + 1
    return read_header(data, at)[1]
