"""What every command has: help with an example, exit codes, errors in words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
import typer
from sqlalchemy.exc import OperationalError

from lsats_pipeline.cli.app import app
from lsats_pipeline.cli.commands.run import exit_code
from lsats_pipeline.core.settings import CHECKOUT
from lsats_pipeline_tests.cli.conftest import Lsats

PROMISED = {
    "demo", "ui", "run", "runs adopt", "status", "doctor",
    "rejects list", "rejects show", "rejects replay",
    "history", "simulate", "db url", "db migrate", "db shell", "db backup", "db stop",
    "seed retail", "seed jobs", "seed studio", "verify", "bench hub", "bench worlds",
    "mrf run", "mrf plan", "mrf status", "mrf generate", "mrf demo",
    "mrf find", "mrf fetch", "mrf hosts", "mrf providers",
    "mrf profile", "mrf split", "mrf show-source", "mrf rejects", "mrf replay",
    "mrf load", "mrf unload", "mrf index", "bench mrf",
}  # fmt: skip
HEAVY = ("dagster", "alembic", "httpx", "ldap3", "rich.table", "lsats_pipeline.hub.sources")


def commands(
    command: click.Command | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    command = command or typer.main.get_command(app)
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child
        yield from commands(child, (*path, name))


COMMANDS = dict(commands())


def test_the_promised_commands_exist() -> None:
    assert {" ".join(path) for path in COMMANDS} >= PROMISED


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_shows_an_example_of_this_command(path: tuple[str, ...], lsats: Lsats) -> None:
    result = lsats(*path, "--help")
    assert result.code == 0
    after = result.out.partition("Example")[2]
    assert f"lsats {' '.join(path)}" in after
    assert "\\[" not in result.out, "escapes are for markup, and a pipe has none"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_says_what_it_does(path: tuple[str, ...]) -> None:
    bare = [
        p.name
        for p in COMMANDS[path].params
        if not getattr(p, "hidden", False) and not getattr(p, "help", None)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run", "gold"], "'gold' is not one of"),
        (["run", "--day", "yesterday"], "write it like 2026-11-20"),
        (["run", "--day", "2026-03-01", "--from", "2026-03-01"], "choose"),
        (["run", "--to", "2026-03-01"], "--to needs --from"),
        (["run", "--from", "2026-03-02", "--to", "2026-03-01"], "is after"),
        (["run", "--day", "2026-03-03"], "2026-03-02 (today)"),
        (["run", "--day", "2026-02-27"], "is before 2026-02-28 (LSATS_FIRST_DAY)"),
        (["run", "--source", "tdy"], "no source 'tdy'; did you mean tdx?; known: active_directory"),
        (
            ["run", "--source", "tdx", "--source", "umich"],
            "no source 'umich'; did you mean umich_api",
        ),
        (["run", "--entity", "users", "--entity", "tdx_usr"], "no entity 'tdx_usr'"),
        (["run", "--entity", "tdx_usr"], "did you mean tdx_user"),
        (["run", "enrich", "--source", "active_directory"], "has nothing to do in enrichment"),
        (["demo", "--people", "10"], "200"),
        (["rejects", "show", "7"], "`lsats rejects list` shows them"),
        (["history", "user", "x"], "did you mean users"),
        (["history", "users", "x"], "nothing is in the hub yet"),
        (["history", "users", "x", "--as-of", "noon"], "write it like"),
    ],
)
def test_a_users_mistake_is_reported_with_the_remedy(
    line: list[str], message: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_TODAY", "2026-03-02")
    monkeypatch.setenv("LSATS_FIRST_DAY", "2026-02-28")
    result = lsats(*line)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["status", "run", "doctor", "demo"])
def test_a_malformed_variable_is_named(
    command: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_RECORDS", "many")
    result = lsats(command)
    assert result.code == 2
    assert "MAX_RECORDS (stop every stream after so many records" in result.err + result.out


def test_missing_variables_of_sources_are_named_before_anything_runs(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("TDX_API_TOKEN", "a token")
    monkeypatch.setenv("UM_BASE_URL", "http://127.0.0.1:9/um")
    result = lsats("run")
    assert result.code == 2
    assert "UM_CATEGORY_ID, UM_CLIENT_KEY, UM_CLIENT_SECRET" in result.err
    assert "AD_PASSWORD" not in result.err  # not set at all: left out
    assert "a token" not in result.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--source", "umich_api"], "University API gateway is not configured: set UM_BASE_URL"),
        (["--source", "tdx", "--source", "lab_awards"], "put its files into"),
        (["--entity", "umich_api_user"], "University API gateway is not configured"),
        (["--day", "2026-03-01"], "bronze/tdx_user can only be read as it is now, and 2026-03-01"),
        (["--from", "2026-02-27"], "bronze/tdx_user can only be read as it is now, and 3 days"),
        (["bronze", "--entity", "tdx_user", "--day", "2026-03-01", "--skip-unreadable"],
         "nothing is left to run"),
    ],
)  # fmt: skip
def test_what_a_site_cannot_do_is_refused_before_anything_runs(
    line: list[str], message: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSATS_TODAY", "2026-03-02")
    monkeypatch.setenv("TDX_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("TDX_API_TOKEN", "a token")
    result = lsats("run", *line)
    assert result.code == 2
    assert message in " ".join(result.err.split())
    assert not Path(".lsats/postgres").exists()


def test_a_dry_run_names_what_is_not_configured(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TDX_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("TDX_API_TOKEN", "a token")
    steps = {s["asset"]: s["would"] for s in lsats("run", "bronze", "--dry-run", "--json").json}
    assert steps["bronze/active_directory_user"] == (
        "nothing, not configured: set AD_LDAP_URL, AD_USER, AD_PASSWORD"
    )
    assert steps["bronze/tdx_user"].endswith("read the whole stream, land what differs")


@pytest.mark.parametrize("command", [["status"], ["rejects", "list"], ["db", "migrate"]])
def test_an_unreachable_database_is_code_5_and_shows_no_password(
    command: list[str], lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:s3cr3t-word@127.0.0.1:9/x_demo")
    result = lsats(*command)
    assert result.code == 5
    assert "127.0.0.1:9/x_demo does not answer" in result.err
    assert "s3cr3t-word" not in result.err


def test_the_demo_leaves_real_databases_and_sources_alone(
    lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:9/warehouse")
    assert lsats("demo").code == 2
    assert "_demo or _test" in lsats("demo").err
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:9/x_demo")
    monkeypatch.setenv("TDX_BASE_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("TDX_API_TOKEN", "a token")
    assert "use `lsats run` for your sources" in " ".join(lsats("demo").err.split())


@pytest.mark.parametrize("line", [["status"], ["--verbose", "status"], ["status", "--verbose"]])
def test_the_unexpected_is_one_line_unless_asked_for(
    line: list[str], lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*options: Any) -> None:
        raise RuntimeError("postgresql://me:s3cr3t-word@host/x broke")

    monkeypatch.setattr("lsats_pipeline.cli.commands.status.inspect_hub", broken)
    result = lsats(*line)
    assert result.code == 1
    assert "unexpected RuntimeError: postgresql://me:***@host/x broke" in result.err
    assert ("Traceback" in result.err) == ("--verbose" in line)
    assert "s3cr3t-word" not in result.err


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (None, 5, "lsats: the connection to the database was lost (server closed); see `lsats"),
        ("53100", 1, "lsats: unexpected RuntimeError: too many retries"),
    ],
)
def test_a_database_that_dagsters_storage_has_lost_is_unreachable(
    state: str | None, code: int, said: str, lsats: Lsats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*options: Any) -> None:
        reason = type("Reason", (Exception,), {"pgcode": state})("server closed")
        raise RuntimeError("too many retries") from OperationalError("select 1", {}, reason)

    monkeypatch.setattr("lsats_pipeline.cli.commands.status.inspect_hub", lost)
    result = lsats("status")
    assert result.code == code
    assert said in result.err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = (
        "import os, sys; from lsats_pipeline.cli.app import run;"
        "r, w = os.pipe(); os.dup2(w, 1); os.close(r); code = run(['status']); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "LSATS_HOME": "/nonexistent"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def outcome(
    *blocked: tuple[str, str],
    failed: dict[str, int] | None = None,
    warned: tuple[str, ...] = (),
) -> Any:
    """An outcome with failed checks (asset, rule) and failures (asset: exit code).

    `warned`: rules that failed and stopped nothing.
    """
    return SimpleNamespace(
        success=not blocked and not failed,
        blocked=[SimpleNamespace(asset=asset, rules=(rule,)) for asset, rule in blocked],
        checks=[SimpleNamespace(rules=("quality_mean", rule)) for rule in warned],
        failures=[SimpleNamespace(asset=a, exit_code=c) for a, c in (failed or {}).items()],
    )


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (outcome(), 0),
        (outcome(warned=("quality_drop",)), 0),
        (outcome(warned=("waiting_documents",)), 3),
        (outcome(failed={"bronze/x": 1}), 1),
        (outcome(failed={"bronze/x": 1, "bronze/y": 5}), 5),
        (outcome(("bronze/x", "reject_share"), failed={"bronze/x": 1}), 3),
        (outcome(("bronze/x", "reject_share"), failed={"bronze/x": 1, "bronze/y": 1}), 1),
        (outcome(("bronze/x", "mass_disappearance"), failed={"bronze/x": 1}), 1),
        (outcome(("bronze/x", "reject_share")), 3),
    ],
)
def test_what_an_outcome_means(result: Any, code: int) -> None:
    assert exit_code(result) == code


def test_looking_loads_nothing_heavy() -> None:
    code = (
        "import sys; from lsats_pipeline.cli.app import run; run(['status', '--json']);"
        f"sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "LSATS_HOME": "/nonexistent"},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[]\n", "")
