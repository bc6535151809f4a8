"""The README tells the truth: its commands exist, its examples work and cost what it says."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from lsats_pipeline.cli.app import app
from lsats_pipeline.core import settings as settings_module
from lsats_pipeline.core.settings import CHECKOUT, HubSettings
from lsats_pipeline.hub import sources
from lsats_pipeline.hub.bronze.views import declare_views
from lsats_pipeline.hub.hub import Hub
from lsats_pipeline.hub.plan import choose
from lsats_pipeline.hub.silver import parsers, spec
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.spec import StagingTable
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.sources.source import Source
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.seed_options import choose as choose_options
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.stored_worlds import verify_database
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.stand_in import Pretend

README = (CHECKOUT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SHELL = [line for language, text in BLOCKS if not language for line in text.splitlines()]
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.M | re.S))
PLACEHOLDERS = {
    "FILE": "prices.json.gz",
    "UNIQNAME": "jdoe",
    "DAY": "2026-11-20",
    "ID": "0199b7a4-6d6e-7c3e-9d4f-2f1f6f0a5c11",
}


def command_lines() -> list[str]:
    """Every `lsats ...` in the README, in blocks and in running text."""
    found = [line.partition("#")[0] for line in SHELL if line.startswith("lsats ")]
    found += re.findall(r"\$\((lsats [^)]+)\)", README)
    return found + [text for text in INLINE if text.startswith("lsats ")]


def leaf(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words call, and what is left of them."""
    command = typer.main.get_command(app)
    while isinstance(command, click.Group):
        assert words, "a group alone is no command"
        found = command.get_command(click.Context(command), words[0])
        assert found, f"no command {words[0]!r}"
        command = found
        words = words[1:]
    return command, words


def block(part: str) -> str:
    """The one Python example that has this in it."""
    (found,) = [text for text in PYTHON if part in text]
    return str(found)


def line(name: str) -> Any:
    """The value of a one-line example such as `Column(...),`."""
    text = block(name).strip()
    assert "\n" not in text, "the README promises one line"
    return eval(text.removesuffix(","), {**vars(parsers), **vars(spec)})


@pytest.mark.parametrize("written", sorted(set(command_lines())))
def test_every_command_line_can_be_called(written: str) -> None:
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(written)[1:]]
    command, arguments = leaf(words)
    command.make_context(command.name, arguments)


def test_every_command_is_mentioned() -> None:
    def names(command: click.Command, path: str = "lsats") -> list[str]:
        if not isinstance(command, click.Group):
            return [path]
        context = click.Context(command)
        children = {k: command.get_command(context, k) for k in command.list_commands(context)}
        return [n for k, c in children.items() if c for n in names(c, f"{path} {k}")]

    missing = [
        name
        for name in names(typer.main.get_command(app))
        if not any(written.startswith(name) for written in command_lines())
    ]
    assert missing == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", " ".join([*SHELL, *INLINE]))) <= targets


def test_every_place_exists() -> None:
    rows = re.search(r"## Where is what\n(.*?)\n## ", README, re.DOTALL)
    assert rows
    named = [
        place
        for row in rows.group(1).splitlines()[3:]
        for place in re.findall(r"`([^`]+)`", row.split("|")[1])
        if not place.startswith((".lsats", "LSATS_HOME"))
    ]
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [
        place
        for place in (*named, *links)
        if not any((root / place).exists() for root in (CHECKOUT, CHECKOUT / "lsats_pipeline"))
    ]
    assert missing == []


def test_every_variable_exists() -> None:
    example = (CHECKOUT / ".env.example").read_text()
    known = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    named = set(re.findall(r"\b((?:LSATS|DAGSTER|DATABASE)_[A-Z_]+)\b", README))
    assert named <= known


