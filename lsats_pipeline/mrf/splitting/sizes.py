"""Parts of about equal size, planned from the index alone: nothing has to be read for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from lsats_pipeline.mrf.provenance.rereading import single_piece
from lsats_pipeline.mrf.text.index import Index, LargeElement, Span


@dataclass
class SizeShare:
    """Consecutive elements of one array, as an index of their own."""

    section: str
    index: Index
    text: int = 0
    elements: int = 0
    spans: list[Span] = field(default_factory=list)
    large: list[LargeElement] = field(default_factory=list)

    @property
    def begin(self) -> int:
        """Where the first of them begins."""
        return min([*(s.begin for s in self.spans), *(e.begin for e in self.large)])

    @property
    def of_them(self) -> Index:
        """The index of these alone."""
        return msgspec.structs.replace(self.index, spans=self.spans, large=self.large, too_large=[])


def shares(index: Index, sections: Sequence[str], limit: int) -> list[SizeShare]:
    """Cut between pieces, and never inside an element: a large one makes a large part."""
    found: list[SizeShare] = []
    for section in sections:
        share: SizeShare | None = None
        for unit in _units(index, section):
            if share is None or (share.text and share.text + unit.text > limit):
                share = SizeShare(section, index)
                found.append(share)
            share.text += unit.text
            share.elements += unit.elements
            share.spans += unit.spans
            share.large += unit.large
    return found


@dataclass(frozen=True)
class _Unit:
    begin: int
    text: int
    elements: int
    spans: list[Span]
    large: list[LargeElement]


def _units(index: Index, section: str) -> list[_Unit]:
    return sorted([*_pieces(index, section), *_large(index, section)], key=lambda unit: unit.begin)


def _pieces(index: Index, section: str) -> Iterator[_Unit]:
    for span in index.spans:
        if span.section == section and span.of is None:
            for number, (begin, end, count) in enumerate(span.pieces):
                yield _Unit(begin, end - begin + 1, count, [single_piece(span, number)], [])


def _large(index: Index, section: str) -> Iterator[_Unit]:
    for element in index.large:
        if element.section == section:
            inside = [s for s in index.spans if s.section == section and s.of == element.number]
            yield _Unit(element.begin, element.end - element.begin + 1, 1, inside, [element])
