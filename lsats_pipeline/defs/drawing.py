"""Pieces of SVG, and a drawing as Markdown that Dagster shows: no drawing library, few bytes."""

from __future__ import annotations

import base64
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
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )


def text(x: float, y: float, words: str, size: int, colour: str, anchor: str = "start") -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"'
        f' text-anchor="{anchor}">{escape(words)}</text>'
    )
