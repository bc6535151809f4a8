"""The README tells the truth: its commands exist, its examples work and cost what it says."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from lsats_pipeline.cli.app import app
from lsats_pipeline.core.settings import CHECKOUT, HubSettings
from lsats_pipeline.hub.silver import parsers, spec
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.spec import StagingTable
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.synthetic.pipeline import build_pipeline
from lsats_pipeline.synthetic.seed_options import choose as choose_options
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.stored_worlds import verify_database
from lsats_pipeline.synthetic.worlds import world
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.defs.conftest import bare_environment
from lsats_pipeline_tests.hub.stand_in import Pretend

README = (CHECKOUT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
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


def block(part: str, language: str = "python") -> str:
    """The one example in this language that has this in it."""
    (found,) = [text for written, text in BLOCKS if written == language and part in text]
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
                "umichTitle": ["Clerk", "Poet"],
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
    longer = replace(MCOMMUNITY_USERS, columns=(*MCOMMUNITY_USERS.columns, line('Column("titles"')))
    later = hub_settings.model_copy(
        update={"lsats_today": hub_settings.today() + dt.timedelta(days=1)}
    )
    rows = built(warehouse, later, longer)
    assert {name: row["titles"] for name, row in rows.items()} == {
        "one": ["Clerk", "Poet"],
        "two": [],
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


# ── everything at once, in a copy of the checkout ─────────────────────────────────────────────────

COPIED = (
    "lsats_pipeline", "lsats_pipeline_tests", "pyproject.toml", "README.md", ".env.example",
    "requirements.lock", "Makefile", "docs", "dagster_home", "docker-compose.yml",
    "workspace.yaml", "workspace.docker.yaml", "CHANGELOG.md", "CONTRIBUTING.md", ".github",
)  # fmt: skip
PARKING = "lsats_pipeline/hub/sources/parking"
SOURCE_LINE = 'lsats new-source parking --title "Parking office" --stream permit'
# What could turn red by something added, as far as it is done within a minute; what takes longer
# runs on three days of a campus (hub/silver) and derives what it expects likewise.
CONCERNED = (
    "hub/sources/test_conformance.py",
    "defs/test_definitions.py",
    "defs/hub/test_metadata.py",
    "test_project.py",
    "test_docs.py",
    "hub/test_takeover.py::test_the_declarations_are_those_of_the_rows",
    "hub/test_takeover.py::test_only_what_has_grown_is_built_anew",
    "synthetic/test_world_retail.py::test_the_world_keeps_its_rules_at_any_size",
)


@dataclass(frozen=True)
class Scratch:
    """A checkout to which everything of the README was added, and what was written to it."""

    root: Path
    written: tuple[str, ...]

    def run(self, *command: str) -> str:
        """Run a program of Python there; returns what it said, once it has ended well."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=bare_environment(PYTHONPATH=str(self.root)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def lsats(self, line: str) -> str:
        """Run a command line of the README."""
        program = "from lsats_pipeline.cli import main; main()"
        return self.run("-c", program, *shlex.split(line)[1:])

    def insert(self, file: str, before: str, text: str) -> None:
        """Put something in front of the one place where this stands."""
        path = self.root / file
        old = path.read_text()
        assert old.count(before) == 1, (file, before)
        path.write_text(old.replace(before, text + before))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A copy of the checkout with every example of "Adding to it", each as the README says."""
    root = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        origin = CHECKOUT / name
        if origin.is_dir():
            # What runs have left in Dagster's folder is no part of the checkout.
            left = ("logs", "storage") if name == "dagster_home" else ()
            shutil.copytree(
                origin, root / name, ignore=shutil.ignore_patterns("__pycache__", *left)
            )
        else:
            shutil.copy2(origin, root / name)
    copy = Scratch(root, ())
    files = [
        written for written in copy.lsats(SOURCE_LINE).splitlines() if (root / written).is_file()
    ]
    copy.insert(f"{PARKING}/streams.py", "\nSOURCE = Source(", f"\n\n{block('read_lots')}")
    copy.insert(f"{PARKING}/streams.py", "),\n)", " LOT")
    (root / PARKING / "recorded/lot.json").write_text(block("/lots", "json"))
    users = "lsats_pipeline/hub/silver/tables/mcommunity_users.py"
    column = block('Column("titles"').strip()
    copy.insert(users, "    ),\n    computed=(", f"        {column}\n")
    copy.insert(users, "    ),\n    expected=", f"        {block('no_work_phone').strip()}\n")
    settings_file = "lsats_pipeline/core/settings.py"
    copy.insert(settings_file, "    lsats_demo_people: int", f"    {block('lsats_greeting')}")
    copy.insert(".env.example", "LSATS_DEMO_PEOPLE=", "LSATS_GREETING=\n")
    for part in ("tables/suppliers.py", "commands/hello.py"):
        text = block(part)
        path = text.partition("\n")[0].removeprefix("# ")
        (root / path).write_text(text)
        files.append(path)
    commands = "lsats_pipeline/cli/commands/__init__.py"
    copy.insert(commands, "    import_bronze,\n    mrf,", "    hello,\n")
    copy.insert(commands, ")\nCOMMANDS_OF_PRICES", ", hello")
    return Scratch(root, (*files, users, settings_file, commands))


def test_what_was_added_is_typed_and_in_order(scratch: Scratch) -> None:
    changed = [file for file in scratch.written if file.endswith(".py")]
    assert len(changed) == 10
    scratch.run("-m", "ruff", "check", "--no-cache", *changed)
    # The comment with the path is the README's; the formatter wants a blank line below it.
    whole = [file for file in changed if not file.endswith(("suppliers.py", "hello.py"))]
    scratch.run("-m", "ruff", "format", "--no-cache", "--check", *whole)
    modules = [file.removesuffix(".py").replace("/", ".") for file in changed]
    modules = [module.removesuffix(".__init__") for module in modules]
    scratch.run("-m", "mypy", *(word for module in modules for word in ("-m", module)))


def test_what_was_added_turns_nothing_red(scratch: Scratch) -> None:
    suites = [f"lsats_pipeline_tests/{suite}" for suite in CONCERNED]
    said = scratch.run("-m", "pytest", "-p", "no:cacheprovider", "--verbose", *suites)
    for seen in (
        "records_as_they_came[parking_permit] PASSED",
        "records_as_they_came[parking_lot] PASSED",
        "test_bronze_takes_the_recorded_records_in_once[parking_lot] PASSED",
        "test_every_member_of_the_registries_has_its_asset PASSED",
    ):
        assert seen in said


def test_what_was_added_is_there(scratch: Scratch) -> None:
    assert scratch.lsats("lsats hello") == "hello\n"
    planned = scratch.lsats("lsats run bronze --source parking --dry-run")
    assert "bronze/parking_permit" in planned
    assert "bronze/parking_lot" in planned
    assert "\nsuppliers " in scratch.lsats("lsats seed retail --to csv --out x --dry-run")
    shown = (
        "from lsats_pipeline.core.settings import HubSettings; print(HubSettings().lsats_greeting)"
    )
    assert scratch.run("-c", shown) == "hello\n"
