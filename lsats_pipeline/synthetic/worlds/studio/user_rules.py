"""What must hold of users."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import BLOCKING, ExpectedShares, RowRule, Rows, Total, WorldRule
from lsats_pipeline.synthetic.worlds.studio.moment_rules import inside_window, unchanged
from lsats_pipeline.synthetic.worlds.studio.options import admin_id
from lsats_pipeline.synthetic.worlds.studio.parsed_columns import Bools, favorite_tags

ACTIVE = 0.99  # domain/world_studio.md 2
_ADDRESS = r"^[^@\s]+@example\.(com|net|org)$"


def _is_admin(rows: Rows) -> pa.Array:
    return pc.equal(rows.arrow("id"), admin_id(rows.options))


def _favourites_broken(rows: Rows) -> Bools:
    found = favorite_tags(rows)
    too_many = found.sizes > rows.options.max_favorite_tags
    broken: Bools = ~found.valid | too_many | found.repeats | found.unknown
    return broken


RULES: tuple[WorldRule, ...] = (
    Total(
        "B5_admin",
        lambda rows: int(pc.sum(_is_admin(rows)).as_py() or 0),
        lambda options: 1,
        about="the admin's row has the id that was asked for",
        weight=BLOCKING,
    ),
    RowRule(
        "B5_admin_active",
        lambda rows: pc.and_(_is_admin(rows), pc.invert(rows.arrow("is_active"))),
        about="the admin is active",
    ),
    ExpectedShares(
        "B3_active",
        lambda rows: rows.arrow("is_active"),
        lambda options: {True: ACTIVE, False: 1 - ACTIVE},
        0.005,
        about="99 % of the users are active",
    ),
    RowRule(
        "B3_favourite_tags",
        _favourites_broken,
        about="preferences are favourite tags alone: known ones, none twice, not too many",
    ),
    RowRule(
        "B16_reserved_address",
        lambda rows: pc.invert(pc.match_substring_regex(rows.arrow("email"), _ADDRESS)),
        about="e-mail addresses are of domains reserved for examples",
        weight=BLOCKING,
    ),
    inside_window("created_at", "updated_at"),
    unchanged(),
)
