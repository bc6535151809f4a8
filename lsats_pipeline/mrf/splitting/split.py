"""One published file to parts: written, proved, and then there in one step."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from lsats_pipeline.core.errors import PermanentError, VerificationFailed
from lsats_pipeline.core.worker_pool import parallel_map
from lsats_pipeline.mrf.profiling.scan import fitting_version
from lsats_pipeline.mrf.provenance.rereading import Indexed, indexed, stage_watcher
from lsats_pipeline.mrf.splitting.header import header, notes
from lsats_pipeline.mrf.splitting.options import REST, SplitOptions
from lsats_pipeline.mrf.splitting.parts_account import LAYOUT, Left, Split, SplitPart
from lsats_pipeline.mrf.splitting.planner import (
    FinishedPart,
    SplitJob,
    count_parts,
    headers_of,
    plans_of,
    proof_of_source,
    references_of,
    write_parts,
)
from lsats_pipeline.mrf.splitting.proof import ELEMENTS, SplitProof, verified
from lsats_pipeline.mrf.splitting.references import SECTION as REFERENCES
from lsats_pipeline.mrf.splitting.references import Mask, ReferenceLists, saved
from lsats_pipeline.mrf.splitting.sizes import shares
from lsats_pipeline.mrf.splitting.units import Elements, LargeUnit, items
from lsats_pipeline.mrf.splitting.writer import PartWriter
from lsats_pipeline.mrf.text.index import SECTIONS
from lsats_pipeline.mrf.text.reading import Watcher
from lsats_pipeline.mrf.workspace import Workspace, read, write

Progress = Callable[[str, int, int], None]
"""Called with the stage, bytes of the file done, and in all; by one process alone."""


@dataclass(frozen=True)
class Planned:
    """A part as it would be; `compressed` is guessed from the source."""

    group: str
    elements: int
    text: int
    compressed: int


def split(
    file: str,
    exports: Path,
    options: SplitOptions | None = None,
    progress: Progress | None = None,
) -> Split:
    """Split a published file (by its name there) into parts, each a valid price file of its own.

    The parts are in `mrf_parts/<file>/<by>-<options>/` next to `exports`; the same again changes
    nothing. ConfigurationError when the file is not published or its source is gone, Busy while
    another process splits it so, VerificationFailed when the parts are not the whole: then
    nothing is published.
    """
    begun, chosen = time.monotonic(), options or SplitOptions()
    work = indexed(Workspace(exports, file))
    workspace = folder_of(file, exports, chosen)
    if known := _same(workspace, work, chosen):
        return known
    copies = len(plans_of(work.index, chosen)) or 1
    try:
        _room_for(work, exports, copies)
        with workspace.locked():
            workspace.recover()
            workspace.clear()
            workspace.out.mkdir()
            try:
                made = _split(file, workspace, work, chosen, progress)
                made.seconds = time.monotonic() - begun
                write(workspace.out / "parts.json", made)
                workspace.swap()
            finally:
                workspace.clear()
    except OSError as error:
        raise PermanentError(
            f"{workspace.folder}: {error.strerror or error} ({error.filename or 'while writing'}):"
            " mend that and run the same command again"
        ) from error
    return made


def planned(file: str, exports: Path, options: SplitOptions) -> list[Planned]:
    """The parts that `split` would make; nothing is kept.

    By size nothing is read either, so the references that a part will need are not in its size.
    """
    work = indexed(Workspace(exports, file))
    plans_of(work.index, options)
    ratio = work.index.compressed / work.index.text
    if options.by == "size":
        return [
            Planned("", share.elements, share.text, round(share.text * ratio))
            for share in shares(work.index, ELEMENTS, options.limit)
        ]
    aside = exports / ".work"
    aside.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="planned-", dir=aside) as folder:
        counted = count_parts(SplitJob(work, options, Path(folder), version=2))
    return [
        Planned(one.group, one.elements, one.text, round(one.text * ratio))
        for one in sorted(counted, key=lambda c: _order(c.section, c.group, c.sequence))
    ]


def folder_of(file: str, exports: Path, options: SplitOptions) -> Workspace:
    """Where the parts are, and where they grow."""
    return Workspace(exports.parent / "mrf_parts" / file, options.folder)


def _room_for(work: Indexed, exports: Path, copies: int) -> None:
    """Parts take about what the source does, but at a lower level; references are put aside."""
    references = work.index.member(REFERENCES)
    aside = references.end - references.begin if references else 0
    needed, free = 2 * copies * work.index.compressed + aside, shutil.disk_usage(exports).free
    if free < needed:
        raise PermanentError(
            f"{exports.parent} has {free:,} bytes free, and the parts may need {needed:,}: make"
            " room there, or set LSATS_HOME to a larger disk"
        )


def _same(workspace: Workspace, work: Indexed, options: SplitOptions) -> Split | None:
    found = read(workspace.final / "parts.json", Split)
    if found is None:
        return None
    same = (LAYOUT, work.index.sha256, options.meaning)
    return found if (found.layout, found.sha256, found.meaning) == same else None


def _order(section: str, group: str, sequence: int) -> tuple[str, bool, str, int]:
    return section, group == REST, group, sequence


def _split(
    file: str, workspace: Workspace, work: Indexed, options: SplitOptions, progress: Progress | None
) -> Split:
    index = work.index
    version = fitting_version(work)
    job = SplitJob(work, options, workspace.folder, version, 0, options.workers)
    references = references_of(job)
    saved(references, workspace.folder)
    proof, made = _written(job, progress)
    if not made:
        made = [_empty(job, references)]
    made.sort(key=lambda one: _order(one.written.section, one.part.group, one.written.sequence))
    parts = _named(file, workspace, made)
    unused = _unused(references, [one.written.used(references) for one in made])
    copies = len(plans_of(index, options)) or 1
    _assert_the_whole(proof, parts, references, copies)
    _set_aside(workspace, job, references, unused, proof)
    return Split(
        layout=LAYOUT,
        file=file,
        sha256=index.sha256,
        meaning=options.meaning,
        version=version,
        unit="rate" if job.rates else "element",
        copies=copies,
        elements=sum(index.elements(section) for section in ELEMENTS),
        units=proof.units.count,
        digest=str(proof.units),
        references=len(references),
        in_references=int(references.faults[~unused].sum()),
        parts=parts,
        left=Left(
            not_json=proof.not_json.count,
            not_json_digest=str(proof.not_json),
            offsets=proof.offsets,
            unused_references=int(unused.sum()),
        ),
        notes=notes(index),
        seconds=0,
    )


def _written(job: SplitJob, progress: Progress | None) -> tuple[SplitProof, list[FinishedPart]]:
    """The proof of the source, and the parts, which know nothing of each other."""
    if job.workers == 1:
        return proof_of_source(job, stage_watcher(progress, "proof")), write_parts(
            job, stage_watcher(progress, "split")
        )
    jobs = [_Task(replace(job, worker=worker)) for worker in range(job.workers)]
    proof, *made = parallel_map(
        _done, [_Task(job, proof=True), *jobs], stage_watcher(progress, "split")
    )
    assert isinstance(proof, SplitProof)
    return proof, [one for some in made if isinstance(some, list) for one in some]


@dataclass(frozen=True)
class _Task:
    job: SplitJob
    proof: bool = False


def _done(task: _Task, watch: Watcher | None) -> SplitProof | list[FinishedPart]:
    return proof_of_source(task.job, watch) if task.proof else write_parts(task.job, watch)


def _empty(job: SplitJob, references: ReferenceLists) -> FinishedPart:
    """The one part of a file without elements."""
    section = next(s for s in ELEMENTS if job.index.member(s))
    part = PartWriter(job.folder, "", 1, section, references.none(), job.options.level)
    headers = headers_of(job.index, job.options)
    written = part.finish(list(headers.values())[-1], references)
    return FinishedPart(written, verified(written, references, job.version, rates=job.rates))


def _named(file: str, workspace: Workspace, made: list[FinishedPart]) -> list[SplitPart]:
    """Move the parts to where they are published from, numbered in their order."""
    parts = []
    for number, one in enumerate(made, 1):
        name = f"{file}_part-{number:05}.json.gz"
        one.written.path.rename(workspace.out / name)
        parts.append(msgspec.structs.replace(one.part, name=name))
    return parts


def _unused(references: ReferenceLists, masks: list[Mask]) -> Mask:
    used = references.none()
    for mask in masks:
        used |= mask
    return ~used


def _assert_the_whole(
    proof: SplitProof, parts: list[SplitPart], references: ReferenceLists, copies: int
) -> None:
    """Units in = units out, and the same ones; the same of references, each at least once."""
    total = sum(int(part.digest, 16) for part in parts) % (1 << 128)
    wanted = proof.units.total * copies % (1 << 128)
    count = sum(part.units for part in parts)
    if total != wanted or count != proof.units.count * copies:
        raise VerificationFailed(
            f"the source has {proof.units.count:,} units ({wanted:032x}), and the parts have"
            f" {count:,} ({total:032x}): nothing is published; please report this"
        )
    if references.digest(~references.none()) != proof.references.total:
        raise VerificationFailed(
            f"the source has {proof.references.count:,} provider references, and"
            f" {len(references):,} others were put aside: please report this"
        )


def _set_aside(
    workspace: Workspace,
    job: SplitJob,
    references: ReferenceLists,
    unused: Mask,
    proof: SplitProof,
) -> None:
    """Files of what can be in no part, so that nothing is lost."""
    if unused.any():
        left = workspace.out / "left"
        left.mkdir()
        part = PartWriter(left, "unused", 1, "in_network", unused, job.options.level)
        part.finish(header(job.index), references).path.rename(left / "unused-references.json.gz")
        for scrap in left.glob("*.mask"):
            scrap.unlink()
    if proof.offsets:
        (workspace.out / "left").mkdir(exist_ok=True)
        with (workspace.out / "left" / "not-json.txt").open("wb") as file:
            for text in _not_json(job):
                file.write(text + b"\n")


def _not_json(job: SplitJob) -> Iterator[bytes]:
    for item in items(job.source.original.opened(), job.index, tuple(SECTIONS)):
        if isinstance(item, LargeUnit):
            for _ in item.chunks:
                pass
        elif not isinstance(item, Elements):
            yield item.head.encode()
        elif not item.proved:
            yield bytes(item.values[0])
