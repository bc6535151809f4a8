"""The campus of seed 1 has the bytes that release commit 03413cd made.

Later additions to the campus draw from random streams (purposes of `sampling.raw`) of their own, so
these hashes stay with all additions off. A hash that changes means that an existing campus could no
longer be advanced.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql
from python_calamine import CalamineWorkbook

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline.campus.simulators.documents import drop
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=days) for days in range(3)]
ZONE = ZoneInfo("America/Detroit")

# sha256 of each table as COPY writes it, ordered by all columns as text; made by 03413cd.
TABLE_HASHES = {
    "appointments": "e25feeafc63d124d947d713414ee069d60b149f1477da9118ff7000f4f4f692e",
    "computers": "fc098b600100f98ed59426f847e8b0593a48f70f935c0d623d22f5250fd0bf7c",
    "departments": "a801e582595c2bc1e47dc8253cdaa7fb78215cd85d399c5f7ef3285692a9d30f",
    "drops": "f14dd2f2d33347806b3919504c2b5acee311b97f23454ec9404f834055c6f96e",
    "group_members": "21c8b32d4d861b59586cd3c2836ef45b713e49060c9aae5d8a553905c0f29173",
    "group_owners": "ec03bd90dcd435bc4ce11611109c30179ca52e7105f86570036af48f8cc375e4",
    "groups": "1bd12bf11f1c748117abe3eab6ded677e962a3ef74c405cc86138bc73204d74d",
    "lab_awards": "77e8c99290d5c5099ae3e4fcaddddebdf7c58c53b2d8311dd66cb758ca48323f",
    "lab_computers": "794b66256f7faaef2afb512aefebf0f362bafab46f69d355e1750c5ab5355d64",
    "lab_members": "9678c6dd426c1ed24a67e6a606f73874e5b5a671d94c847e744d833e8ff842b6",
    "labels": "81e8a4078d4c80dc9c0a659a3d67ab63ce53319037d22628961fb9a3861b4195",
    "labs": "48c1827e22d804f382cb03bdcc120e31c5cf426c1b4131b9c5e95bf76fa0bc81",
    "machine_records": "d9dc1ddbca1bdebfa4e98dd90b3614bb9e2dccd2ddb51681f3c472a580dc9002",
    "organizational_units": "a91d0925227a2d46d4b5f6a6a54ca925d0b9deabd3c25be56304b6a2de4d5c76",
    "people": "88e7ec55028ca7f9fea8fd55f0bb73af83f14434ed6163347bc4546504c0e194",
    "records": "97ddf8314559f27546827a78c94c95932984a4e7ea5860413f7ab0e3328ae443",
    "world": "c4b1ad33c462aeb0f4afbef9ebbc4db0ab71063e444148ca6bab540aabd73364",
}
# Of a workbook, which holds the time of writing, the rows of its sheet; of the other the bytes.
COMPUTERS = "da0d95309277185c6bd5e9a57c3cf21f6c57ab08101c15804135b5a0a932d96b"
AWARDS = "7a584d4d5d34f057adea9d543ad38c9efb125b7b25732caf05671184351bac91"
DOCUMENT_HASHES = {
    "keyconfigure_computers_2026-01-01.xlsx": COMPUTERS,
    "lab_awards_2026-01-01.csv": AWARDS,
}


@pytest.fixture(scope="module")
def made(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[psycopg.Connection, Path]]:
    """The campus of seed 1 on its third day, and the folder of its exports."""
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    folder = tmp_path_factory.mktemp("exports")
    with psycopg.connect(database_on(postgres, name), autocommit=True) as connection:
        campus.create(connection, seed=1, people=2000, first_day=DAYS[0], additions=())
        for day in DAYS:
            campus.advance(connection, day)
            drop(connection, folder, ZONE)
        yield connection, folder
    drop_database(postgres, name)


def table_hash(connection: psycopg.Connection, table: str) -> str:
    columns = connection.execute(
        "select attname from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        [f"campus.{table}"],
    ).fetchall()
    # Every value as text, in one collation: neither the server's locale nor its version counts.
    order = [sql.SQL('{}::text collate "C"').format(sql.Identifier(name)) for (name,) in columns]
    statement = sql.SQL("copy (select * from campus.{} order by {}) to stdout").format(
        sql.Identifier(table), sql.SQL(", ").join(order)
    )
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in copy:
            digest.update(piece)
    return digest.hexdigest()


def document_hash(path: Path) -> str:
    if path.suffix == ".csv":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return hashlib.sha256("".join(f"{row!r}\n" for row in rows).encode()).hexdigest()


@pytest.mark.parametrize("table", TABLE_HASHES)
def test_a_table_has_the_bytes_of_the_release(
    made: tuple[psycopg.Connection, Path], table: str
) -> None:
    assert table_hash(made[0], table) == TABLE_HASHES[table]


def test_documents_have_the_contents_of_the_release(
    made: tuple[psycopg.Connection, Path],
) -> None:
    found = {path.name: document_hash(path) for path in made[1].glob("[!.]*.*")}
    assert found == DOCUMENT_HASHES
