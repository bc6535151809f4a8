"""A chart of a price file: prices by negotiated type, and which code systems occur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log10

from lsats_pipeline.defs.drawing import FAINT, INK, as_markdown, framed, rect, text
from lsats_pipeline.mrf.profiling import HUGE, CodeSystem, Distribution, FileProfile

_WIDTH = 760
_LEFT, _RIGHT = 130, 600
_TOP, _BAND, _BAR = 62, 54, 40
_ROW, _MOST_BANDS, _MOST_SYSTEMS = 22, 8, 10
_PRICE, _OUTLYING, _MEDIAN, _CODES, _GRID = "#2b6cb0", "#c05621", "#1f2937", "#4a5568", "#e2e8f0"
# Of the histogram's steps there are eight to a power of ten.
_STEPS = 8
_HUGE = round(_STEPS * log10(HUGE))


def price_picture(profile: FileProfile) -> str:
    """Markdown with the drawing."""
    return as_markdown(f"Prices of {profile.file}", price_svg(profile))


def price_svg(profile: FileProfile) -> str:
    """The drawing itself, on white whatever the theme; amounts on a logarithmic axis."""
    bands = dict(list(profile.prices.items())[:_MOST_BANDS])
    low, high = _ends(bands)
    floor = _TOP + len(bands) * _BAND
    rows = sum(one.rows for one in profile.prices.values())
    outlying = sum(_doubtful(one, step) for one in bands.values() for step in one.histogram)
    parts = [
        text(16, 26, f"{rows:,} prices by negotiated type", 15, INK),
        *_legend(outlying),
        *_axis(low, high, floor),
    ]
    for number, (kind, found) in enumerate(bands.items()):
        parts += _band(kind, found, low, high, _TOP + (number + 1) * _BAND)
    height = floor + 60 + _ROW * max(1, min(len(profile.systems), _MOST_SYSTEMS)) + 14
    parts += _systems(profile.systems, floor + 50)
    return framed(f"Prices of {profile.file}", _WIDTH, height, parts)


def _ends(bands: Mapping[str, Distribution]) -> tuple[int, int]:
    """The powers of ten between which all amounts are."""
    steps = [step for found in bands.values() for step in found.histogram]
    if not steps:
        return 0, 4
    return min(steps) // _STEPS, max(steps) // _STEPS + 1


def _x(step: float, low: int, high: int) -> float:
    return _LEFT + (step - low * _STEPS) / ((high - low) * _STEPS) * (_RIGHT - _LEFT)


def _legend(outlying: int) -> Iterator[str]:
    yield rect(16, 37, 10, 10, _PRICE)
    yield text(32, 46, "prices, each band on its own scale", 12, FAINT)
    yield rect(250, 37, 10, 10, _OUTLYING)
    yield text(266, 46, f"outliers: {outlying:,}", 12, FAINT)
    yield rect(400, 35, 2, 14, _MEDIAN)
    yield text(408, 46, "median", 12, FAINT)


def _axis(low: int, high: int, floor: float) -> Iterator[str]:
    apart = max(1, (high - low) // 9)  # labels need room
    for power in range(low, high + 1):
        at = _x(power * _STEPS, low, high)
        yield rect(at, _TOP, 1, floor - _TOP, _GRID)
        if (power - low) % apart == 0:
            yield text(at, floor + 18, _amount(10.0**power), 12, FAINT, "middle")


def _amount(value: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _band(kind: str, found: Distribution, low: int, high: int, floor: float) -> Iterator[str]:
    yield text(_LEFT - 12, floor - 16, kind, 13, INK, "end")
    most = max(found.histogram.values(), default=1)
    width = _x(1, 0, high - low) - _x(0, 0, high - low)
    for step, count in found.histogram.items():
        bad = _doubtful(found, step)
        left = _x(step, low, high)
        # What is there should be seen, however little it is.
        height = max(count / most * _BAR, 2)
        marked = max(bad / most * _BAR, 2) if bad else 0
        yield rect(left + 0.5, floor - height, width - 1, height, _PRICE)
        if bad:
            yield rect(left + 0.5, floor - marked, width - 1, marked, _OUTLYING)
    yield rect(_LEFT, floor, _RIGHT - _LEFT, 1, FAINT)
    yield from _summary(found, low, high, floor)


def _doubtful(found: Distribution, step: int) -> int:
    """Amounts of a step that stand out: outliers of their code, and those that are no price."""
    return found.histogram[step] if step >= _HUGE else found.outlying.get(step, 0)


def _summary(found: Distribution, low: int, high: int, floor: float) -> Iterator[str]:
    median = found.quantiles.get("0.5", 0.0)
    if median > 0:
        yield rect(
            _x(log10(median) * _STEPS, low, high) - 1, floor - _BAR - 4, 2, _BAR + 8, _MEDIAN
        )
    yield text(_RIGHT + 14, floor - 24, f"{found.rows:,}", 12, INK)
    yield text(_RIGHT + 14, floor - 8, f"median {median:,.2f}", 12, FAINT)
    if found.not_positive:
        yield text(_RIGHT + 84, floor - 24, f"{found.not_positive:,} ≤ 0", 12, _OUTLYING)


def _systems(systems: list[CodeSystem], top: float) -> Iterator[str]:
    title = "Code systems: rows, different codes, and those not of the system's form"
    yield text(16, top, title, 15, INK)
    most = max((system.rows for system in systems), default=1)
    scale = (_RIGHT - _LEFT - 120) / most
    for number, system in enumerate(systems[:_MOST_SYSTEMS]):
        y = top + 14 + number * _ROW
        width = max(system.rows * scale, 1)
        yield text(_LEFT - 12, y + 12, system.name[:16], 12, INK, "end")
        yield rect(_LEFT, y, width, 16, _CODES)
        if system.malformed:
            yield rect(_LEFT, y, max(system.malformed * scale, 2), 16, _OUTLYING)
        bad = f", {system.malformed:,} malformed" if system.malformed else ""
        label = f"{system.rows:,} rows, {system.codes:,} codes{bad}"
        yield text(_LEFT + width + 8, y + 12, label, 12, FAINT)
    if not systems:
        yield text(_LEFT, top + 26, "none", 12, FAINT)
