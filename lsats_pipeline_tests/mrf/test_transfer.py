"""Every bad server of domain/mrf.md 6.3: an error with a code, and no file of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import (
    BadFile,
    ConfigurationError,
    PermanentError,
    TransientError,
    Unreachable,
)
from lsats_pipeline.core.retry import TransientFailure
from lsats_pipeline.core.settings import load
from lsats_pipeline.core.transport import TransferPace, pinned_get
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources.circuit_breaker import CircuitBreaker
from lsats_pipeline.mrf.sources.locations import located
from lsats_pipeline.mrf.sources.policy import AddressPolicy, is_public
from lsats_pipeline.mrf.sources.request import FILE_RETRIES
from lsats_pipeline.mrf.sources.transfer import Downloads, Received
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.mrf.bad_server import (
    Asked,
    BadServer,
    dripping,
    in_turn,
    plain,
    ranged,
    serving,
)
from lsats_pipeline_tests.mrf.files import item, text

DOCUMENT = text(in_network=[item(str(number)) for number in range(2000)]).encode()
PACKED = gzip.compress(DOCUMENT, 6, mtime=0)
PAGE = b"<html><body>Access denied</body></html>"


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving() as running:
        yield running


@dataclass
class Client:
    """Downloads from the one server, without really waiting."""

    warehouse: Warehouse
    folder: Path
    hosts: str
    slept: list[float] = field(default_factory=list)
    now: float = 1_000_000.0
    resolve: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    def get(self, url: str, known: str = "") -> Received | None:
        settings = load(MrfSettings, hosts=self.hosts, **{"rate": 1000, **self.options})
        clock = Clock(now=lambda: self.now, sleep=self.sleep, jitter=lambda: 0.5)
        policy = AddressPolicy(settings, self.resolve) if self.resolve else AddressPolicy(settings)
        breaker = CircuitBreaker(self.warehouse, settings.rate, clock)
        return Downloads(policy, breaker, settings, clock).download(
            located(url), self.folder, known
        )

    def file(self, url: str) -> bytes:
        got = self.get(url)
        assert got is not None
        data = got.path.read_bytes()
        assert (got.sha256, got.size) == (hashlib.sha256(data).hexdigest(), len(data))
        return data

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def refused(self, url: str, code: str) -> BadFile:
        with pytest.raises(BadFile) as caught:
            self.get(url)
        assert caught.value.code == code
        assert not (self.folder / "download.part").exists()
        return caught.value


@pytest.fixture
def client(warehouse: Warehouse, server: BadServer, tmp_path: Path) -> Client:
    return Client(warehouse, tmp_path / "raw", server.place)


def test_a_whole_file_is_as_it_was_sent(client: Client, server: BadServer) -> None:
    assert client.file(server.says("/a.json.gz", plain(PACKED))) == PACKED
    asked = server.asked[0].headers
    assert (asked["accept"], asked["accept-encoding"]) == ("*/*", "identity")


def test_a_body_that_is_cut_off_goes_on_from_its_last_byte(
    client: Client, server: BadServer
) -> None:
    url = server.says("/a.json.gz", ranged(PACKED, cut=1000))
    assert client.file(url) == PACKED
    assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=1000-"]
    assert len(client.slept) == 1


def test_a_body_that_is_always_cut_off_is_given_up(client: Client, server: BadServer) -> None:
    url = server.says("/a.json.gz", plain(PACKED[:1000], length=len(PACKED)))
    with pytest.raises(TransientError, match="tried 4 times, and 1,000 bytes are kept"):
        client.get(url)
    assert server.times("/a.json.gz") == 4
    assert client.slept == [1, 2, 4]


def test_a_server_that_ignores_ranges_starts_over(client: Client, server: BadServer) -> None:
    cut = plain(PACKED[:1000], length=len(PACKED), ETag='"one"')
    url = server.says("/a.json.gz", in_turn(cut, plain(PACKED, ETag='"one"')))
    assert client.file(url) == PACKED
    assert server.asked[1].headers["if-range"] == '"one"'


@dataclass
class Moody:
    """Cuts off anywhere, fails, forgets ranges, and now and then has another version."""

    chance: random.Random
    versions: list[bytes]
    current: int = 0

    def __call__(self, asked: Asked, connection: socket.socket) -> None:
        chance = self.chance
        if chance.random() < 0.15:
            self.current = chance.randrange(len(self.versions))
        if chance.random() < 0.2:
            plain(b"", "503 Busy")(asked, connection)
            return
        body = self.versions[self.current]
        cut = chance.randrange(1, len(body)) if chance.random() < 0.6 else None
        if chance.random() < 0.2:
            plain(body[:cut], length=len(body), ETag=f'"{self.current}"')(asked, connection)
            return
        first = replace(asked, nth=0)
        ranged(body, f'"{self.current}"', cut)(first, connection)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_server_does_a_file_is_one_of_its_versions(
    seed: int, client: Client, server: BadServer
) -> None:
    versions = [PACKED, gzip.compress(DOCUMENT, 1, mtime=0), gzip.compress(DOCUMENT[:-1] + b" }")]
    client.options["tries"] = 20
    moody = Moody(random.Random(seed), versions)
    url = server.says("/a.json.gz", moody)
    for _ in range(20):
        with suppress(TransientError):  # the circuit opens now and then
            assert client.file(url) in versions
            return
        client.warehouse.query("delete from mrf.hosts returning 1")
    pytest.fail("it never came")


def test_a_whole_part_is_asked_for_its_last_byte_only(client: Client, server: BadServer) -> None:
    """Of a process that died while it proved what it had."""
    url = server.says("/a.json.gz", ranged(PACKED))
    first = client.get(url)
    assert first and client.file(url) == PACKED
    assert server.asked[1].headers["range"] == f"bytes={len(PACKED) - 1}-"


def test_another_version_starts_over(client: Client, server: BadServer) -> None:
    other = gzip.compress(DOCUMENT, 1, mtime=0)
    url = server.says("/a.json.gz", in_turn(ranged(PACKED, cut=1000), ranged(other, '"two"')))
    assert client.file(url) == other


@pytest.mark.parametrize(
    "content_range",
    [f"bytes 0-9/{len(PACKED)}", f"bytes 1000-{len(PACKED) - 1}/{len(PACKED) + 7}", "", "none"],
)
def test_a_range_that_was_not_asked_for_is_not_appended(
    content_range: str, client: Client, server: BadServer
) -> None:
    wrong = plain(PACKED[1000:], "206 Partial Content", Content_Range=content_range, ETag='"one"')
    answers = in_turn(ranged(PACKED, cut=1000), wrong, plain(PACKED))
    assert client.file(server.says("/a.json.gz", answers)) == PACKED


def test_a_weak_tag_is_no_reason_to_resume(client: Client, server: BadServer) -> None:
    cut = plain(PACKED[:1000], length=len(PACKED), ETag='W/"one"')
    assert client.file(server.says("/a.json.gz", in_turn(cut, plain(PACKED)))) == PACKED
    assert "range" not in server.asked[1].headers


def test_what_was_packed_on_the_way_is_kept_as_sent(client: Client, server: BadServer) -> None:
    url = server.says("/a.json.gz", plain(PACKED, Content_Encoding="gzip"))
    assert client.file(url) == PACKED


def test_the_kind_is_known_by_the_first_bytes(client: Client, server: BadServer) -> None:
    got = client.get(server.says("/a.json.gz", plain(b"\xef\xbb\xbf \n" + DOCUMENT)))
    assert got and got.kind == "json"


@pytest.mark.parametrize(
    "body", [PAGE, b"[1]", b"   \n" * 5000, b"Not found", b"\x28\xb5\x2f\xfd0"]
)
def test_a_page_is_no_file(body: bytes, client: Client, server: BadServer) -> None:
    client.refused(server.says("/a.json.gz", plain(body)), "not_json")
    assert server.times("/a.json.gz") == 1


def test_nothing_is_no_file(client: Client, server: BadServer) -> None:
    client.refused(server.says("/a.json.gz", plain(b"")), "empty")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "2130706433", "0x7f000001", "0",
     "[::ffff:127.0.0.1]", "localhost", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "192.168.0.1",
     "100.64.0.1", "224.0.0.1", "[fe80::1]"],
)  # fmt: skip
def test_only_public_addresses_are_connected_to(
    address: str, client: Client, server: BadServer
) -> None:
    client.hosts = f"{server.place},*"
    client.options["plain_http"] = True
    url = f"http://{address}/a.json.gz"
    client.refused(url, "private_address")
    client.refused(server.says("/r", plain(b"", "302 Found", Location=url)), "private_address")
    assert server.times("/r") == 1


def test_a_name_is_looked_up_once(client: Client, server: BadServer) -> None:
    """DNS rebinding: public for the check, private a moment later, and nobody asks again."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14" if len(asked) == 1 else "127.0.0.1"]

    settings = load(MrfSettings, hosts="files.example.com")
    target = AddressPolicy(settings, resolve).check(
        located("https://files.example.com/a.json.gz?s=1")
    )
    assert (target.ips, target.host, asked) == (
        ("93.184.215.14",),
        "files.example.com",
        [target.host],
    )
    with pytest.raises(BadFile, match=r"127\.0\.0\.1, which is not a public address"):
        AddressPolicy(settings, resolve).check(located("https://files.example.com/a.json.gz"))


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    settings = load(MrfSettings, hosts="files.example.com")
    policy = AddressPolicy(settings, lambda host, port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(BadFile, match=r"10\.0\.0\.1"):
        policy.check(located("https://files.example.com/a.json"))
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    assert not is_public("nonsense")


def test_the_connection_goes_to_the_checked_address(
    warehouse: Warehouse, server: BadServer
) -> None:
    url = server.says("/a.json.gz", plain(PACKED))
    target = AddressPolicy(load(MrfSettings, hosts=server.place)).check(located(url))
    elsewhere = replace(target, host="no-such-name.invalid")
    with pinned_get(elsewhere, {}, TransferPace(1, 10, 10)) as answer:
        assert b"".join(answer.iter_raw()) == PACKED
    assert server.asked[0].headers["host"] == f"no-such-name.invalid:{server.port}"


def test_an_address_that_does_not_answer_is_not_the_last(
    warehouse: Warehouse, server: BadServer
) -> None:
    url = server.says("/a.json.gz", plain(PACKED))
    target = AddressPolicy(load(MrfSettings, hosts=server.place)).check(located(url))
    for ips, works in ((("127.0.0.2", "127.0.0.1"), True), (("127.0.0.1", "127.0.0.2"), True)):
        with pinned_get(replace(target, ips=ips), {}, TransferPace(1, 10, 10)) as answer:
            assert (answer.status_code == 200) is works
    with (
        pytest.raises(TransientFailure, match="refused"),
        pinned_get(replace(target, ips=("127.0.0.2", "127.0.0.3")), {}, TransferPace(1, 10, 10)),
    ):
        pass


@pytest.mark.parametrize(
    "to", ["file:///etc/hostname", "https://127.0.0.1/x", "ftp://x/y", "data:,x"]
)
def test_a_redirect_keeps_to_its_scheme(to: str, client: Client, server: BadServer) -> None:
    client.refused(server.says("/r", plain(b"", "302 Found", Location=to)), "redirect")


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "data:,x", "ftp://x/y", "sftp://x/y", "a.json"]
)
def test_only_http_is_fetched(url: str, client: Client) -> None:
    client.refused(url, "unsupported")


