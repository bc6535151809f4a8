"""The targets of a seeding from what was asked for: `db`, `csv`, `both`, `parquet`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

from lsats_pipeline.synthetic.choices import BATCH
from lsats_pipeline.synthetic.rejects import Rejects
from lsats_pipeline.synthetic.seeding import Seeding
from lsats_pipeline.synthetic.stored_worlds import verify_database, verify_files
from lsats_pipeline.synthetic.targets import Target
from lsats_pipeline.synthetic.targets.batches import BatchSize, BatchTarget
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
from lsats_pipeline.synthetic.targets.files import FilesTarget
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline.synthetic.validation import Results

TARGETS = {"db": ("db",), "csv": ("csv",), "both": ("db", "csv"), "parquet": ("parquet",)}


def build_pipeline(
    seeding: Seeding,
    to: str,
    url: str,
    folder: Path,
    *,
    skip: bool = False,
    batch_size: int = BATCH,
    clear: bool = False,
    claim: Claim | None = None,
) -> tuple[Seeding, list[Target]]:
    """The seeding and its targets; nothing is connected to yet.

    `skip`: rows that cannot be stored are set aside into `folder/rejects.jsonl`. `claim`: the part
    of the world that this writes while others write other parts; files are named for the part.
    ConfigurationError for a database whose name does not end in _demo or _test.
    """
    kinds, claim = TARGETS[to], claim or Claim(seeding.world.name)
    if skip:
        rejects = Rejects(
            folder / ".".join(filter(None, ["rejects", claim.table, claim.part, "jsonl"]))
        )
        verify_stored = _verify_stored(seeding, kinds[0], url, folder, rejects)
        seeding = replace(seeding, rejects=rejects, verify_stored=verify_stored)
    targets = [_target(kind, seeding, url, folder, batch_size, clear, claim) for kind in kinds]
    return seeding, targets


def _target(
    kind: str, seeding: Seeding, url: str, folder: Path, batch_size: int, clear: bool, claim: Claim
) -> Target:
    world, options = seeding.world, seeding.options
    if kind != "db":
        return FilesTarget(world, options, folder, kind, claim.part)
    session = Session(url, world.name, claim=claim)
    if seeding.rejects is None:
        return DatabaseTarget(session, world, options, clear=clear)
    size = BatchSize(batch_size, _over(seeding.memory_limit))
    return BatchTarget(session, world, options, seeding.rejects, size, clear=clear)


def _verify_stored(
    seeding: Seeding, kind: str, url: str, folder: Path, rejects: Rejects
) -> Callable[[], Results]:
    """Only the stored rows can be validated, when some rows were set aside."""
    tables = seeding.tables
    if kind == "db":
        return partial(verify_database, url, seeding.world, tables, rejected=rejects.counts)
    return partial(verify_files, folder, seeding.world, kind, tables, rejected=rejects.counts)


def _over(limit: int) -> Callable[[], bool]:
    process = psutil.Process()
    return lambda: bool(process.memory_info().rss > limit * 2**20)
