"""What the code location holds, as a snapshot: a line that goes is a change that users see.

`pytest lsats_pipeline_tests/defs/test_code_location.py --snapshot-update` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from lsats_pipeline.definitions import defs


@pytest.fixture(scope="module")
def location() -> dg.RepositoryDefinition:
    return defs().get_repository_def()


def test_assets_with_what_they_read_and_their_checks(
    location: dg.RepositoryDefinition, snapshot: SnapshotAssertion
) -> None:
    graph = location.asset_graph
    assert {
        key.to_user_string(): {
            "reads": listed(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "checks": listed(
                check.name + " (blocks)" * graph.get(check).blocking
                for check in graph.get_check_keys_for_assets({key})
            ),
        }
        for key in sorted(graph.get_all_asset_keys())
    } == snapshot


def test_jobs_with_their_assets(
    location: dg.RepositoryDefinition, snapshot: SnapshotAssertion
) -> None:
    assert {
        job.name: listed({f"{key.path[0]}/*" for key in job.asset_layer.selected_asset_keys})
        for job in location.get_all_jobs()
    } == snapshot


def test_schedules_and_sensors_with_what_they_start(
    location: dg.RepositoryDefinition, snapshot: SnapshotAssertion
) -> None:
    assert {
        **{one.name: f"{one.cron_schedule}: {one.job.name}" for one in location.schedule_defs},
        **{
            one.name: f"{one.sensor_type.value}: {listed(t.job_name for t in one.targets)}"
            for one in location.sensor_defs
        },
    } == snapshot


def test_resources_with_their_fields(
    location: dg.RepositoryDefinition, snapshot: SnapshotAssertion
) -> None:
    def fields(resource: Any) -> str:
        return listed(resource.config_schema.as_field().config_type.fields)

    resources = location.get_top_level_resources()
    assert {name: fields(resources[name]) for name in sorted(resources)} == snapshot


def listed(names: Iterable[str]) -> str:
    """On one line, in order."""
    return ", ".join(sorted(names))
