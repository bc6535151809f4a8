"""What the Parquet files of a file hold, by DuckDB in bounded memory; every number is exact."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lsats_pipeline.mrf.profiling.queries import (
    CATEGORIES,
    CODE_FORMS,
    FINDING_QUERIES,
    FindingQuery,
)
from lsats_pipeline.mrf.profiling.statistics import (
    CodeSystem,
    Distribution,
    Example,
    ProfileFinding,
)
from lsats_pipeline.mrf.provenance.rereading import Indexed
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.workspace import Workspace

_SQL = Path(__file__).with_name("metrics.sql")
_VIEWS = {"prices": "in_network", "listed": "provider_references", "payments": "allowed_amounts"}
_SECTIONS = {"prices": "in_network", "listed": "provider_references", "payments": "out_of_network"}
_PLACE = {"span", "element", "file", "rate"}
_EXAMPLES = 3
_SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Metrics:
    """Counts, distributions and findings of the tables."""

    counts: dict[str, int]
    categories: dict[str, dict[str, int]]
    systems: list[CodeSystem]
    prices: dict[str, Distribution]
    findings: list[ProfileFinding]


def compute_metrics(workspace: Workspace, work: Indexed, memory_mb: int, threads: int) -> Metrics:
    """All metrics of a published file."""
    with _database(workspace, memory_mb, threads) as db:
        _views(db, workspace.final, work.index.scalar("last_updated_on"))
        db.execute(_SQL.read_text("utf-8"))
        return Metrics(
            counts=_counts(db),
            categories=_categories(db),
            systems=_systems(db),
            prices=_distributions(db),
            findings=[*_query_findings(db), *_outliers(db), *_references(db), *_duplicates(db)],
        )


@contextmanager
def _database(
    workspace: Workspace, memory_mb: int, threads: int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills to disk above its limit."""
    spill = workspace.folder / "profile" / "spill"
    shutil.rmtree(spill, ignore_errors=True)
    spill.mkdir(parents=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(spill),
        "threads": threads,
        "preserve_insertion_order": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    try:
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def _views(db: duckdb.DuckDBPyConnection, folder: Path, updated: str) -> None:
    for view, table in _VIEWS.items():
        parts = sorted(map(str, (folder / table).glob("*.parquet")))
        if parts:
            listed = ", ".join(map(_quoted, parts))
            of = f"select *, '{_SECTIONS[view]}' as section from read_parquet([{listed}])"
        else:
            db.register(f"no_{view}", TABLES[table].empty_table().cast(_plain(TABLES[table])))
            of = f"select *, '{_SECTIONS[view]}' as section from no_{view}"
        db.execute(f"create view {view} as {of}")
    db.execute("create temp table updated as select try_strptime(?, '%Y-%m-%d') as day", [updated])
    same = [name for name in TABLES["in_network"].names if name not in _PLACE]
    row = ", ".join(f"{name} := {name}" for name in same)
    db.execute(
        f"create view alike_rows as select element, struct_pack({row}) as alike_row from prices"
    )


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(of: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(of):
        return of.value_type
    return pa.list_(_plain_type(of.value_type)) if pa.types.is_list(of) else of


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = db.execute(query).fetchall()
    return found


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(_rows(db, query)[0][0] or 0)


_COUNTED = {
    "prices": "select count(*) from prices",
    "rates": "select count(*) from (select distinct element, rate from prices)",
    "priced elements": "select count(*) from (select distinct element from prices)",
    "codes": "select count(*) from"
    " (select distinct billing_code_type, billing_code from code_amounts)",
    "provider groups": "select count(*) from listed",
    "provider references": "select count(*) from once_each",
    "references used": "select count(*) from used",
    "NPIs": "select count(*) from npis",
    "different NPIs": "select count(*) from (select distinct npi from npis)",
    "different TINs": "select count(*) from (select distinct tin_type, tin_value from providers)",
    "payments": "select count(*) from payments",
}


def _counts(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {name: _one(db, query) for name, query in _COUNTED.items()}


def _categories(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for table, names in CATEGORIES.items():
        for name in names:
            rows = _rows(
                db, f"select {name}, count(*) from {table} group by all order by 2 desc, 1 limit 50"
            )
            if rows:
                counts = {"(none)" if value is None else value: count for value, count in rows}
                found[f"{name} of payments" if table == "payments" else name] = counts
    return found


def _systems(db: duckdb.DuckDBPyConnection) -> list[CodeSystem]:
    forms = " ".join(
        f"when {_quoted(name)} then regexp_full_match(billing_code, {_quoted(form)})"
        for name, form in CODE_FORMS.items()
    )
    rows = _rows(
        db,
        f"""
        with codes as (
            select billing_code_type as system, billing_code as code, sum(rows)::bigint as rows
            from code_amounts group by all
        ),
        checked as (
            select *, billing_code not like 'CSTM-%'
                and not coalesce(case system {forms} end, true) as bad
            from (select *, code as billing_code from codes)
        )
        select system, sum(rows)::bigint, count(*), coalesce(sum(rows) filter (bad), 0)::bigint,
               list(code order by code) filter (bad)
        from checked group by system order by 2 desc, 1
        """,
    )
    return [
        CodeSystem(
            name=name, rows=total, codes=codes, malformed=bad,
            examples=(some or [])[:_EXAMPLES], form=CODE_FORMS.get(name, ""),
        )
        for name, total, codes, bad, some in rows
    ]  # fmt: skip


def _distributions(db: duckdb.DuckDBPyConnection) -> dict[str, Distribution]:
    shares = ", ".join(f"min(amount) filter (upto >= {share} * total)" for share in _SHARES)
    rows = _rows(
        db,
        f"""
        with ordered as (
            select kind, amount, rows, sum(rows) over (kind order by amount) as upto,
                   sum(rows) over kind as total
            from amounts window kind as (partition by kind)
        )
        select kind, sum(rows)::bigint, fsum(amount * rows), min(amount), max(amount),
               coalesce(sum(rows) filter (amount <= 0), 0)::bigint, {shares}
        from ordered group by kind order by 2 desc, 1
        """,
    )
    steps, outlying = _histogram(db, "amounts"), _histogram(db, "outlying")
    return {
        kind: Distribution(
            rows=total, sum=float(f"{amount:.12g}"), least=least, most=most, not_positive=under,
            quantiles={f"{share:g}": q for share, q in zip(_SHARES, quantiles, strict=True)},
            histogram=steps.get(kind, {}), outlying=outlying.get(kind, {}),
        )
        for kind, total, amount, least, most, under, *quantiles in rows
    }  # fmt: skip


def _histogram(db: duckdb.DuckDBPyConnection, table: str) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for kind, step, count in _rows(
        db,
        f"select kind, floor(log10(amount) * 8)::int, sum(rows)::bigint from {table}"
        " where amount > 0 group by all order by all",
    ):
        found.setdefault(kind, {})[step] = count
    return found


def _query_findings(db: duckdb.DuckDBPyConnection) -> Iterator[ProfileFinding]:
    for table in dict.fromkeys(rule.table for rule in FINDING_QUERIES):
        rules = [rule for rule in FINDING_QUERIES if rule.table == table]
        counts = ", ".join(f"count(*) filter ({rule.condition})" for rule in rules)
        total, *found = _rows(db, f"select count(*), {counts} from {table}")[0]
        for rule, count in zip(rules, found, strict=True):
            yield ProfileFinding(
                name=rule.name, about=rule.about, count=count, of=total,
                examples=_examples(db, rule) if count else [],
            )  # fmt: skip


def _examples(db: duckdb.DuckDBPyConnection, rule: FindingQuery) -> list[Example]:
    return _query_examples(
        db,
        f"select section, element, {rule.example} from {rule.table}"
        f" where {rule.condition} order by element, 3 limit {_EXAMPLES}",
    )


def _query_examples(db: duckdb.DuckDBPyConnection, query: str) -> list[Example]:
    return [
        Example(section=section, element=element, text=f"{text}")
        for section, element, text in _rows(db, query)
    ]


def _outliers(db: duckdb.DuckDBPyConnection) -> Iterator[ProfileFinding]:
    yield ProfileFinding(
        name="outlying",
        about="a hundred times the median of its code, or a hundredth, and beyond the far fences",
        count=_one(db, "select sum(rows) from outlying"),
        of=_one(db, "select sum(rows) from code_amounts where amount > 0"),
        examples=_query_examples(
            db,
            f"""
            with furthest as (
                select * from outlying order by abs(ln(amount / median)) desc, billing_code, amount
                limit {_EXAMPLES}
            )
            select any_value(section), min(element),
                   billing_code_type || ' ' || billing_code || ': ' || amount || ', median '
                   || round(median, 2)
            from furthest join priced using (billing_code_type, billing_code, kind, amount)
            group by billing_code_type, billing_code, amount, median
            order by abs(ln(amount / median)) desc, 3
            """,
        ),
    )


_REFERENCES = {
    "reference_dangling": (
        "used by a rate, and defined nowhere",
        "from used anti join defined using (reference)",
        "used",
    ),
    "reference_unused": (
        "defined, and used by no rate",
        "from once_each anti join used using (reference)",
        "once_each",
    ),
    "reference_contradicts": (
        "defined more than once, with other content",
        "from once_each where not agree",
        "once_each",
    ),
    "reference_repeated": (
        "defined more than once, with the same content",
        "from once_each where times > 1 and agree",
        "once_each",
    ),
}


def _references(db: duckdb.DuckDBPyConnection) -> Iterator[ProfileFinding]:
    for name, (about, which, of) in _REFERENCES.items():
        yield ProfileFinding(
            name=name,
            about=about,
            count=_one(db, f"select count(*) {which}"),
            of=_one(db, f"select count(*) from {of}"),
            examples=_query_examples(
                db,
                f"select section, element, reference {which}"
                f" order by element, reference limit {_EXAMPLES}",
            ),
        )


def _duplicates(db: duckdb.DuckDBPyConnection) -> Iterator[ProfileFinding]:
    yield ProfileFinding(
        name="duplicate",
        about="a price that is in the file already, alike in all but its place",
        count=_one(db, "select sum(rows - 1) from duplicates"),
        of=_one(db, "select count(*) from prices"),
        examples=_query_examples(
            db,
            "select 'in_network', element, rows || ' times ' || amount from duplicates"
            f" order by rows desc, element, amount limit {_EXAMPLES}",
        ),
    )
