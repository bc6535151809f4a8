"""A new source, written into the checkout: a working HTTP JSON client with one stream.

name and options ─▶ checked ─▶ folder (settings, client, streams, a recorded page) ─▶ registry line

What is written is meant to be changed: where the records are, how to sign in, what identifies them.
"""

from __future__ import annotations

import builtins
import json
import keyword
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT, HubSettings, LogSettings, Settings
from lsats_pipeline.hub import sources
from lsats_pipeline.hub.sources.recorded import FOLDER, SETTINGS

_NAME = re.compile(r"[a-z](?:[a-z_]{0,22}[a-z])?")
_SEGMENT = r"(?!\.\.?(?:/|$))[A-Za-z0-9_.-]+"
_PATH = re.compile(rf"(?=.{{1,50}}$){_SEGMENT}(?:/{_SEGMENT})*")
_TEXT = re.compile(r"(?! )[^\"\\{}$\x00-\x1f\ud800-\udfff]{1,60}(?<! )")
_IMPORTS = re.compile(r"from lsats_pipeline\.hub\.sources import \(\n(?P<names>[^)]*)\)\n")
_REGISTRY = re.compile(r"SOURCES: tuple\[Source, \.\.\.\] = \(\n(?P<lines>[^)]*)\)\n")
_CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
_WIDTH = 100
# Variables of the price files and the synthetic worlds, which nothing of the hub may import.
TAKEN_PREFIXES = ("LSATS_MRF_", "RETAIL_", "JOBS_", "STUDIO_")
# A stream's name, in capitals, is a constant beside these; and its recording lies beside settings.
_STREAMS_TAKEN = {
    "path": "PATH in streams.py",
    "source": "SOURCE in streams.py",
    "settings": f"{FOLDER}/{SETTINGS}",
}


@dataclass(frozen=True)
class NewSource:
    """What is known of it. ConfigurationError when a part of it cannot be used."""

    name: str
    title: str
    stream: str
    path: str
    key: str

    def __post_init__(self) -> None:
        for part, value, pattern in (
            ("the name", self.name, _NAME),
            ("the stream", self.stream, _NAME),
            ("the path", self.path, _PATH),
            ("the key", self.key, _TEXT),
            ("the title", self.title, _TEXT),
        ):
            if not pattern.fullmatch(value):
                raise ConfigurationError(f"{part} cannot be {value!r}: {_ALLOWED[pattern]}")
        for word in (self.name, self.stream):
            if keyword.iskeyword(word):
                raise ConfigurationError(f"{word!r} is a word of the language; choose another")
        if hasattr(builtins, self.name):
            raise ConfigurationError(
                f"the name {self.name!r} is one of Python's own; choose another"
            )
        if taken := _STREAMS_TAKEN.get(self.stream):
            raise ConfigurationError(f"the stream cannot be {self.stream!r}: that is {taken}")

    @property
    def class_name(self) -> str:
        """The beginning of its classes: `ParkingLots`."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def prefix(self) -> str:
        """The beginning of its variables: `PARKING_LOTS_`."""
        return f"{self.name.upper()}_"

    @property
    def stream_name(self) -> str:
        """The name of its stream: `parking_lots_permit`."""
        return f"{self.name}_{self.stream}"


_ALLOWED = {
    _NAME: "small letters and `_`, a letter first and last, 24 at most",
    _PATH: "letters, digits, `_`, `.`, `-`, with `/` between; no part `.` or `..`; 50 at most",
    _TEXT: "60 characters at most, no spaces around, without quotes, braces, `$` and `\\`",
}


def write(new: NewSource) -> list[Path]:
    """Write the folder and the registry line; returns the files, the registry last.

    ConfigurationError, and nothing written, when this is no checkout or the name is taken.
    """
    package = _writable_package()
    folder = package / "hub" / "sources" / new.name
    _require_free(new, folder, package)
    registry = folder.parent / "__init__.py"
    registered = _registered(registry.read_text(encoding="utf-8"), new.name, registry)
    files = {folder / name: text for name, text in _files(new).items()}
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
        _replace(registry, registered)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(Path(error.filename or folder), error.strerror) from None
        raise
    return [*files, registry]


def _replace(path: Path, text: str) -> None:
    """Write a file anew, whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(path: Path, reason: str | None) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written to ({reason or 'the system refuses'}), and nothing was: a"
        " source is code; give yourself the right to write there, or use a clone of your own"
    )


