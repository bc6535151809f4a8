"""What the two content tables have in common: columns, indexes, and how rows are made.

Everything that a job repeats of its item is a function of (options, table, rows) here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from lsats_pipeline.synthetic.sampling import Ints, hashed, picked, shuffled, uuids
from lsats_pipeline.synthetic.spec import Block, Columns
from lsats_pipeline.synthetic.worlds.studio import people, tags
from lsats_pipeline.synthetic.worlds.studio.moments import as_column, between, window
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions
from lsats_pipeline.synthetic.worlds.studio.permutations import spread
from lsats_pipeline.synthetic.worlds.studio.prompts import prompts_of
from lsats_pipeline.synthetic.worlds.studio.schema import METADATA, full_text, gin, newest_first

ITEMS, AUTO = "content_items", "content_items_auto"
TYPE = "image"
STYLES = ("anime", "illustration", "photorealistic")
RESOLUTIONS = (
    "1024x768",
    "1920x1080",
    "2560x1440",
    "1080x1920",
    "1280x720",
    "3840x2160",
    "1366x768",
    "1024x1024",
)
ADMIN_ROWS = 50
PRIVATE = 0.1
# Rows hold up to 4 kB of tags and prompt: a block stays at some 14 MB.
BLOCK = 5_000


def volume(options: StudioOptions, table: str) -> int:
    """How many rows a content table has."""
    return int(getattr(options, table))


def admin_rows(options: StudioOptions, total: int) -> int:
    """How many rows of a content table are the admin's: 50, or all where nobody else is."""
    return total if options.users == 1 else min(ADMIN_ROWS, total)


def table_of(name: str) -> sa.Table:
    """A content table, with the eleven indexes of the original."""
    table = sa.Table(
        name,
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("content_type", sa.String(50), nullable=False, index=True),
        sa.Column("content_data", sa.Text, nullable=False, comment="path of the image"),
        sa.Column("item_metadata", JSONB),
        sa.Column("creator_id", sa.Uuid, sa.ForeignKey("studio.users.id"), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
        sa.Column("updated_at", sa.DateTime, nullable=False, comment="UTC"),
        sa.Column("tags", JSONB),
        sa.Column("quality_score", sa.Double),
        sa.Column("is_private", sa.Boolean, nullable=False),
        sa.CheckConstraint("quality_score between 0 and 1", name="quality_score"),
        # Rows are of some 2 kB: to compress those above costs a third of the load, and saves 8 %.
        postgresql_with={"toast_tuple_target": 8160},
    )
    _index(table)
    return table


def _index(table: sa.Table) -> None:
    sa.Index(None, table.c.creator_id)
    newest_first(table)
    newest_first(table, "creator_id")
    newest_first(table, "content_type")
    sa.Index(f"ix_{table.name}_best", table.c.quality_score.desc(), table.c.created_at.desc())
    sa.Index(
        f"ix_{table.name}_public",
        table.c.created_at.desc(),
        postgresql_where=sa.not_(table.c.is_private),
    )
    full_text(table, "title")
    gin(table, "item_metadata")
    gin(table, "tags")


def creators(options: StudioOptions, table: str, rows: Ints) -> Ints:
    """The user, by row, who made each item: exactly 50 are the admin's, the others never."""
    total, seed = volume(options, table), options.seed
    others = hashed(rows, seed, table, "creator_id") * (options.users - 1)
    of_admin = shuffled(rows, total, seed, table, "admin") < admin_rows(options, total)
    return np.where(of_admin, 0, 1 + others.astype(np.int64))


def made_at(options: StudioOptions, table: str, rows: Ints, makers: Ints) -> Ints:
    """When each item was made: after its maker came."""
    came = people.sign_ups(options)[makers]
    return between(came, window(options).last, hashed(rows, options.seed, table, "created_at"))


def item_prompts(options: StudioOptions, table: str, rows: Ints) -> list[str]:
    """The prompt of each item."""
    return prompts_of(options, table, rows, volume(options, table))


def generate(block: Block) -> Columns:
    """Rows of a content table."""
    options, table, rows = block.options, block.table, block.rows
    makers = creators(options, table, rows)
    made = as_column(made_at(options, table, rows, makers))
    prompts = pa.array(item_prompts(options, table, rows))
    tag_lists = _tag_lists(block)
    return {
        "id": rows + 1,
        "title": pc.utf8_slice_codeunits(prompts, 0, options.title_characters),
        "content_type": TYPE,
        "content_data": _paths(block),
        "item_metadata": _metadata(block, tag_lists, prompts),
        "creator_id": people.ids(options).take(pa.array(makers)),
        "created_at": made,
        "updated_at": made,
        "tags": tag_lists,
        "quality_score": _spread(block, 101, "quality_score") / 100,
        "is_private": _private(block),
    }


def _tag_lists(block: Block) -> pa.Array:
    options, total = block.options, volume(block.options, block.table)
    found = tags.elements(options.seed, block.table, block.rows, total, options.max_tags)
    return pc.binary_join_element_wise("[", pa.array(found), "]", "")


def _metadata(block: Block, tag_lists: pa.Array, prompts: pa.Array) -> pa.Array:
    """JSON in PostgreSQL's own form: short keys first. No text has a character to escape."""
    styles = picked(STYLES, _spread(block, len(STYLES), "style")).tolist()
    resolutions = picked(RESOLUTIONS, _spread(block, len(RESOLUTIONS), "resolution")).tolist()
    return pc.binary_join_element_wise(
        '{"tags": ',
        tag_lists,
        ', "style": "',
        pa.array(styles),
        '", "prompt": "',
        prompts,
        '", "resolution": "',
        pa.array(resolutions),
        '"}',
        "",
    )


def _paths(block: Block) -> pa.Array:
    images = pa.array(uuids(block.options.seed, block.rows, block.table, "image"))
    return pc.binary_join_element_wise(f"{block.options.images_dir}/", images, ".png", "")


def _private(block: Block) -> Any:
    total = volume(block.options, block.table)
    return shuffled(block.rows, total, block.options.seed, block.table, "is_private") < round(
        PRIVATE * total
    )


def _spread(block: Block, kinds: int, purpose: str) -> Ints:
    options, table = block.options, block.table
    return spread(block.rows, volume(options, table), kinds, options.seed, table, purpose)
