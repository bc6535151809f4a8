"""`lsats dictionary`: what every table and column means, and what it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsats_pipeline.cli.options import examples
from lsats_pipeline.cli.output import note, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    lines = ("lsats dictionary | less", "lsats dictionary --out dictionary")
    app.command("dictionary", epilog=examples(*lines))(dictionary)


def dictionary(
    out: Annotated[
        Path | None, typer.Option(help="Folder for a file a table, instead of the terminal.")
    ] = None,
) -> None:
    """The data dictionary as Markdown: tables, columns, meaning, sources, flags, lineage."""
    from lsats_pipeline.hub.dictionary import contents
    from lsats_pipeline.hub.dictionary import dictionary as pages_of_hub

    pages = pages_of_hub()
    if out is None:
        say("\n".join(pages.values()))
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "README.md").write_text(contents(pages), encoding="utf-8")
    for name, text in pages.items():
        (out / f"{name}.md").write_text(text, encoding="utf-8")
    note(f"{len(pages)} pages in {out}; begin with README.md")
