"""Every bad element of domain/mrf.md 6.2: the bad part is a reject, and nothing else is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline_tests.mrf.files import (
    SMALL,
    TINY,
    TOO_DEEP,
    item,
    price,
    reference,
    rows,
    taken,
    text,
)

GOOD = {"negotiated_prices": [price(1), price(2)], "provider_references": [1, 2]}


def written(bad: str, *, of: str) -> bytes:
    """A file of five elements in the middle of which a part is replaced by something bad."""
    marked = {
        "price": item("3", GOOD, {"negotiated_prices": [price(3), {"@": 0}, price(4)]}),
        "rate": item("3", GOOD, {"@": 0}),
        "element": {"@": 0},
    }[of]
    document = text(in_network=[item("1", GOOD), item("2", GOOD), marked, item("4", GOOD)])
    return document.encode().replace(b'{"@": 0}', bad.encode("latin-1"))


def a_price(**changes: str) -> str:
    """A price as JSON with members replaced by text as it is."""
    parts = {key: json.dumps(value) for key, value in price().items()} | changes
    return "{" + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}"


def an_element(code: str = '"billing_code":"3"', more: str = "") -> str:
    """An element as JSON with its billing code replaced by text as it is."""
    whole = json.dumps({k: v for k, v in item("3", GOOD).items() if k != "billing_code"})
    return f"{whole[:-1]},{code}{more}}}"


PRICES: dict[str, tuple[str, str]] = {
    "rate in quotes": (a_price(negotiated_rate='"12.50"'), "got `str`"),
    "rate null": (a_price(negotiated_rate="null"), "got `null`"),
    "rate empty": (a_price(negotiated_rate='""'), "got `str`"),
    "rate overflows": (a_price(negotiated_rate="1e400"), "out of range"),
    "rate no number": (a_price(negotiated_rate="NaN"), "invalid character"),
    "rate true": (a_price(negotiated_rate="true"), "got `bool`"),
    "rate with a zero first": (a_price(negotiated_rate="012.5"), "invalid number"),
    "rate missing": (a_price().replace('"negotiated_rate":12.5,', ""), "missing required field"),
    "rate in another case": (a_price().replace("ted_rate", "ted_Rate"), "missing required field"),
    "rate twice": (a_price().replace("{", '{"negotiated_rate":1,'), "duplicate key"),
    "two commas": (a_price().replace(",", ",,", 1), "malformed"),
    "a comment": (a_price().replace(",", "/*x*/,", 1), "malformed"),
    "service code no list": (a_price(service_code='"11"'), "got `str`"),
    "service code of numbers": (a_price(service_code="[11]"), "got `int`"),
    "day a number": (a_price(expiration_date="20260228"), "got `int`"),
    "a price null": ("null", "got `null`"),
    "a price no object": ("[]", "got `array`"),
}
RATES: dict[str, tuple[str, str]] = {
    "reference in quotes": ('{"negotiated_prices":[],"provider_references":["1"]}', "got `str`"),
    "reference a fraction": ('{"negotiated_prices":[],"provider_references":[1.5]}', "got `float`"),
    "reference of 64 bits": (
        '{"negotiated_prices":[],"provider_references":[9223372036854775808]}', "<= 92233"),
    "no prices": ('{"provider_references":[1]}', "missing required field"),
    "prices twice": ('{"negotiated_prices":[],"negotiated_prices":[]}', "duplicate key"),
    "a rate null": ("null", "got `null`"),
}  # fmt: skip
ELEMENTS: dict[str, tuple[str, str]] = {
    "code a number": (an_element('"billing_code":99213'), "got `int`"),
    "code missing": (an_element('"other":1'), "missing required field"),
    "code twice": (an_element('"billing_code":"3","billing_code":"3"'), "duplicate key"),
    "raw newline": (an_element('"billing_code":"3\n"'), "malformed"),
    "raw nul": (an_element('"billing_code":"3\0"'), "malformed"),
    "raw tab": (an_element('"billing_code":"3\t"'), "malformed"),
    "no UTF-8": (an_element('"billing_code":"3\xff"'), "utf-8"),
    "no UTF-8 where nobody looks": (an_element(more=',"x":"\xff"'), "utf-8"),
    "no UTF-8 in a key": (an_element(more=',"x\xff":1'), "utf-8"),
    "overlong UTF-8": (an_element('"billing_code":"3\xc0\xaf"'), "utf-8"),
    "lone surrogate": (an_element('"billing_code":"\\ud800"'), "surrogate"),
    "single quotes": (an_element("'billing_code':'3'"), "malformed"),
    "null": ("null", "got `null`"),
    "a number": ("17", "got `int`"),
    "a text": ('"},{"', "got `str`"),
    "a list": ('[{"negotiation_arrangement":1}]', "got `array`"),
    "no number": ("NaN", "malformed"),
    "deep": (an_element(more=',"x":' + "[" * TOO_DEEP + "]" * TOO_DEEP), "deep"),
}
ACCEPTED: dict[str, str] = {
    "a member nobody knows": an_element(more=',"new":{"a":[1]}'),
    "an explicit null": an_element(more=',"bundled_codes":null'),
    "an escaped nul": an_element('"billing_code":"3\\u0000"'),
    "structure inside text": an_element(more=',"severity_of_illness":"},{\\"a\\": [\\\\"'),
}


def check(tmp_path: Path, bad: str, of: str, message: str, prices: list[float]) -> dict[str, Any]:
    outcome = taken(tmp_path, written(bad, of=of), SMALL)
    (reject,) = rows(outcome, tmp_path, "rejects")
    kept = rows(outcome, tmp_path, "in_network")
    assert message in reject["reason"]
    assert reject["level"] == of
    assert [row["negotiated_rate"] for row in kept] == prices
    assert reject["text"].encode("latin-1", "replace")[:9] == bad.encode("latin-1")[:9]
    document = written(bad, of=of)
    there = document[reject["offset"] : reject["offset"] + reject["length"]]
    assert there == bad.encode("latin-1")
    return reject


@pytest.mark.parametrize(("bad", "message"), PRICES.values(), ids=PRICES)
def test_a_bad_price_is_lost_alone(bad: str, message: str, tmp_path: Path) -> None:
    reject = check(tmp_path, bad, "price", message, [1, 2, 1, 2, 1, 2, 3, 4, 1, 2])
    assert (reject["element"], reject["path"]) == (2, "negotiated_rates[1].negotiated_prices[1]")


@pytest.mark.parametrize(("bad", "message"), RATES.values(), ids=RATES)
def test_a_bad_rate_is_lost_alone(bad: str, message: str, tmp_path: Path) -> None:
    reject = check(tmp_path, bad, "rate", message, [1, 2, 1, 2, 1, 2, 1, 2])
    assert (reject["element"], reject["path"]) == (2, "negotiated_rates[1]")


@pytest.mark.parametrize(("bad", "message"), ELEMENTS.values(), ids=ELEMENTS)
def test_a_bad_element_is_lost_alone(bad: str, message: str, tmp_path: Path) -> None:
    reject = check(tmp_path, bad, "element", message, [1, 2, 1, 2, 1, 2])
    assert (reject["element"], reject["path"]) == (2, "")


@pytest.mark.parametrize("element", ACCEPTED.values(), ids=ACCEPTED)
def test_unusual_elements_are_accepted(element: str, tmp_path: Path) -> None:
    outcome = taken(tmp_path, written(element, of="element"), SMALL)
    assert outcome.published.sums.rows["in_network"] == 8
    assert "rejects" not in outcome.published.sums.rows


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ('{"npi":["1234567890"],"tin":{"type":"ein","value":"1"}}', "got `str`"),
        ('{"npi":[99999999999999999999],"tin":{"type":"ein","value":"1"}}', "<= 92233"),
        ('{"npi":[1],"tin":{"type":"ein"}}', "missing required field"),
        ('{"npi":[1],"tin":"12-3456789"}', "got `str`"),
        ('{"npi":[1],"npi":[2],"tin":{"type":"ein","value":"1"}}', "duplicate key"),
    ],
)
def test_a_bad_provider_group_is_lost_alone(group: str, message: str, tmp_path: Path) -> None:
    whole = reference(7, 123)
    whole["provider_groups"].append("@")
    document = text(provider_references=[whole, reference(8)], in_network=[])
    outcome = taken(tmp_path, document.replace('"@"', group))
    (reject,) = rows(outcome, tmp_path, "rejects")
    assert message in reject["reason"]
    assert (reject["level"], reject["path"]) == ("provider_group", "provider_groups[1]")
    kept = rows(outcome, tmp_path, "provider_references")
    assert [row["provider_group_id"] for row in kept] == [7, 8]


def test_what_is_odd_in_providers_is_kept_as_it_is(tmp_path: Path) -> None:
    """NPIs of 0, 9 and 11 digits, and hyphens or none: left to the checks, not to the reader."""
    references = [reference(1, 0), reference(1, 123456789, 12345678901)]
    references[1]["provider_groups"][0]["tin"]["value"] = "123-45-6789"
    document = text(provider_references=references, in_network=[item("1", GOOD)])
    kept = rows(taken(tmp_path, document), tmp_path, "provider_references")
    assert [row["npi"] for row in kept] == [[0], [123456789, 12345678901]]
    assert [row["tin_value"] for row in kept] == ["11-1111111", "123-45-6789"]


@pytest.mark.parametrize("rate", [0, -5, 1e12, 0.405, 40.5, 1e-7, 123456789.123456])
@pytest.mark.parametrize("day", ["2026-02-30", "9999-12-31", "20260228", ""])
def test_odd_numbers_and_days_are_kept_as_they_are(rate: float, day: str, tmp_path: Path) -> None:
    odd = item("1", {"negotiated_prices": [price(rate, expiration_date=day)]})
    (row,) = rows(taken(tmp_path, text(in_network=[odd])), tmp_path, "in_network")
    assert (row["negotiated_rate"], row["expiration_date"]) == (rate, day)


def test_a_bad_rate_in_a_large_element_is_lost_alone(tmp_path: Path) -> None:
    rates: list[Any] = [
        {"negotiated_prices": [price(n)], "provider_references": [n]} for n in range(50)
    ]
    rates[20] = {"negotiated_prices": [price("x"), price(5)], "provider_references": [1]}
    rates[30] = {"negotiated_prices": 7}
    rates[40] = {"negotiated_prices": [price(1, additional_information="y" * 3000)]}
    outcome = taken(tmp_path, text(in_network=[item("a"), item("b", *rates), item("c")]), TINY)
    found = {r["path"]: (r["element"], r["level"]) for r in rows(outcome, tmp_path, "rejects")}
    assert found == {
        "negotiated_rates[20].negotiated_prices[0]": (1, "price"),
        "negotiated_rates[30]": (1, "rate"),
        "negotiated_rates[40]": (1, "rate"),
    }
    kept = [row for row in rows(outcome, tmp_path, "in_network") if row["element"] == 1]
    expected = [5 if n == 20 else n for n in range(50) if n not in (30, 40)]
    assert [row["negotiated_rate"] for row in kept] == expected
    assert {row["billing_code"] for row in kept} == {"b"}


@pytest.mark.parametrize("header", ["missing", "twice", "too large"])
def test_a_large_element_with_a_bad_header_is_rejected_rate_by_rate(
    header: str, tmp_path: Path
) -> None:
    rates = [{"negotiated_prices": [price(n)]} for n in range(30)]
    whole = item("b", *rates)
    if header == "missing":
        del whole["name"]
    elif header == "too large":
        whole["name"] = "x" * 5000
    document = text(in_network=[item("a"), whole, item("c")])
    if header == "twice":
        document = document.replace('"name": "Service b"', '"name": "x", "name": "y"')
    outcome = taken(tmp_path, document, TINY)
    rejects = rows(outcome, tmp_path, "rejects")
    lost = [r for r in rejects if r["level"] == "rate"]
    assert [r["path"] for r in lost] == [f"negotiated_rates[{n}]" for n in range(30)]
    assert json.loads(lost[7]["text"])["negotiated_prices"][0]["negotiated_rate"] == 7
    assert len(rejects) - len(lost) == (header == "too large")
    assert {row["element"] for row in rows(outcome, tmp_path, "in_network")} == {0, 2}
