"""The LDAP transport: encryption, refusals, limits, and answers that break off."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import pytest
from pydantic import SecretStr

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.ldap_messages import page_control
from lsats_pipeline.core.errors import (
    ConfigurationError,
    IncompleteRead,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.hub.sources import ldap, ldap_connection
from lsats_pipeline.hub.sources.active_directory.streams import PEOPLE
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline_tests.certificates import certificate
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.sources.conftest import Served

AD_BASE = "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu"


def account(
    url: str, user: str = "cn=me", password: str = "pw", ca_file: Path | None = None
) -> ldap.BindAccount:
    return ldap.BindAccount(
        title="Testing",
        url=url,
        user=user,
        password=SecretStr(password),
        url_variable="T_URL",
        user_variable="T_USER",
        password_variable="T_PASSWORD",
        base_variable="T_BASE",
        ca_file=ca_file,
        ca_variable="T_CA_FILE",
    )


def campus_account(
    campus: Served, prefix: str = "AD_", url: str = "AD_LDAP_URL"
) -> ldap.BindAccount:
    env = campus.environment
    return account(env[url], env[f"{prefix}USER"], env[f"{prefix}PASSWORD"])


HANG_UP = b"hang up"
Answer = Callable[[bytes], bytes]


def accept(message_id: bytes) -> bytes:
    return done(message_id, 0, tag=0x61)


@contextmanager
def directory_that(
    answers: Answer,
    context: ssl.SSLContext | None = None,
    *,
    starttls: bool = False,
    bind: Answer = accept,
) -> Iterator[str]:
    """A server that answers searches and binds from a script, connection after connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with suppress(OSError, ber.BadMessage), connection:
                    if context is not None and not starttls:
                        connection = context.wrap_socket(connection, True)
                    if _serve(connection, answers, bind, starttls) and context:
                        connection = context.wrap_socket(connection, True)
                        _serve(connection, answers, bind, False)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            scheme = "ldap+starttls" if starttls else "ldaps" if context else "ldap"
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(connection: socket.socket, answers: Answer, bind: Answer, starttls: bool) -> bool:
    """Answer until the client goes, or (True) wants TLS."""
    with connection.makefile("rb", buffering=0) as file:
        while (message := ber.read_message(cast(BinaryIO, file))) is not None:
            (_, number), (tag, content), *controls = ber.parts(message)
            message_id = ber.element(ber.INTEGER, number)
            if tag == 0x60:
                connection.sendall(bind(message_id))
            elif tag == 0x77:
                connection.sendall(done(message_id, 0 if starttls else 2, tag=0x78))
                if starttls:
                    return True
            elif tag == 0x63:
                answer = answers(b"".join([message_id, content, *(c for _, c in controls)]))
                connection.sendall(answer.removesuffix(HANG_UP))
                if answer.endswith(HANG_UP):
                    return False
            else:
                return False
    return False


def done(
    message_id: bytes, code: int, tag: int = 0x65, words: str = "", cookie: bytes = b""
) -> bytes:
    texts = ber.element(ber.OCTETS) + ber.element(ber.OCTETS, words.encode())
    result = ber.integer(code, ber.ENUMERATED) + texts
    control = page_control(cookie) if cookie else b""
    return ber.element(ber.SEQUENCE, message_id, ber.element(tag, result), control)


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
        return [e.dn.decode() for e in directory.search("dc=x", PEOPLE, ["cn"])]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (3, IncompleteRead, "timeLimitExceeded"),
        (4, ldap.Truncated, "sizeLimitExceeded"),
        (11, IncompleteRead, "adminLimitExceeded"),
        (32, ConfigurationError, "T_BASE"),
        (50, ConfigurationError, "T_USER"),
        (10, ConfigurationError, "T_BASE, or name that server in T_URL"),
        (8, ConfigurationError, "ldaps://"),
        (34, ConfigurationError, "no distinguished name; check T_BASE"),
        (53, PermanentError, "T_USER"),
        (1, PermanentError, "operationsError.*T_USER"),
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
        entries = directory.search("dc=x", PEOPLE, ["cn"])
        assert next(entries).dn == b"cn=a"
        with pytest.raises(error, match=words):
            next(entries)


@pytest.mark.parametrize(
    "nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, bytes(64), b"\x30\x02\x02\x01"]
)
def test_something_else_than_ldap(nonsense: bytes, waits: Waits) -> None:
    with (
        directory_that(lambda request: nonsense + HANG_UP) as url,
        pytest.raises((PermanentError, TransientError)),
    ):
        found(url, waits)


