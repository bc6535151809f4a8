"""A world of two tables for tests of the engine, and the ways to spoil it."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from pydantic import Field

from lsats_pipeline.synthetic.rules import ExpectedShares, Matches, RowRule, Total
from lsats_pipeline.synthetic.sampling import in_base36, uuids
from lsats_pipeline.synthetic.spec import (
    Block,
    Columns,
    World,
    WorldOptions,
    WorldTable,
    options_config,
)

SHELVES = 100


class ToyOptions(WorldOptions):
    model_config = options_config("TOY_")

    books: int = Field(2000, ge=1, le=1_000_000, description="how many books")


def metadata() -> sa.MetaData:
    return sa.MetaData(
        schema="toy",
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "uq": "%(table_name)s_%(column_0_name)s_key",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        },
    )


_METADATA = metadata()
SHELF = sa.Table(
    "shelves",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room", sa.String(10), nullable=False),
)
BOOK = sa.Table(
    "books",
    _METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("code", sa.String(20), nullable=False, unique=True),
    sa.Column("shelf_id", sa.ForeignKey(SHELF.c.id), nullable=False),
    sa.Column("room", sa.String(10)),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("kind", sa.String(10)),
    sa.Column("tags", sa.ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("price > 0", name="price"),
    sa.Index("books_by_kind", "kind"),
)


def shelves(block: Block) -> Columns:
    return {"id": block.rows + 1, "room": np.char.add("room ", (block.rows % 7).astype(str))}


def books(block: Block) -> Columns:
    shelf = block.rng("shelf").integers(0, SHELVES, len(block))
    return {
        "id": uuids(block.options.seed, block.rows, "book"),
        "code": in_base36(block.rows, 6),
        "shelf_id": shelf + 1,
        "room": np.char.add("room ", (shelf % 7).astype(str)),
        "price": block.rng("price").integers(1, 10_000, len(block)),
        "kind": np.array(["novel", "poem"])[(block.rows % 4 == 0).astype(int)],
        "tags": [list(range(n % 4)) for n in block.rows.tolist()],
        "created_at": np.datetime64(block.options.as_of, "us"),
        "updated_at": np.datetime64(block.options.as_of, "us"),
    }


SHELVES_TABLE = WorldTable(SHELF, lambda _: SHELVES, shelves, about="where books stand")
BOOKS_TABLE = WorldTable(
    BOOK,
    lambda options: int(options.books),
    books,
    about="books",
    rules=(
        RowRule("cheap", lambda rows: rows["price"] >= 100_00, about="under 100", weight=3),
        Matches("room", "shelf_id", {"room": "room"}, about="the room of the shelf", weight=2),
        ExpectedShares(
            "kinds",
            lambda rows: rows.arrow("kind"),
            lambda _: {"novel": 3, "poem": 1},
            0.01,
            about="three novels for a poem",
        ),
        Total(
            "poems",
            lambda rows: (rows["kind"] == "poem").sum(),
            lambda options: (options.books + 3) // 4,
            about="every fourth is a poem",
        ),
    ),
    stamped=True,
    renamed={"code": "code || '-' || left(id::text, 8)"},
    block=500,
)
TOY = World("toy", "books on shelves", ToyOptions, (BOOKS_TABLE, SHELVES_TABLE))
