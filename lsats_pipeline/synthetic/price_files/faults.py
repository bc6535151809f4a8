"""Intended faults: what is written for each, and where; each makes a reject.

All of them occur in published files or follow from them (domain/mrf.md 6.2).
"""

from __future__ import annotations

# A price with the fault instead of a good rate, or in addition to it.
PRICE: dict[str, str] = {
    "rate_in_quotes": '"negotiated_rate":"12.50"',
    "rate_null": '"negotiated_rate":null',
    "rate_empty": '"negotiated_rate":""',
    "rate_not_a_number": '"negotiated_rate":NaN',
    "rate_overflows": '"negotiated_rate":1e400',
    "rate_true": '"negotiated_rate":true',
    "rate_leading_zero": '"negotiated_rate":012.5',
    "rate_missing": '"no_rate":1',
    "rate_twice": '"negotiated_rate":1,"negotiated_rate":2',
    "rate_wrong_case": '"Negotiated_Rate":5',
    "rate_two_commas": '"negotiated_rate":1,,"extra":1',
}
# A member of an element in place of its billing code.
ELEMENT: dict[str, bytes] = {
    "code_a_number": b'"billing_code":99213',
    "code_missing": b'"no_code":"x"',
    "code_twice": b'"billing_code":"1","billing_code":"1"',
    "raw_newline": b'"billing_code":"9\n9"',
    "raw_nul": b'"billing_code":"9\x009"',
    "not_utf8": b'"billing_code":"9\xff9"',
    "lone_surrogate": b'"billing_code":"\\ud800"',
    "comment": b'"billing_code":"1"/*why*/',
    "single_quotes": b"\"billing_code\":'1'",
}
# A provider group with the fault in its list of NPIs.
GROUP: dict[str, str] = {
    "npi_in_quotes": '"npi":["1234567890"]',
    "npi_too_long": '"npi":[12345678901234567890]',
    "npi_missing": '"no_npi":[]',
}
NULL_ELEMENT = "element_null"
IN_PRICES = (*PRICE, *ELEMENT, NULL_ELEMENT)