def test_a_web_server_at_the_port(waits: Waits) -> None:
    def refusals(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(1 << 12)
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refusals, args=(listener,), daemon=True).start()
        url = f"ldap://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"does not speak LDAP.*T_URL"):
            found(url, waits)
        listener.shutdown(socket.SHUT_RDWR)


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
        (whole,) = directory.search("dc=x", PEOPLE, ["cn", "memberOf"])
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
        list(directory.search("dc=x", PEOPLE, ["memberOf"]))


def test_nobody_there(waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"ldap://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unreachable, match=r"\(Connection refused\); T_URL"):
        found(url, waits)
    assert len(waits.slept) == 2


def test_a_name_that_is_not_known(waits: Waits) -> None:
    with pytest.raises(Unreachable, match="its name is not known"):
        found("ldaps://directory.invalid", waits)


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
        list(directory.search("dc=elsewhere", PEOPLE, ["cn"]))


def test_a_search_that_was_left_does_not_disturb_the_next(campus: Served) -> None:
    with ldap.connect(campus_account(campus)) as directory:
        left = directory.search(AD_BASE, PEOPLE, ["cn"], page_size=50)
        next(left)
        left.close()  # type: ignore[attr-defined]
        names = {e.dn for e in directory.search(AD_BASE, PEOPLE, ["cn"], page_size=100)}
    assert len(names) == len(campus.records("active_directory_user"))


def test_escaping() -> None:
    assert ldap.escape(b"a.b-c@d") == "a.b-c@d"
    assert ldap.escape("*()\\\0é".encode()) == "\\2a\\28\\29\\5c\\00\\c3\\a9"


def test_filters_take_any_value(campus: Served) -> None:
    with ldap.connect(campus_account(campus)) as directory:
        for value in (b"*", b"a)(cn=*", b" ", b"\\", b"\xff"):
            filter = f"(cn={ldap.escape(value)})"
            assert list(directory.search(AD_BASE, filter, ["cn"])) == []


# ── carried on ────────────────────────────────────────────────────────────────────────────────────


def three(number: bytes) -> bytes:
    return b"".join(entry(number, f"cn={name}", cn=[name]) for name in "abc")


class Script:
    """Answers of a server, one after the other; the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = answers, 0

    def __call__(self, request: bytes) -> bytes:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1](message_id(request))


def whole(number: bytes) -> bytes:
    return three(number) + done(number, 0)


def notice(number: bytes) -> bytes:
    zero = ber.element(ber.INTEGER, b"\x00")
    return entry(number, "cn=a", cn=["a"]) + done(zero, 52, tag=0x78)


@pytest.mark.parametrize(
    "broken",
    [
        lambda number: HANG_UP,
        lambda number: three(number)[:-9] + HANG_UP,
        lambda number: three(number) + HANG_UP,
        lambda number: whole(number)[:-2] + HANG_UP,
        notice,
        lambda number: done(number, 51),
        lambda number: three(number) + done(number, 52),
    ],
    ids=["at once", "in an entry", "before the end", "in the end", "notice", "busy", "unavailable"],
)
def test_the_same_read_goes_on(broken: Answer, waits: Waits) -> None:
    script = Script(broken, broken, whole)
    with directory_that(script) as url, ldap.connect(account(url), waits.clock) as directory:
        entries = directory.search("dc=x", PEOPLE, ["cn"])
        assert [e.dn for e in ldap.distinct(entries, "objectGUID")] == [b"cn=a", b"cn=b", b"cn=c"]
        assert next(e.dn for e in directory.search("dc=x", PEOPLE, ["cn"])) == b"cn=a"
    assert script.asked == 4


def test_an_idle_connection_that_was_closed_is_replaced(waits: Waits) -> None:
    script = Script(lambda number: whole(number) + HANG_UP)
    with directory_that(script) as url, ldap.connect(account(url), waits.clock) as directory:
        for _ in range(3):
            assert len(list(directory.search("dc=x", PEOPLE, ["cn"]))) == 3
    assert script.asked == 3


def test_a_server_that_is_always_busy(waits: Waits) -> None:
    with (
        directory_that(Script(lambda number: done(number, 51))) as url,
        pytest.raises(TransientError, match=r"Testing: .*code 51 .busy.*12 times in a row"),
    ):
        found(url, waits)


def test_renamed_and_changed_while_a_search_was_repeated() -> None:
    """One identity once: what it was like when it first came."""

    def person(dn: str, guid: str, mail: str) -> LdapEntry:
        return LdapEntry(
            dn.encode(), [(b"objectGUID", [guid.encode()]), (b"mail", [mail.encode()])]
        )

    first, second = person("cn=a", "1", "old"), person("cn=b", "1", "new")
    other, nameless = person("cn=b", "2", "x"), LdapEntry(b"cn=c", [])
    entries = [first, second, other, nameless, nameless, first]
    assert list(ldap.distinct(entries, "objectGUID")) == [first, other, nameless]


def test_a_server_that_says_nothing(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence counts for several tries: each of them takes minutes."""
    monkeypatch.setattr(ldap_connection, "RECEIVE_TIMEOUT", 0.05)
    script = Script(lambda number: b"")
    with (
        directory_that(script) as url,
        pytest.raises(TransientError, match="TimeoutError"),
    ):
        found(url, waits)
    assert script.asked == 3


@pytest.mark.parametrize("bounds", ["x", "0-x", "-1", "0-1-2", "-0-1"])
def test_ranges_that_are_none(bounds: str, waits: Waits) -> None:
    name = f"member__{bounds}".replace("-", "_")

    def answers(request: bytes) -> bytes:
        return entry(message_id(request), "cn=a", **{name: ["a"]}) + done(message_id(request), 0)

    with directory_that(answers) as url, pytest.raises(IncompleteRead, match="member;range="):
        found(url, waits)


@pytest.mark.parametrize("page_size", [0, 2])
def test_cut_while_the_last_values_are_fetched(page_size: int, waits: Waits) -> None:
    """What was nearly the end is no end: the search begins again, and is read to its own."""
    searches = 0

    def answers(request: bytes) -> bytes:
        nonlocal searches
        number = message_id(request)
        if b"range=1-*" in request:
            if searches == 1 + bool(page_size):
                return HANG_UP
            return entry(number, "cn=g", member__1_X=["b"]).replace(b"-X", b"-*") + done(number, 0)
        searches += 1
        some = b"".join(entry(number, f"cn={n}", cn=[str(n)]) for n in range(3))
        last = entry(number, "cn=g", member__0_0=["a"]) + entry(number, "cn=z") + done(number, 0)
        if not page_size:
            return some + last
        return last if b"next" in request else some + done(number, 0, cookie=b"next")

    with directory_that(answers) as url, ldap.connect(account(url), waits.clock) as directory:
        entries = directory.search("dc=x", PEOPLE, ["member"], page_size=page_size)
        found = {e.dn: dict(e.attributes) for e in ldap.distinct(entries, "objectGUID")}
    assert sorted(found) == [b"cn=0", b"cn=1", b"cn=2", b"cn=g", b"cn=z"]
    assert found[b"cn=g"] == {b"member": [b"a", b"b"]}
    assert len(waits.slept) == 1


def test_a_search_in_the_middle_of_another(campus: Served, waits: Waits) -> None:
    with ldap.connect(campus_account(campus), waits.clock) as directory:
        whole = {e.dn for e in directory.search(AD_BASE, PEOPLE, ["cn"], page_size=50)}
        for page_size in (0, 50):
            outer = directory.search(AD_BASE, PEOPLE, ["cn"], page_size=page_size)
            found = {next(outer).dn}
            assert len(list(directory.search(AD_BASE, "(cn=a*)", ["cn"], page_size=50))) > 1
            assert found | {e.dn for e in outer} == whole


def test_a_part_that_comes_again(waits: Waits) -> None:
    """A server that does not heed which part is asked for."""

    def answers(request: bytes) -> bytes:
        number = message_id(request)
        return entry(number, "cn=a", member__0_1=["a", "b"]) + done(number, 0)

    with directory_that(answers) as url, pytest.raises(IncompleteRead, match="no part of a list"):
        found(url, waits)


def test_an_empty_list_next_to_its_first_part(waits: Waits) -> None:
    """As Active Directory has it, also for a name with an escape."""

    def answers(request: bytes) -> bytes:
        number, dn = message_id(request), "CN=big\\0ACNF:5f1c,OU=x"
        if b"range=1500-*" in request:
            assert dn.encode() in request
            return entry(number, dn, member__1500_X=["z"] * 200).replace(b"-X", b"-*") + done(
                number, 0
            )
        return entry(number, dn, member=[], member__0_1499=["a"] * 1500) + done(number, 0)

    with directory_that(answers) as url, ldap.connect(account(url), waits.clock) as directory:
        [whole] = directory.search("dc=x", PEOPLE, ["member"])
    assert dict(whole.attributes) == {b"member": [b"a"] * 1500 + [b"z"] * 200}


def test_pages_without_an_end(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap, "EMPTY_PAGES", 5)
    script = Script(lambda number: done(number, 0, cookie=b"7"))
    same = Script(lambda number: three(number) + done(number, 0, cookie=b"7"))
    for answers, words in ((script, "pages without an entry"), (same, "the same page again")):
        with (
            directory_that(answers) as url,
            ldap.connect(account(url), waits.clock) as directory,
            pytest.raises(IncompleteRead, match=words),
        ):
            list(directory.search("dc=x", PEOPLE, ["cn"], page_size=10))


# ── several servers ───────────────────────────────────────────────────────────────────────────────


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"ldap://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("separator", [" ", ",", " , ", "\n"])
def test_the_next_server_is_asked(
    separator: str, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    with directory_that(Script(whole)) as url:
        assert len(found(separator.join([closed_port(), url, "ldap://localhost:1"]), waits)) == 3
    assert waits.slept == []
    assert "trying the next server" in caplog.text


def test_another_server_takes_over_a_read(waits: Waits) -> None:
    with directory_that(Script(whole)) as second:
        with directory_that(Script(lambda number: three(number)[:-9] + HANG_UP)) as first:
            settings = account(f"{first} {second}")
            stack = ExitStack()
            directory = stack.enter_context(ldap.connect(settings, waits.clock))
            entries = directory.search("dc=x", PEOPLE, ["cn"])
            assert next(entries).dn == b"cn=a"
        assert {e.dn for e in entries} == {b"cn=a", b"cn=b", b"cn=c"}
        stack.close()


def test_none_of_the_servers(waits: Waits) -> None:
    one, two = closed_port(), closed_port()
    with pytest.raises(Unreachable) as caught:
        found(f"{one} {two}", waits)
    assert f"{one}: " in str(caught.value)
    assert f"{two}: " in str(caught.value)
    assert "T_URL" in str(caught.value)


@pytest.mark.parametrize("url", ["ldap://directory.example.edu", "http://127.0.0.1", ""])
def test_every_server_is_checked_before_any_is_asked(url: str, waits: Waits) -> None:
    script = Script(whole)
    with directory_that(script) as good, pytest.raises(ConfigurationError, match="T_URL"):
        found(f"{good} {url}" if url else " , ", waits)
    assert script.asked == 0


def test_a_wrong_password_is_not_tried_at_every_server(waits: Waits) -> None:
    asked = []

    def refused(number: bytes) -> bytes:
        asked.append(number)
        return done(number, 49, tag=0x61)

    with directory_that(Script(whole), bind=refused) as url, pytest.raises(ConfigurationError):
        found(f"{url} {url}", waits)
    assert len(asked) == 1


# ── signing in ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "words", "error", "text"),
    [
        (8, "BindSimple: Transport encryption required.", ConfigurationError, "ldaps://.*T_URL"),
        (13, "confidentiality required", ConfigurationError, "ldap.starttls://.*T_URL"),
        (34, "invalid DN", ConfigurationError, "T_USER"),
        (49, "", ConfigurationError, "T_USER and T_PASSWORD"),
        (49, "AcceptSecurityContext error, data 52e, v4563", ConfigurationError, "wrong name or"),
        (49, "AcceptSecurityContext error, data 532, v4563", ConfigurationError, "expired"),
        (49, "AcceptSecurityContext error, data 773, v4563", ConfigurationError, "to be changed"),
        (49, "AcceptSecurityContext error, data 533, v4563", ConfigurationError, "disabled"),
        (49, "AcceptSecurityContext error, data 775, v4563", ConfigurationError, "locked"),
        (49, "AcceptSecurityContext error, data 701, v4563", ConfigurationError, "expired"),
        (53, "unauthenticated bind", ConfigurationError, "T_USER"),
        (80, "out of\nmemory", PermanentError, "code 80 .other.*'out of memory'"),
    ],
)
def test_a_bind_that_is_refused(
    code: int, words: str, error: type[Exception], text: str, waits: Waits
) -> None:
    def refused(number: bytes) -> bytes:
        return done(number, code, tag=0x61, words=words)

    with directory_that(Script(whole), bind=refused) as url, pytest.raises(error, match=text):
        found(url, waits)
    assert waits.slept == []


def test_a_busy_server_is_bound_to_later(waits: Waits) -> None:
    answers = Script(lambda number: done(number, 51, tag=0x61), accept)
    with directory_that(Script(whole), bind=lambda number: answers(number)) as url:
        assert len(found(url, waits)) == 3
    assert len(waits.slept) == 1


# ── encryption ────────────────────────────────────────────────────────────────────────────────────


class Secured(NamedTuple):
    """A certificate's file, and a server's context with it."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    folder = tmp_path_factory.mktemp("tls")
    return Secured(*certificate(folder, "dc1.example.edu", addresses=["127.0.0.1"]))


@pytest.fixture(scope="session")
def expired(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    folder, there = tmp_path_factory.mktemp("expired"), ["127.0.0.1"]
    return Secured(*certificate(folder, "dc1.example.edu", -3, -1, there))


def answering(secured: Secured, *, starttls: bool = False) -> AbstractContextManager[str]:
    return directory_that(Script(whole), secured.context, starttls=starttls)


@pytest.mark.parametrize("starttls", [False, True])
def test_an_untrusted_certificate_is_refused(
    starttls: bool, secured: Secured, waits: Waits
) -> None:
    with (
        answering(secured, starttls=starttls) as url,
        pytest.raises(ConfigurationError, match=r"not trusted.*T_CA_FILE .or SSL_CERT_FILE"),
    ):
        found(url, waits)
    assert waits.slept == []


@pytest.mark.parametrize("starttls", [False, True])
def test_a_trusted_certificate(
    starttls: bool, secured: Secured, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(secured, starttls=starttls) as url:
        with ldap.connect(account(url, ca_file=secured.file), waits.clock) as directory:
            assert len(list(directory.search("dc=x", PEOPLE, ["cn"]))) == 3
        monkeypatch.setenv("SSL_CERT_FILE", str(secured.file))
        assert len(found(url, waits)) == 3


def test_a_certificate_of_another_name(
    secured: Secured, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.file))
    with (
        answering(secured) as url,
        pytest.raises(ConfigurationError, match=r"another name.*T_URL, not localhost"),
    ):
        found(url.replace("127.0.0.1", "localhost"), waits)


def test_an_expired_certificate(expired: Secured, waits: Waits) -> None:
    with (
        answering(expired) as url,
        pytest.raises(ConfigurationError, match="has expired"),
        ldap.connect(account(url, ca_file=expired.file), waits.clock),
    ):
        pass


def test_an_issuers_file_that_is_none(secured: Secured, tmp_path: Path, waits: Waits) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with (
            answering(secured) as url,
            pytest.raises(ConfigurationError, match=r"T_CA_FILE.*PEM"),
            ldap.connect(account(url, ca_file=path), waits.clock),
        ):
            pass


def test_tls_at_a_port_without(waits: Waits) -> None:
    with (
        directory_that(Script(whole)) as url,
        pytest.raises(ConfigurationError, match=r"unencrypted.*T_URL"),
    ):
        found(url.replace("ldap:", "ldaps:"), waits)


@pytest.mark.parametrize("scheme", ["ldap:", "ldap+starttls:"])
def test_a_port_of_tls_without(scheme: str, secured: Secured, waits: Waits) -> None:
    with (
        answering(secured) as url,
        pytest.raises(ConfigurationError, match="speaks TLS from the start: use ldaps://"),
    ):
        found(url.replace("ldaps:", scheme), waits)


def test_a_server_without_starttls(waits: Waits) -> None:
    with (
        directory_that(Script(whole)) as url,
        pytest.raises(ConfigurationError, match=r"does not offer StartTLS.*T_URL"),
    ):
        found(url.replace("ldap:", "ldap+starttls:"), waits)


def test_a_server_that_is_not_trusted_is_passed_over(secured: Secured, waits: Waits) -> None:
    with answering(secured) as untrusted, directory_that(Script(whole)) as good:
        assert len(found(f"{untrusted} {good}", waits)) == 3
        with pytest.raises(ConfigurationError, match=r"not trusted.*; ldaps:.*not trusted"):
            found(f"{untrusted} {untrusted}", waits)
