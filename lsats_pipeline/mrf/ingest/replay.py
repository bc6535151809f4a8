"""Replay of the rejects of a published file: as they are, coerced, or corrected by hand.

Each reject becomes a small element with all that surrounds it, and these are ingested as any file
is (`ingest`, as strict as ever). Their rows are added to the published tables, under the span and
the element that they are from; everything is counted again and visible in one step.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import BadFile, ConfigurationError, PermanentError
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.ingest.rejects import STEP, PublishedReject, assembled, rejects_of
from lsats_pipeline.mrf.provenance.rereading import Indexed, indexed
from lsats_pipeline.mrf.rows import columns
from lsats_pipeline.mrf.rows.tables import TABLES
from lsats_pipeline.mrf.text.index import SECTIONS
from lsats_pipeline.mrf.workspace import Published, Sums, Workspace, write


@dataclass(frozen=True)
class ReplayResult:
    """What a replay did: rejects ingested, wholly or in part; those left; rows that were added."""

    ingested: list[PublishedReject]
    remaining: list[PublishedReject]
    rows: dict[str, int]
    published: Published


def replay(
    file: str,
    exports: Path,
    *,
    coerce: bool = False,
    corrections: Mapping[int, bytes] | None = None,
) -> ReplayResult:
    """Try rejects again; `corrections` has the text of some, by number: then only those are tried.

    ConfigurationError when there is no such reject, or a text is no JSON. What does not fit stays a
    reject. Busy while the file is ingested.
    """
    workspace = Workspace(exports, file)
    work, found = indexed(workspace), rejects_of(workspace)
    if unknown := set(corrections or ()) - {reject.number for reject in found}:
        raise ConfigurationError(f"{file} has {len(found)} rejects, and no {min(unknown)}")
    tried = [r for r in found if not corrections or r.number in corrections]
    try:
        with workspace.locked():
            workspace.recover()
            _require_no_unfinished_run(workspace)
            texts = assembled(work, tried, coerce=coerce, corrections=corrections or {})
            return (
                _replay_and_publish(workspace, work, found, texts)
                if texts
                else _no_change(workspace, found)
            )
    except OSError as error:
        raise PermanentError(
            f"{workspace.folder}: {error.strerror or error}: nothing was changed; fix that and run"
            " the same command again"
        ) from error


def _require_no_unfinished_run(workspace: Workspace) -> None:
    if workspace.begun:
        raise ConfigurationError(
            f"another version of {workspace.file} is half ingested: finish that with"
            " `lsats mrf run`"
        )


def _no_change(workspace: Workspace, found: list[PublishedReject]) -> ReplayResult:
    assert workspace.published is not None
    return ReplayResult([], found, {}, workspace.published)


def _replay_and_publish(
    workspace: Workspace,
    work: Indexed,
    found: list[PublishedReject],
    tried: list[tuple[PublishedReject, bytes]],
) -> ReplayResult:
    scratch = workspace.folder / "replay"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        parts = [
            _SectionReplay(
                scratch, section, [(r, text) for r, text in tried if r.section == section]
            )
            for section in SECTIONS
        ]
        return _publish(workspace, work, found, [part for part in parts if part.rejects])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        workspace.clear()


class _SectionReplay:
    """What the rejects of one section gave."""

    def __init__(
        self, scratch: Path, section: str, tried: list[tuple[PublishedReject, bytes]]
    ) -> None:
        self.section = section
        self.rejects = [reject for reject, _ in tried]
        self.tables: dict[str, pa.Table] = {}
        self.ingested: list[PublishedReject] = []
        self.smaller: pa.Table = TABLES["rejects"].empty_table()
        if tried:
            self._ingest(scratch, tried)

    def _ingest(self, scratch: Path, tried: list[tuple[PublishedReject, bytes]]) -> None:
        document = scratch / f"{self.section}.json"
        document.parent.mkdir(parents=True, exist_ok=True)
        elements = b",".join(text for _, text in tried)
        with_prices = b"" if self.section != "provider_references" else b',"in_network":[]'
        document.write_bytes(b'{"%b":[%b]%b}' % (self.section.encode(), elements, with_prices))
        try:
            ingest(document, scratch / "mrf", IngestOptions(workers=1))
        except BadFile as error:
            raise PermanentError(
                f"the rejects of {self.section} cannot be tried again: {error}"
            ) from None
        again = _tables(scratch / "mrf" / self.section)
        left = again["rejects"].to_pylist()
        bad = {row["element"] for row in left if not _is_deeper(row, self.rejects)}
        good = np.array([n not in bad for n in range(len(tried))], bool)
        self.ingested = [r for r, fine in zip(self.rejects, good, strict=True) if fine]
        for name, table in again.items():
            chosen = table.filter(pa.array(good[table["element"].to_numpy()]))
            self.tables[name] = self._relabelled(name, chosen)
        self.smaller = self.tables.pop("rejects")

    def _relabelled(self, name: str, table: pa.Table) -> pa.Table:
        """Rows under the span, element and rate that they are from."""
        at = table["element"].to_numpy()
        of = [self.rejects[number] for number in at]
        changes: dict[str, list[Any]] = {
            "span": [r.span for r in of],
            "element": [r.element for r in of],
        }
        if name == "in_network":
            rates = table["rate"].to_pylist()
            changes["rate"] = [_rate_of(r.path, rate) for r, rate in zip(of, rates, strict=True)]
        if name == "rejects":
            paths = table["path"].to_pylist()
            changes["path"] = [_full_path(r.path, path) for r, path in zip(of, paths, strict=True)]
            changes["offset"] = [r.offset for r in of]
            changes["length"] = [r.length for r in of]
        for column, values in changes.items():
            index = table.column_names.index(column)
            field = table.schema.field(index)
            table = table.set_column(index, field, pa.array(values, field.type))
        return table


def _is_deeper(row: dict[str, Any], rejects: Sequence[PublishedReject]) -> bool:
    """Whether only a part of a reject is a reject again."""
    return len(STEP.findall(row["path"])) > len(STEP.findall(rejects[row["element"]].path))


def _rate_of(path: str, rate: int) -> int:
    found = STEP.match(path)
    return int(found[2]) if found else rate


def _full_path(above: str, path: str) -> str:
    """A path inside the small element as one inside the element that it is from."""
    steps, known = STEP.findall(path), STEP.findall(above)
    return ".".join(f"{name}[{number}]" for name, number in (*known, *steps[len(known) :]))


def _tables(folder: Path) -> dict[str, pa.Table]:
    found = {}
    for name, schema in TABLES.items():
        parts = sorted((folder / name).glob("*.parquet"))
        tables = [pq.read_table(part) for part in parts] or [schema.empty_table()]
        found[name] = pa.concat_tables(tables).unify_dictionaries()
    return found


def _publish(
    workspace: Workspace, work: Indexed, found: list[PublishedReject], parts: list[_SectionReplay]
) -> ReplayResult:
    ingested = [reject for part in parts for reject in part.ingested]
    if not ingested:
        return _no_change(workspace, found)
    numbers = {reject.number for reject in ingested}
    shutil.rmtree(workspace.out, ignore_errors=True)
    shutil.copytree(workspace.final, workspace.out, copy_function=_link_or_copy)
    before = {path.name[:13] for path in workspace.final.glob("*/replay-*.parquet")}
    name = f"replay-{len(before) + 1:06}"
    _remove_rejects(workspace.out / "rejects", numbers)
    added: dict[str, int] = {}
    sums = Sums()
    for part in parts:
        for folder, table in _new_tables(workspace, part):
            _write(table, workspace.out / folder / f"{name}-{part.section}.parquet")
            if folder != "rejects":
                written_out = folder == "provider_references" and part.section == "in_network"
                kind = "inline_groups" if written_out else folder
                added[kind] = added.get(kind, 0) + table.num_rows
            sums += _sums_of(folder, table)
    smaller = sum(part.smaller.num_rows for part in parts)
    sums += _values(work, ingested)
    sums.rows = {**added, "rejects": smaller - len(ingested)}
    assert workspace.published is not None
    after = workspace.published
    after.sums += sums
    after.notes.append(f"{len(ingested):,} rejects were ingested later (replay)")
    write(workspace.out / "file.json", after)
    (workspace.out / "profile.json").unlink(missing_ok=True)
    _assert_rows(workspace, after)
    workspace.swap()
    return ReplayResult(ingested, [r for r in found if r.number not in numbers], added, after)


def _link_or_copy(source: str, target: str) -> None:
    """A file once more, without its bytes where the disk can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _new_tables(workspace: Workspace, part: _SectionReplay) -> Iterator[tuple[str, pa.Table]]:
    """The tables that are not empty; groups that rates write out only if they are not there yet."""
    for folder, table in part.tables.items():
        if folder == "provider_references" and part.section == "in_network":
            known = _known_groups(workspace)
            wanted = pc.invert(pc.is_in(table["provider_group_id"], value_set=known))
            table = table.filter(wanted)
        if table.num_rows:
            yield folder, table
    if part.smaller.num_rows:
        yield "rejects", part.smaller


