"""What must hold of the two content tables (domain/world_studio.md 4, 10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import BLOCKING, ExpectedShares, RowRule, Rows, Total, WorldRule
from lsats_pipeline.synthetic.worlds.studio.moment_rules import (
    after_sign_up,
    inside_window,
    unchanged,
)
from lsats_pipeline.synthetic.worlds.studio.options import admin_id
from lsats_pipeline.synthetic.worlds.studio.parsed_columns import (
    Bools,
    item_prompts,
    metadata,
    tag_lists,
)
from lsats_pipeline.synthetic.worlds.studio.prompt_rules import prompt_rules

# Written out again, not imported from the generator, so that a rule checks it.
_STYLES = ("anime", "illustration", "photorealistic")
_RESOLUTIONS = (
    *("1024x768", "1920x1080", "2560x1440", "1080x1920"),
    *("1280x720", "3840x2160", "1366x768", "1024x1024"),
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_CHANCE = 0.001  # B9: chi-square, p


def rules_of(table: str) -> tuple[WorldRule, ...]:
    """The rules of a content table."""
    return (
        *_ownership(table),
        *_plain_columns(),
        *_metadata_rules(),
        *_tag_rules(),
        *prompt_rules(item_prompts),
        ExpectedShares(
            "B9_domains",
            lambda rows: item_prompts(rows).domain,
            lambda options: dict.fromkeys(range(30), 1),
            _CHANCE,
            distance="chi_square",
            about="every domain is as frequent",
        ),
        inside_window("created_at", "updated_at"),
        unchanged(),
        after_sign_up(table, "creator_id"),
    )


def _ownership(table: str) -> tuple[WorldRule, ...]:
    def expected(options: Any) -> int:
        total = int(getattr(options, table))
        return total if options.users == 1 else min(50, total)

    def of_admin(rows: Rows) -> int:
        return int(pc.sum(pc.equal(rows.arrow("creator_id"), admin_id(rows.options))).as_py() or 0)

    about = "exactly 50 rows are the admin's"
    return (Total("G1_admin_rows", of_admin, expected, about=about, weight=BLOCKING),)


def _plain_columns() -> tuple[WorldRule, ...]:
    return (
        RowRule(
            "type_is_image",
            lambda rows: pc.not_equal(rows.arrow("content_type"), "image"),
            about="every item is an image",
        ),
        RowRule("G8_path", _path_broken, about="paths are <images_dir>/<uuid>.png"),
        RowRule("title_of_prompt", _title_broken, about="the title is how its prompt begins"),
        RowRule(
            "quality_score", _quality_broken, about="quality is from 0 to 1, with two decimals"
        ),
        ExpectedShares(
            "privacy",
            lambda rows: rows.arrow("is_private"),
            lambda options: {True: 0.1, False: 0.9},
            0.005,
            about="10 % of the items are private",
        ),
    )


def _path_broken(rows: Rows) -> Any:
    pattern = f"^{re.escape(rows.options.images_dir)}/{_UUID}\\.png$"
    return pc.invert(pc.match_substring_regex(rows.arrow("content_data"), pattern))


def _title_broken(rows: Rows) -> Any:
    begins = pc.utf8_slice_codeunits(metadata(rows).prompt, 0, rows.options.title_characters)
    return pc.not_equal(rows.arrow("title"), begins)


def _quality_broken(rows: Rows) -> Any:
    score = rows["quality_score"]
    return ~((score >= 0) & (score <= 1) & (np.round(score, 2) == score))


def _metadata_rules() -> tuple[WorldRule, ...]:
    return (
        RowRule(
            "metadata_keys",
            lambda rows: ~metadata(rows).valid,
            about="metadata have tags, style, prompt and resolution, and nothing else",
        ),
        _one_of("style", _STYLES),
        _evenly("style", _STYLES),
        _one_of("resolution", _RESOLUTIONS),
        _evenly("resolution", _RESOLUTIONS),
        RowRule(
            "metadata_tags",
            _metadata_tags_differ,
            about="the tags in the metadata are those of the item",
        ),
    )


def _one_of(field: str, known: Sequence[str]) -> RowRule:
    def broken(rows: Rows) -> Any:
        values = getattr(metadata(rows), field)
        strange = pc.invert(pc.is_in(values, value_set=pa.array(known)))
        return pc.and_(pc.is_valid(values), strange)

    return RowRule(f"{field}_known", broken, about=f"the {field} is one of {', '.join(known)}")


def _evenly(field: str, known: Sequence[str]) -> ExpectedShares:
    def label(rows: Rows) -> Any:
        values = getattr(metadata(rows), field)
        return values.filter(pc.is_in(values, value_set=pa.array(known)))

    return ExpectedShares(
        f"{field}_even",
        label,
        lambda options: dict.fromkeys(known, 1),
        _CHANCE,
        distance="chi_square",
        about=f"every {field} is as frequent",
    )


def _metadata_tags_differ(rows: Rows) -> list[bool]:
    pairs = zip(metadata(rows).tags, rows.arrow("tags").to_pylist(), strict=True)
    return [recorded is not None and recorded != (tags or "").encode() for recorded, tags in pairs]


def _tag_rules() -> tuple[WorldRule, ...]:
    return (
        RowRule(
            "tags_known",
            _tags_unknown,
            about="tags are a list of tags of the word list",
        ),
        RowRule(
            "G6_no_repeat",
            lambda rows: tag_lists(rows).repeats,
            about="no tag stands twice in an item",
            weight=BLOCKING,
        ),
        RowRule(
            "G6_not_too_many",
            lambda rows: tag_lists(rows).sizes > rows.options.max_tags,
            about="no item has more tags than asked for",
        ),
        ExpectedShares(
            "G6_sizes",
            lambda rows: tag_lists(rows).sizes,
            lambda options: dict.fromkeys(range(options.max_tags + 1), 1),
            _CHANCE,
            distance="chi_square",
            about="every number of tags, from none to the most, is as frequent",
        ),
    )


def _tags_unknown(rows: Rows) -> Bools:
    found = tag_lists(rows)
    return np.asarray(~found.valid | found.unknown)