def test_a_redirect_within_the_rules_is_followed(client: Client, server: BadServer) -> None:
    server.says("/b.json.gz", plain(PACKED))
    url = server.says("/a", plain(b"moved", "307 Temporary Redirect", Location="/b.json.gz?x=1"))
    assert client.file(url) == PACKED
    assert server.asked[1].path == "/b.json.gz?x=1"


def test_a_redirect_loop_ends(client: Client, server: BadServer) -> None:
    client.refused(server.says("/r", plain(b"", "301 Moved", Location="/r")), "redirect_loop")
    assert server.times("/r") == 6


def test_a_host_has_to_be_allowed(client: Client, server: BadServer) -> None:
    url = server.says("/a.json.gz", plain(PACKED))
    client.hosts = "files.example.com, *.example.org"
    with pytest.raises(ConfigurationError, match="LSATS_MRF_HOSTS"):
        client.get(url)
    for name in (
        "files.example.com.evil.net",
        "example.org",
        "xexample.org",
        "files.example.com:8",
    ):
        with pytest.raises(ConfigurationError, match="LSATS_MRF_HOSTS"):
            client.get(f"https://{name}/a.json")
    client.hosts = ""
    with pytest.raises(ConfigurationError, match="LSATS_MRF_HOSTS"):
        client.get(url)
    assert server.asked == []


