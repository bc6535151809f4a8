"""A job run in this process, for the command line: the same run as from the UI, and shown there.

job, days, choice ─▶ Dagster (in process) ─▶ logged while it runs ─▶ RunOutcome
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from lsats_pipeline.core import errors
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.check_results import failed_rules

log = logging.getLogger("run")
_ENGINES = logging.getLogger("lsats_pipeline")

Watcher = Callable[[str, str], None]


@dataclass(frozen=True)
class StepFailure:
    """An asset that failed, why, and what that means as an exit code (contract.md)."""

    asset: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not pass; a blocking one stopped what builds on the asset.

    `rules`: those within it that do not hold.
    """

    asset: str
    name: str
    description: str
    blocking: bool
    rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What a run came to."""

    job: str
    success: bool
    run_id: str
    seconds: float
    failures: tuple[StepFailure, ...] = ()
    checks: tuple[FailedCheck, ...] = ()

    @property
    def blocked(self) -> tuple[FailedCheck, ...]:
        """The failed checks that stopped something."""
        return tuple(check for check in self.checks if check.blocking)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class RunOutcome(JobOutcome):
    """What a run over days came to."""

    first: dt.date
    last: dt.date


@dataclass(frozen=True, kw_only=True)
class FileOutcome(JobOutcome):
    """What a run over one price file came to."""

    key: str


def execute_job(
    name: str,
    *,
    first: dt.date,
    last: dt.date,
    selection: Sequence[str] | None = None,
    full: bool = False,
    accept_removals: bool = False,
    watch: Watcher | None = None,
) -> RunOutcome:
    """Run a job for a range of days as one run; its messages go to the log.

    `selection`: only these assets (`bronze/tdx_user`). `watch(asset, event)` is called with
    `started`, `done`, `failed`, `skipped` and `again` while it runs. KeyboardInterrupt when it was
    stopped.
    """
    # Here, because loading definitions takes time that other commands need not spend.
    from lsats_pipeline.defs.hub.definitions import hub_definitions

    with _instance() as instance:
        result = _executed(
            instance,
            hub_definitions().resolve_job_def(name),
            partition=first.isoformat() if first == last else None,
            tags=_tags(first, last),
            selection=selection,
            config=_options(full=full, accept_removals=accept_removals),
            watch=watch,
        )
    return RunOutcome(first=first, last=last, **result)


def execute_for_file(
    name: str, key: str, options: Mapping[str, Any], watch: Watcher | None = None
) -> FileOutcome:
    """Run a job for a price file by its key, with these options of its resource."""
    from lsats_pipeline.defs.mrf.definitions import mrf_definitions
    from lsats_pipeline.defs.mrf.files import MRF_FILES

    job = mrf_definitions().resolve_job_def(name)
    with _instance() as instance:
        instance.add_dynamic_partitions(str(MRF_FILES.name), [key])
        config = {"resources": {"price_files": {"config": dict(options)}}}
        result = _executed(instance, job, partition=key, config=config, watch=watch)
    return FileOutcome(key=key, **result)


def processed(key: str) -> bool:
    """Whether Dagster knows of every step of a price file."""
    from lsats_pipeline.defs.mrf.definitions import mrf_definitions

    steps = mrf_definitions().resolve_job_def("mrf_process").asset_layer.executable_asset_keys
    with _instance() as instance:
        return all(key in instance.get_materialized_partitions(asset) for asset in steps)


def adopt_runs() -> list[dict[str, str]]:
    """Take over the runs that left their record in LSATS_HOME; what was taken."""
    from lsats_pipeline.defs.storage.adoption import RUNS_FOLDER, adopt

    with _instance() as instance:
        return [
            {
                "run": run.run_id,
                "job": run.job_name,
                "state": run.status.value.lower(),
                "partition": run.tags.get("dagster/partition", ""),
            }
            for run in adopt(instance, load(HubSettings).lsats_home / RUNS_FOLDER)
        ]


def _executed(
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    *,
    partition: str | None,
    tags: Mapping[str, str] | None = None,
    selection: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
    watch: Watcher | None = None,
) -> dict[str, Any]:
    started, run_id = time.monotonic(), str(uuid.uuid4())
    listener = _Listener(watch)
    with _log_once(instance, run_id, listener):
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            partition_key=partition,
            tags=tags,
            asset_selection=[dg.AssetKey(a.split("/")) for a in selection] if selection else None,
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                **(config or {}),
            },
            raise_on_error=False,
        )
        _refuse_stopped(instance, run_id, listener)
    checks = tuple(_failed_checks(result))
    for check in checks:
        log.warning("⚠️ %s: %s: %s", check.asset, check.name, check.description)
    return {
        "job": job.name,
        "success": result.success,
        "run_id": run_id,
        "seconds": time.monotonic() - started,
        "failures": tuple(_failures(job.name, result)),
        "checks": checks,
    }


def _instance() -> dg.DagsterInstance:
    folder = load(HubSettings).dagster_home
    if not (folder / "dagster.yaml").is_file():
        raise ConfigurationError(
            f"DAGSTER_HOME {folder} holds no dagster.yaml: unset it, or copy"
            " dagster_home/dagster.yaml of the checkout there"
        )
    return dg.DagsterInstance.from_config(str(folder))


def _tags(first: dt.date, last: dt.date) -> dict[str, str]:
    if first == last:
        return {}
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def _options(**options: bool) -> dict[str, Any]:
    """The configuration of a run of the hub, where it is not the usual one."""
    chosen = {name: on for name, on in options.items() if on}
    return {"resources": {"run_options": {"config": chosen}}} if chosen else {}


def _refuse_stopped(instance: dg.DagsterInstance, run_id: str, listener: _Listener) -> None:
    """Raise KeyboardInterrupt for a run that somebody stopped; it is recorded as canceled."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    if listener.stopped and run.status != dg.DagsterRunStatus.CANCELED:
        instance.report_run_canceled(run)
    if listener.stopped or run.status == dg.DagsterRunStatus.CANCELED:
        raise KeyboardInterrupt


