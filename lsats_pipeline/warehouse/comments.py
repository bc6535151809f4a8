"""What tables, views and columns mean, said in the database itself: every client shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import LiteralString, NamedTuple

from psycopg import sql

from lsats_pipeline.warehouse.database import Connection


class Words(NamedTuple):
    """The words about a relation and its columns."""

    kind: LiteralString  # table, view
    schema: str
    name: str
    about: str
    columns: Mapping[str, str]


def comment(connection: Connection, relations: Iterable[Words]) -> None:
    """Put them in the database, as the owner of the relations; one round trip for each."""
    for words in relations:
        connection.execute(sql.SQL("; ").join(_statements(words)))


def fingerprint_of(relations: Iterable[Words]) -> str:
    """Changes whenever any of the words does."""
    return hashlib.sha256(repr([*relations]).encode()).hexdigest()


def _statements(words: Words) -> Iterable[sql.Composable]:
    relation = sql.Identifier(words.schema, words.name)
    yield sql.SQL("comment on {} {} is {}").format(
        sql.SQL(words.kind), relation, sql.Literal(words.about)
    )
    for column, about in words.columns.items():
        yield sql.SQL("comment on column {}.{} is {}").format(
            relation, sql.Identifier(column), sql.Literal(about)
        )
