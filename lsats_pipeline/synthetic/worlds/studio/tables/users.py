"""Who uses the studio."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import JSONB

from lsats_pipeline.synthetic.sampling import Ints, shuffled
from lsats_pipeline.synthetic.spec import Block, Columns, WorldTable
from lsats_pipeline.synthetic.worlds.studio import people, tags
from lsats_pipeline.synthetic.worlds.studio.moments import as_column
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions
from lsats_pipeline.synthetic.worlds.studio.schema import METADATA, newest_first
from lsats_pipeline.synthetic.worlds.studio.user_rules import ACTIVE, RULES

_TABLE = sa.Table(
    people.TABLE,
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("username", sa.String(50), nullable=False, unique=True),
    sa.Column("email", sa.String(255), nullable=False, unique=True),
    sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("updated_at", sa.DateTime, nullable=False, comment="UTC"),
    sa.Column("preferences", JSONB),
    sa.Column("is_active", sa.Boolean, nullable=False),
)
newest_first(_TABLE)
newest_first(_TABLE, "is_active")
sa.Index("ix_users_username_lower", sa.func.lower(_TABLE.c.username))
sa.Index("ix_users_email_lower", sa.func.lower(_TABLE.c.email))


def generate(block: Block) -> Columns:
    """Users; row 0 is the admin."""
    options, rows = block.options, block.rows
    usernames = people.names(options, rows)
    came = as_column(people.sign_ups(options)[rows])
    return {
        "id": people.ids(options).slice(block.start, len(block)),
        "username": usernames,
        "email": people.mail_addresses(options, rows, usernames),
        "created_at": came,
        "updated_at": came,
        "preferences": _preferences(options, rows),
        "is_active": _active(options, rows),
    }


def _preferences(options: StudioOptions, rows: Ints) -> pa.Array:
    most = options.max_favorite_tags
    favourites = tags.elements(options.seed, people.TABLE, rows, options.users, most)
    return pc.binary_join_element_wise('{"favorite_tags": [', pa.array(favourites), "]}", "")


def _active(options: StudioOptions, rows: Ints) -> NDArray[np.bool_]:
    """All but 1 %, exactly; never the admin."""
    others = max(1, options.users - 1)
    inactive = options.users - round(ACTIVE * options.users)
    drawn = shuffled(np.maximum(rows - 1, 0), others, options.seed, people.TABLE, "is_active")
    active: NDArray[np.bool_] = (rows == 0) | (drawn >= inactive)
    return active


TABLE = WorldTable(
    _TABLE,
    rows=lambda options: int(options.users),
    generate=generate,
    rules=RULES,
    # domain/world_studio.md 5: a name that is taken changes, nothing is dropped.
    renamed={
        "username": "left(username, 41) || '-' || left(id::text, 8)",
        "email": "left(id::text, 8) || '-' || email",
    },
    about="people, the admin among them",
)
