"""`lsats mrf split`: an ingested file, cut into smaller price files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsats_pipeline.cli.commands.mrf_profile import FileName, exports, name_of
from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import note, say, say_json, say_table
from lsats_pipeline.cli.progress import bars_of_bytes
from lsats_pipeline.core.errors import ConfigurationError

if TYPE_CHECKING:
    from lsats_pipeline.mrf.splitting import Plan, Planned, Split, SplitOptions


class By(StrEnum):
    """What the parts have in common."""

    size = "size"
    codes = "codes"
    provider = "provider"
    plan = "plan"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples(
        "lsats mrf split mrf_demo --mb 100 --dry-run",
        "lsats mrf split mrf_demo --by codes --codes CPT:99201-99215,MS-DRG",
        "lsats mrf split mrf_demo --by provider --providers 12-3456789,1234567893",
    ))(split)  # fmt: skip


def split(
    file: FileName,
    by: Annotated[By, typer.Option(help="What the parts have in common.")] = By.size,
    megabytes: Annotated[
        float, typer.Option("--mb", help="Megabytes of text in a part, before compression.")
    ] = 512,
    codes: Annotated[
        str, typer.Option(help="By codes: a group for each, as CPT:99201-99215,MS-DRG.")
    ] = "",
    providers: Annotated[
        str, typer.Option(help="By provider: TINs and NPIs, or @FILE with a list of them.")
    ] = "",
    buckets: Annotated[int, typer.Option(min=0, help="By provider: so many groups of TINs.")] = 0,
    plans: Annotated[
        Path | None, typer.Option(metavar="JSON", help="By plan: a list like reporting_plans.")
    ] = None,
    level: Annotated[int, typer.Option(min=0, max=3, help="Of compression.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Parallel processes.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say parts and sizes; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cut a file into valid smaller ones, with the same elements, proved.

    Every part has the header, and of the provider references those that its rates use.
    """
    from lsats_pipeline.mrf.splitting import SplitOptions, codes_of, planned
    from lsats_pipeline.mrf.splitting import split as parts_of

    options = SplitOptions(
        by=by.value,
        megabytes=megabytes,
        codes=codes_of(codes),
        providers=_providers(providers),
        buckets=buckets,
        plans=_plans(plans),
        level=level,
        workers=workers,
    )
    if dry_run:
        _say_planned(planned(name_of(file), exports(), options), as_json)
        return
    with bars_of_bytes(as_json) as progress:
        done = parts_of(name_of(file), exports(), options, progress)
    _say_done(done, options, as_json)


def _providers(text: str) -> frozenset[str]:
    from lsats_pipeline.mrf.splitting import providers_of

    if not text.startswith("@"):
        return providers_of(text) if text else frozenset()
    return providers_of(_read(Path(text[1:])).decode(errors="replace"))


def _plans(path: Path | None) -> tuple[Plan, ...]:
    import msgspec

    from lsats_pipeline.mrf.splitting import Plan

    if path is None:
        return ()
    try:
        return msgspec.json.decode(_read(path), type=tuple[Plan, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f'{path} is no list of plans ({error}): write [{{"plan_name": ..., "plan_id_type":'
            ' "hios", "plan_id": ..., "plan_market_type": "group"}, ...]'
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _say_planned(found: list[Planned], as_json: bool) -> None:
    if as_json:
        say_json([vars(part) for part in found])
        return
    say_table(
        ("part", "group", "elements", "text", "about compressed"),
        ((n, p.group, p.elements, p.text, p.compressed) for n, p in enumerate(found, 1)),
        right="part, elements, text, about compressed",
    )


def _say_done(done: Split, options: SplitOptions, as_json: bool) -> None:
    import msgspec

    from lsats_pipeline.mrf.splitting import folder_of

    folder = folder_of(done.file, exports(), options).final
    if as_json:
        say_json({"folder": str(folder), **msgspec.to_builtins(done)})
        return
    say_table(
        ("part", "group", "elements", "references", "text", "compressed", "faults"),
        ((p.name, p.group, p.elements, p.references, p.text, p.compressed, p.violations)
         for p in done.parts),
        right="elements, references, text, compressed, faults",
    )  # fmt: skip
    say(f"✅ {len(done.parts):,} parts in {folder}: {done.units:,} {done.unit}s"
        f"{f' in each of {done.copies} plans' if done.copies > 1 else ''}, the same as in the"
        f" source (sum of hashes {done.digest})")  # fmt: skip
    if done.left.not_json or done.left.unused_references:
        note(f"in left/: {done.left.not_json:,} values that are no JSON,"
             f" {done.left.unused_references:,} provider references that no rate uses")  # fmt: skip
    for text in done.notes:
        note(text)
