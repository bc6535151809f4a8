"""Rules that several tables share, and helpers for rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import BLOCKING, RowRule, Rows

_EXAMPLES = 5


def numbered(total: Callable[[Any], int]) -> RowRule:
    """Ids run from 1 to the number of rows: with their being unique, without gaps."""
    return RowRule(
        "ids_from_one",
        lambda rows: (rows["id"] < 1) | (rows["id"] > total(rows.options)),
        about="ids are whole numbers from 1 without gaps",
        weight=BLOCKING,
    )


def matching(id: str, column: str, pattern: str, about: str, weight: int = 2) -> RowRule:
    """A text has a format; empty ones are not checked."""
    return RowRule(
        id,
        lambda rows: pc.invert(pc.match_substring_regex(rows.arrow(column), pattern)),
        about=about,
        weight=weight,
    )


def coded(id: str, column: str, prefix: str, width: int) -> RowRule:
    """A code is the id, zero-padded, after its letters."""

    def broken(rows: Rows) -> Any:
        digits = pc.utf8_lpad(rows.arrow("id").cast(pa.string()), width, "0")
        return pc.not_equal(rows.arrow(column), pc.binary_join_element_wise(prefix, digits, ""))

    return RowRule(id, broken, about=f"{prefix} and the id in {width} digits", weight=2)


def within(id: str, about: str, *columns: str, known: Callable[[Any], Any]) -> RowRule:
    """The columns together are a row of what `known` gives for the options, one array a column."""

    def broken(rows: Rows) -> Any:
        return pc.invert(pc.is_in(_joined([rows.arrow(c) for c in columns]), _set_of(known, rows)))

    return RowRule(id, broken, about=about, weight=2)


def unlike(id: str, about: str, *columns: str, names: Callable[[], Any]) -> RowRule:
    """No column has a name of this list, whatever its capitals (worlds_features.md B16)."""

    def broken(rows: Rows) -> Any:
        forbidden = names()
        masks = [pc.is_in(pc.utf8_lower(rows.arrow(c)), value_set=forbidden) for c in columns]
        return np.logical_or.reduce([np.asarray(mask) for mask in masks])

    return RowRule(id, broken, about=about, weight=2)


@lru_cache
def real_people() -> Any:
    """Common given names and surnames of real persons, in small letters."""
    # Here, because all of faker comes with it: a third of a second.
    from faker.providers.person.en_US import Provider

    real = {*Provider.first_names, *Provider.last_names}
    return pa.array(sorted(name.lower() for name in real))


def examples(values: Any, wrong: Any) -> tuple[str, ...]:
    """Some of the values that a mask marks."""
    at = np.flatnonzero(wrong)[:_EXAMPLES]
    return tuple(str(value) for value in values.take(pa.array(at)).to_pylist())


def _set_of(known: Callable[[Any], Any], rows: Rows) -> Any:
    return _joined(known(rows.options))


def _joined(columns: Any) -> Any:
    """Columns as one text, so that they can be looked up together; nothing counts as empty."""
    texts = [pc.coalesce(column.cast(pa.string()), pa.scalar("")) for column in columns]
    return pc.binary_join_element_wise(*texts, "\x1f") if len(texts) > 1 else texts[0]
