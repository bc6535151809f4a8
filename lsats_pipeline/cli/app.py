"""The commands put together; what all share: messages, exit codes, errors in one line."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import click
import typer
import typer.core

from lsats_pipeline.cli import commands
from lsats_pipeline.core import logs
from lsats_pipeline.core.errors import LsatsError, Unreachable
from lsats_pipeline.core.settings import LogSettings, load

log = logging.getLogger(__name__)

_INTERRUPTED = 130
_FOR_ALL = ("--verbose", "--log-format")


class LogFormat(StrEnum):
    """How messages are written."""

    text = "text"
    json = "json"


# Help that goes to a file or a pipe has no markup, and then needs no escapes for it either.
typer.core.HAS_RICH = sys.stdout.isatty()

app = typer.Typer(
    name="lsats",
    help="The campus data hub: six systems into one explained PostgreSQL, every day.",
    epilog="Start with:  lsats demo   (nothing has to be configured)",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
)


@app.callback()
def _shared(
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log more, and show tracebacks (or LSATS_DEBUG=1).")
    ] = False,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(help="How messages are written (or LSATS_LOG_FORMAT)."),
    ] = None,
) -> None:
    settings = load(LogSettings)
    logs.set_up(
        settings.lsats_home,
        style=log_format.value if log_format else settings.lsats_log_format,
        verbose=verbose or settings.lsats_debug,
    )


for part in commands.COMMANDS:
    part.register(app)
for of_prices in commands.COMMANDS_OF_PRICES:
    of_prices.register(commands.mrf.app)
for name, group in commands.GROUPS.items():
    app.add_typer(group.app, name=name)


def main() -> None:
    """The program `lsats`."""
    # Ended by a service manager is ended like by Ctrl-C: in order. Both are set, because a shell
    # starts what it runs in the background deaf to SIGINT, and Dagster would be deaf to both then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a name in a poor locale is no reason to fail
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code (contract.md) and never raises."""
    line = _shared_options_first(list(arguments))
    try:
        outcome = typer.main.get_command(app).main(line, prog_name="lsats", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _stopped()
    except BrokenPipeError:
        return _reader_gone()
    except LsatsError as error:
        _complain(str(error), error if _debugging(line) else None)
        return error.exit_code
    except Exception as error:
        return _unexpected(error, _debugging(line))
    if outcome == _INTERRUPTED:  # Typer's word for Ctrl-C
        return _stopped()
    return outcome if isinstance(outcome, int) else 0


def _stopped() -> int:
    _complain("stopped; what is in the hub is whole, and the next run goes on from there")
    return _INTERRUPTED


def _shared_options_first(line: list[str]) -> list[str]:
    """The shared options may stand anywhere on the line."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(line)
    for word in words:
        if word == "--":
            return [*first, *rest, word, *words]
        if word.partition("=")[0] not in _FOR_ALL:
            rest.append(word)
            continue
        first.append(word)
        if word == "--log-format":
            first += [value for value in [next(words, None)] if value is not None]
    return [*first, *rest]


def _debugging(line: Sequence[str]) -> bool:
    try:
        return "--verbose" in line or load(LogSettings).lsats_debug
    except LsatsError:
        return False


def _unexpected(error: Exception, debug: bool) -> int:
    if lost := _database_lost(error):
        _complain(str(lost), error if debug else None)
        return lost.exit_code
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("lsats_pipeline"):
        _complain(f"the package {error.name} is missing: `make setup` installs all that is needed")
        return 1
    log.debug("unexpected", exc_info=error)
    _keep_traceback(error)
    _complain(
        f"unexpected {type(error).__name__}: {error}\n"
        f"The traceback is in {_log_folder()}; --verbose shows it here.",
        error if debug else None,
    )
    return 1


def _database_lost(error: BaseException | None) -> Unreachable | None:
    """What has become of the connection, if that is why: our own, or that of Dagster's storage."""
    import psycopg
    from sqlalchemy import exc

    while error and not isinstance(error, psycopg.OperationalError | exc.OperationalError):
        error = error.__cause__
    lost = error.orig if isinstance(error, exc.OperationalError) else error
    if lost is None:
        return None
    # Classes 08 and 57P are connections and shutdowns; others (a full disk) are shown as they are.
    state = getattr(lost, "sqlstate", None) or getattr(lost, "pgcode", None)
    if state is not None and not state.startswith(("08", "57P")):
        return None
    reason = (str(lost).strip() or type(lost).__name__).splitlines()[-1]
    return Unreachable(f"the connection to the database was lost ({reason}); see `lsats doctor`")


def _keep_traceback(error: Exception) -> None:
    """To the file alone: the terminal gets one line."""
    record = log.makeRecord(
        log.name, logging.ERROR, __file__, 0, "unexpected %s", (type(error).__name__,),
        (type(error), error, error.__traceback__),
    )  # fmt: skip
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logs.DailyFile):
            handler.emit(record)


def _log_folder() -> str:
    return str(load(LogSettings).lsats_home / "logs")


def _complain(text: str, error: BaseException | None = None) -> None:
    redact = logs.Redactor()
    if error is not None:
        import traceback

        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    sys.stderr.write(f"lsats: {redact(text)}\n")


def _reader_gone() -> int:
    """Whoever read the output (`| head`) has seen enough."""
    # Else the interpreter complains while it closes standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
