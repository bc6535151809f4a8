"""`lsats mrf`: price files of insurers, from gzip JSON of any size to Parquet."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsats_pipeline.cli.commands.mrf_load import say_loaded
from lsats_pipeline.cli.options import AsJson, examples
from lsats_pipeline.cli.output import cut, note, program, say, say_json, say_table
from lsats_pipeline.cli.progress import bars_of_bytes
from lsats_pipeline.cli.progress import progress as steps
from lsats_pipeline.core.errors import (
    ConfigurationError,
    LsatsError,
    PermanentError,
    VerificationFailed,
)
from lsats_pipeline.core.settings import HubSettings, load

if TYPE_CHECKING:
    from lsats_pipeline.mrf.database.loading import Loaded
    from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, IngestOutcome
    from lsats_pipeline.mrf.status import FileStatus
    from lsats_pipeline.mrf.text.index import Index
    from lsats_pipeline.synthetic.price_files import Manifest

app = typer.Typer(
    help="Price files of insurers (gzip JSON of any size) to Parquet.", no_args_is_help=True
)
_COUNTED = ("elements", "prices", "provider groups", "payments", "rejects", "rates in all")


class FileKind(StrEnum):
    """What a price file is about."""

    in_network = "in-network"
    allowed_amounts = "allowed-amounts"


class Order(StrEnum):
    """Which array comes first."""

    references_first = "references-first"
    prices_first = "prices-first"


Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Files, .json or .json.gz; or keys or addresses."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, help="Parallel processes.",
        show_default="processors, as far as memory allows",
    ),
]  # fmt: skip
SpanMb = Annotated[int, typer.Option(min=1, max=1024, help="Megabytes of text in a unit of work.")]
MaxRatio = Annotated[
    int, typer.Option(min=2, max=1100, help="Text over file size, above which a file is refused.")
]
Megabytes = Annotated[float, typer.Option("--mb", help="Megabytes of text, before compression.")]
Seed = Annotated[int, typer.Option(help="Another seed, another file.")]


@app.command(
    epilog=examples("lsats mrf run 2026-11-01_payer_in-network-rates.json.gz",
                    "lsats mrf run inbox/*.json.gz --workers 2 --json",
                    "lsats mrf run https://files.example.com/prices.json.gz")
)  # fmt: skip
def run(
    files: Files,
    name: Annotated[str, typer.Option(help="Keep the (one) file under this name.")] = "",
    workers: Workers = None,
    span_mb: SpanMb = 32,
    max_ratio: MaxRatio = 400,
    to_postgres: Annotated[
        bool, typer.Option("--to-postgres", help="And then into the hub's database.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Ingest files, all or nothing; a file that is already ingested changes nothing."""
    if name and len(files) > 1:
        raise ConfigurationError(f"--name {name} is for one file, and there are {len(files)}")
    options = _options(workers, span_mb, max_ratio)
    done: list[IngestOutcome] = []
    errors: list[tuple[str, LsatsError]] = []
    for named in files:
        try:
            done.append(_ingest_one(named, options, name, quiet=as_json))
        except LsatsError as error:
            errors.append((named, error))
            note(f"lsats: {error}")
    loaded = _into_postgres(done, quiet=as_json) if to_postgres and done else []
    _say_outcomes(done, errors, loaded, as_json)
    if errors:
        return errors[0][1].exit_code
    return 3 if any(map(_too_many_rejects, done)) else 0


@app.command(epilog=examples("lsats mrf plan 2026-11-01_payer_in-network-rates.json.gz"))
def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file, .json or .json.gz.")],
    span_mb: SpanMb = 32,
    max_ratio: MaxRatio = 400,
    as_json: AsJson = False,
) -> None:
    """Read a file once, verify it, print what is in it; writes nothing."""
    from lsats_pipeline.mrf.ingest.file_ingest import plan

    with bars_of_bytes(as_json) as progress:
        watch = (lambda done, total: progress("index", done, total)) if progress else None
        index = plan(file, _options(1, span_mb, max_ratio), watch)
    say_json(_plan_json(index)) if as_json else _say_plan(index)


