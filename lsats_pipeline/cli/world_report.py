"""What a seeding, a dry run or a verification came to, for people."""

from __future__ import annotations

from lsats_pipeline.cli.output import cut, note, say, say_table
from lsats_pipeline.core.rules import Result
from lsats_pipeline.synthetic.dry_run import DryRun
from lsats_pipeline.synthetic.report import SeedReport, TableReport
from lsats_pipeline.synthetic.validation import Results

_MARK = {"done": "✅", "partial": "⚠️", "failed": "❌", "pass": "✅", "warn": "⚠️", "fail": "❌"}
_CELL = 60


def say_seeded(report: SeedReport) -> None:
    """Rows, seconds and speeds of every table, what went wrong, the score."""
    if report.error and not report.rows:
        return  # a mistake before anything was made: its message says all
    say_table(
        ["table", "rows", "new", "changed", "unchanged", "rejected", "seconds", "rows/s", "sha256"],
        [_row(table) for table in report.tables],
        title=f"world {report.world}, seed {report.options.seed}, as of {report.options.as_of}",
        right="rows, new, changed, unchanged, rejected, seconds, rows/s",
    )
    _say_conflicts(report)
    last = report.blocks[-1] if report.blocks else None
    speeds = (
        f": {report.rows / report.seconds:,.0f} rows/s overall, generating"
        f" {last.generate_rate:,.0f}, writing {last.store_rate:,.0f}"
        if last and report.seconds
        else ""
    )
    say(
        f"{_MARK[report.status]} 📊 {report.status}: {report.rows:,} rows in"
        f" {report.seconds:.1f} s{speeds}"
    )
    if report.results:
        say_results(report.results, brief=True)


def say_results(found: Results, *, brief: bool = False) -> None:
    """Every rule with what it found; `brief`: only those that do not hold."""
    listed = list(found.failed) if brief else list(found)
    if listed:
        say_table(
            ["", "rule", "looked at", "wrong", "found", "holds that"],
            [_cells(result) for result in listed],
            right="looked at, wrong",
        )
    say(
        f"{_MARK[found.status]} world {found.world}: score {found.score:.2f} %,"
        f" {len(list(found))} rules, {len(found.failed)} do not hold"
    )


def say_dry_run(planned: DryRun) -> None:
    """What would be written, some rows of it, and about how long it would take."""
    say_table(
        ["table", "rows", "blocks", "MB", "seconds"],
        [[t.table, t.rows, t.blocks, t.megabytes, t.seconds] for t in planned.tables],
        title=f"world {planned.world}: nothing was written",
        right="rows, blocks, MB, seconds",
    )
    for table in planned.tables:
        if table.examples:
            names = list(table.examples[0])
            rows = [[cut(str(row[n]), _CELL) for n in names] for row in table.examples]
            say_table(names, rows, title=f"\n{table.table}")
    say(f"\n📊 {planned.rows:,} rows, about {planned.seconds:.0f} s")


def _row(table: TableReport) -> list[object]:
    w = table.counts
    return [
        table.table,
        table.rows,
        w.created,
        w.updated,
        w.unchanged,
        w.rejected,
        table.seconds,
        f"{table.rate:,.0f}",
        table.sha256[:12],
    ]


def _cells(result: Result) -> list[object]:
    found = cut(result.description or ", ".join(result.examples), _CELL)
    about = result.rule.about
    return [result.mark, result.label, result.rows, result.broken, found, about]


def _say_conflicts(report: SeedReport) -> None:
    for table in report.tables:
        if renamed := table.counts.renamed:
            some = ", ".join(table.counts.examples)
            say(f"⚠️ {table.table}: {renamed:,} values were taken by other rows: {some}")
    for target, reason in report.lost.items():
        note(f"❌ {target} failed and the others went on: {reason}")
    if report.rejects and report.rejected:
        note(f"⚠️ {report.rejected:,} rows were set aside, with reasons, in {report.rejects.path}")
