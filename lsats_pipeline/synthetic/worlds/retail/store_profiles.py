"""What kind of store: area, volume class, format, hours, traffic (domain/world_retail.md 5).

region ─▶ area ─▶ volume class ─▶ format ─▶ hours
                       └▶ traffic
Shares are exact to one store within each group; hours by format are those of the later version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsats_pipeline.synthetic.rules import ExpectedShares, RowRule, Rows, WorldRule
from lsats_pipeline.synthetic.sampling import apportioned, generator, hashed
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.placement import placement
from lsats_pipeline.synthetic.worlds.retail.vocabulary import places

Labels = NDArray[np.str_]
Shares = Mapping[str, Mapping[str, float]]

REGIONS = {
    **dict.fromkeys(("Northeast", "West", "Pacific"), "dense"),
    **dict.fromkeys(("Midwest", "South", "Southeast"), "spread"),
}
AREAS: Shares = {
    "dense": {"urban": 0.5, "suburban": 0.4, "rural": 0.1},
    "spread": {"urban": 0.2, "suburban": 0.6, "rural": 0.2},
    "open": {"urban": 0.1, "suburban": 0.5, "rural": 0.4},
}
CLASSES: Shares = {
    "urban": {"flagship": 0.10, "high": 0.25, "medium": 0.45, "low": 0.15, "kiosk": 0.05},
    "elsewhere": {"flagship": 0.02, "high": 0.10, "medium": 0.53, "low": 0.30, "kiosk": 0.05},
}
FORMATS: Shares = {
    "flagship urban": {"superstore": 0.6, "hypermarket": 0.3, "standard": 0.1},
    "flagship elsewhere": {"hypermarket": 0.7, "superstore": 0.3},
    "high": {"superstore": 0.6, "standard": 0.3, "hypermarket": 0.1},
    "medium": {"standard": 0.6, "superstore": 0.2, "neighborhood": 0.2},
    "low": {"neighborhood": 0.5, "standard": 0.3, "express": 0.2},
    "kiosk": {"express": 0.8, "neighborhood": 0.2},
}
# A fifth pattern, 9am-6pm, is known and never drawn.
HOURS: Shares = {
    "express urban": {"24/7": 0.3, "6am-midnight": 0.7},
    "express elsewhere": {"6am-midnight": 0.4, "8am-10pm": 0.4, "9am-9pm": 0.2},
    "large urban": {"6am-midnight": 0.6, "8am-10pm": 0.4},
    "large elsewhere": {"6am-midnight": 0.3, "8am-10pm": 0.5, "9am-9pm": 0.2},
    "usual": {"8am-10pm": 0.6, "6am-midnight": 0.2, "9am-9pm": 0.2},
}
# In hundredths, both ends included.
TRAFFIC = {
    "flagship": (250, 300), "high": (180, 240), "medium": (80, 120), "low": (40, 70),
    "kiosk": (25, 35),
}  # fmt: skip


@dataclass(frozen=True)
class Profiles:
    """A value for each store, in the order of their ids; traffic in hundredths."""

    area: Labels
    volume_class: Labels
    store_format: Labels
    hours: Labels
    traffic: NDArray[np.int64]


@lru_cache(maxsize=8)
def profiles(options: RetailOptions) -> Profiles:
    """What kind of store each of these options is."""
    where = placement(options)
    region = places(options.dictionaries, options.geographies).region.take(where.place)
    kind = np.array([REGIONS.get(name, "open") for name in region.to_pylist()])
    area = _dealt(kind[where.store_geography], AREAS, options.seed, "area")
    volume_class = _dealt(class_group(area), CLASSES, options.seed, "volume class")
    store_format = _dealt(format_group(volume_class, area), FORMATS, options.seed, "format")
    hours = _dealt(hours_group(store_format, area), HOURS, options.seed, "hours")
    return Profiles(area, volume_class, store_format, hours, _traffic(volume_class, options.seed))


def class_group(area: Labels) -> Labels:
    """Which shares of volume classes hold for stores in these areas."""
    return np.where(area == "urban", "urban", "elsewhere")


def format_group(volume_class: Labels, area: Labels) -> Labels:
    """Which shares of formats hold: only flagships ask where they are."""
    both = np.char.add(np.char.add(volume_class, " "), class_group(area))
    return np.where(volume_class == "flagship", both, volume_class)


def hours_group(store_format: Labels, area: Labels) -> Labels:
    """Which shares of opening hours hold."""
    large = np.isin(store_format, ("hypermarket", "superstore"))
    kind = np.where(store_format == "express", "express ", np.where(large, "large ", "usual"))
    return np.where(kind == "usual", kind, np.char.add(kind, class_group(area)))


def _dealt(groups: Labels, shares: Shares, seed: int, purpose: str) -> Labels:
    """A label for each member of a group: exact shares, in no order."""
    dealt = np.empty(len(groups), dtype="U16")
    for group, share in shares.items():
        members = np.flatnonzero(groups == group)
        labels = np.repeat(list(share), apportioned(len(members), list(share.values())))
        mix = generator(seed, "retail", "stores", purpose, group)
        dealt[members] = mix.permutation(labels)
    return dealt


def _traffic(volume_class: Labels, seed: int) -> NDArray[np.int64]:
    ends = np.array([TRAFFIC[name] for name in volume_class.tolist()], dtype=np.int64)
    least, most = ends[:, 0], ends[:, 1]
    drawn = hashed(np.arange(len(ends)), seed, "retail", "stores", "traffic")
    traffic: NDArray[np.int64] = least + (drawn * (most - least + 1)).astype(np.int64)
    return traffic


def _column(rows: Rows, name: str) -> Labels:
    return np.asarray(rows[name], dtype=str)


def _groups(name: str) -> Callable[[Rows], Labels]:
    """For each store, whose shares hold for this column."""
    area = "area_type"
    return {
        "volume_class": lambda rows: class_group(_column(rows, area)),
        "store_format": lambda rows: format_group(
            _column(rows, "volume_class"), _column(rows, area)
        ),
        "operating_hours": lambda rows: hours_group(
            _column(rows, "store_format"), _column(rows, area)
        ),
    }[name]


def profile_rules() -> tuple[WorldRule, ...]:
    """Only what the later version can draw, in its shares, with its traffic."""
    return (
        *_shares_of("volume_class", CLASSES),
        *_shares_of("store_format", FORMATS),
        *_shares_of("operating_hours", HOURS),
        RowRule(
            "traffic_of_class",
            _traffic_is_off,
            about="the traffic multiplier lies in the range of the volume class",
            weight=2,
        ),
    )


def _shares_of(column: str, shares: Shares) -> Sequence[WorldRule]:
    groups = _groups(column)
    possible = {f"{group}/{label}" for group, share in shares.items() for label in share}

    def impossible(rows: Rows) -> Any:
        drawn = np.char.add(np.char.add(groups(rows), "/"), _column(rows, column))
        return ~np.isin(drawn, list(possible))

    def share_of(group: str) -> WorldRule:
        return ExpectedShares(
            f"{column}_{group.replace(' ', '_')}",
            lambda rows: _column(rows, column)[groups(rows) == group],
            lambda _: shares[group],
            0.01,
            about=f"shares of {column.replace('_', ' ')} among {group} stores",
        )

    about = f"{column.replace('_', ' ')}: none that stores of this kind do not have"
    return (
        RowRule(f"{column}_possible", impossible, about=about, weight=2),
        *(share_of(group) for group in shares),
    )


def _traffic_is_off(rows: Rows) -> Any:
    traffic, classes = rows["daily_traffic_multiplier"], _column(rows, "volume_class")
    fits = [
        (classes == name) & (traffic >= least) & (traffic <= most)
        for name, (least, most) in TRAFFIC.items()
    ]
    return ~np.logical_or.reduce(fits)
