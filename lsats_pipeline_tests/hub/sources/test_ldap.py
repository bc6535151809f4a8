"""The LDAP transport: encryption, refusals, limits, and answers that break off."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.core.errors import (
    ConfigurationError,
    IncompleteRead,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.hub.sources import ldap
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.sources.conftest import Served

AD_BASE = "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu"
EVERYBODY = "(&(objectClass=person)(!(objectClass=computer)))"


def account(url: str, user: str = "cn=me", password: str = "pw") -> ldap.BindAccount:
    return ldap.BindAccount(
        title="Testing",
        url=url,
        user=user,
        password=SecretStr(password),
        url_variable="T_URL",
        user_variable="T_USER",
        password_variable="T_PASSWORD",
        base_variable="T_BASE",
    )


def campus_account(
    campus: Served, prefix: str = "AD_", url: str = "AD_LDAP_URL"
) -> ldap.BindAccount:
    env = campus.environment
    return account(env[url], env[f"{prefix}USER"], env[f"{prefix}PASSWORD"])


HANG_UP = b"hang up"
Answer = Callable[[bytes], bytes]


@contextmanager
def directory_that(answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that accepts any bind and answers searches from a script."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with suppress(OSError), connection:
                    if context is None:
                        _serve(connection, answers)
                    else:
                        with context.wrap_socket(connection, True) as encrypted:
                            _serve(encrypted, answers)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            scheme = "ldaps" if context else "ldap"
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(connection: socket.socket, answers: Answer) -> None:
    with connection.makefile("rb") as file:
        while (message := ber.read_message(file)) is not None:
            (_, number), (tag, content), *_ = ber.parts(message)
            message_id = ber.element(ber.INTEGER, number)
            if tag == 0x60:
                connection.sendall(done(message_id, 0, tag=0x61))
            elif tag == 0x63:
                answer = answers(message_id + content)
                connection.sendall(answer.removesuffix(HANG_UP))
                if answer.endswith(HANG_UP):
                    return
            else:
                return


def done(message_id: bytes, code: int, tag: int = 0x65) -> bytes:
    result = ber.integer(code, ber.ENUMERATED) + ber.element(ber.OCTETS) * 2
    return ber.element(ber.SEQUENCE, message_id, ber.element(tag, result))


def entry(message_id: bytes, dn: str, **attributes: list[str]) -> bytes:
    listed = [
        ber.element(
            ber.SEQUENCE,
            ber.element(ber.OCTETS, name.replace("__", ";range=").replace("_", "-").encode()),
            ber.octets_set([v.encode() for v in values]),
        )
        for name, values in attributes.items()
    ]
    content = ber.element(ber.OCTETS, dn.encode()) + ber.element(ber.SEQUENCE, *listed)
    return ber.element(ber.SEQUENCE, message_id, ber.element(0x64, content))


def message_id(request: bytes) -> bytes:
    return request[: 2 + request[1]]


def found(url: str, waits: Waits) -> list[str]:
    with ldap.connect(account(url), waits.clock) as directory:
        return [e.dn.decode() for e in directory.search("dc=x", EVERYBODY, ["cn"])]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (3, IncompleteRead, "timeLimitExceeded"),
        (4, ldap.Truncated, "sizeLimitExceeded"),
        (11, IncompleteRead, "adminLimitExceeded"),
        (32, ConfigurationError, "T_BASE"),
        (50, ConfigurationError, "T_USER"),
        (51, TransientError, "busy"),
        (1, PermanentError, "operationsError"),
        (12, PermanentError, "code 12"),
    ],
)
def test_an_ending_other_than_success(
    code: int, error: type[Exception], words: str, waits: Waits
) -> None:
    def answers(request: bytes) -> bytes:
        number = message_id(request)
        return entry(number, "cn=a", cn=["a"]) + done(number, code)

    with directory_that(answers) as url, ldap.connect(account(url), waits.clock) as directory:
        entries = directory.search("dc=x", EVERYBODY, ["cn"])
        assert next(entries).dn == b"cn=a"
        with pytest.raises(error, match=words):
            next(entries)


def test_a_connection_that_breaks_off(waits: Waits) -> None:
    def half(request: bytes) -> bytes:
        number = message_id(request)
        return entry(number, "cn=a", cn=["a"]) + entry(number, "cn=b", cn=["b"])[:-3] + HANG_UP

    with directory_that(half) as url, pytest.raises(TransientError, match="lost"):
        found(url, waits)


def test_notice_of_disconnection(waits: Waits) -> None:
    notice = ber.element(ber.INTEGER, b"\x00")
    with (
        directory_that(lambda request: done(notice, 52, tag=0x78)) as url,
        pytest.raises(TransientError, match="disconnection"),
    ):
        found(url, waits)


@pytest.mark.parametrize(
    "nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, bytes(64), b"\x30\x02\x02\x01"]
)
def test_something_else_than_ldap(nonsense: bytes, waits: Waits) -> None:
    with (
        directory_that(lambda request: nonsense + HANG_UP) as url,
        pytest.raises((PermanentError, TransientError)),
    ):
        found(url, waits)


def test_values_that_are_held_back_are_fetched(waits: Waits) -> None:
    """Active Directory gives out 1500 values of an attribute at a time."""
    parts = {b"range=2-*": ("2-3", ["c", "d"]), b"range=4-*": ("4-*", ["e"])}

    def answers(request: bytes) -> bytes:
        number = message_id(request)
        asked = next((part for text, part in parts.items() if text in request), None)
        bounds, values = asked or ("0-1", ["a", "b"])
        name = f"memberOf__{bounds}".replace("-", "_")
        return entry(number, "cn=a", cn=["a"], **{name: values}) + done(number, 0)

    with directory_that(answers) as url, ldap.connect(account(url), waits.clock) as directory:
        (whole,) = directory.search("dc=x", EVERYBODY, ["cn", "memberOf"])
    assert dict(whole.attributes) == {b"cn": [b"a"], b"memberOf": [b"a", b"b", b"c", b"d", b"e"]}


def test_an_entry_gone_before_its_values_came_is_tried_again(waits: Waits) -> None:
    def answers(request: bytes) -> bytes:
        number = message_id(request)
        if b"range=2-*" in request:
            return done(number, 32)
        return entry(number, "cn=a", memberOf__0_1=["a", "b"]) + done(number, 0)

    with (
        directory_that(answers) as url,
        ldap.connect(account(url), waits.clock) as directory,
        pytest.raises(TransientError, match="went away"),
    ):
        list(directory.search("dc=x", EVERYBODY, ["memberOf"]))


def test_nobody_there(waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"ldap://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unreachable, match="T_URL"):
        found(url, waits)
    assert len(waits.slept) == 2


@pytest.mark.parametrize("url", ["ldap://directory.example.edu", "http://127.0.0.1", "directory"])
def test_addresses_that_are_refused(url: str, waits: Waits) -> None:
    with pytest.raises(ConfigurationError, match="T_URL"):
        found(url, waits)


def test_wrong_password(campus: Served, waits: Waits) -> None:
    env = campus.environment
    wrong = account(env["AD_LDAP_URL"], env["AD_USER"], "no-such-password")
    with (
        pytest.raises(ConfigurationError, match="T_USER and T_PASSWORD") as caught,
        ldap.connect(wrong, waits.clock),
    ):
        pass
    assert "no-such-password" not in str(caught.value)


def test_a_base_that_is_not_there(campus: Served) -> None:
    with (
        ldap.connect(campus_account(campus)) as directory,
        pytest.raises(ConfigurationError, match="T_BASE"),
    ):
        list(directory.search("dc=elsewhere", EVERYBODY, ["cn"]))


def test_a_search_that_was_left_does_not_disturb_the_next(campus: Served) -> None:
    with ldap.connect(campus_account(campus)) as directory:
        left = directory.search(AD_BASE, EVERYBODY, ["cn"], page_size=50)
        next(left)
        left.close()  # type: ignore[attr-defined]
        names = {e.dn for e in directory.search(AD_BASE, EVERYBODY, ["cn"], page_size=100)}
    assert len(names) == len(campus.records("active_directory_user"))


def test_escaping() -> None:
    assert ldap.escape(b"a.b-c@d") == "a.b-c@d"
    assert ldap.escape("*()\\\0é".encode()) == "\\2a\\28\\29\\5c\\00\\c3\\a9"


def test_filters_take_any_value(campus: Served) -> None:
    with ldap.connect(campus_account(campus)) as directory:
        for value in (b"*", b"a)(cn=*", b" ", b"\\", b"\xff"):
            filter = f"(cn={ldap.escape(value)})"
            assert list(directory.search(AD_BASE, filter, ["cn"])) == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that is signed by itself only; its key is next to it."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(path) + ".key", "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    return path


def encrypting(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    return context


def test_an_untrusted_certificate_is_refused(certificate: Path, waits: Waits) -> None:
    with (
        directory_that(
            lambda request: done(message_id(request), 0), encrypting(certificate)
        ) as url,
        pytest.raises(ConfigurationError, match="SSL_CERT_FILE"),
    ):
        found(url, waits)
    assert waits.slept == []


def test_a_trusted_certificate(
    certificate: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def answers(request: bytes) -> bytes:
        return entry(message_id(request), "cn=a", cn=["a"]) + done(message_id(request), 0)

    with directory_that(answers, encrypting(certificate)) as url:
        assert found(url, waits) == ["cn=a"]


def test_a_certificate_of_another_name(
    certificate: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        directory_that(lambda request: HANG_UP, encrypting(certificate)) as url,
        pytest.raises(ConfigurationError, match="certificate"),
    ):
        found(url.replace("127.0.0.1", "localhost"), waits)
