"""The quality of a table as a drawing: how many rows have which score, and which flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from lsats_pipeline.defs.drawing import FAINT, INK, as_markdown, framed, rect, rects, text
from lsats_pipeline.hub.silver.quality import LOW, Totals

_WIDTH, _HEIGHT = 760, 300
_TOP, _FLOOR = 44, 250
_BARS_LEFT, _BARS_RIGHT = 24, 370
_FLAGS_LEFT, _FLAGS_MOST = 410, 9
_GOOD, _POOR, _FLAG = "#2f855a", "#c05621", "#4a5568"
_BINS = 20  # of 0.05 each; a full score stands in the last


def quality_picture(name: str, totals: Totals, notes: frozenset[str] = frozenset()) -> str:
    """Markdown with the drawing. `notes`: flags that cost nothing, drawn paler."""
    return as_markdown(f"Quality of {name}", quality_svg(name, totals, notes))


def quality_svg(name: str, totals: Totals, notes: frozenset[str] = frozenset()) -> str:
    """The drawing itself, on white whatever the theme."""
    mean = "" if totals.mean is None else f", mean {totals.mean:.2f}"
    parts = [
        text(_BARS_LEFT, 26, f"{totals.rows:,} rows{mean}", 15, INK),
        text(_FLAGS_LEFT, 26, "Flags", 15, INK),
        *_histogram(totals),
        *_flags(totals, notes),
    ]
    return framed(f"Quality of {name}", _WIDTH, _HEIGHT, parts)


def binned(scores: Mapping[str, int]) -> list[int]:
    """Rows per step of 0.05."""
    bins = [0] * _BINS
    for score, count in scores.items():
        bins[min(int(Decimal(score) * _BINS), _BINS - 1)] += count
    return bins


def _histogram(totals: Totals) -> Iterator[str]:
    bins = binned(totals.scores)
    step, most = (_BARS_RIGHT - _BARS_LEFT) / _BINS, max(*bins, 1)
    bars: dict[str, list[tuple[float, float, float, float]]] = {_POOR: [], _GOOD: []}
    for i, count in enumerate(bins):
        # A bar that is there should be seen, however few rows it stands for.
        height = max(count / most * (_FLOOR - _TOP - 14), 2)
        if count:
            box = (_BARS_LEFT + i * step + 1, _FLOOR - height, step - 2, height)
            bars[_POOR if Decimal(i) / _BINS < LOW else _GOOD].append(box)
    yield from (rects(colour, boxes) for colour, boxes in bars.items())
    yield rect(_BARS_LEFT, _FLOOR, _BARS_RIGHT - _BARS_LEFT, 1, FAINT)
    for score in (0, 0.25, 0.5, 0.7, 1):
        at = _BARS_LEFT + score * (_BARS_RIGHT - _BARS_LEFT)
        yield text(at, _FLOOR + 18, f"{score:g}", 12, FAINT, "middle")
    yield text((_BARS_LEFT + _BARS_RIGHT) / 2, _FLOOR + 38, "quality score", 12, FAINT, "middle")


def _flags(totals: Totals, notes: frozenset[str]) -> Iterator[str]:
    ranked = sorted(totals.flags.items(), key=lambda item: (-item[1], item[0]))
    widest = _WIDTH - _FLAGS_LEFT - 70
    for i, (flag, count) in enumerate(ranked[:_FLAGS_MOST]):
        top = _TOP + i * 25
        yield text(_FLAGS_LEFT, top + 9, flag, 12, INK)
        width = max(count / max(totals.rows, 1) * widest, 1)
        yield rect(_FLAGS_LEFT, top + 13, min(width, widest), 6, FAINT if flag in notes else _FLAG)
        yield text(_WIDTH - 16, top + 19, f"{count:,}", 12, FAINT, "end")
    if len(ranked) > _FLAGS_MOST:
        more = f"and {len(ranked) - _FLAGS_MOST} more"
        yield text(_FLAGS_LEFT, _TOP + _FLAGS_MOST * 25 + 12, more, 12, FAINT)
    if not ranked:
        yield text(_FLAGS_LEFT, _TOP + 12, "none", 12, FAINT)
