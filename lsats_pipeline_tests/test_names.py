"""Names are the field's words, one for one thing (docs/reference/naming.md), and unique."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsats_pipeline.core.settings import CHECKOUT

PACKAGE = CHECKOUT / "lsats_pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
ALLOWED: dict[str, str] = tomllib.loads(Path(__file__).with_name("allowed_words.toml").read_text())
MOST_ALLOWED = 15
# What reads, cuts, decodes, stores and splits price files is to be replaced, words and all.
TO_BE_REPLACED = tuple(PACKAGE / "mrf" / name for name in ("text", "rows", "database", "splitting"))


def listed(text: str) -> set[str]:
    return set(text.split())


# Words of a dialect, wherever they are in a name: `_told`, `be_told`, `Told`.
WORDS = listed(
    """
    told telling taker beside crew judge judges judging judged verdict alike doubt coercing
    columnar asking bury forgive strays ripples stirred rehearsal foresee wish wished witness
    deck decks lane lanes chance keyless narrowing spreading
    """
)
# Ordinary words that were names of a dialect: they count as a whole name only.
NAMES = listed(
    """
    taken taking take_in looking thing together way wire passing finding listing fetching
    merging partial routes working writing stored binary shards walking questions measuring
    draws placed odd_groups choosing assembly verifying mended held shown touched known_by
    explained said remember GatewaySettings
    """
)
CLASSES = listed(
    """
    First Value Derived Parts SourceTable MergedTable DerivedTable Wish Said Judge Verdict
    Taker Thing When Together Way Passing TryAgain GiveUp FixConfiguration GatewaySettings
    """
)
MODULES = listed(
    """
    looking kinds judging judges alike doubt coercing columnar asking wire finding listing
    fetching merging partial spreading routes working writing narrowing stored binary shards
    walking questions measuring draws chance decks lanes placed odd_groups strays ripples
    stirred choosing assembly outcome rehearsal verifying verification typed merged derived
    running serving importing beside crew taking
    """
)
# Prose may have these now and then; the sum over code, documents and tests is small.
PROSE, MOST_PROSE = ("told", "beside", "judges"), 20
# Folders of one shape: the same file names in each are the point.
OF_ONE_SHAPE = {
    "sources": {"settings", "client", "streams", "shapes"},
    "worlds": {"schema", "options", "glossary"},
}


def in_question(file: Path) -> bool:
    return not any(file.is_relative_to(folder) for folder in TO_BE_REPLACED)


def names_of(file: Path) -> Iterator[tuple[str, int]]:
    """Classes, functions, parameters, attributes and variables that a file defines."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


def words_in(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[a-z]+|[A-Z][a-z]*", name)}


def is_of_the_dialect(name: str) -> bool:
    bare = name.strip("_")
    if bare in ALLOWED:
        return False
    return bare in NAMES | CLASSES or bool((words_in(bare) & WORDS) - ALLOWED.keys())


@pytest.mark.parametrize(
    "file", [f for f in FILES if in_question(f)], ids=lambda f: str(f.relative_to(PACKAGE))
)
def test_names_are_the_words_of_the_field(file: Path) -> None:
    assert file.stem not in MODULES - ALLOWED.keys()
    found = [f"{name} in line {line}" for name, line in names_of(file) if is_of_the_dialect(name)]
    assert found == []


def test_exceptions_have_a_reason_and_are_few() -> None:
    assert len(ALLOWED) <= MOST_ALLOWED
    assert all(len(reason.split()) >= 3 for reason in ALLOWED.values())
    used = {word for f in FILES for name, _ in names_of(f) for word in (name, *words_in(name))}
    modules = {file.stem for file in FILES}
    assert sorted(ALLOWED.keys() - used - modules) == [], "no name has these any more"


def test_prose_is_plain() -> None:
    counted: Counter[str] = Counter()
    texts = [
        *CHECKOUT.glob("*.md"),
        *(CHECKOUT / "docs").rglob("*.md"),
        *(CHECKOUT / ".github").rglob("*.*"),
        *PACKAGE.rglob("*.sql"),
    ]
    for file in texts:
        counted += words_of_prose(file.read_text())
    tests = [f for f in Path(__file__).parent.rglob("*.py") if f != Path(__file__)]
    for file in (*FILES, *tests):
        counted += words_of_prose("\n".join(prose_of(file)))
    assert counted.total() <= MOST_PROSE, counted


def words_of_prose(text: str) -> Counter[str]:
    return Counter(re.findall(rf"\b(?:{'|'.join(PROSE)})\b", text))


def prose_of(file: Path) -> Iterator[str]:
    """Comments and texts of a module, docstrings among them."""
    for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.string


def test_a_class_has_its_name_alone() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_a_module_has_its_name_alone_in_its_product() -> None:
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in FILES:
        parts = file.relative_to(PACKAGE).parts
        if file.stem.startswith("__") or "tables" in parts[:-1] or len(parts) < 2:
            continue  # a table's module is named for the table
        shapes = [names for folder, names in OF_ONE_SHAPE.items() if folder in parts[:-1]]
        if any(file.stem in names for names in shapes):
            continue
        product = "/".join(parts[:2]) if parts[0] == "defs" else parts[0]
        places[product, file.stem].append("/".join(parts))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
