"""The hub, opened once per run and shared by its steps, and how steps are run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from pydantic import PrivateAttr

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.errors import LsatsError
from lsats_pipeline.core.report import Report
from lsats_pipeline.defs.partitions import choose_today
from lsats_pipeline.hub.hub import Hub, open_hub


class HubResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The hub of the environment: its database, one client per source, one simulated campus.

    Nothing is opened before the first step asks, so that looking at definitions costs nothing.
    """

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _hub: Hub | None = PrivateAttr(default=None)
    _refusal: LsatsError | None = PrivateAttr(default=None)
    _reports: list[Report] = PrivateAttr(default_factory=list)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[HubResource]:
        """Open as long as the run lasts; ends it with one line for people."""
        choose_today(context)
        with self._open:
            yield self
        if self._reports and context.log:
            context.log.info(summary(self._reports))

    def opened(self) -> Hub:
        """The hub; a Failure when it cannot be opened, at once and the same for every step."""
        if self._hub is None and self._refusal is None:
            try:
                self._hub = self._open.enter_context(open_hub(simulation=SimulatedCampus()))
            except LsatsError as error:
                self._refusal = error
        if self._hub is None:
            raise dg.Failure(str(self._refusal), allow_retries=False) from self._refusal
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
