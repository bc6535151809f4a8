"""Which truck is refrigerated and which DC it belongs to (domain/world_retail.md 2 to 4, R9).

ids in order: trucks of DCs | pool | suppliers, in each the refrigerated ones first
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.synthetic.rules import BLOCKING, AcrossTables, RuleCounts, Total, WorldRule
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions


@dataclass(frozen=True)
class Fleet:
    """A value for each truck in the order of their ids; `dc` 0: none."""

    refrigerated: NDArray[np.bool_]
    dc: Ints


def assigned(options: RetailOptions) -> int:
    """DC trucks that belong to one DC, half a truck rounded up; the rest is a pool."""
    if options.trucks_per_dc:
        return options.trucks_per_dc * options.distribution_centers
    return int(options.truck_dc_assignment_rate * options.dc_trucks + 0.5)


def assigned_refrigerated(options: RetailOptions) -> int:
    """Those of them that are refrigerated: the share of all DC trucks is kept in both parts."""
    total = max(1, options.dc_trucks)
    return (2 * assigned(options) * options.dc_trucks_refrigerated + total) // (2 * total)


@lru_cache(maxsize=8)
def fleet(options: RetailOptions) -> Fleet:
    """All trucks. Dealt in turn, so DCs differ by one at most and the cold ones reach most DCs."""
    own, cold = assigned(options), assigned_refrigerated(options)
    counts = (
        cold,
        own - cold,
        options.dc_trucks_refrigerated - cold,
        options.dc_trucks_other - (own - cold),
        options.supplier_trucks_refrigerated,
        options.supplier_trucks_other,
    )
    dc = np.zeros(options.trucks, dtype=np.int64)
    dc[:own] = np.arange(own) % options.distribution_centers + 1
    return Fleet(np.repeat([True, False] * 3, counts), dc)


def fleet_rules() -> tuple[WorldRule, ...]:
    """R9 for trucks, and how they are dealt."""
    return (
        Total(
            "R9_refrigerated",
            lambda rows: int(np.sum(rows["refrigeration"])),
            lambda o: o.dc_trucks_refrigerated + o.supplier_trucks_refrigerated,
            about="as many refrigerated trucks as asked for",
            weight=BLOCKING,
        ),
        Total(
            "R9_assigned",
            lambda rows: len(rows) - rows.arrow("dc_id").null_count,
            assigned,
            about="as many trucks belong to a DC as the rate says; pool and suppliers to none",
            weight=2,
        ),
        Total(
            "R9_assigned_refrigerated",
            lambda rows: int(
                pc.sum(pc.and_(rows.arrow("dc_id").is_valid(), rows.arrow("refrigeration"))).as_py()
                or 0
            ),
            assigned_refrigerated,
            about="the refrigerated share is the same in the pool and outside",
            weight=2,
        ),
        AcrossTables(
            "dealt_evenly",
            {"distribution_centers": ("id",), "trucks": ("dc_id", "refrigeration")},
            lambda tables, _: _uneven(tables),
            about="DCs differ by one truck at most; refrigerated ones reach as many as they can",
            weight=2,
        ),
    )


def _uneven(tables: Mapping[str, pa.Table]) -> RuleCounts:
    ids, trucks = tables["distribution_centers"]["id"].to_pylist(), tables["trucks"].drop_null()
    counts = dict.fromkeys(ids, 0)
    cold = dict.fromkeys(ids, 0)
    for dc, refrigerated in zip(*(trucks[n].to_pylist() for n in trucks.column_names), strict=True):
        if dc in counts:
            counts[dc] += 1
            cold[dc] += refrigerated
    least = min(counts.values())
    over = [f"DC {dc}: {n} trucks, {least} elsewhere" for dc, n in counts.items() if n > least + 1]
    without = min(len(ids), sum(cold.values())) - sum(n > 0 for n in cold.values())
    if without:
        over.append(f"{without} DCs have no refrigerated truck, though there are enough")
    return RuleCounts(len(ids), len(over), over[:5])