def test_unencrypted_has_to_be_allowed(client: Client) -> None:
    client.hosts = "files.example.com"
    with pytest.raises(ConfigurationError, match="LSATS_MRF_PLAIN_HTTP"):
        client.get("http://files.example.com/a.json")


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (403, "denied"), (410, "not_found"), (400, "http_400")]
)
def test_what_will_not_get_better_is_asked_once(
    status: int, code: str, client: Client, server: BadServer
) -> None:
    url = server.says("/a.json.gz", plain(PAGE, f"{status} No"))
    error = client.refused(f"{url}?Signature=s3cr3t", code)
    assert "s3cr3t" not in str(error)
    assert (server.times("/a.json.gz"), client.slept) == (1, [])


def test_what_may_get_better_is_asked_again(client: Client, server: BadServer) -> None:
    url = server.says(
        "/a.json.gz", in_turn(plain(b"", "503 Busy"), plain(b"", "500 No"), plain(PACKED))
    )
    assert client.file(url) == PACKED
    assert client.slept == [1, 2]


@pytest.mark.parametrize("status", ["429 Too Many", "503 Busy"])
def test_a_wait_that_is_asked_for_is_kept(status: str, client: Client, server: BadServer) -> None:
    busy = plain(b"", status, Retry_After="120")
    assert client.file(server.says("/a.json.gz", in_turn(busy, plain(PACKED)))) == PACKED
    assert client.slept[0] == 120


