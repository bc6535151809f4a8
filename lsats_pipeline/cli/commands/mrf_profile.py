"""`lsats mrf profile`, `index`, `show-source`, `rejects`, `replay`: what is in an ingested file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import cut, note, say, say_json, say_table
from lsats_pipeline.cli.progress import bars_of_bytes
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.core.rules import Result
    from lsats_pipeline.mrf.ingest.rejects import PublishedReject
    from lsats_pipeline.mrf.ingest.replay import ReplayResult
    from lsats_pipeline.mrf.profiling import FileProfile, Violation

VERIFICATION_FAILED, STILL_REJECTED = 4, 3
_MOST_VIOLATIONS, _EXAMPLES = 20, 3

FileName = Annotated[
    str, typer.Argument(metavar="FILE", help="The name of a file, as `lsats mrf status` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command, lines in (
        ("profile", profile, ("mrf_demo", "mrf_demo --workers 2 --json")),
        ("index", index, ("mrf_demo", "2026-11-01_payer_in-network-rates.json.gz")),
        ("show-source", show_source, ("mrf_demo 12", "mrf_demo in_network:88",
                                      "mrf_demo rejects:0")),
        ("rejects", rejects, ("mrf_demo", "mrf_demo --reason float --json")),
        ("replay", replay, ("mrf_demo --coerce", "mrf_demo --reject 3 --with better.json")),
    ):  # fmt: skip
        epilog = examples(*(f"lsats mrf {name} {line}" for line in lines))
        app.command(name, epilog=epilog)(command)


def exports() -> Path:
    """Where published files are."""
    return load(HubSettings).lsats_home / "exports" / "mrf"


def name_of(file: str) -> str:
    """The name of a published file; the file itself may be named too."""
    from lsats_pipeline.mrf.workspace import name_for

    return file if (exports() / file).is_dir() else name_for(Path(file))


def profile(
    file: FileName,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Parallel processes.")] = 1,
    memory_mb: Annotated[
        int, typer.Option(min=64, help="Megabytes for the queries; the rest goes to disk.")
    ] = 300,
    as_json: AsJson = False,
) -> int:
    """Profile every element and row: schema, counts, prices, findings. Kept by content."""
    from lsats_pipeline.mrf.profiling import ProfileOptions, checks_of
    from lsats_pipeline.mrf.profiling import profile as made_of

    with bars_of_bytes(as_json) as progress:
        made = made_of(name_of(file), exports(), ProfileOptions(workers, memory_mb), progress)
    checks = checks_of(made)
    if as_json:
        import msgspec

        say_json({**msgspec.to_builtins(made), "checks": [_as_json(check) for check in checks]})
    else:
        _say_profile(made, checks)
    return VERIFICATION_FAILED if any(check.blocking for check in checks) else 0


def index(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The name of an ingested file, or a file.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a seek index, so that reading can begin anywhere in a file; one that fits is kept.

    A file that is not ingested is read, verified and cut first; `lsats mrf run` goes on from there.
    """
    from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, prepare
    from lsats_pipeline.mrf.ingest.seekable import make_seekable
    from lsats_pipeline.mrf.workspace import Workspace

    workspace = Workspace(exports(), name_of(file))
    with bars_of_bytes(as_json) as progress:
        if Path(file).is_file():
            prepare(Path(file), exports(), IngestOptions(), "", progress)
        made = make_seekable(workspace, progress)
    if as_json:
        say_json({"file": workspace.file, "sha256": made.sha256, "bytes": made.size,
                  "text": made.text, "blocks": len(made.crcs)})  # fmt: skip
        return
    say(f"✅ {workspace.file}: reading can begin anywhere in {made.text:,} bytes of text, which"
        f" {len(made.crcs):,} sums prove")  # fmt: skip


