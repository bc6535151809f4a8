"""What keeps a run from starting: found before its first step, so that no step fails of it.

tags of the run  ─▶ options of old?         the run fails, naming the option of today
steps of the run ─▶ their sources half set? the run fails, naming the variables
                 └▶ simulated, but the database not for that? the same
days of the run  ─▶ not readable any more?  it is canceled, naming the streams

Canceled, not failed: a failed run turns the days that it planned red, green ones too. Whatever else
keeps a run of other days than today from starting cancels it as well, and whatever keeps one in
another database: its days are not the hub's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.partitions import days_of
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.plan import Chosen, choose, refusal, require_configured, unreadable
from lsats_pipeline.warehouse.safety import require_synthetic_database

# Of run_options, once set by tags.
_OPTIONS = ("full", "accept_removals")


def admit(context: dg.InitResourceContext, hub: Hub) -> None:
    """Raise ConfigurationError when the run cannot be what it was started for."""
    run, instance = context.run, context.instance
    if run is None or instance is None:
        return
    _refuse_option_tags(run.tags)
    chosen = _chosen(instance, run)
    require_configured(chosen, hub.configuration)
    if not hub.configuration.is_real and any(one.asset.layer != "silver" for one in chosen):
        require_synthetic_database(hub.warehouse.name)
    days, today = days_of(run.tags), hub.settings.today()
    with hub.warehouse.connection() as connection:
        refused = unreadable(connection, hub.settings, chosen, days, hub.configuration)
    if refused:
        message = refusal(refused, today)
        raise ConfigurationError(f"{message}. Choose {today}, or leave out what it names")


def spare_other_days(
    context: dg.InitResourceContext, error: ConfigurationError, *, elsewhere: bool
) -> None:
    """Cancel a run that cannot start when its days are not the hub's today alone.

    `dagster job execute` makes resources again once the run has ended.
    """
    run, instance = context.run, context.instance
    if run is None or instance is None:
        return
    if not elsewhere and all(day == load(HubSettings).today() for day in days_of(run.tags)):
        return
    current = instance.get_run_by_id(run.run_id)
    if current is not None and not current.is_finished:
        instance.report_run_canceling(current, f"Refused before it started: {error}")


def _refuse_option_tags(tags: Mapping[str, str]) -> None:
    """Tags are for search: whoever sets an option by one must not believe that it is in force."""
    if named := [name for name in _OPTIONS if f"lsats/{name}" in tags]:
        raise ConfigurationError(
            "\n".join(
                f"the tag lsats/{name} is no option of a run any more: set run_options.{name} in"
                f' its configuration, {{"resources": {{"run_options": {{"config": {{"{name}": true'
                "}}}}"
                for name in named
            )
        )


def _chosen(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Sequence[Chosen]:
    """The hub's assets among the steps of a run."""
    plan = instance.get_execution_plan_snapshot(str(run.execution_plan_snapshot_id))
    steps = set(plan.step_keys_to_execute)
    return [one for one in choose() if str(one.asset).replace("/", "__") in steps]
