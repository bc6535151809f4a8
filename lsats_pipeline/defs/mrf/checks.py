"""Checks of price files: what has to hold before anything builds on a file, and what is doubtful.

A blocking check that fails ends the run of its partition there. What passes is decided below
`defs/`: by the proof of the file, by counts, and by the profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.core.report import Check, exceeds
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.check_results import checked
from lsats_pipeline.defs.mrf.file_metadata import rows_of
from lsats_pipeline.defs.mrf.files import MRF_FILES
from lsats_pipeline.mrf.database.loading import Loaded
from lsats_pipeline.mrf.profiling import FileProfile, checks_of
from lsats_pipeline.mrf.sources.catalog import FileVersion
from lsats_pipeline.mrf.sources.download import RawFile
from lsats_pipeline.mrf.splitting import Split
from lsats_pipeline.mrf.text.index import SECTIONS, Index
from lsats_pipeline.mrf.workspace import Published

Declared = tuple[tuple[str, bool, str], ...]
"""Name, whether it blocks, what it holds."""

RAW_CHECKS: Declared = (
    ("whole", True, "Read to its last byte: CRC and length of every gzip member, size, sha256."),
)
INDEX_CHECKS: Declared = (
    ("same_bytes", True, "What was indexed is what was fetched, by size and sha256."),
    ("every_byte_once", True, "Spans follow each other inside their arrays, and none overlaps."),
)
TABLE_CHECKS: Declared = (
    ("nothing_lost", True, "Elements in the file = elements taken + elements rejected."),
    ("rows_stored", True, "Rows that were written = rows of the Parquet files = rows loaded."),
    ("few_rejects", False, "Few enough parts of the file could not be used."),
)
PROFILE_CHECKS: Declared = (
    ("every_byte_once", True, "Text in spans + text between them = all text, none of it twice."),
    ("every_row_once", True, "Values read = taken + rejected; rows written = rows stored."),
    ("few_rejects", False, "Few enough parts of the file could not be used."),
    ("schema", False, "Every element is as the published schema wants it."),
    ("complete", False, "What is required is there and not empty."),
    ("ranges", False, "Rates and dates make sense."),
    ("providers", False, "TINs and NPIs are well formed."),
    ("codes", False, "Billing codes have the form of their system."),
    ("references", False, "Every reference leads to one provider list."),
    ("duplicates", False, "No price is there twice."),
)
SPLIT_CHECKS: Declared = (
    ("same_elements", True, "The parts together are the file: equal hashes of the multiset."),
    ("parts_valid", False, "Every part keeps to the published schema."),
)
_SECTION_OF = {
    "in_network": "in_network",
    "provider_references": "provider_references",
    "allowed_amounts": "out_of_network",
}


def check_specs(key: dg.AssetKey, checks: Declared) -> list[dg.AssetCheckSpec]:
    """As Dagster declares them."""
    return [
        dg.AssetCheckSpec(
            name, asset=key, blocking=blocking, description=about, partitions_def=MRF_FILES
        )
        for name, blocking, about in checks
    ]


def passed_or_not(
    key: dg.AssetKey, checks: Declared, error: BadFile
) -> Iterator[dg.AssetCheckResult]:
    """The first check of a file that cannot be used: the reason is what did not hold."""
    name, blocking, _ = checks[0]
    values = {} if error.offset is None else {"offset": error.offset}
    yield checked(key, Check(name, False, f"{error.code}: {error}", blocking, values))


def unasked(key: dg.AssetKey, checks: Declared) -> Iterator[dg.AssetCheckResult]:
    """Of a step that was not asked for: there is nothing to check."""
    for name, blocking, _ in checks:
        yield checked(key, Check(name, True, "not asked for, so nothing to check", blocking))


def raw_checks(key: dg.AssetKey, raw: RawFile) -> Iterator[dg.AssetCheckResult]:
    """Of a file that was fetched."""
    text = f"{raw.size:,} bytes, sha256 {raw.sha256}"
    yield checked(key, Check("whole", raw.size > 0, text, True, {"bytes": raw.size}))


def index_checks(
    key: dg.AssetKey, index: Index, version: FileVersion
) -> Iterator[dg.AssetCheckResult]:
    """Of an index; what was unpacked from a zip has a hash of its own."""
    size = Path(version.path).stat().st_size
    unpacked = size != version.size
    same = index.compressed == size and (unpacked or index.sha256 == version.sha256)
    text = f"{index.compressed:,} bytes, sha256 {index.sha256}"
    yield checked(key, Check("same_bytes", same, text, True, {"bytes": index.compressed}))
    overlaps = _overlaps(index)
    text = f"{len(index.spans):,} spans of {index.text:,} bytes of text, {overlaps} overlap"
    yield checked(
        key, Check("every_byte_once", not overlaps, text, True, {"spans": len(index.spans)})
    )


def table_checks(
    key: dg.AssetKey, table: str, published: Published, folder: Path, loaded: Loaded | None
) -> Iterator[dg.AssetCheckResult]:
    """Of one table of a file."""
    yield checked(key, _nothing_lost(table, published))
    yield checked(key, _rows_stored(table, published, folder, loaded))
    rows = published.sums.rows
    rejects, total = rows.get("rejects", 0), sum(rows.values())
    share = load(HubSettings).lsats_reject_share
    few = not exceeds(rejects, total, share)
    text = f"{rejects:,} rejects in the file next to {total - rejects:,} rows"
    yield checked(key, Check("few_rejects", few, text, False, {"rejects": rejects}))


def profile_checks(key: dg.AssetKey, profile: FileProfile) -> Iterator[dg.AssetCheckResult]:
    """Of a profile."""
    for check in checks_of(profile):
        yield checked(key, check)


def split_checks(key: dg.AssetKey, made: Split) -> Iterator[dg.AssetCheckResult]:
    """Of the parts of a file: they are published only when they are proved the same."""
    units = sum(part.units for part in made.parts)
    digest = sum(int(part.digest, 16) for part in made.parts) - made.copies * int(made.digest, 16)
    same = units == made.copies * made.units and digest % 2**128 == 0
    copies = f", each {made.copies:,} times" if made.copies > 1 else ""
    text = f"{units:,} {made.unit}s in {len(made.parts):,} parts, of {made.units:,} in all{copies}"
    if made.left.not_json:
        text += f"; {made.left.not_json:,} that are no JSON are put aside"
    yield checked(key, Check("same_elements", same, text, True, {"parts": len(made.parts)}))
    text = (
        f"{made.violations:,} values in the parts differ from version {made.version}"
        " (those of a provider reference counted once, however many parts have it)"
    )
    yield checked(
        key,
        Check("parts_valid", not made.violations, text, False, {"violations": made.violations}),
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


def _nothing_lost(table: str, published: Published) -> Check:
    elements = published.elements.get(_SECTION_OF[table], 0)
    sums = published.sums
    text = (
        f"{elements:,} elements of {_SECTION_OF[table]}; in the whole file {sums.values:,} values"
        f" read, {sums.taken:,} taken, {sums.rejected:,} rejected"
    )
    kept = sums.values == sums.taken + sums.rejected
    return Check("nothing_lost", kept, text, True, {"elements": elements})


def _rows_stored(table: str, published: Published, folder: Path, loaded: Loaded | None) -> Check:
    written = rows_of(published, table)
    in_files = sum(pq.read_metadata(part).num_rows for part in (folder / table).glob("*.parquet"))
    text = f"{written:,} rows written, {in_files:,} in the Parquet files"
    same = in_files == written
    if loaded is not None:
        same = same and loaded.rows[table] == written
        text += f", {loaded.rows[table]:,} in PostgreSQL"
    return Check("rows_stored", same, text, True, {"rows": in_files})