def test_the_source_is_a_folder_a_registry_line_and_its_variables(
    warehouse: Warehouse,
    hub_settings: HubSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parking: dict[str, Any] = {}
    exec(block("sources/parking/__init__.py"), parking)
    assert block("parking.SOURCE").strip() == "parking.SOURCE,"
    namespace = dict(vars(settings_module))
    exec(block("class ParkingSettings"), namespace)
    registered: Source = parking["SOURCE"]
    monkeypatch.setattr(sources, "SOURCES", (*sources.SOURCES, registered))
    monkeypatch.setattr("lsats_pipeline.hub.hub.SOURCES", sources.SOURCES)
    monkeypatch.setattr("lsats_pipeline.hub.plan.SOURCES", sources.SOURCES)
    monkeypatch.setenv("PARKING_FOLDER", str(tmp_path))
    export = tmp_path / "parking_2026.csv"
    export.write_text("Permit Id,Uniqname,Lot\nP1,jdoe,Moss\nP2,roe,Fern\n")

    hub = Hub(hub_settings, warehouse)
    (stream,) = registered.streams
    first = hub.ingest(stream)
    export.write_text("Permit Id,Uniqname,Lot\nP1,jdoe,Mosses\nP2,roe,Fern\n")
    second = hub.ingest(stream)
    hub.close()

    assert (first.counts.created, first.counts.rejected) == (2, 0)
    assert (second.counts.updated, second.counts.skipped) == (1, 1)
    with warehouse.owner() as connection:
        declare_views(connection, sources.SOURCES)
    view = "select external_id, raw_data ->> 'Lot' from bronze.parking_permit order by 1"
    assert warehouse.query(view) == [("P1-jdoe", "Mosses"), ("P2-roe", "Fern")]
    assert [str(c.asset) for c in choose(system="parking")] == ["bronze/parking_permit"]
    assert registered.probe(tmp_path) == "1 files"


def test_the_source_becomes_a_dagster_asset_by_itself() -> None:
    from lsats_pipeline.defs.hub.bronze import bronze_asset

    parking: dict[str, Any] = {}
    exec(block("sources/parking/__init__.py"), parking)
    asset = bronze_asset(parking["SOURCE"], parking["PERMIT"])
    assert asset.key.path == ["bronze", "parking_permit"]
    assert {check.name for check in asset.check_specs} == {"mass_disappearance", "reject_share"}


def test_a_table_of_a_world_is_one_file(database_url: str, tmp_path: Path) -> None:
    suppliers: dict[str, Any] = {}
    exec(block("worlds/retail/tables/suppliers.py"), suppliers)
    retail = world("retail")
    try:
        larger = replace(retail, tables=(*retail.tables, suppliers["TABLE"]))
    finally:
        suppliers["METADATA"].remove(suppliers["SUPPLIERS"])
    options = choose_options(retail, {"customers": 10, "products": 10, "geographies": 12})
    seeding = Seeding(larger, options, ("geographies", "suppliers"))
    report = seed(*build_pipeline(seeding, "db", database_url, tmp_path))
    assert (report.exit_code, report.table("suppliers").counts.created) == (0, 200)
    found = verify_database(database_url, larger, ["suppliers"])
    assert found.score == 100
    assert {"row_count", "unique_number", "foreign_key_geography_id", "within_a_fortnight"} <= {
        finding.name for finding in found
    }


class Directory(Pretend):
    """Two people of MCommunity; the second has no number."""

    def __init__(self) -> None:
        super().__init__("mcommunity_ldap", "user", ("uidNumber",))
        common = {"givenName": "J", "sn": "Doe", "mail": "x@umich.example.edu", "ou": "Test"}
        self.records = {
            1: {
                **common,
                "uidNumber": "1",
                "uid": "one",
                "dn": "uid=one,dc=x",
                "telephoneNumber": "7",
            },
            2: {**common, "uidNumber": "2", "uid": "two", "dn": "uid=two,dc=x"},
        }


def built(warehouse: Warehouse, settings: HubSettings, table: StagingTable) -> dict[str, Any]:
    with warehouse.owner() as connection:
        declare_tables(connection, [table])
    build(warehouse, settings, table, settings.today())
    rows = warehouse.query("select to_jsonb(u) from silver.mcommunity_users u order by uniqname")
    return {row[0]["uniqname"]: row[0] for row in rows}


@pytest.fixture
def directory(warehouse: Warehouse, hub_settings: HubSettings) -> Directory:
    """A table that was built before the declaration grew."""
    people = Directory()
    people.ingest(warehouse, hub_settings)
    assert set(built(warehouse, hub_settings, MCOMMUNITY_USERS)) == {"one", "two"}
    return people


def test_a_silver_column_is_one_line(
    warehouse: Warehouse, hub_settings: HubSettings, directory: Directory
) -> None:
    longer = replace(
        MCOMMUNITY_USERS, columns=(*MCOMMUNITY_USERS.columns, line('Column("distinguished_name"'))
    )
    later = hub_settings.model_copy(
        update={"lsats_today": hub_settings.today() + dt.timedelta(days=1)}
    )
    rows = built(warehouse, later, longer)
    assert {name: row["distinguished_name"] for name, row in rows.items()} == {
        "one": "uid=one,dc=x",
        "two": "uid=two,dc=x",
    }
    past = warehouse.query("select count(*) from silver.mcommunity_users_history")
    assert past == [(2,)]


def test_a_quality_rule_is_one_line(
    warehouse: Warehouse, hub_settings: HubSettings, directory: Directory
) -> None:
    stricter = replace(
        MCOMMUNITY_USERS, rules=(*MCOMMUNITY_USERS.rules, line('QualityRule("no_work_phone"'))
    )
    before = built(warehouse, hub_settings, MCOMMUNITY_USERS)
    after = built(warehouse, hub_settings, stricter)
    assert "no_work_phone" not in after["one"]["quality_flags"]
    assert "no_work_phone" in after["two"]["quality_flags"]
    lost = before["two"]["data_quality_score"] - after["two"]["data_quality_score"]
    assert round(lost, 2) == 0.05
    assert before["one"]["data_quality_score"] == after["one"]["data_quality_score"]
