"""Where messages go: to the terminal for people or as JSON lines, and to a daily file.

logger ─▶ terminal   `12:03:04 ✅ bronze/tdx_user ...`; the level when it is not information
      └─▶ LSATS_HOME/logs/lsats-2026-11-20.log   every process appends; two weeks are kept

Secrets are redacted on the way: every configured one by its value, others by their shape.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from lsats_pipeline.core.settings import known_secrets

KEPT_DAYS = 14
_REDACTED = "***"
_SHORTEST_SECRET = 6  # shorter ones would redact ordinary words
_SHAPES = (
    (re.compile(r"(://[^\s:/@]*:)[^\s@]+(@)"), rf"\1{_REDACTED}\2"),
    # The query of an address may be a signature.
    (re.compile(r"(?i)(\bhttps?://[^\s?#'\"<>]*\?)[^\s'\"<>]+"), rf"\1{_REDACTED}"),
    (re.compile(r"(?i)(\b(?:bearer|basic) )[\w.~+/=-]{8,}"), rf"\1{_REDACTED}"),
    (re.compile(r"(?i)(\b(?:password|secret|webserviceskey)['\"]?\s*[=:]\s*['\"]?)[^\s'\",&}]+"),
     rf"\1{_REDACTED}"),
)  # fmt: skip
# They log every request or step; the hub logs what matters of it itself.
_VERBOSE_LOGGERS = ("httpx", "httpcore", "ldap3", "alembic", "faker", "dagster")


def set_up(home: Path, *, style: str = "text", verbose: bool = False) -> None:
    """Send the messages of this process to the terminal (standard error) and to the day's file."""
    redact = Redactor()
    terminal = Terminal(sys.stderr)
    terminal.setFormatter(JsonLines(redact) if style == "json" else ForPeople(redact))
    file = DailyFile(home / "logs")
    file.setFormatter(JsonLines(redact) if style == "json" else ForPeople(redact, full=True))
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, (Terminal, DailyFile))]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(terminal)
    root.addHandler(file)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    # It warns of rollbacks on connections whose breaking is reported anyway.
    logging.getLogger("psycopg").setLevel(logging.WARNING if verbose else logging.ERROR)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)


class Terminal(logging.StreamHandler[TextIO]):
    """Standard error as it is at the moment: a progress display may have put itself before it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        self.stream = sys.stderr
        super().emit(record)


class DailyFile(logging.Handler):
    """One file a day, made with its first message; files older than `KEPT_DAYS` are removed.

    Each message is one append, so processes may share a file. A folder that cannot be written
    costs the file, never the command.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._day: dt.date | None = None
        self._file: TextIO | None = None

    @property
    def path(self) -> Path:
        """Today's file."""
        return self._folder / f"lsats-{dt.date.today().isoformat()}.log"

    def emit(self, record: logging.LogRecord) -> None:
        """Append one message."""
        try:
            if self._day != dt.date.today():
                self._open()
            if self._file is not None:
                self._file.write(self.format(record) + "\n")
                self._file.flush()
        except OSError:
            self.close()
            self._day = dt.date.today()  # no second try before tomorrow
        except Exception:  # a message that cannot be formatted is logging's business
            self.handleError(record)

    def close(self) -> None:
        """Let go of the file; the next message opens it again (Dagster closes all handlers)."""
        if self._file is not None:
            self._file.close()
        self._file = self._day = None
        super().close()

    def _open(self) -> None:
        self.close()
        # The state folder is made by what needs it; a message alone is no reason.
        if not self._folder.parent.is_dir():
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._day = dt.date.today()
        self._file = self.path.open("a", encoding="utf-8")
        self.path.chmod(0o600)
        self._forget(self._day - dt.timedelta(days=KEPT_DAYS))

    def _forget(self, before: dt.date) -> None:
        for path in self._folder.glob("lsats-????-??-??.log"):
            if path.stem < f"lsats-{before.isoformat()}":
                path.unlink(missing_ok=True)


class Redactor:
    """Redacts secrets in a text: those read so far by value, others by their shape."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if (secrets := known_secrets()) != self._secrets:
            self._secrets = secrets
            long = sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, long))) if long else None
        if self._known is not None:
            text = self._known.sub(_REDACTED, text)
        for shape, kept in _SHAPES:
            text = shape.sub(kept, text)
        return text


class ForPeople(logging.Formatter):
    """Time, the level when it is not information, the message as it is."""

    def __init__(self, redact: Redactor, *, full: bool = False) -> None:
        super().__init__()
        self._redact, self._full = redact, full

    def format(self, record: logging.LogRecord) -> str:
        """One message, with its traceback if there is one."""
        day = "%Y-%m-%d %H:%M:%S" if self._full else "%H:%M:%S"
        when = time.strftime(day, time.localtime(record.created))
        who = f" [{record.process}]" if self._full else ""
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        lines = [f"{when}{who} {level}{record.getMessage()}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return self._redact("\n".join(lines))


class JsonLines(logging.Formatter):
    """One JSON object a message, for log collectors."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)
