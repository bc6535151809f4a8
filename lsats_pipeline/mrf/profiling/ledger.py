"""Whether everything is accounted for: bytes of the text, elements of arrays, rows of tables."""

from __future__ import annotations

import pyarrow.parquet as pq

from lsats_pipeline.mrf.provenance.rereading import Indexed
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.text.index import SECTIONS
from lsats_pipeline.mrf.workspace import Workspace


def ledger_of(workspace: Workspace, work: Indexed) -> dict[str, int]:
    """Counts that have to agree with each other (`checks` says which)."""
    published = workspace.published
    assert published is not None, "only what is published is looked at"
    sums = published.sums
    return {
        **_bytes(work),
        "elements": sum(work.index.elements(section) for section in SECTIONS),
        "values": sums.values,
        "values_taken": sums.taken,
        "values_rejected": sums.rejected,
        "rows_written": sum(n for name, n in sums.rows.items() if name != "inline_groups")
        + sums.rows.get("inline_groups", 0),
        "rows_stored": sum(
            pq.read_metadata(part).num_rows
            for folder in TABLES
            for part in (workspace.final / folder).glob("*.parquet")
        ),
        "rejects": sums.rows.get("rejects", 0),
    }


def _bytes(work: Indexed) -> dict[str, int]:
    """Bytes in pieces of spans and between those; a piece that begins in another overlaps."""
    pieces = sorted((begin, end) for span in work.index.spans for begin, end, _ in span.pieces)
    inside = between = overlapping = at = 0
    for begin, end in pieces:
        inside += end - begin
        between += max(0, begin - at)
        overlapping += max(0, at - begin)
        at = max(at, end)
    return {
        "text": work.index.text,
        "text_in_spans": inside,
        "text_between": between + max(0, work.index.text - at),
        "text_twice": overlapping,
    }
