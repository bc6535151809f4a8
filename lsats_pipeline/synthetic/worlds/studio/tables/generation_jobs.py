"""Every attempt to make an image: one that succeeded per item, and those that came to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import JSONB

from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.studio import content, item_jobs, people
from lsats_pipeline.synthetic.worlds.studio.item_job_rules import RULES
from lsats_pipeline.synthetic.worlds.studio.moments import as_column
from lsats_pipeline.synthetic.worlds.studio.schema import METADATA, full_text, newest_first

# Exactly one where the job is completed, none where it is not.
_LINKED = (
    "(status = 'completed')::integer = num_nonnulls(result_content_id, result_content_auto_id)"
)
_TABLE = sa.Table(
    item_jobs.TABLE,
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Uuid, sa.ForeignKey("studio.users.id"), nullable=False, index=True),
    sa.Column("job_type", sa.String(50), nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("parameters", JSONB),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column(
        "result_content_id", sa.Integer, sa.ForeignKey("studio.content_items.id"), unique=True
    ),
    sa.Column(
        "result_content_auto_id",
        sa.Integer,
        sa.ForeignKey("studio.content_items_auto.id"),
        unique=True,
    ),
    sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("updated_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("started_at", sa.DateTime, comment="UTC"),
    sa.Column("completed_at", sa.DateTime, comment="UTC"),
    sa.Column("error_message", sa.Text),
    sa.CheckConstraint(_LINKED, name="one_result"),
    sa.CheckConstraint("started_at >= created_at", name="started_after_created"),
    sa.CheckConstraint("completed_at >= started_at", name="completed_after_started"),
)
# Thirteen indexes with the keys, as the original has; two of its were beginnings of others, in
# their place stand those that keep a second job from an item.
full_text(_TABLE, "prompt")
newest_first(_TABLE)
newest_first(_TABLE, "user_id")
newest_first(_TABLE, "status")
newest_first(_TABLE, "job_type")
newest_first(_TABLE, "user_id", "status")
newest_first(_TABLE, "user_id", "job_type")
sa.Index(
    "ix_generation_jobs_queue",
    _TABLE.c.created_at,
    postgresql_where=sa.text("status in ('pending', 'running')"),
)
sa.Index(
    "ix_generation_jobs_completed",
    _TABLE.c.completed_at.desc(),
    postgresql_where=_TABLE.c.completed_at.is_not(None),
)


def generate(block: Block) -> Columns:
    """Jobs of all kinds, mixed."""
    options, rows = block.options, block.rows
    kinds, number, users, prompts, ready = _put_together(block)
    started = item_jobs.earlier(options, rows, ready, users, "rendering")
    created = item_jobs.earlier(options, rows, started, users, "waiting")
    completed = np.isin(kinds, (content.ITEMS, content.AUTO))
    ran = completed | (kinds == item_jobs.ERROR)
    return {
        "id": rows + 1,
        "user_id": people.ids(options).take(pa.array(users)),
        "job_type": content.TYPE,
        "prompt": prompts,
        "parameters": "{}",
        "status": np.where(completed, item_jobs.COMPLETED, kinds),
        "result_content_id": _link(number, kinds == content.ITEMS),
        "result_content_auto_id": _link(number, kinds == content.AUTO),
        "created_at": as_column(created),
        "updated_at": as_column(np.where(kinds == item_jobs.PENDING, created, ready)),
        "started_at": as_column(started, ran),
        "completed_at": as_column(ready, completed),
        # As in the original, also where the status is error.
        "error_message": None,
    }


def _put_together(block: Block) -> tuple[NDArray[np.str_], Ints, Ints, NDArray[Any], Ints]:
    """Kind, number within the kind, user, prompt and last moment of every job."""
    size = len(block)
    kinds, prompts = np.empty(size, dtype="U20"), np.empty(size, dtype=object)
    number, users, ready = (np.empty(size, dtype=np.int64) for _ in range(3))
    for kind, where, of_kind in item_jobs.by_kind(block.options, block.rows):
        made = item_jobs.made(block.options, kind, of_kind)
        kinds[where], number[where], users[where] = kind, of_kind, made.users
        prompts[where], ready[where] = made.prompts, made.ready
    return kinds, number, users, prompts, ready


def _link(number: Ints, linked: NDArray[np.bool_]) -> pa.Array:
    return pa.array(number + 1, pa.int32(), mask=~linked)


TABLE = WorldTable(
    _TABLE,
    rows=item_jobs.volume,
    generate=generate,
    rules=RULES,
    about="attempts to make an image",
    block=20_000,
    cpu_bound=True,
)
