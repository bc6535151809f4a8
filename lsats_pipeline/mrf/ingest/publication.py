"""Publication of an ingest: counted again, then visible in one step, or not at all."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.mrf.ingest.spans import SpanNote
from lsats_pipeline.mrf.rows import columns
from lsats_pipeline.mrf.rows.columns import Lineage
from lsats_pipeline.mrf.rows.decoding import too_large
from lsats_pipeline.mrf.rows.parts import write_part
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.text import seeking
from lsats_pipeline.mrf.text.index import SECTIONS, Index
from lsats_pipeline.mrf.workspace import LAYOUT, Published, Sums, Work, Workspace, read, write


def finished(workspace: Workspace) -> dict[int, SpanNote]:
    """The spans that are done, by number."""
    notes = (read(path, SpanNote) for path in sorted(workspace.done.glob("*.json")))
    return {note.span: note for note in notes if note}


def publish(workspace: Workspace, work: Work) -> Published:
    """Publish what all spans gave; PermanentError when the parts do not add up to the index."""
    sums = sum((note.sums for note in finished(workspace).values()), Sums())
    _assert_all_elements(work.index, finished(workspace))
    sums.rows["inline_groups"] = _write_inline_groups(workspace)
    sums.rows.pop("inline", None)
    _write_too_large(workspace, work.index, sums)
    _assert_all_rows(workspace, sums)
    published = _published_record(workspace.file, work, sums)
    write(workspace.out / "index.json", work)
    write(workspace.out / "file.json", published)
    seeking.move(workspace.folder, workspace.out)
    workspace.swap()
    return published


def _assert_all_elements(index: Index, done: dict[int, SpanNote]) -> None:
    """Elements in = elements ingested, rejected, cut inside, or too large; for every section."""
    for section in SECTIONS:
        spans = [s for s in index.spans if s.section == section and s.of is None]
        values = sum(done[span.number].sums.values for span in spans)
        cut = sum(element.section == section for element in index.large)
        lost = sum(found.section == section and not found.path for found in index.too_large)
        if values + cut + lost != index.elements(section):
            raise PermanentError(
                f"{section} has {index.elements(section):,} elements, and {values:,} are in spans,"
                f" {cut:,} were cut inside, {lost:,} are too large: please report this"
            )


def _write_inline_groups(workspace: Workspace) -> int:
    """Provider groups that rates of several spans write out go to the table once; how many rows."""
    parts = sorted(workspace.inline.glob("*.parquet"))
    if not parts:
        return 0
    ids = [pq.read_table(part, columns=["provider_group_id"])[0].to_numpy() for part in parts]
    first = _first_of_each(ids)
    total = 0
    for part, wanted in zip(parts, first, strict=True):
        table = pq.read_table(part).filter(pa.array(wanted))
        if table.num_rows:
            write_part(table, workspace.out / "provider_references" / f"inline-{part.name[5:]}")
        total += table.num_rows
    return total


def _first_of_each(ids: list[np.ndarray]) -> list[np.ndarray]:
    """For each part, which rows are of groups that no part before has."""
    all_ids = np.concatenate(ids)
    part_of = np.repeat(np.arange(len(ids)), [len(found) for found in ids])
    _, where, back = np.unique(all_ids, return_index=True, return_inverse=True)
    wanted = part_of[where][back] == part_of
    return np.split(wanted, np.cumsum([len(found) for found in ids])[:-1])


def _write_too_large(workspace: Workspace, index: Index, sums: Sums) -> None:
    if not index.too_large:
        return
    table = columns.rejects(
        [too_large(found) for found in index.too_large], Lineage(workspace.file, -1)
    )
    write_part(table, workspace.out / "rejects" / "too-large.parquet")
    sums.rows["rejects"] = sums.rows.get("rejects", 0) + table.num_rows


def _assert_all_rows(workspace: Workspace, sums: Sums) -> None:
    """The rows that the parts say they have are the rows that the spans wrote."""
    for folder in TABLES:
        parts = sorted((workspace.out / folder).glob("*.parquet"))
        in_parts = sum(pq.read_metadata(part).num_rows for part in parts)
        written = sums.rows.get(folder, 0)
        written += sums.rows["inline_groups"] if folder == "provider_references" else 0
        if in_parts != written:
            raise PermanentError(
                f"{folder} has {in_parts:,} rows, and {written:,} were written to it"
            )


def _published_record(file: str, work: Work, sums: Sums) -> Published:
    index = work.index
    return Published(
        layout=LAYOUT,
        file=file,
        source=work.source,
        sha256=index.sha256,
        text=index.text,
        version=index.scalar("version"),
        reporting_entity=index.scalar("reporting_entity_name"),
        last_updated_on=index.scalar("last_updated_on"),
        elements={s: index.elements(s) for s in SECTIONS if index.member(s)},
        spans=len(index.spans),
        sums=sums,
        notes=index.notes,
    )
