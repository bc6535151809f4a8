"""`lsats new-source`: what it refuses, and what its files look like for any name."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.hub.sources import scaffold
from lsats_pipeline.hub.sources.scaffold import NewSource, write


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources, which takes the place of the checkout."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    for room in ("hub/sources", "core"):
        shutil.copytree(
            CHECKOUT / "lsats_pipeline" / room,
            tmp_path / "lsats_pipeline" / room,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    monkeypatch.setattr(scaffold, "CHECKOUT", tmp_path)
    return tmp_path


def new(name: str, **options: str) -> NewSource:
    usual = {"title": "Parking", "stream": "permit", "path": "permits", "key": "id"}
    return NewSource(name, **{**usual, **options})


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("parking", {}),
        ("zoo", {"title": "the zoo's café", "stream": "record", "key": "Permit Id"}),
        ("a_very_long_name_of_some", {"stream": "a_very_long_name_of_some", "title": "T" * 60}),
        ("lab_a", {"path": "v1/" + "p" * 47, "key": "k" * 60}),
    ],
)
def test_what_it_writes_is_in_order(checkout: Path, name: str, options: dict[str, str]) -> None:
    written = write(new(name, **options))
    assert [path for path in written if not path.is_file()] == []
    program = [sys.executable, "-m", "ruff"]
    python = [path for path in written if path.suffix == ".py"]
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [*program, *arguments, *python], cwd=checkout, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stdout.decode()
    assert all(ast.get_docstring(ast.parse(path.read_text())) for path in python)
    registry = written[-1].read_text()
    assert registry.count(f"    {name},\n") == registry.count(f"    {name}.SOURCE,\n") == 1


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("Parking", {}, "the name cannot be 'Parking': small letters"),
        ("2park", {}, "the name cannot be"),
        ("../park", {}, "the name cannot be"),
        ("class", {}, "'class' is a word of the language"),
        ("parking", {"stream": "import"}, "'import' is a word of the language"),
        ("tdx", {}, "'tdx' is taken"),
        ("files", {}, "'files' is taken"),
        ("stream", {}, "'stream' is taken"),
        ("um", {}, "variables that begin with UM_ mean something else"),
        ("lsats", {}, "variables that begin with LSATS_"),
        ("document", {}, "there is a class DocumentSettings in hub/sources/settings.py"),
        ("parking", {"path": "/permits"}, "the path cannot be"),
        ("parking", {"title": 'a "b"'}, "the title cannot be"),
        ("parking", {"key": ""}, "the key cannot be"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_written(
    checkout: Path, name: str, options: dict[str, str], said: str
) -> None:
    before = everything(checkout)
    with pytest.raises(ConfigurationError) as refused:
        write(new(name, **options))
    assert said in str(refused.value)
    assert refused.value.exit_code == 2
    assert everything(checkout) == before


def test_a_second_time_changes_nothing(checkout: Path) -> None:
    write(new("parking"))
    before = everything(checkout)
    with pytest.raises(ConfigurationError, match="'parking' is taken"):
        write(new("parking"))
    assert everything(checkout) == before


def test_an_installed_package_is_left_alone(checkout: Path) -> None:
    (checkout / "pyproject.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"no checkout.*Clone the repository"):
        write(new("parking"))


def test_a_registry_of_another_form_is_left_alone(checkout: Path) -> None:
    registry = checkout / "lsats_pipeline/hub/sources/__init__.py"
    registry.write_text(registry.read_text().replace("SOURCES: tuple", "SOURCES : tuple"))
    before = everything(checkout)
    with pytest.raises(ConfigurationError, match="not the form that was expected"):
        write(new("parking"))
    assert everything(checkout) == before
