"""CONTRIBUTING.md and the pages below docs/ name what exists, and count what they say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsats_pipeline.campus.simulators import SYSTEMS
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline_tests.test_architecture import ALLOWED

PACKAGE = CHECKOUT / "lsats_pipeline"
TESTS = Path(__file__).parent
CONTRIBUTING = CHECKOUT / "CONTRIBUTING.md"
ARCHITECTURE = CHECKOUT / "docs/explanation/architecture.md"
NAMING = CHECKOUT / "docs/reference/naming.md"
ROOMS = CHECKOUT / "docs/decisions/0023-rooms.md"
PAGES = (CONTRIBUTING, ARCHITECTURE, NAMING, ROOMS)
LONGEST_WALK = 20
# A page may name a file from here, or from a room when it speaks of that: `tables/labs.py`.
ROOTS = (
    *(CHECKOUT, PACKAGE, TESTS),
    *(PACKAGE / room for room in ("warehouse", "hub", "hub/silver", "hub/sources/tdx")),
    *(PACKAGE / room for room in ("campus", "defs", "cli")),
)
# Names that stand for any, or for a place of another machine.
PLACEHOLDER = re.compile(r"[<>*{}]|\.\.\.|^(?:\.venv|LSATS_)")
SECTION = re.compile(r"^## ", re.MULTILINE)


def section(page: Path, title: str) -> str:
    (found,) = [part for part in SECTION.split(page.read_text()) if part.startswith(f"{title}\n")]
    return found


def cells(text: str) -> list[list[str]]:
    """The rows of the first table, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def walk() -> list[tuple[str, str]]:
    """File and function of every step in the walk of a person."""
    steps = [quoted(row[1]) for row in cells(section(ARCHITECTURE, "The walk of one person"))]
    return [(file, function) for file, function in steps]


def functions_of(file: Path) -> set[str]:
    return set(_named(ast.parse(file.read_text()).body))


def _named(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{within}{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from _named(node.body, f"{node.name}.")


def test_the_walk_of_a_person_is_short_and_every_step_exists() -> None:
    steps = walk()
    assert 10 < len(steps) <= LONGEST_WALK
    missing = [step for step in steps if step[1] not in functions_of(PACKAGE / step[0])]
    assert missing == []


def test_the_walk_begins_at_the_answer_and_ends_at_the_row_of_a_person() -> None:
    steps = walk()
    assert steps[0][0] == "core/http.py"
    assert steps[-1] == ("hub/silver/integrated.py", "integrated_rows")


def test_every_room_is_described_and_no_other() -> None:
    described = {quoted(row[0])[0].strip("/") for row in cells(section(ARCHITECTURE, "Rooms"))}
    assert described == set(ALLOWED) - {"definitions"}


def test_every_system_is_named_as_it_is_stored() -> None:
    """Those that the campus does not know may be left out: who adds one knows it."""
    rows = cells(section(NAMING, "Systems"))
    folders = {source.connect.__module__.split(".")[-2]: source for source in SOURCES}
    tables = {table.name for table in SILVER_TABLES}
    variables = (CHECKOUT / ".env.example").read_text()
    named = [quoted(row[0])[0] for row in rows]
    known = [folder for folder, source in folders.items() if source.system in SYSTEMS]
    assert set(named) <= set(folders)
    assert [folder for folder in named if folder in known] == known
    for code_name, _, stored, silver, prefix in rows:
        source = folders[quoted(code_name)[0]]
        system, asset = quoted(stored)
        assert system == source.system
        assert asset in {f"bronze/{stream.name}" for stream in source.streams}
        assert set(quoted(silver)) <= tables
        assert re.search(rf"^{quoted(prefix)[0]}", variables, re.MULTILINE)


def test_every_entity_is_named() -> None:
    entities = {stream.entity_type for source in SOURCES for stream in source.streams}
    known = {entity for of_system in SYSTEMS.values() for entity in of_system}
    (sentence,) = re.findall(r"^Entities: (.*?)(?:;|$)", NAMING.read_text(), re.M | re.S)
    assert known <= set(quoted(sentence)) <= entities


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    missing = [
        link
        for link in links
        if not link.startswith("https://") and not reaches(page.parent, *link.partition("#")[::2])
    ]
    assert missing == []


def reaches(folder: Path, file: str, anchor: str) -> bool:
    target = folder / file
    if not target.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if anchor else []
    return not anchor or anchor in {anchor_of(heading) for heading in headings}


def anchor_of(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = {
        name
        for name in quoted(page.read_text())
        if re.fullmatch(r"[\w./-]+\.(?:py|sql|md|toml|yml|yaml)|[\w./-]+/", name)
        and not PLACEHOLDER.search(name)
    }
    moved = {"defs/execution.py"} if page == ROOMS else set()
    missing = [name for name in named - moved if not any((root / name).exists() for root in ROOTS)]
    assert named
    assert sorted(missing) == []


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", CONTRIBUTING.read_text(), re.MULTILINE))
    assert named
    assert named <= targets
