"""The hub's database as a resource: opened before the first step, shared by all that needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from lsats_pipeline.campus.simulation import SimulatedCampus
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.dry_runs import record_nothing
from lsats_pipeline.defs.failures import as_refusal
from lsats_pipeline.defs.hub.admission import admit, spare_other_days
from lsats_pipeline.defs.hub.overrides import (
    checked,
    given,
    limits,
    named_secret,
    overrides_of,
    record_limit,
)
from lsats_pipeline.defs.run_start import choose_default
from lsats_pipeline.hub.days import record_observed
from lsats_pipeline.hub.hub import Hub, open_hub
from lsats_pipeline.warehouse.database import connect, with_database
from lsats_pipeline.warehouse.location import hub_url

# Fields of the resource and the settings that they stand for.
_SETTINGS = {"lock_wait": "lsats_lock_wait", "batch_size": "batch_size"}


def _about(setting: str) -> str:
    field = HubSettings.model_fields[setting]
    return f"{field.description} ({limits(field)}). Empty: {setting.upper()}, or {field.default}"


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The hub's PostgreSQL: DATABASE_URL, or the embedded server."""

    url_variable: str = Field(
        default="",
        description="name of the environment variable (never its value) that holds the URL of"
        " another database. Empty: DATABASE_URL, or the embedded server",
    )
    database: str = Field(
        default="",
        description="another database on the same server, which exists; simulated data is written"
        " only to one whose name ends in _demo or _test. Empty: the one that the URL names",
    )
    lock_wait: float | None = Field(default=None, description=_about("lsats_lock_wait"))
    batch_size: int | None = Field(default=None, description=_about("batch_size"))

    _hub: Hub | None = PrivateAttr(default=None)
    _reports: list[Report] = PrivateAttr(default_factory=list)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseResource]:
        """Open as long as the run lasts in this process; ends it with one line for people.

        What is wrong with the run's settings, options or days is said once, before any step.
        """
        choose_default(context)
        with ExitStack() as stack:
            with as_refusal(context):
                try:
                    self._hub = self._opened(stack, context.run.run_config if context.run else {})
                    admit(context, self._hub)
                except ConfigurationError as error:
                    spare_other_days(context, error, elsewhere=self.elsewhere)
                    raise
            if self.elsewhere:
                record_nothing(context)
                if context.log:
                    context.log.info(
                        f"📦 in database {self._hub.warehouse.name}; the catalog is of the usual"
                        " one, and records nothing of this run"
                    )
            yield self
            self._record_days()
        if self._reports and context.log:
            context.log.info(summary(self._reports))

    @property
    def elsewhere(self) -> bool:
        """Whether the run has another database than the hub's."""
        return bool(self.url_variable or self.database)

    def opened(self) -> Hub:
        """The hub of the run."""
        if self._hub is None:
            raise dg.Failure("the hub is open only while a run lasts")
        return self._hub

    def record(self, report: Report) -> None:
        """Add a step's report to the run's summary line."""
        self._reports.append(report)

    def _record_days(self) -> None:
        """Write the calendar's days down; another database's are not those of LSATS_HOME."""
        if not self.elsewhere:
            with self.opened().warehouse.connection() as connection:
                record_observed(connection, self.opened().settings)

    def _opened(self, stack: ExitStack, run_config: Mapping[str, Any]) -> Hub:
        """The hub as the whole configuration of the run wants it."""
        values = {
            setting: checked(HubSettings, setting, f"warehouse.{name}", value)
            for name, setting in _SETTINGS.items()
            if (value := getattr(self, name)) is not None
        }
        limit = record_limit("run_options", given(run_config, "run_options").get("record_limit"))
        if limit is not None:
            values["max_records"] = limit
        overrides = overrides_of(run_config)
        settings = load(HubSettings).model_copy(update=values)
        url = None
        if self.url_variable:
            secret = named_secret("warehouse.url_variable", self.url_variable)
            url = secret.get_secret_value()
        if self.database:
            server = url or stack.enter_context(hub_url(settings))
            _require_database(server, self.database)
            url = with_database(server, self.database)
        return stack.enter_context(
            open_hub(settings, SimulatedCampus(), url=url, overrides=overrides)
        )


def _require_database(server: str, name: str) -> None:
    """Raise ConfigurationError when the server has no such database: no second try helps."""
    with connect(server) as connection:
        found = connection.execute("select true from pg_database where datname = %s", (name,))
        if found.fetchone() is None:
            raise ConfigurationError(
                f"warehouse.database: there is no database {name!r} on the server; make it with"
                f' `create database "{name}"` in `lsats db shell`, or name another'
            )


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
