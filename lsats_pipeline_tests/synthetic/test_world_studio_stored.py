"""The studio in PostgreSQL: the same texts, the original's indexes, links that cannot be broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.report import SeedReport
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.stored_worlds import verify_database
from lsats_pipeline_tests.synthetic.studio import ADMIN, STUDIO, batches, studio_options

OPTIONS = studio_options(content_items=210, content_items_auto=300)
# domain/world_studio.md 2, keys included
INDEXES = {"users": 7, "content_items": 11, "content_items_auto": 11, "generation_jobs": 13}


def stored(url: str, folder: Path, **chosen: Any) -> SeedReport:
    options = OPTIONS.model_copy(update=chosen)
    return seed(*build_pipeline(Seeding(STUDIO, options, None), "db", url, folder), None)


def rows(url: str, text: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()


def test_what_is_stored_is_what_was_made(database_url: str, tmp_path: Path) -> None:
    assert stored(database_url, tmp_path).error is None
    found = verify_database(database_url, STUDIO)
    assert [finding.line for finding in found.failed] == []
    for name, table in batches(OPTIONS).items():
        json_columns = {"users": "preferences", "generation_jobs": "parameters"}
        column = json_columns.get(name, "item_metadata")
        key = "created_at, id" if name == "users" else "id"
        made = table.sort_by([(part, "ascending") for part in key.split(", ")])
        texts = rows(database_url, f"select {column}::text from studio.{name} order by {key}")
        # Text for text: PostgreSQL writes JSON as the world does, so hashes are comparable.
        assert [text for (text,) in texts] == made[column].to_pylist()


def test_tables_have_the_originals_indexes(database_url: str, tmp_path: Path) -> None:
    stored(database_url, tmp_path)
    found = rows(
        database_url,
        "select tablename, count(*), count(*) filter (where indexdef like '%USING gin%')"
        " from pg_indexes where schemaname = 'studio' and tablename not like '\\_%' group by 1",
    )
    counts = {name: total for name, total, _ in found if name in INDEXES}
    assert counts == INDEXES
    assert {name: gin for name, _, gin in found if name in INDEXES} == {
        "users": 0,
        "content_items": 3,
        "content_items_auto": 3,
        "generation_jobs": 1,
    }


@pytest.mark.parametrize(
    "change",
    [
        "set result_content_id = null where result_content_id = 1",
        "set result_content_auto_id = 1 where result_content_id = 1",
        "set result_content_id = 1 where status = 'pending'",
        "set result_content_id = 2 where result_content_id = 1",
        "set result_content_id = 100000 where result_content_id = 1",
        "set started_at = created_at - interval '1 s' where status = 'error'",
    ],
)
def test_the_database_refuses_to_break_a_link(
    database_url: str, tmp_path: Path, change: str
) -> None:
    stored(database_url, tmp_path)
    with pytest.raises(psycopg.IntegrityError):
        rows(database_url, f"update studio.generation_jobs {change} returning id")


def test_names_and_addresses_that_strangers_have_are_replaced_in_sets(
    database_url: str, tmp_path: Path
) -> None:
    stored(database_url, tmp_path)
    with psycopg.connect(database_url) as connection:
        for child in ("generation_jobs", "content_items", "content_items_auto"):
            connection.execute(f"delete from studio.{child}".encode())
        connection.execute("update studio.users set id = gen_random_uuid()")
    report = stored(database_url, tmp_path)
    assert report.error is None
    assert report.tables[0].counts.renamed == 2 * OPTIONS.users
    ((total, names, addresses, longest),) = rows(
        database_url,
        "select count(*), count(distinct username), count(distinct email), max(length(username))"
        " from studio.users",
    )
    assert (total, names, addresses) == (2 * OPTIONS.users,) * 3
    assert longest <= 50
    assert rows(database_url, f"select username from studio.users where id = '{ADMIN}'") == [
        ("admin-0d1e2f30",)
    ]
