"""Intended defects: implausible values that can be read, and that a profile has to find.

Faults (`faults`) make rejects; these do not. The names are those of a profile's findings.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DefectivePrice:
    """A price with an implausible value. `cents` is what it adds to the sum of rates."""

    rate: str = ""
    cents: int = 0
    kind: str = ""
    day: str = ""


PRICE: dict[str, DefectivePrice] = {
    "rate_zero": DefectivePrice("0", 0),
    "rate_negative": DefectivePrice("-12.50", -1250),
    "rate_huge": DefectivePrice("1000000000000", 10**14),
    "percentage_as_fraction": DefectivePrice("0.25", 25, kind="percentage"),
    "date_impossible": DefectivePrice(day="2027-02-30"),
    "date_expired": DefectivePrice(day="2024-12-31"),
}
CODE = "code_malformed"
OUTLYING, DUPLICATE, DANGLING = "outlying", "duplicate", "reference_dangling"
IN_PRICES = (*PRICE, CODE, OUTLYING, DUPLICATE, DANGLING)
# A price of an element with so many rates stands out clearly, whatever the others are.
RATES_AROUND_AN_OUTLIER, TIMES = 150, 1000
# Numbers that no reference has.
NOWHERE = 10_000_000

# The NPIs and the TIN of a provider group.
GROUP: dict[str, tuple[str, str]] = {
    "npi_malformed": ("[123456789]", ""),
    "npi_check_digit": ("[1234567890]", ""),
    "npi_unknown": ("[0]", ""),
    "tin_malformed": ("", '"type":"ein","value":"123-45-6789"'),
}
REPEATED, CONTRADICTS = "reference_repeated", "reference_contradicts"
IN_REFERENCES = (*GROUP, REPEATED, CONTRADICTS)
