"""When a call is tried again, and after how long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest
import stamina

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.errors import TransientError
from lsats_pipeline.core.retry import Retries, RetryPolicy, TransientFailure, asked_wait
from lsats_pipeline_tests.clocks import Waits

NOW = 1_800_000_000.0
POLICY = RetryPolicy(
    attempts=3,
    patience=100.0,
    first_wait=1.0,
    factor=10,
    longest_wait=5.0,
    jitter=(0.5, 1.5),
    transient=frozenset({429, 503}),
)


def in_turn(*results: Exception | str) -> Callable[[], str]:
    """A call with these results, one after the other."""
    left = iter(results)

    def call() -> str:
        result = next(left)
        if isinstance(result, Exception):
            raise result
        return result

    return call


def test_waits_grow_to_a_limit_and_jitter_spreads_them() -> None:
    assert [POLICY.wait(n, 0.5) for n in (1, 2, 3, 20)] == [1, 5, 5, 5]
    assert (POLICY.wait(1, 0.0), POLICY.wait(1, 1.0)) == (0.5, 1.5)


def test_what_passes_is_waited_out(waits: Waits) -> None:
    call = in_turn(TransientFailure("a"), TransientFailure("b"), "done")
    assert Retries(POLICY, waits.clock, "it").run(call) == "done"
    assert waits.slept == [0.5, 2.5]


def test_the_last_failure_is_raised(waits: Waits) -> None:
    retries = Retries(POLICY, waits.clock, "it")
    with pytest.raises(TransientFailure, match="c"):
        retries.run(in_turn(*(TransientFailure(text) for text in "abcd")))
    assert (retries.failures, len(waits.slept)) == (3, 2)


@pytest.mark.parametrize("error", [ValueError("x"), TransientError("x"), KeyboardInterrupt()])
def test_other_errors_are_raised_at_once(error: BaseException, waits: Waits) -> None:
    def call() -> None:
        raise error

    with pytest.raises(type(error)):
        Retries(POLICY, waits.clock, "it").run(call)
    assert waits.slept == []


def test_a_wait_that_is_asked_for_is_no_failure(waits: Waits) -> None:
    asked = [TransientFailure("HTTP 429", wait=20.0)] * 5
    assert Retries(POLICY, waits.clock, "it").run(in_turn(*asked, "done")) == "done"
    assert waits.slept == [20.0] * 5
    with pytest.raises(
        TransientError, match=r"it is rate limited \(HTTP 429\): .* asks to wait 20 s"
    ):
        Retries(POLICY, waits.clock, "it").run(in_turn(*asked, *asked))
    assert len(waits.slept) == 10


def test_progress_counts_failures_anew(waits: Waits) -> None:
    progress: Iterator[bool] = iter([False, True, False, True, False, False])
    retries = Retries(POLICY, waits.clock, "it", lambda: next(progress))
    with pytest.raises(TransientFailure):
        retries.run(in_turn(*[TransientFailure("a")] * 9))
    assert len(waits.slept) == 5


def test_a_wait_may_be_ended_from_outside() -> None:
    def stopped(seconds: float) -> None:
        raise TransientError("stopped")

    with pytest.raises(TransientError, match="stopped"):
        Retries(POLICY, Clock(sleep=stopped), "it").run(in_turn(TransientFailure("a"), "done"))


def test_stamina_can_be_turned_off_as_a_whole(waits: Waits) -> None:
    stamina.set_active(False)
    try:
        with pytest.raises(TransientFailure):
            Retries(POLICY, waits.clock, "it").run(in_turn(TransientFailure("a"), "done"))
    finally:
        stamina.set_active(True)


def test_a_retry_is_logged_once_and_without_queries(
    waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    failure = TransientFailure("https://user:word@a.example.com/x?Signature=s3cr3t is lost")
    Retries(POLICY, waits.clock, "it").run(in_turn(failure, "done"))
    (record,) = caplog.records
    assert record.getMessage() == "it: https://a.example.com/x?… is lost; next try in 0.5 s"


# ── what a server asks for ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "0"}, 1.0),
        ({"retry-after": "9" * 40}, 999_999_999.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 1.0),
        ({"retry-after": formatdate(NOW + 30).replace(" -0000", "")}, 30.0),
        ({"retry-after": formatdate(NOW + 30), "date": formatdate(NOW + 10)}, 20.0),
        ({"retry-after": "7", "x-ratelimit-reset": str(int(NOW) + 50)}, 7.0),
        ({"x-ratelimit-reset": formatdate(NOW + 50, usegmt=True)}, 51.0),
        ({"x-ratelimit-reset": str(int(NOW) + 50)}, 51.0),
        ({"x-ratelimit-reset": f"{NOW + 50.5:.1f}"}, 51.5),
        ({"x-ratelimit-reset": str(int(NOW) + 50), "date": formatdate(NOW + 20)}, 31.0),
        ({"x-ratelimit-reset": str(int(NOW + 50) * 1000)}, 51.0),
        ({"x-ratelimit-reset": str(int(NOW + 50) * 1000 + 500)}, 51.5),
        ({"x-ratelimit-reset": str(int(NOW + 50) * 1_000_000)}, 51.0),
        ({"x-ratelimit-reset": "30"}, 31.0),
        ({"x-ratelimit-reset": "0"}, None),
        ({"x-ratelimit-reset": str(int(NOW) - 50)}, None),
        ({"x-ratelimit-reset": str(int(NOW - 50) * 1000)}, None),
        ({"x-ratelimit-reset": "soon", "retry-after": "later", "date": "now"}, None),
        ({"x-ratelimit-reset": "9" * 400}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_what_is_asked_for(headers: dict[str, str], wait: float | None) -> None:
    assert asked_wait(429, headers, NOW) == wait


def test_who_may_ask() -> None:
    asked = {"retry-after": "7", "x-ratelimit-reset": str(int(NOW) + 50)}
    assert asked_wait(503, asked, NOW) == 7.0
    assert asked_wait(503, {"x-ratelimit-reset": str(int(NOW) + 50)}, NOW) is None
    assert asked_wait(500, asked, NOW) == 7.0
    assert asked_wait(500, {"x-ratelimit-reset": str(int(NOW) + 50)}, NOW) is None


def test_a_failure_that_asks_to_wait_is_one_of_the_tries(waits: Waits) -> None:
    """Maintenance that says when it ends is waited for; an error of the server only so often."""
    asks = RetryPolicy(0.5, 4, 8, (1, 1), patience=100, transient=frozenset({502, 503}))
    failure, busy = (asks.failure(status, {"retry-after": "3"}, NOW) for status in (502, 503))
    assert failure is not None
    assert busy is not None
    with pytest.raises(TransientFailure, match="HTTP 502"):
        Retries(asks, waits.clock, "it").run(in_turn(*[busy] * 5, *[failure] * 9))
    assert waits.slept == [3.0] * 8


def test_what_a_status_means() -> None:
    assert POLICY.failure(500, {}, NOW) is None
    for status, wait in ((503, None), (429, None)):
        failure = POLICY.failure(status, {}, NOW)
        assert failure is not None
        assert (str(failure), failure.wait) == (f"HTTP {status}", wait)


def test_a_retry_says_nothing_on_standard_output(
    waits: Waits, capfd: pytest.CaptureFixture[str]
) -> None:
    """There a command writes its JSON."""
    Retries(POLICY, waits.clock, "it").run(in_turn(TransientFailure("a"), "done"))
    assert capfd.readouterr().out == ""
