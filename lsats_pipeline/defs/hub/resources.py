"""The hub, opened once per run and shared by its steps, and how steps are run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from pydantic import PrivateAttr

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.failures import as_dagster_failure
from lsats_pipeline.defs.hub.admission import admit, spare_other_days
from lsats_pipeline.defs.partitions import choose_today
from lsats_pipeline.hub.hub import Hub, open_hub


class HubResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The hub of the environment: its database, one client per source, one simulated campus.

    Opened before the first step of a run, so that looking at definitions costs nothing and what is
    wrong with the run's settings or days is said once.
    """

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _hub: Hub | None = PrivateAttr(default=None)
    _reports: list[Report] = PrivateAttr(default_factory=list)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[HubResource]:
        """Open as long as the run lasts; ends it with one line for people."""
        choose_today(context)
        with self._open:
            with as_dagster_failure():
                try:
                    self._hub = self._open.enter_context(open_hub(simulation=SimulatedCampus()))
                    admit(context, self._hub)
                except ConfigurationError as error:
                    spare_other_days(context, error)
                    raise
            yield self
        if self._reports and context.log:
            context.log.info(summary(self._reports))

    def opened(self) -> Hub:
        """The hub of the run."""
        if self._hub is None:
            raise dg.Failure("the hub is open only while a run lasts")
        return self._hub

    def record(self, report: Report) -> None:
        """Add a step's report to the run's summary line."""
        self._reports.append(report)


def summary(reports: list[Report]) -> str:
    """A whole run in one line."""
    created, updated, removed, rejected = (
        sum(getattr(r.counts, name) for r in reports)
        for name in ("created", "updated", "removed", "rejected")
    )
    failed = sum(not check.passed for r in reports for check in r.checks)
    return (
        f"🏁 {len(reports)} assets in {sum(r.seconds for r in reports):.1f} s:"
        f" 🆕 {created:,} 📝 {updated:,} 🗑️ {removed:,} ❌ {rejected:,}"
        f" · {failed} checks did not pass"
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The resource, and in-process steps: PostgreSQL does the work, a process a step would not."""
    return dg.Definitions(resources={"hub": HubResource()}, executor=dg.in_process_executor)
