"""How hosts are spared: the circuit, the turns, and both shared by processes. And certificates."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lsats_pipeline.core.addresses import CheckedAddress
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import ConfigurationError, PermanentError, TransientError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.core.transport import TransferPace, UntrustedCertificate, pinned_get, tls
from lsats_pipeline.mrf.sources.circuit_breaker import (
    FAILURES,
    OPEN_SECONDS,
    PATIENCE,
    CircuitBreaker,
)
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.certificates import certificate
from lsats_pipeline_tests.mrf.bad_server import BadServer, in_turn, plain, serving
from lsats_pipeline_tests.mrf.conftest import PriceHub


@dataclass
class Time:
    """A clock that moves by sleeping."""

    now: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def hosts(warehouse: Warehouse, time: Time, rate: float = 5.0) -> CircuitBreaker:
    return CircuitBreaker(warehouse, rate, Clock(sleep=time.sleep), now=lambda: time.now)


def fail(hosts: CircuitBreaker, host: str, times: int) -> None:
    for _ in range(times):
        hosts.admit(host)
        hosts.failed(host, "HTTP 500")


def test_the_circuit_opens_and_one_probe_closes_it(warehouse: Warehouse) -> None:
    time = Time()
    ours, theirs = hosts(warehouse, time), hosts(warehouse, time)
    fail(ours, "a:443", FAILURES - 1)
    theirs.admit("a:443")
    ours.failed("a:443", "HTTP 500")
    for one in (ours, theirs):
        with pytest.raises(TransientError, match=r"a:443 failed 5 times in a row \(HTTP 500\)"):
            one.admit("a:443")
    theirs.admit("b:443")
    time.now += OPEN_SECONDS
    ours.admit("a:443")
    with pytest.raises(TransientError):
        theirs.admit("a:443")
    ours.answers("a:443")
    theirs.admit("a:443")
    ours.succeeded("a:443")
    fail(ours, "a:443", FAILURES - 1)
    ours.admit("a:443")


def test_a_probe_that_fails_opens_it_again(warehouse: Warehouse) -> None:
    time = Time()
    ours = hosts(warehouse, time)
    fail(ours, "a:443", FAILURES)
    time.now += OPEN_SECONDS
    ours.admit("a:443")
    ours.failed("a:443", "HTTP 502")
    with pytest.raises(TransientError, match="HTTP 502"):
        ours.admit("a:443")
    time.now += OPEN_SECONDS
    ours.admit("a:443")  # and dies
    time.now += 120
    ours.admit("a:443")


def test_an_open_circuit_costs_no_call(hub: PriceHub, server: BadServer) -> None:
    hub.options["tries"] = FAILURES
    key = hub.add(server.says("/a.json.gz", plain(b"", "500 No")))
    with pytest.raises(TransientError, match="tried 5 times"):
        hub.fetch(key)
    for _ in range(20):
        with pytest.raises(TransientError, match="is left alone"):
            hub.fetch(key)
    assert server.times("/a.json.gz") == FAILURES
    with serving() as other:
        hub.hosts = f"{server.place},{other.place}"
        url = other.says("/b.json", plain(b"{}"))
        assert hub.fetch(hub.add(url)).size == 2
    states = {state.host: state for state in hub.downloads.breaker.states()}
    assert (states[server.place].circuit, states[other.place].circuit) == ("open", "closed")
    hub.downloads.breaker.reset(server.place)
    server.says("/a.json.gz", plain(b"{}"))
    assert hub.fetch(key).size == 2
    with pytest.raises(ConfigurationError, match="nothing is known of host x"):
        hub.downloads.breaker.reset("x")


def test_what_is_the_files_fault_is_not_the_hosts(hub: PriceHub, server: BadServer) -> None:
    for number in range(FAILURES + 1):
        with pytest.raises(PermanentError):
            hub.fetch(hub.add(server.url(f"/{number}.json")))
    (state,) = hub.downloads.breaker.states()
    assert (state.circuit, state.failures) == ("closed", 0)


def test_one_success_forgets_failures(hub: PriceHub, server: BadServer) -> None:
    answers = in_turn(plain(b"", "500 No"), plain(b"", "500 No"), plain(b"{}"))
    hub.fetch(hub.add(server.says("/a.json", answers)))
    assert [state.failures for state in hub.downloads.breaker.states()] == [0]


def test_a_hundred_requests_at_five_a_second_take_twenty_seconds(warehouse: Warehouse) -> None:
    time = Time()
    ours, theirs = hosts(warehouse, time), hosts(warehouse, time)
    began = time.now
    for number in range(100):
        (ours if number % 2 else theirs).take_turn("a:443")
    assert 19 <= time.now - began <= 21
    ours.take_turn("b:443")
    assert len(time.slept) == 99


def test_a_pause_is_for_all_and_not_for_ever(warehouse: Warehouse) -> None:
    time = Time()
    ours, theirs = hosts(warehouse, time), hosts(warehouse, time)
    ours.take_turn("a:443")
    ours.pause("a:443", 60)
    theirs.take_turn("a:443")
    assert time.slept == [60]
    ours.pause("a:443", PATIENCE + 1)
    with pytest.raises(TransientError, match="busy for more than 15 minutes"):
        theirs.take_turn("a:443")


TURNS = """
import sys, time
from lsats_pipeline.mrf.sources.circuit_breaker import CircuitBreaker
from lsats_pipeline.core.clock import Clock
from lsats_pipeline.warehouse import Warehouse
waits = []
with Warehouse(sys.argv[1]) as warehouse:
    breaker = CircuitBreaker(warehouse, 1.0, Clock(sleep=waits.append))
    for _ in range(10):
        breaker.take_turn("a:443")
print(max(waits))
"""


def test_turns_are_shared_by_processes(warehouse: Warehouse) -> None:
    """Nobody sleeps here, so the longest wait tells how many turns were reserved before."""
    arguments = [sys.executable, "-c", TURNS, warehouse.url]
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": os.environ["PATH"]}
    running = [
        subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    longest = max(float(process.communicate()[0]) for process in running)
    # 20 turns a second apart; what the processes took themselves has gone by.
    assert 10 < longest <= 19


# ── certificates ──────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_nobody_vouches_for_is_refused(hub: PriceHub, tmp_path: Path) -> None:
    _, context = certificate(tmp_path, "files.example.com")
    with serving(context) as server:
        server.says("/a.json", plain(b"{}"))
        hub.hosts = server.place
        with pytest.raises(PermanentError, match=r"not trusted; .* SSL_CERT_FILE"):
            hub.fetch(hub.add(server.url("/a.json", "https")))
        assert server.asked == []


def test_the_name_counts_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address; the certificate has to name the host all the same."""
    issuer, context = certificate(tmp_path, "files.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(issuer))
    tls.cache_clear()
    try:
        with serving(context) as server:
            server.says("/a.json", plain(b"{}"))

            def ask(host: str) -> bytes:
                target = CheckedAddress("https", host, server.port, ("127.0.0.1",), "x", "/a.json")
                with pinned_get(target, {}, TransferPace(1, 10, 10)) as answer:
                    return b"".join(answer.iter_raw())

            assert ask("files.example.com") == b"{}"
            with pytest.raises(UntrustedCertificate, match="Hostname mismatch"):
                ask("other.example.com")
    finally:
        tls.cache_clear()
