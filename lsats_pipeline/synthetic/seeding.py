"""A world generated, validated and written to its targets.

blocks ─▶ validated ─▶ CSV ─▶ every target that still works
all blocks in, no blocking rule violated ─▶ targets publish them ─▶ SeedReport
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import psycopg
import pyarrow as pa

from lsats_pipeline.core.errors import LsatsError, PermanentError, Unreachable, VerificationFailed
from lsats_pipeline.synthetic.blocks import BlockGenerator, GeneratedBlock
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.progress import Progress, Watcher
from lsats_pipeline.synthetic.rejects import Rejects
from lsats_pipeline.synthetic.report import SeedReport, TableReport
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets import Rendered, Target
from lsats_pipeline.synthetic.targets.session import transient
from lsats_pipeline.synthetic.validation import Results, Verification, rules_of
from lsats_pipeline.synthetic.validators import broken_rows

log = logging.getLogger(__name__)
OnError = Literal["abort", "skip"]
MEMORY_LIMIT = 1024  # megabytes
_AHEAD = 2  # blocks made that are not written yet


@dataclass(frozen=True)
class Seeding:
    """What to seed and how. `tables`: only these; `blocks`: of those tables only these blocks.

    `rejects` set: rows that break a rule by themselves are set aside, and so are those that a
    target refuses; unset: the first such row ends the run. `verify_stored`:
    validates the stored rows, for targets that may hold others than were generated.
    """

    world: World
    options: WorldOptions
    tables: tuple[str, ...] | None = None
    blocks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    workers: int = 1
    memory_limit: int = MEMORY_LIMIT
    rejects: Rejects | None = None
    verify_stored: Callable[[], Results] | None = None

    @property
    def chosen(self) -> tuple[WorldTable, ...]:
        """The tables to write, parents first."""
        names = None if self.tables is None else {self.world.table(t).name for t in self.tables}
        return tuple(t for t in self.world.tables if names is None or t.name in names)

    def rows_of(self, table: WorldTable) -> int:
        """How many rows of a table are to be made."""
        numbers = self.blocks.get(table.name)
        if numbers is None:
            return table.rows(self.options)
        blocks = list(table.blocks(self.world.name, self.options))
        return sum(len(blocks[number]) for number in numbers)


def seed(seeding: Seeding, targets: Sequence[Target], watch: Watcher | None = None) -> SeedReport:
    """Seed the world. Never raises for a failure of the run: the report has it, with all counts.

    With several targets one may fail and the others go on; the status is `partial` then.
    """
    return _Run(seeding, targets, watch).execute()


class _WriteTime(NamedTuple):
    """What writing a block took: seconds, retries."""

    seconds: float
    retries: int


class _Run:
    """The steps of one seeding, sharing its parts."""

    def __init__(self, seeding: Seeding, targets: Sequence[Target], watch: Watcher | None) -> None:
        self.seeding, self.world, self.options = seeding, seeding.world, seeding.options
        self.tables = seeding.chosen
        self.reports = {t.name: TableReport(t.name, seeding.rows_of(t)) for t in self.tables}
        self.live = list(targets)
        self.failed: dict[str, Exception] = {}
        totals = {name: report.asked for name, report in self.reports.items()}
        self.progress = Progress(totals, seeding.memory_limit, watch)
        self.results: Results | None = None
        self.writer: ThreadPoolExecutor
        self.hashes: dict[str, list[str]] = {t.name: [] for t in self.tables}

    def execute(self) -> SeedReport:
        try:
            self._open()
            self._write_all()
            self._check_results()
            self._finish()
        except KeyboardInterrupt:
            self._leave(resumable=True)
            raise
        except Exception as error:
            self._leave(resumable=not isinstance(error, VerificationFailed))
            return self._report(_as_lsats_error(error))
        finally:
            self._close()
        return self._report(None)

    def _open(self) -> None:
        if self.world.required:
            self.world.required(self.options)
        for target in self.live:
            target.open(self.tables)

    def _write_all(self) -> None:
        verification = self._verification()
        wanted = {t.name for t in self.tables} | set(verification.tables)
        tables = [t for t in self.world.tables if t.name in wanted]
        with (
            BlockGenerator(self.world, self.options, self.seeding.workers) as maker,
            ThreadPoolExecutor(1, "writer") as self.writer,
        ):
            maker.start(tables)
            for table in tables:
                self._write_table(maker, table, verification)
        if self.seeding.rejects is None:
            self.results = verification.results()

    def _verification(self) -> Verification:
        names = [t.name for t in self.tables]
        return Verification(self.world, self.options, names, incomplete=bool(self.seeding.blocks))

    def _write_table(
        self, maker: BlockGenerator, table: WorldTable, verification: Verification
    ) -> None:
        report = self.reports.get(table.name)
        if report is None:  # only rules of other tables need its rows
            for made in maker.made(table):
                verification.add(table.name, made.batch)
            return
        started, pending = time.perf_counter(), deque[tuple[GeneratedBlock, Future[_WriteTime]]]()
        for made in maker.made(table, self.seeding.blocks.get(table.name)):
            verification.add(table.name, made.batch)
            pending.append((made, self.writer.submit(self._write_block, table, made, report)))
            if len(pending) > _AHEAD:
                self._written(report, *pending.popleft())
        while pending:
            self._written(report, *pending.popleft())
        report.seconds = time.perf_counter() - started
        report.sha256 = sha256("".join(self.hashes[table.name]).encode()).hexdigest()
        log.info("%s", report.line)

    def _written(
        self, report: TableReport, made: GeneratedBlock, future: Future[_WriteTime]
    ) -> None:
        """Wait until a block is written, and count it."""
        store, retries = future.result()
        report.add_block(made.batch.num_rows, made.seconds, store)
        self.progress.block(
            report.table, made.block.number, len(made.block), made.seconds, store, retries
        )

    def _write_block(
        self, table: WorldTable, made: GeneratedBlock, report: TableReport
    ) -> _WriteTime:
        """Seconds and retries that it took."""
        started = time.perf_counter()
        batch = self._acceptable(table, made.batch)
        text = csv_text(batch)
        block = Rendered(made.block.number, batch, text, sha256(text).hexdigest())
        self.hashes[table.name].append(block.sha256)
        retries = 0
        for target in list(self.live):
            try:
                written = target.write(table, block)
            except Exception as error:
                self._lost(target, error)
                continue
            retries += written.retries
            report.add(target.name, written)
        return _WriteTime(time.perf_counter() - started, retries)

    def _acceptable(self, table: WorldTable, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that break no rule by themselves, where others may be set aside."""
        if self.seeding.rejects is None:
            return batch
        for rule, mask in broken_rows(table, rules_of(table), self.options, batch):
            self.seeding.rejects.add(table, batch.filter(pa.array(mask)), rule.name, rule.about)
            batch = batch.filter(pa.array(~mask))
        return batch

    def _lost(self, target: Target, error: Exception) -> None:
        """Go on without a target; with none left there is nothing to go on for."""
        if len(self.live) == 1:
            raise error
        self.live.remove(target)
        self.failed[target.name] = _as_lsats_error(error)
        log.error("❌ %s: %s; the other targets go on", target.name, self.failed[target.name])
        _quietly(partial(target.abandon, resumable=True))
        _quietly(target.close)

    def _check_results(self) -> None:
        if self.results is not None:
            _refuse(self.results)

    def _finish(self) -> None:
        for target in list(self.live):
            started = time.perf_counter()
            try:
                for name, written in target.finish().items():
                    self.reports[name].add(target.name, written)
            except Exception as error:
                self._lost(target, error)
            log.debug("%s published in %.1f s", target.name, time.perf_counter() - started)
        if self.seeding.rejects is not None and self.seeding.verify_stored is not None:
            self.results = self.seeding.verify_stored()

    def _leave(self, *, resumable: bool) -> None:
        for target in self.live:
            _quietly(partial(target.abandon, resumable=resumable))

    def _close(self) -> None:
        for target in self.live:
            _quietly(target.close)
        if self.seeding.rejects is not None:
            self.seeding.rejects.close()

    def _report(self, error: LsatsError | None) -> SeedReport:
        return SeedReport(
            self.world.name,
            self.options,
            tuple(self.reports.values()),
            self.progress.elapsed,
            self.results,
            error,
            {name: str(lost) for name, lost in self.failed.items()},
            self.seeding.rejects,
            tuple(self.progress.records),
        )


def _refuse(results: Results) -> None:
    if results.status == "fail":
        violations = "\n".join(failure.line for failure in results.failed[:10])
        raise VerificationFailed(
            f"world {results.world} is not as declared (score {results.score:.2f} %), so nothing"
            f" was stored:\n{violations}"
        )


def _as_lsats_error(error: Exception) -> LsatsError:
    """An error with a message for people, and the exit code that goes with it."""
    if isinstance(error, LsatsError):
        return error
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, psycopg.Error):
        kind = Unreachable if transient(error) else PermanentError
        return kind(f"the database refused: {reason}")
    if isinstance(error, OSError):
        return PermanentError(
            f"writing failed: {error.strerror or reason} {error.filename or ''}".strip()
        )
    log.debug("unexpected", exc_info=error)
    return PermanentError(f"unexpected {type(error).__name__}: {reason}")


def _quietly(work: Callable[[], Any]) -> None:
    """Clean up after a failure that is reported already."""
    try:
        work()
    except (LsatsError, psycopg.Error, OSError) as error:
        log.debug("while cleaning up: %s", error)
