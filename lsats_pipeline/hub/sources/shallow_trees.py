"""Trees of the small parts of a workbook, which need not be small: their memory has an end."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from lsats_pipeline.hub.sources.sheets import MalformedSheet

DEEPEST = 100  # elements within each other
MOST_ELEMENTS = 1_000_000  # Excel has 65,000 styles of cells


class ShallowTree(ElementTree.TreeBuilder):
    """Builds the tree of a part that neither declares entities nor is too deep or too large."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part
        self._depth = self._count = 0

    def doctype(self, *_: Any) -> None:
        """Refuse what would declare entities."""
        raise MalformedSheet(f"its part {self._part} declares entities, as no export does")

    def start(self, *element: Any) -> ElementTree.Element:
        """Begin an element; MalformedSheet when it is one too many or too deep."""
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > DEEPEST or self._count > MOST_ELEMENTS:
            raise MalformedSheet(f"its part {self._part} has far too many elements: export it anew")
        return super().start(*element)

    def end(self, tag: str) -> ElementTree.Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)