@app.command(epilog=examples("lsats mrf status", "lsats mrf status --json"))
def status(as_json: AsJson = False) -> None:
    """Every file: published, unfinished or left out, and what is in it."""
    from lsats_pipeline.cli.commands.mrf_find import catalog_only
    from lsats_pipeline.mrf.status import statuses

    found = list(statuses(_exports()))
    found += catalog_only(found)
    if as_json:
        say_json([_status_json(one) for one in found])
        return
    if not found:
        note(f"no price file yet: `{program()} mrf run FILE`, or `{program()} mrf demo`")
    say_table(
        ("file", "state", "spans", "of", *_COUNTED, "why"),
        ((s.file, s.state, s.spans_done, s.spans, *_counted(s), cut(s.reason, 100)) for s in found),
        right=", ".join(("spans", "of", *_COUNTED)),
    )


@app.command(
    epilog=examples("lsats mrf generate prices.json.gz --mb 50",
                    "lsats mrf generate old.json.gz --version 1 --faults 0.01")
)  # fmt: skip
def generate(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write, .json or .json.gz.")
    ],
    megabytes: Megabytes = 8,
    seed: Seed = 1,
    kind: Annotated[FileKind, typer.Option(help="What it is about.")] = FileKind.in_network,
    version: Annotated[int, typer.Option(min=1, max=2, help="Of the published schema.")] = 2,
    order: Annotated[Order, typer.Option(help="Of the arrays.")] = Order.references_first,
    pretty: Annotated[bool, typer.Option("--pretty", help="A line for every element.")] = False,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of faulty elements.")] = 0,
    large: Annotated[float, typer.Option(min=0, help="Megabytes of one large element.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic price file and its manifest."""
    from lsats_pipeline.synthetic.price_files import PriceFile
    from lsats_pipeline.synthetic.price_files.example import manifest_path

    chosen = PriceFile(
        megabytes=megabytes,
        seed=seed,
        kind=kind.value,
        version=1 if version == 1 else 2,
        order=order.value,
        pretty=pretty,
        faults=faults,
        large=large,
    )
    manifest = _generated(out, chosen)
    if as_json:
        say_json(manifest.as_json())
    else:
        say(f"{out}: {manifest.text:,} bytes of text, {manifest.prices:,} prices,"
            f" {len(manifest.faults):,} faults; manifest in"
            f" {manifest_path(out)}")  # fmt: skip


@app.command(epilog=examples("lsats mrf demo", "lsats mrf demo --mb 50 --workers 2"))
def demo(
    megabytes: Megabytes = 8,
    seed: Seed = 1,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Generate a price file with faults, run all steps on it, compare every count.

    The steps are those of the Dagster job `mrf_process`: `lsats ui` shows the partition `mrf_demo`.
    """
    from lsats_pipeline.cli.price_demo import PRICE_STEPS, run_price_demo

    with steps("price file", PRICE_STEPS) as watch:
        done = run_price_demo(megabytes=megabytes, seed=seed, workers=workers or 0, watch=watch)
    if as_json:
        counts = {name: found for name, _, found in done.compared}
        say_json({"file": done.file, "counts": counts, "differing": done.differing,
                  "seconds": done.seconds, "run": done.run and done.run.as_json()})  # fmt: skip
    else:
        say_table(("what", "made", "found"), done.compared, right="made, found")
        say(f"Parquet in {done.folder}")
    if wrong := done.differing:
        raise VerificationFailed(f"the file and what was made of it differ in {', '.join(wrong)}")


def _into_postgres(done: list[IngestOutcome], *, quiet: bool) -> list[Loaded]:
    from lsats_pipeline.cli.commands.mrf_load import load_one, opened

    with opened() as warehouse:
        return [load_one(warehouse, one.file, quiet=quiet) for one in done]


def _options(workers: int | None, span_mb: int, max_ratio: int) -> IngestOptions:
    from lsats_pipeline.mrf.health import workers as workers_for
    from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, workers_for_this_machine
    from lsats_pipeline.mrf.text.index import IndexOptions

    return IngestOptions(
        workers=workers_for(workers or workers_for_this_machine()),
        index=IndexOptions(span=span_mb << 20, max_ratio=max_ratio),
    )


def _exports() -> Path:
    return load(HubSettings).lsats_home / "exports" / "mrf"


def _ingest_one(named: str, options: IngestOptions, name: str, *, quiet: bool) -> IngestOutcome:
    """Ingest a local file without a database; anything else goes through the catalogue."""
    from lsats_pipeline.cli.commands import mrf_find
    from lsats_pipeline.mrf.ingest.file_ingest import ingest

    with bars_of_bytes(quiet) as progress:
        if not Path(named).exists():
            return mrf_find.ingest_named(named, name, options, progress)
        return ingest(Path(named), _exports(), options, name, progress)


def _too_many_rejects(outcome: IngestOutcome) -> bool:
    from lsats_pipeline.core.rules import exceeds

    sums = outcome.published.sums
    total = sum(sums.rows.values())
    return exceeds(sums.rows.get("rejects", 0), total, load(HubSettings).lsats_reject_share)


def _generated(out: Path, options: Any) -> Manifest:
    from lsats_pipeline.synthetic.price_files import write_price_file
    from lsats_pipeline.synthetic.price_files.example import manifest_path

    try:
        manifest = write_price_file(out, options)
        manifest_path(out).write_text(json.dumps(manifest.as_json(), indent=1))
    except OSError as error:
        raise PermanentError(f"{out} cannot be written: {error.strerror}") from None
    return manifest


def _say_outcomes(
    done: list[IngestOutcome],
    errors: list[tuple[str, LsatsError]],
    loaded: list[Loaded],
    as_json: bool,
) -> None:
    from lsats_pipeline.core.addresses import redacted

    if as_json:
        say_json(
            {
                "files": [_outcome_json(one) for one in done],
                "loaded": [vars(one) for one in loaded],
                "left_out": [
                    {
                        "file": redacted(named),
                        "code": getattr(error, "code", ""),
                        "reason": str(error),
                    }
                    for named, error in errors
                ],
            }
        )
        return
    say_table(
        ("file", "state", "seconds", *_COUNTED),
        ((o.file, o.state, o.seconds, *_counted(o)) for o in done),
        right=", ".join(("seconds", *_COUNTED)),
    )
    if loaded:
        say_loaded(loaded)


def _counted(of: IngestOutcome | FileStatus) -> tuple[object, ...]:
    if of.published is None:
        return ("",) * len(_COUNTED)
    sums = of.published.sums
    groups = sums.rows.get("provider_references", 0) + sums.rows.get("inline_groups", 0)
    return (
        sum(of.published.elements.values()),
        sums.rows.get("in_network", 0),
        groups,
        sums.rows.get("allowed_amounts", 0),
        sums.rows.get("rejects", 0),
        f"{sums.cents / 100:,.2f}",
    )


def _outcome_json(outcome: IngestOutcome) -> dict[str, Any]:
    import msgspec

    return {
        "file": outcome.file,
        "state": outcome.state,
        "seconds": outcome.seconds,
        "spans_resumed": outcome.spans_resumed,
        "folder": str(_exports() / outcome.file),
        "published": msgspec.to_builtins(outcome.published),
    }


def _status_json(one: FileStatus) -> dict[str, Any]:
    import msgspec

    return {**vars(one), "published": msgspec.to_builtins(one.published)}


def _plan_json(index: Index) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(index)
    return plain


def _say_plan(index: Index) -> None:
    say(
        f"{index.compressed:,} bytes hold {index.text:,} of text in {index.gzip_members:,} gzip"
        f" members (ratio {index.text / index.compressed:.1f}), sha256 {index.sha256}"
    )
    spans = {m.key: sum(s.section == m.key for s in index.spans) for m in index.members}
    say_table(
        ("key", "at", "bytes", "elements", "spans", "value"),
        (
            (
                m.key,
                m.begin,
                m.end - m.begin,
                m.elements,
                spans[m.key] or None,
                cut(m.text or "", 60),
            )
            for m in index.members
        ),
        right="at, bytes, elements, spans",
    )
    for large in index.large:
        say(f"element {large.number:,} of {large.section} has {large.end - large.begin:,} bytes,"
            f" and is cut inside: {large.values:,} values")  # fmt: skip
    for lost in index.too_large:
        note(f"{lost.section}[{lost.element}].{lost.path} has {lost.size:,} bytes: a reject")
    for text in index.notes:
        note(text)
