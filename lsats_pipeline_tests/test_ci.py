"""What runs before a commit, on this machine and on GitHub is the same, on what is supported."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline.warehouse import embedded, migrations

MAKEFILE = (CHECKOUT / "Makefile").read_text()
CI_RUN = (CHECKOUT / ".ci/run").read_text()
WORKFLOW: dict[str, Any] = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text())
HOOKS: dict[str, Any] = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PYTHONS, SERVERS = ["3.11", "3.12", "3.13"], [16, 18]
# A sample on the other server; on GitHub every test runs on both.
LOCAL_ONLY = ["make --no-print-directory test-16"]
_COMMAND = re.compile(
    r"^(?:\w+=\S+ )*((?:make --no-print-directory|\.venv/bin/lsats) [^|\n]*)", re.M
)


def commands(text: str) -> list[str]:
    """The commands of the project in a script, without variables and pipes."""
    return [found.strip() for found in _COMMAND.findall(text)]


def recipe(target: str) -> list[str]:
    """The lines that make runs for a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, f"make has no {target}"
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


def job() -> dict[str, Any]:
    (only,) = WORKFLOW["jobs"].values()
    return dict(only)


def test_github_runs_what_ci_run_does_in_the_same_order() -> None:
    here = commands(CI_RUN)
    there = commands("\n".join(step.get("run", "") for step in job()["steps"]))
    assert [c for c in here if c not in LOCAL_ONLY] == there
    assert set(LOCAL_ONLY) < set(here)


def test_every_target_that_is_called_exists() -> None:
    called = {command.split()[-1] for command in commands(CI_RUN) if command.startswith("make ")}
    assert called <= set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
    assert called >= {"setup", "lint", "types", "defs", "test"}


def test_github_runs_on_every_python_and_postgresql_supported() -> None:
    assert job()["strategy"]["matrix"] == {"python": PYTHONS, "postgres": SERVERS}
    assert job()["env"]["LSATS_TEST_POSTGRES"] == "${{ matrix.postgres }}"
    oldest = PYTHONS[0]
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest


@pytest.mark.parametrize("version", SERVERS)
def test_each_postgresql_is_in_the_wheel(tmp_path: Path, version: int) -> None:
    server = embedded.EmbeddedServer(tmp_path, version)
    said = subprocess.run(
        [server._programs / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert re.match(rf"postgres \(PostgreSQL\) {version}\.", said.stdout)
    assert version >= migrations._OLDEST_SERVER


def test_the_oldest_postgresql_is_among_them() -> None:
    assert min(SERVERS) == migrations._OLDEST_SERVER
    (line,) = recipe("test-16")
    assert line.startswith(f"LSATS_TEST_POSTGRES={migrations._OLDEST_SERVER} ")


def test_actions_are_of_a_named_version() -> None:
    used = [step["uses"] for step in job()["steps"] if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@v\d+(\.\d+)*", name)] == []


def test_github_installs_what_ci_run_does() -> None:
    wanted = set(re.findall(r"\|\| echo ([\w-]+)$", CI_RUN, re.MULTILINE))
    (script,) = (step["run"] for step in job()["steps"] if step.get("name") == "system packages")
    installed = set(script.split("--no-install-recommends")[1].split())
    assert installed == {name for name in wanted if not name.startswith("python3")}


def test_hooks_are_the_checks_of_make_without_the_tests() -> None:
    (repository,) = HOOKS["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert [hook["entry"] for hook in hooks] == [
        line for target in ("lint", "types", "defs") for line in recipe(target)
    ]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert not any(hook["pass_filenames"] for hook in hooks)


def test_pre_commit_takes_its_configuration() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pre_commit",
            "validate-config",
            str(CHECKOUT / ".pre-commit-config.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["bug.md", "feature.md"])
def test_templates_of_issues_have_a_head_that_github_reads(name: str) -> None:
    text = (CHECKOUT / ".github/ISSUE_TEMPLATE" / name).read_text()
    head = yaml.safe_load(text.split("---\n")[1])
    assert {"name", "about"} <= set(head)


def test_editors_are_told_the_length_of_lines() -> None:
    text = (CHECKOUT / ".editorconfig").read_text()
    assert f"max_line_length = {PROJECT['tool']['ruff']['line-length']}" in text
