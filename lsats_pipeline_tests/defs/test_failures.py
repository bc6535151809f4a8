"""What a person sees of a failed run: one message, or for a mistake of ours its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg
import pytest

from lsats_pipeline.cli.runner import _failures
from lsats_pipeline.core.errors import (
    Busy,
    CheckBlocked,
    ConfigurationError,
    LsatsError,
    Unreachable,
    VerificationFailed,
)
from lsats_pipeline.defs.failures import RETRIES, as_dagster_failure

KEPT = [
    (ConfigurationError("TDX_BASE_URL: 'x' is no URL"), 2, 1),
    (CheckBlocked("silver/users was left as it was"), 1, 1),
    (VerificationFailed("a rule does not hold"), 4, 1),
    (Unreachable("the gateway does not answer"), 5, 3),
    (Busy("bronze/x is being written by process 7"), 1, 3),
    (psycopg.OperationalError("server closed the connection"), 1, 3),
]


@contextmanager
def job_that(raises: Callable[[], Any]) -> Iterator[dg.JobDefinition]:
    @dg.asset(retry_policy=RETRIES)
    def one() -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure():
            raises()
        yield dg.MaterializeResult()

    yield dg.Definitions(
        assets=[one], jobs=[dg.define_asset_job("job", [one])], executor=dg.in_process_executor
    ).resolve_job_def("job")


def execute(job: dg.JobDefinition) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False)


def raising(error: Exception, calls: list[int]) -> Callable[[], None]:
    def fails() -> None:
        calls.append(1)
        raise error

    return fails


def shown(result: dg.ExecuteInProcessResult) -> list[Any]:
    """Every error, with its causes, that the events of a run hold."""
    errors = []
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None:
            errors.append(error)
            error = error.cause
    return errors


@pytest.mark.parametrize(("error", "code", "tries"), KEPT, ids=lambda v: type(v).__name__)
def test_what_people_can_mend_is_one_message_without_frames(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    tries: int,
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda policy, attempt: 0)
    calls: list[int] = []
    with job_that(raising(error, calls)) as job:
        result = execute(job)
    assert len(calls) == tries
    assert [e.stack for e in shown(result) if e.stack] == []
    (failure,) = _failures("job", result)
    assert (failure.asset, failure.exit_code) == ("one", code)
    assert failure.message.endswith(str(error))
    printed = capfd.readouterr().err  # as `dagster job execute` prints it
    assert printed.count(str(error)) == tries + 1  # Dagster repeats the last for the whole run
    assert "Traceback" not in printed
    assert ", line " not in printed


def test_a_mistake_of_ours_keeps_its_frames() -> None:
    with job_that(lambda: 1 / 0) as job:
        result = execute(job)
    (failure,) = _failures("job", result)
    assert (failure.message, failure.exit_code) == ("division by zero", 1)
    assert any(__file__ in frame for e in shown(result) for frame in e.stack)


@pytest.mark.parametrize("error", [KEPT[0][0], KEPT[3][0]], ids=lambda e: type(e).__name__)
def test_what_is_wrong_before_the_first_step_is_one_message(error: LsatsError) -> None:
    class Opened(dg.ConfigurableResource[Any]):
        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
            with as_dagster_failure():
                raising(error, [])()
            yield self

    @dg.asset(retry_policy=RETRIES, required_resource_keys={"opened"})
    def one() -> None:
        """Never reached."""

    result = execute(
        dg.Definitions(
            assets=[one], jobs=[dg.define_asset_job("job", [one])], resources={"opened": Opened()}
        ).resolve_job_def("job")
    )
    assert [(e.cls_name, e.message, e.stack) for e in shown(result)] == [
        (type(error).__name__, f"{error}\n", [])
    ]
    (failure,) = _failures("job", result)
    assert (failure.asset, failure.message) == ("job", str(error))
    assert failure.exit_code == error.exit_code