# Every asset below a failed one would be an error of its own.
_SKIPPED = "Dependencies for step"
_EVENTS = {
    "STEP_START": "started",
    "STEP_SUCCESS": "done",
    "STEP_FAILURE": "failed",
    "STEP_SKIPPED": "skipped",
    "STEP_UP_FOR_RETRY": "again",
}


class _Listener:
    """Called with every event of a run as it happens. `stopped`: somebody wants it to end."""

    def __init__(self, watch: Watcher | None) -> None:
        self.stopped = False
        self._watch = watch

    def __call__(self, entry: dg.EventLogEntry) -> None:
        if self.stopped:
            return
        if not entry.is_dagster_event:
            quiet = entry.user_message.startswith(_SKIPPED)
            log.log(logging.DEBUG if quiet else int(entry.level), entry.user_message)
        elif entry.step_key and (event := _EVENTS.get(entry.dagster_event_type or "")):
            self._stop_if_wanted(entry.dagster_event)
            _log_event(_asset(entry.step_key), event, entry.dagster_event)
            if self._watch:
                self._watch(_asset(entry.step_key), event)

    def _stop_if_wanted(self, entry: dg.DagsterEvent | None) -> None:
        """Leave the run: Dagster would go on, and try the interrupted step again later."""
        if _interrupted(entry):
            self.stopped = True
            raise KeyboardInterrupt


@contextmanager
def _log_once(instance: dg.DagsterInstance, run_id: str, listener: _Listener) -> Iterator[None]:
    """Log what the run logs, each line once: the engines' own loggers are cut off meanwhile."""
    propagates = _ENGINES.propagate
    instance.add_event_listener(run_id, listener)
    _ENGINES.propagate = False
    try:
        yield
    finally:
        _ENGINES.propagate = propagates


def _interrupted(entry: dg.DagsterEvent | None) -> bool:
    """Whether a step ended because somebody wants the run to end."""
    if entry is None or not (entry.is_step_up_for_retry or entry.is_step_failure):
        return False
    data = entry.step_retry_data if entry.is_step_up_for_retry else entry.step_failure_data
    names = {link.cls_name for link in _chain(data.error)}
    return bool(names & {"DagsterExecutionInterruptedError", "KeyboardInterrupt"})


def _chain(error: Any) -> list[Any]:
    """An error and its causes, the outermost first."""
    chain = []
    while error is not None:
        chain.append(error)
        error = error.cause
    return chain


def _log_event(asset: str, event: str, entry: dg.DagsterEvent | None) -> None:
    """Log what a run does not log by itself."""
    if entry is None:
        return
    if event == "failed":
        log.error("❌ %s: %s", asset, _failure(asset, entry.step_failure_data).message)
    elif event == "again":
        data = entry.step_retry_data
        why = _failure(asset, data).message if data.error else "failed"
        log.warning("🔁 %s: %s; tried again in %.0f s", asset, why, data.seconds_to_wait or 0)


def _failures(name: str, result: dg.ExecuteInProcessResult) -> Iterator[StepFailure]:
    """Of the steps; of the job itself when it ended before any step."""
    steps = [e for e in result.all_events if e.is_step_failure and e.step_key]
    for event in steps:
        yield _failure(_asset(event.step_key or ""), event.step_failure_data)
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.RUN_FAILURE and not steps:
            yield _failure(name, event.job_failure_data)


def _failure(asset: str, data: Any) -> StepFailure:
    """The message of the error that we raised, if one is in the chain; else of the last one."""
    chain = _chain(data.error)
    for link in chain:
        known = getattr(errors, str(link.cls_name), None)
        if isinstance(known, type) and issubclass(known, errors.LsatsError):
            return StepFailure(asset, _bare(link), known.exit_code)
    return StepFailure(asset, _bare(chain[-1]) if chain else "failed", 1)


def _bare(error: Any) -> str:
    """The message without the class name that Dagster puts before it."""
    text = str(error.message).strip()
    name = str(error.cls_name)
    head, separator, rest = text.partition(": ")
    return rest if separator and head.rpartition(".")[2] == name else text


def _failed_checks(result: dg.ExecuteInProcessResult) -> Iterator[FailedCheck]:
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            yield FailedCheck(
                check.asset_key.to_user_string(),
                check.check_name,
                check.description or "",
                check.severity == dg.AssetCheckSeverity.ERROR,
                failed_rules(check),
            )


def _asset(step: str) -> str:
    """The asset of a step: `bronze__tdx_user` is `bronze/tdx_user`."""
    return step.replace("__", "/", 1)
