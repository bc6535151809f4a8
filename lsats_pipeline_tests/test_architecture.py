"""The shape of the package (docs/explanation/architecture.md), read from its source.

cli ──> defs ──> {hub, mrf, synthetic} ──> warehouse ──> core
           └──> campus ──> {hub.sources, synthetic}
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "lsats_pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
KNOWN = set(FILES)
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

# What each room may import of the package, besides itself. A new room has to find its place here.
FLOOR = {"core", "warehouse"}
PRODUCTS = {"hub", "mrf", "synthetic"}
ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "warehouse": {"core"},
    "hub": FLOOR,
    "mrf": FLOOR,
    "synthetic": FLOOR,
    "campus": FLOOR | {"hub.sources", "synthetic"},
    "defs": FLOOR | PRODUCTS | {"campus"},
    "definitions": {"defs"},
    "bench": FLOOR | PRODUCTS | {"campus"},
    "cli": FLOOR | PRODUCTS | {"campus", "defs", "definitions", "bench"},
}
# In Dagster every product has a room of its own, above what they share.
ROOMS_OF_DEFS = {"hub", "mrf", "worlds"}
# The runner of the command line is a client of Dagster, not a definition (docs/decisions/0023).
DAGSTER_IS_ALLOWED = {"defs", "definitions", "cli.runner"}
# Simulators and worlds are given a database of their own; Dagster's storage needs an engine.
CONNECTIONS_ARE_ALLOWED = {"warehouse", "campus", "synthetic"}
ENGINES_ARE_ALLOWED = {"warehouse", "defs"}
ENVIRONMENT_IS_READ = {
    "core/settings.py": "the list of the hub's variables",
    "warehouse/embedded.py": "XDG_RUNTIME_DIR, which is the machine's and no setting of the hub",
    "campus/simulators/process.py": "handed on whole to the child process",
    "warehouse/backup.py": "handed on whole to the child process",
    "cli/webserver.py": "handed on whole to the child process",
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


def dotted(file: Path) -> str:
    """The name of a module below the package: `cli.runner`."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


def module_file(name: str) -> Path | None:
    """The file of an imported module, or of the module that an imported member is in."""
    if not is_or_in(name, PACKAGE.name):
        return None
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        path = PACKAGE.joinpath(*parts[:length])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file in KNOWN:
                return file
    return None


def folder_of(file: Path) -> str:
    """A folder below a room, or a module that stands in the room itself."""
    parts = file.relative_to(PACKAGE).parts
    return "/".join(parts[:2]).removesuffix(".py")


def reached(needs: dict[str, set[str]], start: str) -> set[str]:
    """All that a place needs, directly or not, apart from itself needing itself."""
    seen: set[str] = set()
    waiting = [other for other in needs[start] if other != start]
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting += [other for other in needs.get(place, ()) if other != place]
    return seen


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
        and inside(found.name) not in {None, part, "__version__"}
        and not is_or_in(found.name, *(f"lsats_pipeline.{room}" for room in ALLOWED[part]))
    ]
    assert wrong == []


def test_rooms_of_dagster_know_their_product_and_no_other() -> None:
    wrong = [
        str(found)
        for found in IMPORTS
        if is_or_in(found.name, *(f"lsats_pipeline.defs.{room}" for room in ROOMS_OF_DEFS))
        and part_of(found.file) == "defs"
        and not is_or_in(
            found.name, f"lsats_pipeline.defs.{found.file.parts[len(PACKAGE.parts) + 1]}"
        )
    ]
    assert wrong == []


def test_packages_of_a_product_form_no_cycle() -> None:
    """`mrf/text` and `mrf/rows` do not both need the other; so of all folders of all rooms."""
    needs: dict[str, set[str]] = {}
    for found in IMPORTS:
        target = module_file(found.name)
        if target is not None and part_of(found.file) == part_of(target):
            needs.setdefault(folder_of(found.file), set()).add(folder_of(target))
    cycles = [place for place in needs if place in reached(needs, place)]
    assert cycles == []


def test_a_slice_of_the_sources_knows_no_other_slice() -> None:
    slices = {
        file.parent.name for file in FILES if file.parent.parent == PACKAGE / "hub" / "sources"
    }
    wrong = [
        str(found)
        for found in IMPORTS
        if found.file.parent.name in slices
        and found.file.parent.parent == PACKAGE / "hub" / "sources"
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
        and not is_or_in(dotted(found.file), *DAGSTER_IS_ALLOWED)
    ]
    assert wrong == []


def test_little_that_is_private_of_dagster_is_used() -> None:
    """By modules that a test of their own guards (docs/decisions/0034, defs/test_failures.py)."""
    used = {dotted(f.file) for f in IMPORTS if is_or_in(f.name, "dagster._core", "dagster._serdes")}
    assert used == {"defs.storage.internals", "defs.failures"}


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
    file = PACKAGE / "hub" / "imagined.py"
    source = "from ..defs import jobs\nfrom . import spool\nimport dagster as dg\n"
    nodes = ast.parse(source).body
    assert isinstance(nodes[0], ast.ImportFrom)
    assert isinstance(nodes[1], ast.ImportFrom)
    assert absolute(nodes[0], file) == "lsats_pipeline.defs"
    assert absolute(nodes[1], file) == "lsats_pipeline.hub"
    assert inside("lsats_pipeline.defs.jobs") == "defs"
    assert inside("dagster") is None
    assert calls_of("psycopg.connect")
