"""How every step fails: an error of ours as its message alone, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import dagster as dg
import psycopg

# Dagster stores an error with the thirty frames that it passed, but one of another process as that
# process has put it: the only form in which a message can be shown without frames (private names,
# guarded by defs/test_failures.py).
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo

from lsats_pipeline.core.errors import ConfigurationError, LsatsError, TransientError, Unreachable

# For what may pass by itself: another writer, a source that is down for a moment.
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
StepResult = dg.MaterializeResult[Any] | dg.AssetCheckResult


class MessageFailure(DagsterUserCodeProcessError, dg.Failure, click.ClickException):
    """A failure that is shown as a message, with the name of its error for programs.

    An error of click, because `dagster job execute` opens the resources once more to show a run
    that failed before its first step: click prints the message and ends with 1.
    """

    def __init__(self, error: Exception, message: str) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            message,
            user_code_process_error_infos=[_message_only(error, message)],
            allow_retries=False,
        )


class MessageRetry(DagsterUserCodeProcessError, dg.RetryRequested):
    """The same of a step that is tried again as RETRIES says."""

    def __init__(self, error: Exception, message: str, tries: int) -> None:
        again = SerializableErrorInfo(
            "It may pass by itself\n",
            [],
            dg.RetryRequested.__name__,
            cause=_message_only(error, message),
        )
        super().__init__(  # type: ignore[no-untyped-call]
            user_code_process_error_infos=[again],
            max_retries=RETRIES.max_retries,
            seconds_to_wait=RETRIES.calculate_delay(tries + 1),
        )


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Errors as Dagster's failures, with the message people are meant to read."""
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except LsatsError as error:
        may_pass = isinstance(error, TransientError | Unreachable)
        raise _failure(error, str(error), may_pass=may_pass) from None
    except psycopg.OperationalError as error:
        message = f"the connection to the database was lost: {error}"
        raise _failure(error, message, may_pass=True) from None
    except Exception as error:  # a mistake of ours: it would only be made again
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


@contextmanager
def as_refusal(context: dg.InitResourceContext) -> Iterator[None]:
    """The same before the first step, where a mistake in the run's settings is found.

    For Dagster it would be a run whose process did not start well, to be tried again.
    """
    with as_dagster_failure():
        try:
            yield
        except ConfigurationError:
            if context.run is not None and context.instance is not None:
                context.instance.add_run_tags(context.run.run_id, {"dagster/max_retries": "0"})
            raise


def _failure(error: Exception, message: str, *, may_pass: bool) -> Exception:
    """Of the step that runs now; before the first step nothing is tried again."""
    try:
        tries = dg.OpExecutionContext.get().retry_number
    except dg.DagsterInvariantViolationError:
        return MessageFailure(error, message)
    return MessageRetry(error, message, tries) if may_pass else MessageFailure(error, message)


def _message_only(error: Exception, message: str) -> SerializableErrorInfo:
    return SerializableErrorInfo(f"{message}\n", [], type(error).__name__)
