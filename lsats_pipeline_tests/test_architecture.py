"""The shape of the package (design.md 3), read from its source without importing it.

cli ──> defs ──> {bronze, enrichment, silver, synthetic, mrf} ──> {sources, warehouse} ──> settings
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "lsats_pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

# What each part may import of the package, besides itself. A new part has to find its place here.
FLOOR = {"errors", "settings"}
GROUND = FLOOR | {"sources", "warehouse", "report"}
LAYERS = {"bronze", "enrichment", "silver", "synthetic", "mrf"}
COMPOSITION = {"hub", "plan", "campus", "logs", "simulators"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "logs": FLOOR,
    "sources": FLOOR,
    "warehouse": FLOOR,
    "report": FLOOR | {"warehouse"},
    "bronze": GROUND,
    "enrichment": GROUND | {"bronze"},  # details land like any other record
    "silver": GROUND,
    "synthetic": FLOOR | {"warehouse"},
    "mrf": GROUND,
    "simulators": GROUND | {"synthetic"},
    "campus": GROUND | {"synthetic", "simulators"},
    "hub": GROUND | LAYERS | {"campus", "logs"},
    "plan": GROUND | LAYERS,
    "doctor": GROUND | LAYERS | COMPOSITION,
    "webserver": FLOOR | {"warehouse"},
    "defs": GROUND | LAYERS | COMPOSITION | {"definitions"},  # to run a job of the whole
    "definitions": {"defs"},
    "bench": GROUND | LAYERS | {"hub", "synthetic"},
    "demo": GROUND | LAYERS | COMPOSITION | {"defs", "demo_prices"},
    "demo_prices": GROUND | LAYERS | {"defs"},
    "cli": GROUND
    | LAYERS
    | COMPOSITION
    | {"doctor", "defs", "definitions", "demo", "demo_prices", "webserver", "bench"},
}
DAGSTER_IS_ALLOWED = {"defs", "definitions"}
# Simulators and worlds are given a database of their own; Dagster's storage needs an engine.
CONNECTIONS_ARE_ALLOWED = {"warehouse", "simulators", "synthetic"}
ENGINES_ARE_ALLOWED = {"warehouse", "defs"}
ENVIRONMENT_IS_READ = {
    "settings.py": "the list of the hub's variables",
    "warehouse/embedded.py": "XDG_RUNTIME_DIR, which is the machine's and no setting of the hub",
    "simulators/process.py": "handed on whole to the child process",
    "warehouse/backup.py": "handed on whole to the child process",
    "webserver.py": "handed on whole to the child process",
    "bench/processes.py": "handed on whole to the child process",
}
MEANINGLESS = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
LONG_FOR_A_REASON: dict[str, str] = {}


class Import(NamedTuple):
    """One imported module or member, absolute and dotted, and where."""

    name: str
    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE.parent)}:{self.line} imports {self.name}"


def part_of(file: Path) -> str:
    """The first name below the package: `bronze`, `settings`, ..."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(file: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, file, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(node, file)
            yield from (Import(f"{origin}.{alias.name}", file, node.lineno) for alias in node.names)


def absolute(node: ast.ImportFrom, file: Path) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(PACKAGE.parent).parts[: -node.level]
    return ".".join([*package, node.module] if node.module else package)


IMPORTS = [found for file in FILES for found in imports_of(file)]


def inside(name: str) -> str | None:
    """The part of the package that an imported name lies in; None for other packages."""
    first, *rest = name.split(".")
    return rest[0] if first == PACKAGE.name and rest else None


def is_or_in(name: str, *modules: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def calls_of(*dotted: str) -> list[str]:
    """Where one of these functions is named through its module, as in `psycopg.connect`."""
    return [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in dotted
    ]


def test_every_part_has_its_place_in_the_order() -> None:
    parts = {part_of(file) for file in FILES} - {"__init__"}
    assert parts <= set(ALLOWED), "say in ALLOWED what the new part may import"


def test_imports_point_down_only() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if (part := part_of(found.file)) in ALLOWED
        and (target := inside(found.name)) is not None
        and target not in ALLOWED[part] | {part, "__version__"}
    ]
    assert wrong == []


def test_a_slice_of_the_sources_knows_no_other_slice() -> None:
    slices = {file.parent.name for file in FILES if file.parent.parent == PACKAGE / "sources"}
    wrong = [
        str(found)
        for found in IMPORTS
        if found.file.parent.name in slices
        and found.file.parent.parent == PACKAGE / "sources"
        and any(
            is_or_in(found.name, f"lsats_pipeline.hub.sources.{other}")
            for other in slices - {found.file.parent.name}
        )
    ]
    assert slices
    assert wrong == []


def test_dagster_stays_at_the_rim() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if found.name.split(".")[0].startswith("dagster")
        and part_of(found.file) not in DAGSTER_IS_ALLOWED
    ]
    assert wrong == []


def test_nothing_private_of_dagster_is_used() -> None:
    assert [str(found) for found in IMPORTS if is_or_in(found.name, "dagster._core")] == []


def test_connections_are_opened_in_the_warehouse() -> None:
    imported = [
        found.name
        for found in IMPORTS
        if is_or_in(found.name, "psycopg_pool", "psycopg.connect", "psycopg.Connection.connect")
        and part_of(found.file) not in CONNECTIONS_ARE_ALLOWED
    ]
    called = calls_of("psycopg.connect", "psycopg.Connection.connect", "Connection.connect")
    elsewhere = [
        c for c in called if part_of(PACKAGE / c.split(":")[0]) not in CONNECTIONS_ARE_ALLOWED
    ]
    assert (imported, elsewhere) == ([], [])


def test_engines_are_made_in_the_warehouse_and_for_dagster() -> None:
    imported = [
        f"{found.file.relative_to(PACKAGE)}:{found.line}"
        for found in IMPORTS
        if found.name.startswith("sqlalchemy") and found.name.endswith(".create_engine")
    ]
    used = imported + calls_of("sqlalchemy.create_engine", "sa.create_engine", "db.create_engine")
    assert [u for u in used if part_of(PACKAGE / u.split(":")[0]) not in ENGINES_ARE_ALLOWED] == []


def test_the_environment_is_read_in_settings_only() -> None:
    named = calls_of("os.environ", "os.getenv", "os.environb")
    assert {place.split(":")[0] for place in named} <= set(ENVIRONMENT_IS_READ)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_has_a_name_with_a_meaning_and_a_size_to_read(file: Path) -> None:
    name = str(file.relative_to(PACKAGE))
    assert file.stem not in MEANINGLESS
    assert file.parent.name not in MEANINGLESS
    lines = len(file.read_text().splitlines())
    assert lines <= LONGEST_FILE or name in LONG_FOR_A_REASON


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_functions_can_be_read_at_once(file: Path) -> None:
    functions = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [function for function in functions if function[1] > LONGEST_FUNCTION] == []


def test_the_checks_see_what_they_look_for(tmp_path: Path) -> None:
    file = PACKAGE / "bronze" / "imagined.py"
    source = "from ..defs import jobs\nfrom . import spool\nimport dagster as dg\n"
    nodes = ast.parse(source).body
    assert isinstance(nodes[0], ast.ImportFrom)
    assert isinstance(nodes[1], ast.ImportFrom)
    assert absolute(nodes[0], file) == "lsats_pipeline.defs"
    assert absolute(nodes[1], file) == "lsats_pipeline.hub.bronze"
    assert inside("lsats_pipeline.defs.jobs") == "defs"
    assert inside("dagster") is None
    assert calls_of("psycopg.connect")
