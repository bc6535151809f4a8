"""`lsats new-source`: the folder of a source, ready to be changed."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from lsats_pipeline.cli.options import examples
from lsats_pipeline.cli.output import note, program, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    lines = (
        "lsats new-source parking",
        "lsats new-source parking --title 'Parking office' --stream permit --path v1/permits"
        " --key permitId",
    )
    app.command("new-source", epilog=examples(*lines))(new_source)


def new_source(
    name: Annotated[str, typer.Argument(help="Its name: small letters and _.", metavar="NAME")],
    title: Annotated[str, typer.Option(help="Its name for people; default NAME.")] = "",
    stream: Annotated[str, typer.Option(help="What its records are, in the singular.")] = "record",
    path: Annotated[str, typer.Option(help="Where its list is; default the stream and an s.")] = "",
    key: Annotated[str, typer.Option(help="The field that identifies a record.")] = "id",
) -> None:
    """Write a new source of the hub into this checkout: a JSON API, read over HTTP."""
    from lsats_pipeline.core.settings import CHECKOUT
    from lsats_pipeline.hub.sources.scaffold import NewSource, write

    spoken = title or name.replace("_", " ").capitalize()
    new = NewSource(name, _as_typed(spoken), stream, path or f"{stream}s", _as_typed(key))
    for written in write(new):
        say(str(written.relative_to(CHECKOUT)))
    folder = f"lsats_pipeline/hub/sources/{name}"
    note(
        f"It works as it is, on the page in {folder}/recorded:\n"
        f"  make test ARGS='-k {name}'\n"
        f"Next: in client.py where the records are and how to sign in, in streams.py what"
        f" identifies them;\nput a real answer into recorded/{stream}.json, without anybody's"
        f" data. Then set in .env\n"
        f"  {new.prefix}BASE_URL=\n  {new.prefix}TOKEN=\n"
        f"and read it:\n  {program()} run bronze --source {name}"
    )


def _as_typed(text: str) -> str:
    """What was typed in UTF-8, also where the locale knows nothing of it."""
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return text  # refused by its pattern
