"""The engines' log lines in the run's event log, while one of its steps is at work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

_ENGINES = logging.getLogger("lsats_pipeline")


class _ToRun(logging.Handler):
    """Hands records on to a step's log; the engines pace their progress lines themselves."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        super().__init__(logging.INFO)
        self._log = context.log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, self.format(record))


@contextmanager
def log_to_run(context: dg.AssetExecutionContext) -> Iterator[None]:
    """What the engines log within the block goes to the run's log, whatever the instance says."""
    handler, level = _ToRun(context), _ENGINES.level
    _ENGINES.addHandler(handler)
    _ENGINES.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        _ENGINES.setLevel(level)
        _ENGINES.removeHandler(handler)
