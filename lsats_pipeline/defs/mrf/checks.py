"""Checks of price files: what has to hold before anything builds on a file, and what is doubtful.

A blocking check that fails ends the run of its partition there. What passes is decided below
`defs/`: by the proof of the file, by counts, and by the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.core.rules import Result, Rule, exceeds
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.check_results import check_result, check_spec
from lsats_pipeline.defs.mrf.file_metadata import rows_of
from lsats_pipeline.defs.mrf.files import MRF_FILES
from lsats_pipeline.mrf.database.loading import Loaded
from lsats_pipeline.mrf.profiling.checks import FEW_REJECTS
from lsats_pipeline.mrf.sources.catalog import FileVersion
from lsats_pipeline.mrf.sources.download import RawFile
from lsats_pipeline.mrf.splitting import Split
from lsats_pipeline.mrf.text.index import SECTIONS, Index
from lsats_pipeline.mrf.workspace import Published

WHOLE = Rule(
    "whole",
    about="Read to its last byte: CRC and length of every gzip member, size, sha256.",
    severity="error",
)
SAME_BYTES = Rule(
    "same_bytes",
    about="What was indexed is what was fetched, by size and sha256.",
    severity="error",
)
SPANS_ONCE = Rule(
    "every_byte_once",
    about="Spans follow each other inside their arrays, and none overlaps.",
    severity="error",
)
NOTHING_LOST = Rule(
    "nothing_lost",
    about="Elements in the file = elements ingested + elements rejected.",
    severity="error",
)
ROWS_STORED = Rule(
    "rows_stored",
    about="Rows that were written = rows of the Parquet files = rows loaded.",
    severity="error",
)
SAME_ELEMENTS = Rule(
    "same_elements",
    about="The parts together are the file: equal hashes of the multiset.",
    severity="error",
)
PARTS_VALID = Rule("parts_valid", about="Every part keeps to the published schema.")
RAW_RULES = (WHOLE,)
INDEX_RULES = (SAME_BYTES, SPANS_ONCE)
TABLE_RULES = (NOTHING_LOST, ROWS_STORED, FEW_REJECTS)
SPLIT_RULES = (SAME_ELEMENTS, PARTS_VALID)
_SECTION_OF = {
    "in_network": "in_network",
    "provider_references": "provider_references",
    "allowed_amounts": "out_of_network",
}


def check_specs(key: dg.AssetKey, rules: Iterable[Rule]) -> list[dg.AssetCheckSpec]:
    """As Dagster declares them."""
    return [check_spec(key, rule, partitions_def=MRF_FILES) for rule in rules]


def unusable(key: dg.AssetKey, rule: Rule, error: BadFile) -> dg.AssetCheckResult:
    """The check of a file that cannot be used: the reason is what did not hold."""
    values = {} if error.offset is None else {"offset": error.offset}
    return check_result(key, Result(rule, False, f"{error.code}: {error}", values=values))


def not_requested(rules: Iterable[Rule]) -> list[Result]:
    """Of a step that was not asked for: there is nothing to check."""
    return [Result(rule, True, "not asked for, so nothing to check") for rule in rules]


def raw_checks(raw: RawFile) -> Iterator[Result]:
    """Of a file that was fetched."""
    description = f"{raw.size:,} bytes, sha256 {raw.sha256}"
    yield Result(WHOLE, raw.size > 0, description, values={"bytes": raw.size})


def index_checks(index: Index, version: FileVersion) -> Iterator[Result]:
    """Of an index; what was unpacked from a zip has a hash of its own."""
    size = Path(version.path).stat().st_size
    unpacked = size != version.size
    yield Result(
        SAME_BYTES,
        index.compressed == size and (unpacked or index.sha256 == version.sha256),
        f"{index.compressed:,} bytes, sha256 {index.sha256}",
        values={"bytes": index.compressed},
    )
    overlaps = _overlaps(index)
    yield Result(
        SPANS_ONCE,
        not overlaps,
        f"{len(index.spans):,} spans of {index.text:,} bytes of text, {overlaps} overlap",
        values={"spans": len(index.spans)},
    )


def table_checks(
    table: str, published: Published, folder: Path, loaded: Loaded | None
) -> Iterator[Result]:
    """Of one table of a file."""
    yield _nothing_lost(table, published)
    yield _rows_stored(table, published, folder, loaded)
    rows = published.sums.rows
    rejects, total = rows.get("rejects", 0), sum(rows.values())
    yield Result(
        FEW_REJECTS,
        not exceeds(rejects, total, load(HubSettings).lsats_reject_share),
        f"{rejects:,} rejects in the file next to {total - rejects:,} rows",
        total,
        rejects,
        values={"rejects": rejects},
    )


def split_checks(made: Split) -> Iterator[Result]:
    """Of the parts of a file: they are published only when they are proved the same."""
    units = sum(part.units for part in made.parts)
    digest = sum(int(part.digest, 16) for part in made.parts) - made.copies * int(made.digest, 16)
    copies = f", each {made.copies:,} times" if made.copies > 1 else ""
    aside = made.left.not_json
    yield Result(
        SAME_ELEMENTS,
        units == made.copies * made.units and digest % 2**128 == 0,
        f"{units:,} {made.unit}s in {len(made.parts):,} parts, of {made.units:,} in all{copies}"
        + (f"; {aside:,} that are no JSON are put aside" if aside else ""),
        values={"parts": len(made.parts)},
    )
    yield Result(
        PARTS_VALID,
        not made.violations,
        f"{made.violations:,} values in the parts differ from version {made.version}"
        " (those of a provider reference counted once, however many parts have it)",
        values={"violations": made.violations},
    )


def _overlaps(index: Index) -> int:
    """Spans that begin before another of the same array has ended, or are outside of it."""
    wrong = 0
    for name in SECTIONS:
        member = index.member(name)
        spans = sorted((span.begin, span.end) for span in index.spans if span.section == name)
        ends = [member.begin if member else 0, *(end for _, end in spans)]
        wrong += sum(begin < before for (begin, _), before in zip(spans, ends, strict=False))
        wrong += bool(spans and member and spans[-1][1] > member.end)
    return wrong


def _nothing_lost(table: str, published: Published) -> Result:
    elements = published.elements.get(_SECTION_OF[table], 0)
    sums = published.sums
    return Result(
        NOTHING_LOST,
        sums.values == sums.taken + sums.rejected,
        f"{elements:,} elements of {_SECTION_OF[table]}; in the whole file {sums.values:,} values"
        f" read, {sums.taken:,} ingested, {sums.rejected:,} rejected",
        values={"elements": elements},
    )


def _rows_stored(table: str, published: Published, folder: Path, loaded: Loaded | None) -> Result:
    written = rows_of(published, table)
    in_files = sum(pq.read_metadata(part).num_rows for part in (folder / table).glob("*.parquet"))
    in_database = written if loaded is None else loaded.rows[table]
    return Result(
        ROWS_STORED,
        in_files == written == in_database,
        f"{written:,} rows written, {in_files:,} in the Parquet files"
        + ("" if loaded is None else f", {in_database:,} in PostgreSQL"),
        values={"rows": in_files},
    )