def _writable_package() -> Path:
    package = CHECKOUT / "lsats_pipeline"
    folder = package / "hub" / "sources"
    registry = folder / "__init__.py"
    if not (CHECKOUT / "pyproject.toml").is_file() or not registry.is_file():
        raise ConfigurationError(
            f"{package} is no checkout that can be written to: a source is code. Clone the"
            " repository, run `make setup` there, and then this command from its .venv"
        )
    for path, right in ((folder, os.W_OK | os.X_OK), (registry, os.W_OK)):
        if not os.access(path, right):
            raise _unwritable(path, "no right to")
    return package


def _occupied(folder: Path) -> bool:
    """Whether anything is there but what Python left behind."""
    if not folder.is_dir():
        return folder.exists()
    files = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return any("__pycache__" not in file.parts for file in files)


def _require_free(new: NewSource, folder: Path, package: Path) -> None:
    if _occupied(folder) or folder.with_suffix(".py").exists() or new.name in vars(sources):
        raise ConfigurationError(f"{new.name!r} is taken in {folder.parent}; choose another name")
    streams = {stream.name for known in sources.SOURCES for stream in known.streams}
    details = {detail.name for known in sources.SOURCES for detail in known.details}
    if new.stream_name in streams | details:
        raise ConfigurationError(f"there is a stream {new.stream_name!r} already")
    if clash := sorted(name for name in _variables() if name.startswith(new.prefix)):
        raise ConfigurationError(
            f"variables that begin with {new.prefix} mean something else already"
            f" ({', '.join(clash)}); choose another name"
        )
    mine = {f"{new.class_name}Client", f"{new.class_name}Settings"}
    for path in package.rglob("*.py"):
        if clash := sorted(mine.intersection(_CLASS.findall(path.read_text(encoding="utf-8")))):
            raise ConfigurationError(
                f"there is a class {clash[0]} in {path.relative_to(package)}; choose another name"
            )


def _variables() -> set[str]:
    classes: list[type[Settings]] = [HubSettings, LogSettings]
    classes += [known.settings for known in sources.SOURCES]
    named = {
        f"{cls.model_config.get('env_prefix', '')}{field}".upper()
        for cls in classes
        for field in cls.model_fields
    }
    return named | {f"{prefix}..." for prefix in TAKEN_PREFIXES}


def _registered(text: str, name: str, registry: Path) -> str:
    """The registry with the import in its place and the line at the end."""
    imports, listed = _IMPORTS.search(text), _REGISTRY.search(text)
    if imports is None or listed is None:
        raise ConfigurationError(
            f"{registry} has not the form that was expected; restore its list of imports and"
            " SOURCES, with one name a line"
        )
    names = sorted({*re.findall(r"\w+", imports["names"]), name})
    block = "".join(f"    {each},\n" for each in names)
    end = listed.end("lines")
    text = f"{text[:end]}    {name}.SOURCE,\n{text[end:]}"
    return text[: imports.start("names")] + block + text[imports.end("names") :]


def _import(module: str, names: str) -> str:
    """An import as the formatter would write it."""
    line = f"from {module} import {names}"
    if len(line) <= _WIDTH:
        return line
    return f"from {module} import (\n    {names.replace(', ', f',{chr(10)}    ')},\n)"


