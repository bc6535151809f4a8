"""The data dictionary: a page for every stream, detail and table, nothing on it left empty."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lsats_pipeline.cli.app import app
from lsats_pipeline.hub.bronze.views import streams_of
from lsats_pipeline.hub.dictionary import dictionary
from lsats_pipeline.hub.silver.ddl import fields
from lsats_pipeline.hub.silver.glossary import WORDS, described
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES

PAGES = dictionary()


def test_a_page_for_everything() -> None:
    assert len(PAGES) == len(list(streams_of(SOURCES))) + len(SILVER_TABLES)
    assert {f"silver.{table.name}" for table in SILVER_TABLES} < PAGES.keys()


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda table: table.name)
def test_every_column_has_type_and_meaning_and_every_flag_its_cost(table) -> None:
    lines = [line.split(" | ") for line in PAGES[f"silver.{table.name}"].splitlines()]
    cells = {line[0]: line[1:] for line in lines if line[0].startswith("| `")}
    for field in fields(table):
        kind, meaning, *_ = cells[f"| `{field.name}`"]
        assert kind.startswith(field.sql_type)
        assert len(meaning) > 2
    for rule in table.rules:
        assert re.fullmatch(r"−\d\.\d\d|note", cells[f"| `{rule.name}`"][0])


def test_a_column_leads_to_what_it_is_made_of() -> None:
    assert "| bronze.tdx_user.FirstName |" in PAGES["silver.tdx_users"]
    assert "Read by silver.tdx_users." in PAGES["enrichment.tdx_user"]


def test_no_word_of_the_glossary_is_left_over() -> None:
    """A column that is gone or has another name leaves no entry behind; views have a few more."""
    columns = {field.name for table in SILVER_TABLES for field in described(table)}
    views = "".join(
        file.read_text("utf-8")
        for file in (Path(__file__).parents[2] / "lsats_pipeline/hub/silver/views").glob("*.sql")
    )
    left = [word for word in WORDS if "." not in word and word not in columns]
    assert [word for word in left if not re.search(rf"\b{word}\b", views)] == []


def test_the_command_prints_it_or_writes_a_file_a_table(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["dictionary"])
    assert printed.exit_code == 0
    assert "# silver.users" in printed.stdout
    assert CliRunner().invoke(app, ["dictionary", "--out", str(tmp_path / "d")]).exit_code == 0
    written = {file.stem for file in (tmp_path / "d").glob("*.md")}
    assert written == {*PAGES, "README"}
    index = (tmp_path / "d" / "README.md").read_text("utf-8")
    assert "| [silver.users](silver.users.md) | One row per person" in index
