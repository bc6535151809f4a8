"""What a run of the hub does differently, chosen in the launchpad."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from lsats_pipeline.defs.dry_runs import record_nothing


class RunOptionsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Options of one run: a full rebuild, removals accepted, a limit, a dry run."""

    full: bool = Field(
        default=False, description="silver works every row out again, not only what has changed"
    )
    accept_removals: bool = Field(
        default=False,
        description="you looked: records that a mass disappearance held back are gone indeed",
    )
    record_limit: int | None = Field(
        default=None,
        description="stop every stream after so many records, for a trial: nothing counts as gone"
        " then (0 or more; 0: all). Empty: MAX_RECORDS",
    )
    dry_run: bool = Field(
        default=False,
        description="say of every asset what would be done; read no source, write no row, record"
        " no materialization",
    )

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Let a dry run record nothing."""
        if self.dry_run:
            record_nothing(context)
