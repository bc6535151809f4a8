"""`lsats new-source`: what it refuses, and what its files look like for any name."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.hub.sources import scaffold
from lsats_pipeline.hub.sources.scaffold import NewSource, write
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline_tests.defs.conftest import bare_environment


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
        ("ice", {"path": "v1/.well-known/..permits", "stream": "p"}),
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
        ("park_", {}, "the name cannot be 'park_': small letters and `_`, a letter first and last"),
        ("sorted", {}, "'sorted' is one of Python's own"),
        ("type", {}, "'type' is one of Python's own"),
        ("parking", {"stream": "path"}, "the stream cannot be 'path': that is PATH in streams.py"),
        ("parking", {"stream": "source"}, "that is SOURCE in streams.py"),
        ("parking", {"stream": "settings"}, "that is recorded/settings.json"),
        ("parking", {"path": "/permits"}, "the path cannot be"),
        ("parking", {"path": "../permits"}, "the path cannot be '../permits'"),
        ("parking", {"path": "v1/./permits"}, "no part `.` or `..`"),
        ("parking", {"path": "v1/.."}, "no part `.` or `..`"),
        ("parking", {"title": "caf\udcc3"}, "the title cannot be"),
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


def taken_prefixes() -> set[str]:
    """Those of the variables that the hub does not know."""
    classes: list[type[BaseSettings]] = [MrfSettings]
    classes += [world(name).options for name in WORLDS]
    return {str(cls.model_config.get("env_prefix")) for cls in classes}


def test_variables_of_worlds_and_price_files_are_taken(checkout: Path) -> None:
    prefixes = taken_prefixes()
    assert len(prefixes) == len(WORLDS) + 1
    assert prefixes == set(scaffold.TAKEN_PREFIXES)
    before = everything(checkout)
    for prefix in prefixes:
        with pytest.raises(ConfigurationError, match=f"variables that begin with {prefix} mean"):
            write(new(prefix.lower().removesuffix("_")))
    assert everything(checkout) == before


@pytest.mark.parametrize("place", ["", "__init__.py"])
def test_a_place_without_the_right_to_write_is_named(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Said by a stand-in: whoever runs the tests as root has every right."""
    refused = checkout / "lsats_pipeline/hub/sources" / place
    monkeypatch.setattr(os, "access", lambda path, right: Path(path) != refused)
    before = everything(checkout)
    with pytest.raises(ConfigurationError, match=rf"{refused} cannot be written to.*of your own"):
        write(new("parking"))
    assert everything(checkout) == before


@pytest.mark.parametrize("file", ["client.py", "permit.json", "__init__.py.new"])
def test_a_failed_write_leaves_nothing_behind(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    whole = Path.write_text

    def full(path: Path, text: str, encoding: str) -> int:
        if path.name == file:
            whole(path, text[:20], encoding)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return whole(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", full)
    before = everything(checkout)
    with pytest.raises(ConfigurationError, match=rf"{file} cannot be written to \(No space left"):
        write(new("parking"))
    assert everything(checkout) == before
    assert not (checkout / "lsats_pipeline/hub/sources/parking").exists()


def test_what_python_left_behind_does_not_take_a_name(checkout: Path) -> None:
    folder = checkout / "lsats_pipeline/hub/sources/parking"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__/client.cpython-311.pyc").write_bytes(b"")
    assert folder / "streams.py" in write(new("parking"))


def test_a_title_of_any_letters_works_in_any_locale(checkout: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lsats_pipeline.core import settings;"
        f" settings.CHECKOUT = Path({str(checkout)!r});"
        " from lsats_pipeline.cli import main; main()"
    )
    poor = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program, "new-source", "zoo", "--title", "Café 動物"],
        cwd=CHECKOUT,
        env=bare_environment(LSATS_HOME=str(checkout / "home"), **poor),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0), done.stderr.decode()
    written = checkout / "lsats_pipeline/hub/sources/zoo/streams.py"
    assert "What Café 動物 offers." in written.read_text(encoding="utf-8")


def test_printing_never_fails_for_a_letter() -> None:
    program = (
        "import typer; from lsats_pipeline.cli import app, output;"
        " app.app.command('cafe')(lambda: output.say('café'));"
        " app.app.command('json')(lambda: output.say_json('café')); app.main()"
    )
    said = []
    for command in ("cafe", "json"):
        done = subprocess.run(
            [sys.executable, "-c", program, command],
            env=bare_environment(PYTHONIOENCODING="ascii"),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        said.append(done.stdout)
    assert said == [b"caf?\n", b'"caf\\u00e9"\n']


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
