"""The HTTP transport against a server that misbehaves to order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from lsats_pipeline.core.addresses import CheckedAddress, SourceAddresses
from lsats_pipeline.core.errors import (
    CallFailed,
    ConfigurationError,
    LsatsError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.core.http import API_RETRIES, Api, BearerTokens, Grant
from lsats_pipeline.core.transport import tls
from lsats_pipeline.core.web_pages import web_page
from lsats_pipeline.hub.sources.json_records import cut
from lsats_pipeline_tests.certificates import certificate
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.core.scripted import Reply, Script, serving

SECRET = "s3cret-token"


def api(script: Script, waits: Waits, grant: Callable[[], Grant] | None = None) -> Api:
    opened = Api("Testing", script.url, "TEST_URL", "TEST_KEY", waits.clock)
    if grant is not None:
        opened.tokens = BearerTokens(grant, waits.clock)
    return opened


def numbered_tokens(life: float | None = None) -> Callable[[], Grant]:
    count = iter(range(1, 100))
    return lambda: Grant(f"{SECRET}-{next(count)}", life)


def test_a_whole_answer(waits: Waits) -> None:
    with serving(Reply(body=b'[{"a":1}]')) as script, api(script, waits) as client:
        assert [bytes(r) for r in client.get("things", cut)] == [b'{"a":1}']
        assert script.asked[0].path == "/things"
        assert waits.slept == []


def test_an_address_with_blanks_around_it(waits: Waits) -> None:
    with (
        serving(Reply()) as script,
        Api("Testing", f" {script.url}/ ", "TEST_URL", "TEST_KEY", waits.clock) as client,
    ):
        assert client.get("things", cut) == []
        assert script.asked[0].path == "/things"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_failure_is_waited_out(status: int, waits: Waits) -> None:
    with serving(Reply(status), Reply(status), Reply()) as script, api(script, waits) as client:
        assert client.get("things", cut) == []
        assert waits.slept == sorted(waits.slept)
        assert len(waits.slept) == 2


def test_a_lasting_failure_ends_in_try_again(waits: Waits) -> None:
    with serving(Reply(503)) as script, api(script, waits) as client:
        with pytest.raises(TransientError, match=r"GET things failed 4 times: HTTP 503"):
            client.get("things", cut)
        assert len(script.asked) == API_RETRIES.attempts


def test_a_search_is_repeated_like_a_read(waits: Waits) -> None:
    with serving(Reply(500), Reply()) as script, api(script, waits) as client:
        assert client.search("search", cut, {"a": None}) == []
        assert [a.body for a in script.asked] == [b'{"a":null}'] * 2


@pytest.mark.parametrize(
    "cut_off",
    [
        Reply(body=b'[{"a":1},', promised=100),
        Reply(body=b'[{"a":1},', promised=-1),  # no length: only the JSON shows it
        Reply(body=b'[{"a":1},'),
    ],
)
def test_a_body_cut_off_is_never_a_short_answer(cut_off: Reply, waits: Waits) -> None:
    with serving(cut_off, Reply(body=b"[1,2]")) as script, api(script, waits) as client:
        assert len(client.get("things", cut)) == 2
    with serving(cut_off) as script, api(script, waits) as client, pytest.raises(TransientError):
        client.get("things", cut)


def test_nobody_there(waits: Waits) -> None:
    with serving(Reply()) as script:
        pass
    with api(script, waits) as client, pytest.raises(Unreachable, match="TEST_URL"):
        client.get("things", cut)
    assert len(waits.slept) == API_RETRIES.attempts - 1


def test_a_rate_limit_is_waited_for_by_the_clock_of_the_server(waits: Waits) -> None:
    server_now = waits.time + 5000  # clocks differ; what counts is the difference
    headers = {"Date": formatdate(server_now), "X-RateLimit-Reset": formatdate(server_now + 42)}
    with serving(Reply(429, headers=headers), Reply()) as script, api(script, waits) as client:
        client.get("things", cut)
    assert waits.slept == [43.0]


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Reset": "soon"}])
def test_a_rate_limit_without_a_time(headers: dict[str, str], waits: Waits) -> None:
    with serving(Reply(429, headers=headers), Reply()) as script, api(script, waits) as client:
        client.get("things", cut)
    assert waits.slept == [5.0]


def test_a_rate_limit_without_end(waits: Waits) -> None:
    with (
        serving(Reply(429)) as script,
        api(script, waits) as client,
        pytest.raises(TransientError, match="rate limited"),
    ):
        client.get("things", cut)
    assert 500 < sum(waits.slept) <= 600


def test_a_refused_token_is_renewed_once(waits: Waits) -> None:
    with serving(Reply(401), Reply()) as script:
        with api(script, waits, numbered_tokens()) as client:
            client.get("things", cut)
        assert [a.authorization for a in script.asked] == [
            f"Bearer {SECRET}-1",
            f"Bearer {SECRET}-2",
        ]


def test_a_token_refused_twice(waits: Waits) -> None:
    with serving(Reply(401)) as script, api(script, waits, numbered_tokens()) as client:
        with pytest.raises(PermanentError, match="check TEST_KEY"):
            client.get("things", cut)
        assert len(script.asked) == 2


def test_a_token_is_renewed_before_it_ends(waits: Waits) -> None:
    with serving(Reply()) as script:
        with api(script, waits, numbered_tokens(life=waits.time + 100)) as client:
            client.get("things", cut)
            waits.time += 30
            client.get("things", cut)
            waits.time += 30
            client.get("things", cut)
        assert [a.authorization[-1] for a in script.asked] == ["1", "1", "2"]


def test_wrong_credentials(waits: Waits) -> None:
    for status in (400, 401, 403):
        with serving(Reply(status)) as script, api(script, waits) as client:
            with pytest.raises(ConfigurationError, match="TEST_KEY"):
                client.sign_in("auth", bytes, json={"key": SECRET})
            assert len(script.asked) == 1


def test_absent_things(waits: Waits) -> None:
    with serving(Reply(404)) as script, api(script, waits) as client:
        assert client.find("things/1", cut) is None
        with pytest.raises(PermanentError, match=r"GET things answered HTTP 404.*TEST_URL"):
            client.get("things", cut)


def test_redirects_are_not_followed(waits: Waits) -> None:
    elsewhere = Reply(302, headers={"Location": "http://elsewhere.example.edu/x?key=1"})
    with serving(elsewhere) as script, api(script, waits, numbered_tokens()) as client:
        with pytest.raises(
            PermanentError, match=r"elsewhere\.example\.edu, not followed.*TEST_URL"
        ):
            client.get("things", cut)
        assert len(script.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500])
def test_no_body_and_no_token_is_shown(
    status: int, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'{"Message":"private-matter"}'
    caplog.set_level(logging.DEBUG, "lsats_pipeline")
    with (
        serving(Reply(status, body)) as script,
        api(script, waits, numbered_tokens()) as client,
        pytest.raises(LsatsError) as caught,
    ):
        client.get("things", cut)
    shown = f"{caught.value} {caught.value!r} {caplog.text}"
    assert "private-matter" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "30"}, {"X-RateLimit-Reset": str(1_800_000_000 + 29)}]
)
@pytest.mark.parametrize("with_token", [True, False])
def test_the_server_says_how_long_to_wait(
    with_token: bool, headers: dict[str, str], waits: Waits
) -> None:
    with serving(Reply(429, headers=headers), Reply()) as script, api(script, waits) as client:
        if with_token:
            client.get("things", cut)
        else:
            client.sign_in("auth", bytes, json={})
    assert waits.slept == [30.0]


def test_maintenance_that_says_how_long_it_takes(waits: Waits) -> None:
    busy = Reply(503, headers={"Retry-After": "120"})
    with serving(*[busy] * 5, Reply()) as script, api(script, waits) as client:
        client.get("things", cut)
    assert waits.slept == [120.0] * 5
    with serving(busy) as script, api(script, waits) as client:
        with pytest.raises(TransientError, match="asks to wait 120 s"):
            client.get("things", cut)
        assert len(script.asked) == 6


@pytest.mark.parametrize(
    "failure", [Reply(408), Reply(500), Reply(502), Reply(503), Reply(504), Reply(promised=100)]
)
def test_a_sign_in_is_repeated_like_any_call(failure: Reply, waits: Waits) -> None:
    with (
        serving(failure, failure, Reply(body=b"token")) as script,
        api(script, waits) as client,
    ):
        assert client.sign_in("auth", bytes, json={"key": SECRET}) == b"token"
        assert [asked.body for asked in script.asked] == [b'{"key":"s3cret-token"}'] * 3
    assert waits.slept == [0.5, 2.0]


def test_a_call_waits_for_its_sign_in_once(waits: Waits) -> None:
    """The tries of a sign-in are its own: they are not repeated by the call that needs a token."""
    with serving(Reply(503)) as script, api(script, waits) as client:
        client.tokens = BearerTokens(
            lambda: Grant(client.sign_in("auth", bytes).decode(), None), waits.clock
        )
        with pytest.raises(TransientError, match="POST auth failed 4 times: HTTP 503"):
            client.get("things", cut)
        assert len(script.asked) == API_RETRIES.attempts


def test_wrong_credentials_after_a_failure_that_passed(waits: Waits) -> None:
    with serving(Reply(503), Reply(401)) as script, api(script, waits) as client:
        with pytest.raises(ConfigurationError, match="TEST_KEY"):
            client.sign_in("auth", bytes, json={"key": SECRET})
        assert len(script.asked) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["data:,x", "http://[", "//", "http://a.example.edu:x/", "https://a\x01b/", "http://[::1", ""],
)
def test_a_redirect_to_nowhere(location: str, status: int, waits: Waits) -> None:
    elsewhere = Reply(status, headers={"Location": location})
    with serving(elsewhere) as script, api(script, waits) as client:
        with pytest.raises(PermanentError, match=r"a redirect to .*, not followed.*TEST_URL"):
            client.get("things", cut)
        assert len(script.asked) == 1


SIGN_IN = b"""\xef\xbb\xbf
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">
<HTML><HEAD><TITLE>Sign in &ndash; Example
 University</TITLE></HEAD><BODY>private-matter</BODY></HTML>"""
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize("headers", [{}, HTML, {"Content-Type": "application/json"}])
def test_a_web_page_instead_of_data(headers: dict[str, str], waits: Waits) -> None:
    page = r'it answered with a web page \("Sign in – Example University"\) instead of data'
    with serving(Reply(200, SIGN_IN, headers)) as script, api(script, waits) as client:
        for ask in (client.get, client.find):
            with pytest.raises(CallFailed, match=f"{page}; check TEST_URL") as caught:
                ask("things", cut)
            assert "private-matter" not in str(caught.value)
        with pytest.raises(CallFailed, match=page):
            client.download("things", {})
        with pytest.raises(TransientError, match=page):
            client.sign_in("auth", bytes, json={})


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<html><title>  </title>", "a web page without a title"),
        (b"<!-- x --><html lang=en><head><meta charset=utf-8>", "a web page without a title"),
        (b"<html><title>a<b>\x1b[31m\xff</b>c</title>", 'a web page ("a [31m� c")'),
        (b"<html><body><h1>Down until <i>six</i></h1>", 'a web page ("Down until six")'),
        (b"<title>" + b"x" * 200, f'a web page ("{"x" * 79}…")'),
        (b'{"html": "<html><title>x</title>"}', None),
        (b"<?xml version='1.0'?><error/>", None),
        (b"", None),
    ],
)
def test_what_is_a_web_page(body: bytes, shown: str | None) -> None:
    assert web_page(body) == shown


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (400, 1), (500, 4)])
def test_a_refusal_with_a_web_page(status: int, tries: int, waits: Waits) -> None:
    with serving(Reply(status, SIGN_IN, HTML)) as script, api(script, waits) as client:
        shown = rf'HTTP {status} with a web page \("Sign in – Example University"\)'
        with pytest.raises(CallFailed, match=shown):
            client.find("things/1", cut)
        assert len(script.asked) == tries


def test_what_may_be_due_to_one_record(waits: Waits) -> None:
    """A CallFailed with its cause; what concerns every call is none."""
    causes = {403: "HTTP 403", 400: "HTTP 400", 422: "HTTP 422", 500: "HTTP 500", 401: "HTTP 401"}
    for status, cause in causes.items():
        with serving(Reply(status)) as script, api(script, waits, numbered_tokens()) as client:
            with pytest.raises(CallFailed) as caught:
                client.find("things/1", cut)
            assert caught.value.cause == cause
    for replies in ([Reply(429)], [Reply(503, headers={"Retry-After": "500"})]):
        with serving(*replies) as script, api(script, waits) as client:
            with pytest.raises(TransientError) as limited:
                client.find("things/1", cut)
            assert not isinstance(limited.value, CallFailed)
    with serving(Reply(500)) as script, api(script, waits) as client:
        client.tokens = BearerTokens(
            lambda: Grant(client.sign_in("auth", bytes).decode(), None), waits.clock
        )
        with pytest.raises(TransientError) as unsigned:
            client.find("things/1", cut)
        assert not isinstance(unsigned.value, CallFailed)


@pytest.mark.parametrize(
    ("name", "begins", "ends", "trusted", "fault"),
    [
        ("other.example.edu", -1, 1, True, "is for another name; use the name"),
        ("localhost", -9, -1, True, "has expired"),
        ("localhost", 1, 9, True, "is not valid yet; .* clock"),
        ("localhost", -1, 1, False, r"is not trusted; .* SSL_CERT_FILE"),
    ],
)
def test_what_is_wrong_with_a_certificate(
    name: str,
    begins: float,
    ends: float,
    trusted: bool,
    fault: str,
    waits: Waits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer, context = certificate(tmp_path, name, begins, ends)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(issuer))
    tls.cache_clear()
    try:
        with serving(Reply(), tls=context) as script, api(script, waits) as client:
            where = r"Testing: the certificate of https://localhost:\d+ \(TEST_URL\)"
            with pytest.raises(ConfigurationError, match=f"{where} {fault}"):
                client.get("things", cut)
            assert waits.slept == []
    finally:
        tls.cache_clear()


def test_an_address_policy_is_a_plug(waits: Waits) -> None:
    class Nowhere:
        def check(self, where: str) -> CheckedAddress:
            if where.endswith("secret"):
                raise ConfigurationError(f"{where} is not allowed")
            return SourceAddresses("TEST_URL").check(where)

    with serving(Reply()) as script:
        with Api("T", script.url, "TEST_URL", "KEY", waits.clock, policy=Nowhere()) as client:
            assert client.get("things", cut) == []
            with pytest.raises(ConfigurationError, match="not allowed"):
                client.get("secret", cut)
        assert [asked.path for asked in script.asked] == ["/things"]


def test_a_proxy_is_not_for_this_machine(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(Reply()) as script, api(script, waits) as client:
        assert client.get("things", cut) == []


def test_certificates_that_cannot_be_read(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named where they are needed, and a system on this machine does without them."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/issuers.pem")
    tls.cache_clear()
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE.*name an existing file"):
        Api("Testing", "https://api.example.edu", "TEST_URL", "TEST_KEY", waits.clock)
    with serving(Reply()) as script, api(script, waits) as client:
        assert client.get("things", cut) == []
