"""Stored rows read back for verification: COPY out, in chunks, as columns."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from psycopg import sql

from lsats_pipeline.synthetic.columns import parsed
from lsats_pipeline.synthetic.spec import World, WorldTable
from lsats_pipeline.synthetic.targets.session import Connection

_CHUNK_BYTES = 8 << 20


def stored_rows(connection: Connection, world: World, table: WorldTable) -> Iterator[pa.Table]:
    """All rows of a table, in the order in which they lie."""
    statement = sql.SQL("copy (select {} from {}) to stdout (format csv)").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in table.schema.names),
        sql.Identifier(world.name, table.name),
    )
    lines, size = list[bytes](), 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy:  # whole rows, one a piece
            lines.append(bytes(row))
            size += len(lines[-1])
            if size >= _CHUNK_BYTES:
                yield parsed(b"".join(lines), table.schema)
                lines, size = [], 0
    if lines:
        yield parsed(b"".join(lines), table.schema)
