"""Dagster's storage of the hub, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dagster import Field
from dagster_postgres import DagsterPostgresStorage, PostgresScheduleStorage
from sqlalchemy import inspect

from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.storage.events import EventStorage
from lsats_pipeline.defs.storage.internals import ConfigurableClassData, DagsterStorage
from lsats_pipeline.defs.storage.location import engine_of_process, storage_url
from lsats_pipeline.defs.storage.runs import RunStorage


class HubStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage, found from the hub's settings instead of its own.

    Dagster opens a connection for nearly every statement, several hundred a run; here all share
    one pool a process.
    """

    def __init__(self, url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = engine_of_process(url, os.getpid())
        # Asked once: each of the three would ask on a connection of its own.
        new = not {"runs", "event_logs", "job_ticks"} <= set(inspect(engine).get_table_names())
        self.postgres_url = url
        self.should_autocreate_tables = new
        self._inst_data = inst_data
        self._run_storage = RunStorage(url, new)
        self._event_log_storage = EventStorage(url, new)
        self._schedule_storage = PostgresScheduleStorage(url, new)
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part._engine = engine
        DagsterStorage.__init__(self)  # type: ignore[no-untyped-call, arg-type]

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Nothing to configure here."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HubStorage:
        """Made by Dagster's instance; `config_value` is empty."""
        return cls(storage_url(load(HubSettings)), inst_data)
