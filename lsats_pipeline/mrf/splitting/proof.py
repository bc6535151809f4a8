"""The proof: parts are read again from the disk, and their units compared with the source's."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from lsats_pipeline.core.errors import VerificationFailed
from lsats_pipeline.mrf.profiling.scan import SchemaDifferences
from lsats_pipeline.mrf.profiling.statistics import Violation
from lsats_pipeline.mrf.provenance.rereading import Indexed, Stretch
from lsats_pipeline.mrf.schema.published import Version
from lsats_pipeline.mrf.splitting.parts_account import SplitPart
from lsats_pipeline.mrf.splitting.references import SECTION as REFERENCES
from lsats_pipeline.mrf.splitting.references import ReferenceLists
from lsats_pipeline.mrf.splitting.router import rates_of
from lsats_pipeline.mrf.splitting.units import (
    Digest,
    Elements,
    Item,
    LargeUnit,
    Unit,
    items,
    rate_unit,
)
from lsats_pipeline.mrf.splitting.writer import WrittenPart
from lsats_pipeline.mrf.text.cutting import Piece
from lsats_pipeline.mrf.text.index import SECTIONS, Index, Span, index_file
from lsats_pipeline.mrf.text.reading import Watcher

ELEMENTS = tuple(section for section in SECTIONS if section != REFERENCES)


class SplitProof:
    """The units of a file; and apart from them, what is no JSON."""

    def __init__(self, *, rates: bool) -> None:
        self.units = Digest()
        self.references = Digest()
        self.not_json = Digest()
        self.offsets: list[int] = []
        self._rates = rates

    def read(self, file: Indexed, watch: Watcher | None = None) -> SplitProof:
        """All elements of a file."""
        for item in items(file.original.opened(watch), file.index, tuple(SECTIONS)):
            self.add(item)
        return self

    def add(self, item: Item) -> None:
        """One more piece, or large element."""
        if isinstance(item, Elements):
            if not item.proved:
                self._set_aside(item.begin, item.values[0])
                return
            self._elements(item.values, item.section)
        elif isinstance(item, LargeUnit):
            self._large(item)
        else:
            self._set_aside(item.begin, item.head.encode())

    def _set_aside(self, offset: int, text: Unit) -> None:
        self.not_json.add(text)
        self.offsets.append(offset)

    def _elements(self, values: Sequence[Unit], section: str) -> None:
        if section == REFERENCES:
            self.references.add_all(values)
        elif not self._rates:
            self.units.add_all(values)
        else:
            for value in map(bytes, values):
                apart = rates_of(value, section)
                of = [rate_unit(apart[0], rate) for rate in apart[1]] if apart else []
                self.units.add_all(of or [value])

    def _large(self, item: LargeUnit) -> None:
        section, head = item.element.section, item.element.header.encode()
        hashed = sha256()
        for chunk in item.chunks:
            hashed.update(chunk if isinstance(chunk, bytes) else chunk.data)
            if self._rates and section != REFERENCES and not isinstance(chunk, bytes):
                for _, rate in chunk.values():
                    self.units.add(rate_unit(head, rate))
        if section == REFERENCES:
            self.references.hashed(hashed.digest()[:16])
        elif not self._rates:
            self.units.hashed(hashed.digest()[:16])


class _SecondReading:
    """A part while it is read again, once: its structure, its units, and the schema."""

    def __init__(self, version: Version, *, rates: bool) -> None:
        self.proof = SplitProof(rates=rates)
        self.differences = SchemaDifferences(version)

    def read(self, path: Path) -> Index:
        """All of it. What was cut inside is read twice."""
        index = index_file(path, on_span=self._add_span)
        if index.large or index.too_large:
            inside = [span for span in index.spans if span.of is not None]
            rest = msgspec.structs.replace(index, spans=inside)
            self.proof.read(Indexed.here(path, rest))
        return index

    def _add_span(self, span: Span, pieces: list[Piece]) -> None:
        first = span.first
        for piece in pieces:
            if span.of is None:
                values: Sequence[Unit] = piece.values or [piece.data]
                proved = bool(piece.values)
                self.proof.add(Elements(span.section, piece.begin, values, proved))
            if span.section != REFERENCES:  # those have been looked at, the same to the byte
                stretch = Stretch(span, piece.begin, first, piece.count, piece.data)
                self.differences.add(stretch)
            first += piece.count


def verified(
    written: WrittenPart, references: ReferenceLists, version: Version, *, rates: bool
) -> SplitPart:
    """A part read again; VerificationFailed when it is not what was written."""
    again = _SecondReading(version, rates=rates)
    index = again.read(written.path)
    mask = written.used(references)
    for what, found, wanted in (
        ("sha256", index.sha256, written.sha256),
        ("elements", index.elements(written.section), written.elements),
        ("units", str(again.proof.units), written.digest),
        ("references", again.proof.references.total, references.digest(mask)),
    ):
        if found != wanted:
            raise VerificationFailed(
                f"{written.path.name} has {found} for {what}, and {wanted} was written: the disk"
                " may be faulty; split again, and please report this if it stays"
            )
    broken = again.differences.breaking(index)
    in_references = int(references.faults[mask].sum())
    return SplitPart(
        name="",
        group=written.group,
        text=written.text,
        compressed=written.compressed,
        sha256=written.sha256,
        elements=written.elements,
        units=written.units,
        references=written.references,
        digest=written.digest,
        violations=sum(found.count for found in broken) + in_references,
        in_references=in_references,
        first_violation=_violation_text(broken[0])
        if broken
        else REFERENCES
        if in_references
        else "",
    )


def _violation_text(found: Violation) -> str:
    return " ".join((found.path, found.what, found.detail)).strip()
