"""Options of a world from where they are set: flags over variables over a file over defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import load
from lsats_pipeline.synthetic.spec import World, WorldOptions


def choose(
    world: World, flags: Mapping[str, Any] | None = None, file: Path | None = None
) -> WorldOptions:
    """The world's options; ConfigurationError names every value that cannot be.

    `file`: TOML with a section of the world's name, `[retail]`.
    """
    given = dict(flags or {})
    lines = _section(world, file) if file else {}
    # What is set in the environment wins over the file.
    lines = {name: value for name, value in lines.items() if name not in _from_variables(world)}
    return load(world.options, **{**lines, **given})


def _from_variables(world: World) -> set[str]:
    """The options for which a variable is set."""
    return set(load(world.options).model_fields_set)


def _section(world: World, file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"--config {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--config {file}: is no TOML: {error}") from None
    lines = document.get(world.name)
    if not isinstance(lines, dict):
        raise ConfigurationError(f"--config {file}: has no section [{world.name}]")
    if unknown := sorted(set(lines) - set(world.options.model_fields)):
        known = ", ".join(world.options.model_fields)
        raise ConfigurationError(
            f"--config {file}: world {world.name} has no {', '.join(unknown)}; it has {known}"
        )
    return lines
