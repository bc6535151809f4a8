"""Check digits of area codes (domain/world_jobs.md 2.2) and of external job codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.sampling import Ints

_AREA_WEIGHTS = (6, 5, 4, 3, 2)
_EXTERNAL = 9  # digits before the check digit


def area_check_digit(codes: Ints) -> Ints:
    """The last digit of a six-digit area code from its first five.

    s < 11: 11 - s, else 11 - (s mod 11), of which the last digit: one formula for both.
    """
    total = sum(w * _digit(codes, 4 - n) for n, w in enumerate(_AREA_WEIGHTS))
    return np.asarray((11 - total % 11) % 10)


def luhn_digit(numbers: Ints) -> Ints:
    """The check digit after nine digits, as on payment cards (ISO/IEC 7812-1, annex B)."""
    doubled = [2 * _digit(numbers, n) for n in range(0, _EXTERNAL, 2)]
    plain = [_digit(numbers, n) for n in range(1, _EXTERNAL, 2)]
    total = sum(d // 10 + d % 10 for d in doubled) + sum(plain)
    return np.asarray(-total % 10)


def bad_area_codes(codes: Any) -> Any:
    """A mask of texts that are no six-digit area codes."""
    numbers, malformed = _numbers(codes, "", 6)
    return malformed | (area_check_digit(numbers // 10) != numbers % 10)


def bad_external_codes(codes: Any) -> Any:
    """A mask of texts that are no external job codes: J, nine digits, check digit."""
    numbers, malformed = _numbers(codes, "J", _EXTERNAL + 1)
    return malformed | (luhn_digit(numbers // 10) != numbers % 10)


def _numbers(codes: Any, prefix: str, width: int) -> tuple[Ints, Any]:
    """The digits of codes as numbers, 0 where malformed, and a mask of those."""
    fine = pc.match_substring_regex(codes, f"^{prefix}[0-9]{{{width}}}$").fill_null(False)
    digits = pc.if_else(fine, pc.utf8_slice_codeunits(codes, len(prefix)), "0")
    numbers: Ints = digits.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return numbers, ~fine.to_numpy(zero_copy_only=False)


def _digit(numbers: Ints, place: int) -> Ints:
    return np.asarray(numbers // 10**place % 10)
