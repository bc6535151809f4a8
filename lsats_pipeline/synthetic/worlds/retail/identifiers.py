"""Codes that are unique by construction: permutations of row numbers (R8).

The predecessor drew them and met the birthday paradox, or padded ids and ran out of digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.sampling import Ints, in_base36, shuffled

# Codes in which no private person has a phone (section 2).
AREA_CODES = ("555", "800", "888", "877", "866")
# Without vowels, so that no plate spells a word.
_LETTERS = pa.array(tuple("BCDFGHJKLMNPQRSTVWXZ"))
_PLATES, _CARDS, _BEACONS = 20**3 * 10**4, 10**9, 36**6


def digits(numbers: Ints, width: int) -> Any:
    """In base 10, zero-padded."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def prefixed(prefix: str, codes: Any) -> Any:
    """With letters before them."""
    return pc.binary_join_element_wise(prefix, codes, "")


def license_plates(rows: Ints) -> Any:
    """3 letters and 4 digits, from the number of the truck alone, whatever the seed."""
    letters, number = np.divmod(shuffled(rows, _PLATES, 0, "license plate"), 10**4)
    places = [letters // len(_LETTERS) ** power % len(_LETTERS) for power in (2, 1, 0)]
    parts = [_LETTERS.take(pa.array(place)) for place in places]
    return pc.binary_join_element_wise(*parts, digits(number, 4), "")


def loyalty_cards(rows: Ints, seed: int) -> Any:
    """LC and 9 digits: enough for 10^9 customers."""
    return prefixed("LC", digits(shuffled(rows, _CARDS, seed, "loyalty card"), 9))


def beacon_ids(rows: Ints, seed: int) -> Any:
    """BLE and 6 of 36 characters: enough for 2.1 billion customers."""
    return prefixed("BLE", pa.array(in_base36(shuffled(rows, _BEACONS, seed, "ble_id"), 6)))


def advertising_ids(rows: Ints, seed: int) -> Any:
    """AD and 6 of 36 characters, in another order."""
    return prefixed("AD", pa.array(in_base36(shuffled(rows, _BEACONS, seed, "ad_id"), 6)))


def phones(rng: np.random.Generator, size: int) -> Any:
    """`(555) 234-5678`, not unique."""
    area = pa.array(AREA_CODES).take(pa.array(rng.integers(0, len(AREA_CODES), size)))
    exchange = pa.array(rng.integers(200, 1_000, size)).cast(pa.string())
    line = pa.array(rng.integers(1_000, 10_000, size)).cast(pa.string())
    return pc.binary_join_element_wise("(", area, ") ", exchange, "-", line, "")