def _files(new: NewSource) -> dict[str, str]:
    """The folder's files by name."""
    here = f"lsats_pipeline.hub.sources.{new.name}"
    settings, client = f"{new.class_name}Settings", f"{new.class_name}Client"
    words = {
        **vars(new),
        "constant": new.stream.upper(),
        "prefix": new.prefix,
        "settings": settings,
        "client": client,
        "import_source": _import(f"{here}.streams", "SOURCE"),
        "import_settings": _import(f"{here}.settings", settings),
        "imports": "\n".join(
            _import(module, names)
            for module, names in sorted(
                {
                    "lsats_pipeline.hub.sources.json_records": "in_portions",
                    "lsats_pipeline.hub.sources.source": "Page, ReadRequest, Source, Stream",
                    f"{here}.client": f"{client}, connect",
                    f"{here}.settings": settings,
                }.items()
            )
        ),
        "host": new.name.replace("_", "-"),
    }
    texts = {
        "__init__.py": _INIT,
        "settings.py": _SETTINGS,
        "client.py": _CLIENT,
        "streams.py": _STREAMS,
    }
    files = {name: Template(text).substitute(words) for name, text in texts.items()}
    variables = {f"{new.prefix}BASE_URL": "{server}", f"{new.prefix}TOKEN": "any-token-will-do"}
    records = [{new.key: f"{n}", "name": f"{new.stream} {n}"} for n in (1, 2, 3)]
    page = {
        "keys": [record[new.key] for record in records],
        "exchanges": [{"request": f"GET /{new.path}", "answer": records}],
    }
    files[f"{FOLDER}/{SETTINGS}"] = json.dumps(variables, indent=2) + "\n"
    files[f"{FOLDER}/{new.stream}.json"] = json.dumps(page, indent=2, ensure_ascii=False) + "\n"
    return files


_INIT = '''\
"""The source $title."""

$import_source

__all__ = ["SOURCE"]
'''

_SETTINGS = '''\
"""The variables of $title."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from lsats_pipeline.core.settings import environment
from lsats_pipeline.hub.sources.settings import SourceSettings


class $settings(SourceSettings):
    """Where $title is, and how to sign in."""

    model_config = environment("$prefix")
    required: ClassVar[tuple[str, ...]] = ("base_url", "token")

    base_url: str = Field("", description="like https://$host.example.edu")
    token: SecretStr | None = Field(None, description="bearer token")
'''

_CLIENT = '''\
"""Speaks the API of $title."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.core.http import Api, BearerTokens, Grant
from lsats_pipeline.hub.sources import json_records
$import_settings


class $client:
    """The calls that the hub makes; safe to share between threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def records(self, path: str) -> list[memoryview]:
        """The records of the list at `path`, as they came."""
        # Where the list is a member of the answer: lambda body: json_records.cut(body, "items").
        return self._api.get(path, json_records.cut)


@contextmanager
def connect(
    settings: $settings,
    clock: Clock | None = None,
) -> Iterator[$client]:
    """Open a client."""
    clock = clock or Clock()
    token = settings.token.get_secret_value() if settings.token else ""
    with Api(
        title="$title",
        base_url=settings.base_url,
        variable="${prefix}BASE_URL",
        credentials="${prefix}TOKEN",
        clock=clock,
    ) as api:
        api.tokens = BearerTokens(lambda: Grant(token, None), clock, renewable=False)
        yield $client(api)
'''

_STREAMS = '''\
"""What $title offers.

GET $path ──▶ $stream
"""

from __future__ import annotations

from collections.abc import Iterator

$imports

PATH = "$path"


def read_${stream}s(
    client: $client,
    request: ReadRequest,
) -> Iterator[Page]:
    """Every $stream; one call, so a broken-off read starts again."""
    for portion in in_portions(client.records(PATH)):
        yield Page(portion)


def probe(client: $client) -> str:
    """Ask for the list."""
    return f"answers; {len(client.records(PATH))} records"


$constant = Stream(
    "$name",
    "$stream",
    key=("$key",),
    read=read_${stream}s,
)

SOURCE = Source(
    "$name",
    "$title",
    settings=$settings,
    connect=connect,
    probe=probe,
    streams=($constant,),
)
'''