def test_a_wait_may_be_a_date(client: Client, server: BadServer) -> None:
    client.now = 784111777.0 - 60
    busy = plain(b"", "503 Busy", Retry_After="Sun, 06 Nov 1994 08:49:37 GMT")
    assert client.file(server.says("/a.json.gz", in_turn(busy, plain(PACKED)))) == PACKED
    assert client.slept[0] == 60


def test_nobody_waits_longer_than_a_quarter_of_an_hour(client: Client, server: BadServer) -> None:
    url = server.says("/a.json.gz", plain(b"", "429 Too Many", Retry_After="901"))
    with pytest.raises(TransientError, match="asks to wait 901 s"):
        client.get(url)
    assert (server.times("/a.json.gz"), client.slept) == (1, [])


def test_nobody_there(client: Client, server: BadServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        place = f"127.0.0.1:{unused.getsockname()[1]}"
    client.hosts = place
    with pytest.raises(Unreachable, match="tried 4 times"):
        client.get(f"http://{place}/a.json.gz")


@pytest.mark.parametrize("from_the_first", [True, False])
def test_a_server_that_drips_is_dropped(
    from_the_first: bool, client: Client, server: BadServer
) -> None:
    """A byte every 20 ms never times out, but is too slow; in the headers as in the body."""
    client.options |= {"stall_seconds": 0.2, "min_speed": 1000, "tries": 2}
    drip = dripping(PACKED, 0.02, from_the_first=from_the_first)
    with pytest.raises(TransientError, match=r"stalled: .* under 1,000 bytes/s"):
        client.get(server.says("/a.json.gz", drip))
    assert server.times("/a.json.gz") == 2


def test_a_server_that_says_nothing_is_dropped(client: Client, server: BadServer) -> None:
    def silent(asked: Asked, connection: socket.socket) -> None:
        connection.settimeout(5)
        connection.recv(1)

    client.options |= {"stall_seconds": 0.1, "tries": 1}
    with pytest.raises(TransientError, match="ReadTimeout"):
        client.get(server.says("/a.json.gz", silent))


def test_the_whole_takes_no_longer_than_allowed() -> None:
    moments = iter([0.0, 5.0, 10.0, 20.5])
    pace = TransferPace(1, 60, 20, now=lambda: next(moments))
    pace.count(10**9)
    pace.count(10**9)
    with pytest.raises(TransientFailure, match="not finished within 20 s"):
        pace.count(10**9)


def test_a_file_over_the_limit_is_not_begun(client: Client, server: BadServer) -> None:
    client.options["max_gb"] = 0.001
    url = server.says("/a.json.gz", plain(PACKED, length=2_000_000))
    client.refused(url, "too_large")


def test_a_length_that_lies_does_not_help(client: Client, server: BadServer) -> None:
    """Without a length, as many bytes as the limit and no more are taken."""
    client.options["max_gb"] = 0.001

    def endless(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{")
        while True:
            connection.sendall(b" " * 65536)

    client.refused(server.says("/a.json.gz", endless), "too_large")


def test_an_unchanged_file_is_not_sent_again(client: Client, server: BadServer) -> None:
    def answer(asked: Asked, connection: socket.socket) -> None:
        same = asked.headers.get("if-none-match") == '"one"'
        plain(b"", "304 Not Modified", ETag='"one"')(asked, connection) if same else plain(
            PACKED, ETag='"one"'
        )(asked, connection)

    url = server.says("/a.json.gz", answer)
    first = client.get(url)
    assert first and json.loads(first.mark) == ['"one"', "", len(PACKED)]
    assert client.get(url, first.mark) is not None, "the part that is here has not been taken yet"
    first.path.unlink()
    assert client.get(url, first.mark) is None


def test_a_full_disk_is_an_error_with_numbers(
    client: Client, server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0, 0, 70 << 20))
    url = server.says("/a.json.gz", plain(PACKED, length=5_000_000))
    with pytest.raises(
        PermanentError, match=r"73,400,320 bytes free, and .* \(5,000,000 bytes\) needs"
    ):
        client.get(url)
    assert not (client.folder / "download.part").exists()


def test_waits_grow_with_jitter_up_to_a_limit() -> None:
    for failures, expected in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)):
        assert FILE_RETRIES.wait(failures, 0.0) == 0.75 * expected
        assert FILE_RETRIES.wait(failures, 1.0) == 1.25 * expected


