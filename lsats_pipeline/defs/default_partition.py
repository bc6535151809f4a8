"""The partition of a run that was started without one.

Dagster cannot run partitioned assets below each other without a partition. A job says by a tag
which one it takes then; the tag is exchanged for the partition when the run is recorded, before
any process is at work on it, so that this holds under every executor.

job: lsats/default_partition = today ─▶ run: dagster/partition = 2026-11-30
                               block_000...block_007 ─▶ the range of these
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from lsats_pipeline.core.settings import HubSettings, load

# A tag of jobs, and what becomes of it in runs: hidden by its first letters.
DEFAULT_PARTITION = "lsats/default_partition"
_CHOSEN = ".dagster/default_partition"
TODAY = "today"
_RANGE = "..."

_ONE = "dagster/partition"
_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def all_of(keys: list[str]) -> str:
    """All of these partitions, as the tag of a job."""
    return f"{keys[0]}{_RANGE}{keys[-1]}" if len(keys) > 1 else keys[0]


def with_default(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run with its partition instead of its job's default."""
    found = dict(tags)
    default = found.pop(DEFAULT_PARTITION, "")
    if not default or _ONE in found or _FIRST in found:
        return found
    first, several, last = default.partition(_RANGE)
    found[_CHOSEN] = default
    if several:
        return {**found, _FIRST: first, _LAST: last}
    key = load(HubSettings).today().isoformat() if default == TODAY else default
    return {**found, _ONE: key}


def has_default(context: dg.InitResourceContext) -> bool:
    """Whether the run is one for the default of its job."""
    return context.run is not None and _CHOSEN in context.run.tags