def show_source(
    file: FileName,
    place: Annotated[
        str,
        typer.Argument(
            metavar="PLACE",
            help="Element 1234 or provider_references/7, row in_network:88 or rejects:3, byte:123.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Print the exact text that a row, an element, a reject or a byte is from."""
    from lsats_pipeline.mrf.ingest.seekable import seekable_if_large
    from lsats_pipeline.mrf.provenance.locating import origin
    from lsats_pipeline.mrf.workspace import Workspace

    workspace = Workspace(exports(), name_of(file))
    with bars_of_bytes(as_json) as progress:
        seekable_if_large(workspace, progress)
        watch = (lambda done, total: progress("reading", done, total)) if progress else None
        found = origin(workspace, place, watch)
    if as_json:
        text = b"".join(found.text).decode(errors="backslashreplace")
        say_json({**vars(found), "text": text})
        return
    note(f"{found.of} of {found.section}[{found.element}],"
         f" bytes {found.offset:,} to {found.offset + found.length:,}")  # fmt: skip
    for part in found.text:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def rejects(
    file: FileName,
    reason: Annotated[str, typer.Option(help="Only those whose reason has this in it.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many to show one by one.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what could not be used: by reason, and the first ones with their text."""
    from lsats_pipeline.mrf.ingest.rejects import rejects_of
    from lsats_pipeline.mrf.workspace import Workspace

    workspace = Workspace(exports(), name_of(file))
    found = [reject for reject in rejects_of(workspace) if reason in reject.reason]
    by_reason = Counter((reject.level, _kind_of(reject.reason)) for reject in found)
    if as_json:
        say_json(
            {
                "reasons": [
                    {"level": level, "reason": why, "rejects": count}
                    for (level, why), count in by_reason.most_common()
                ],
                "rejects": _plain(found[:limit]),
            }
        )
        return
    if not found:
        note("no rejects")
        return
    say_table(
        ("level", "reason", "rejects"),
        ((level, why, count) for (level, why), count in by_reason.most_common()),
        right="rejects",
    )
    say_table(
        ("number", "element", "path", "offset", "reason", "text"),
        ((r.number, f"{r.section}[{r.element}]", cut(r.path, 50), r.offset, cut(r.reason, 50),
          cut(r.text, 60)) for r in found[:limit]),
        right="number, offset",
    )  # fmt: skip


def replay(
    file: FileName,
    coerce: Annotated[
        bool, typer.Option("--coerce", help="Take numbers in quotes, and texts without.")
    ] = False,
    reject: Annotated[
        int | None, typer.Option(min=0, help="The number of one reject; needs --with.")
    ] = None,
    replacement: Annotated[
        Path | None, typer.Option("--with", metavar="JSON", help="A file with its corrected text.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Try rejects again; those that fit now join the tables, in one step, and are counted."""
    from lsats_pipeline.mrf.ingest.replay import replay as replayed

    if (reject is None) != (replacement is None):
        raise ConfigurationError("--reject NUMBER and --with FILE go together")
    texts = (
        {reject: _text_of(replacement)} if reject is not None and replacement is not None else {}
    )
    done = replayed(name_of(file), exports(), coerce=coerce, corrections=texts)
    if as_json:
        say_json({"taken": _plain(done.ingested), "left": len(done.remaining), "rows": done.rows})
    else:
        _say_replayed(done)
    return STILL_REJECTED if done.remaining else 0


def _text_of(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _plain(found: Iterable[PublishedReject]) -> list[Any]:
    import msgspec

    return [msgspec.to_builtins(reject) for reject in found]


def _kind_of(reason: str) -> str:
    """A reason without the place in the text."""
    return reason.split(" - at ")[0].split(" (byte ")[0]


def _say_replayed(done: ReplayResult) -> None:
    rows = ", ".join(f"{count:,} in {table}" for table, count in done.rows.items()) or "none"
    say(f"🆕 {len(done.ingested):,} rejects ingested; rows added: {rows}")
    say(f"❌ {len(done.remaining):,} rejects are left")


def _as_json(check: Result) -> dict[str, object]:
    return {
        "name": check.name,
        "passed": check.passed,
        "description": check.description,
        "blocking": check.rule.blocking,
        "values": check.values,
    }


def _say_profile(made: FileProfile, checks: tuple[Result, ...]) -> None:
    schema = made.schema
    say(f"📊 {made.file}: {made.text:,} bytes of text; version {schema.version} of the schema by"
        f" its shape, {schema.stated or 'nothing'} by its own word")  # fmt: skip
    say_table(("what", "count"), made.counts.items(), right="count")
    say_table(
        ("amounts", "rows", "least", "5 %", "median", "95 %", "most", "mean", "outliers"),
        ((kind, d.rows, d.least, d.quantiles["0.05"], d.quantiles["0.5"], d.quantiles["0.95"],
          d.most, d.mean, sum(d.outlying.values())) for kind, d in made.prices.items()),
        right="rows, least, 5 %, median, 95 %, most, mean, outliers",
    )  # fmt: skip
    say_table(
        ("code system", "rows", "codes", "malformed", "such as"),
        ((s.name, s.rows, s.codes, s.malformed, ", ".join(s.examples)) for s in made.systems),
        right="rows, codes, malformed",
    )
    say_table(
        ("finding", "count", "of", "such as"),
        ((f.name, f.count, f.of,
          ", ".join(f"{e.section}[{e.element}]: {e.text}" for e in f.examples[:_EXAMPLES]))
         for f in made.findings if f.count),
        right="count, of",
    )  # fmt: skip
    _say_violations(schema.violations)
    for check in checks:
        say(f"{'✅' if check.passed else '⚠️'} {check.name}: {check.description}")


def _say_violations(violations: list[Violation]) -> None:
    if not violations:
        return
    say_table(
        ("differs from the schema", "how", "what", "count", "first at"),
        ((v.path or "(top level)", v.what, v.detail, v.count,
          f"byte {v.first.offset:,}" if v.first.offset >= 0 else "")
         for v in violations[:_MOST_VIOLATIONS]),
        right="count",
    )  # fmt: skip
    if len(violations) > _MOST_VIOLATIONS:
        say(f"and {len(violations) - _MOST_VIOLATIONS:,} more (--json shows all)")