def test_a_tag_is_sent_back_as_it_came(client: Client, server: BadServer) -> None:
    cut = plain(PACKED[:1000], length=len(PACKED), ETag='"\u00e9"')
    assert client.file(server.says("/a.json.gz", in_turn(cut, plain(PACKED)))) == PACKED
    assert server.asked[1].headers["if-range"].encode("latin-1").decode() == '"\u00e9"'


def test_a_path_is_asked_for_as_it_is_written(client: Client, server: BadServer) -> None:
    """A signature covers the path byte for byte: nothing may tidy it up."""
    path = "/a/../b%7e//c'[1].json.gz"
    url = server.says(path, plain(PACKED))
    assert client.file(f"{url}?x=%2f&y=a+b|c") == PACKED
    assert server.asked[0].path.partition("?")[0] == path


def test_the_proxy_of_the_environment_is_not_asked(
    client: Client, server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client.file(server.says("/a.json.gz", plain(PACKED))) == PACKED


def test_a_rate_limit_may_say_when_it_is_reset(client: Client, server: BadServer) -> None:
    limited = plain(b"", "429 Too Many", X_RateLimit_Reset=str(int(client.now) + 50))
    assert client.file(server.says("/a.json.gz", in_turn(limited, plain(PACKED)))) == PACKED
    assert client.slept[0] == 51


def test_no_query_is_logged(
    client: Client, server: BadServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.says("/a.json.gz", in_turn(plain(b"", "500 No"), plain(PACKED)))
    client.file(f"{url}?Signature=s3cr3t")
    assert "next try in 1.0 s" in caplog.text
    assert "s3cr3t" not in caplog.text
