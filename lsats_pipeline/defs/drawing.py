"""Pieces of SVG, and a drawing as Markdown that Dagster shows: no drawing library, few bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

INK, FAINT = "#1f2937", "#6b7280"


def as_markdown(title: str, svg: str) -> str:
    """Markdown with a drawing in it."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{title}](data:image/svg+xml;base64,{data})"


def framed(title: str, width: int, height: int, parts: list[str]) -> str:
    """A whole drawing, on white whatever the theme."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{width}" height="{height}" fill="#ffffff" rx="6"/>{"".join(parts)}</svg>'
    )


def rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A filled rectangle."""
    return rects(colour, [(x, y, width, height)])


def rects(colour: str, boxes: Iterable[tuple[float, float, float, float]]) -> str:
    """Filled rectangles (x, y, width, height) of one colour, as one shape: a third of the bytes."""
    shape = "".join(
        f"M{_short(x)} {_short(y)}h{_short(width)}v{_short(height)}h{_short(-width)}z"
        for x, y, width, height in boxes
    )
    return f'<path fill="{colour}" d="{shape}"/>' if shape else ""


def text(x: float, y: float, words: str, size: int, colour: str, anchor: str = "start") -> str:
    """A line of text."""
    attribute = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text x="{_short(x)}" y="{_short(y)}" font-size="{size}" fill="{colour}"{attribute}>'
        f"{escape(words)}</text>"
    )


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
