"""How every step fails: an error of ours as Dagster's Failure, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg

from lsats_pipeline.core.errors import LsatsError, TransientError, Unreachable

OWNERS = ["team:lsats-data"]
# For what may pass by itself: another writer, a source that is down for a moment.
RETRIES = dg.RetryPolicy(
    max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
StepResult = dg.MaterializeResult[Any] | dg.AssetCheckResult


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Errors as Dagster's Failure, with the message people are meant to read."""
    try:
        yield
    except dg.Failure:
        raise
    except LsatsError as error:
        transient = isinstance(error, TransientError | Unreachable)
        raise dg.Failure(str(error), allow_retries=transient) from error
    except psycopg.OperationalError as error:
        raise dg.Failure(f"the connection to the database was lost: {error}") from error
    except Exception as error:  # a mistake of ours: it would only be made again
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