def _known_groups(workspace: Workspace) -> pa.Array:
    parts = sorted((workspace.out / "provider_references").glob("*.parquet"))
    ids = [pq.read_table(p, columns=["provider_group_id"])[0].unique() for p in parts]
    return pa.concat_arrays(ids) if ids else pa.array([], pa.int64())


def _remove_rejects(folder: Path, numbers: set[int]) -> None:
    """Take rows out of the rejects; their parts stay, also when nothing is left in them."""
    first = 0
    for part in sorted(folder.glob("*.parquet")):
        table = pq.read_table(part)
        keep = [first + n not in numbers for n in range(table.num_rows)]
        first += table.num_rows
        if not all(keep):
            _write(table.filter(pa.array(keep)), part)


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd", compression_level=1)
    temporary.rename(path)  # in place of a link, and not through it


def _sums_of(folder: str, table: pa.Table) -> Sums:
    if folder == "in_network":
        return Sums(cents=columns.cents(table["negotiated_rate"]))
    if folder == "allowed_amounts":
        return Sums(allowed_cents=columns.cents(table["allowed_amount"]))
    if folder == "provider_references":
        groups = table.filter(pc.invert(table["inline"]))
        return Sums(npis=pc.sum(pc.list_value_length(groups["npi"])).as_py() or 0)
    return Sums()


def _values(work: Indexed, ingested: Sequence[PublishedReject]) -> Sums:
    """Values of spans that were rejected, and are ingested now."""
    large = {(e.section, e.number) for e in work.index.large}
    whole = sum(
        "." not in r.path and bool(r.path) == ((r.section, r.element) in large) for r in ingested
    )
    return Sums(taken=whole, rejected=-whole)


def _assert_rows(workspace: Workspace, published: Published) -> None:
    for folder in TABLES:
        parts = (workspace.out / folder).glob("*.parquet")
        in_parts = sum(pq.read_metadata(part).num_rows for part in parts)
        counted = published.sums.rows.get(folder, 0)
        if folder == "provider_references":
            counted += published.sums.rows.get("inline_groups", 0)
        if in_parts != counted:
            raise PermanentError(
                f"{folder} would have {in_parts:,} rows, and {counted:,} are counted"
            )
