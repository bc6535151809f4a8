"""The views that people and other programs read (domain/hub.md 6.1), in `views/*.sql`.

A view holds fast the columns it shows, so all of them go before a table changes, and come back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from psycopg import sql

from lsats_pipeline.hub.silver.comments import table_words, view_words
from lsats_pipeline.hub.silver.ddl import FUNCTIONS, declare_tables, fingerprint
from lsats_pipeline.hub.silver.glossary import WORDS
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.warehouse.comments import comment, fingerprint_of
from lsats_pipeline.warehouse.database import Connection, declared, remember_declaration, sql_file

VIEWS = tuple(sorted((Path(__file__).parent / "views").glob("*.sql")))
_DECLARATION = "silver views"


def view_names() -> list[str]:
    """Every view, in the order of creation."""
    return [*_views()]


def declare_silver(connection: Connection, tables: Iterable[Table]) -> None:
    """Tables and views as they are declared; does nothing when the database has them so."""
    tables = tuple(tables)
    wanted = _fingerprint(tables)
    if declared(connection, _DECLARATION) == wanted:
        return
    connection.execute("select pg_advisory_xact_lock(hashtextextended('lsats:declare', 0))")
    names = view_names()
    for name in reversed(names):
        connection.execute(sql.SQL("drop view if exists {}").format(_silver(name)))
    declare_tables(connection, tables)
    for file in VIEWS:
        connection.execute(sql_file(file))
    for name in names:
        connection.execute(
            sql.SQL("grant select on {} to lsats_reader, lsats_etl").format(_silver(name))
        )
    comment(connection, [*table_words(tables), *view_words(connection, _views(), tables)])
    remember_declaration(connection, _DECLARATION, wanted)


def _fingerprint(tables: tuple[Table, ...]) -> str:
    texts = (file.read_text("utf-8") for file in (FUNCTIONS, *VIEWS))
    words = (fingerprint_of(table_words(tables)), repr(WORDS))
    parts = [*(fingerprint(table) for table in tables), *texts, *words]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _views() -> dict[str, str]:
    """The text that declares each view."""
    texts = (text for file in VIEWS for text in file.read_text("utf-8").split("create view ")[1:])
    return {name: text for text in texts for name in re.findall(r"^silver\.(\w+)", text)}


def _silver(name: str) -> sql.Identifier:
    return sql.Identifier("silver", name)
