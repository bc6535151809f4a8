"""Columns read in native code are those of the exact decoder, whatever is wrong with the text."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lsats_pipeline.mrf.rows import columns, decoding
from lsats_pipeline.mrf.rows.arrow_reader import ArrowReader
from lsats_pipeline.mrf.rows.columns import Lineage
from lsats_pipeline.mrf.rows.decoding import Decoded, DecodedText, Decoder, PieceSource
from lsats_pipeline.mrf.rows.elements import InNetwork, ProviderReference
from lsats_pipeline.mrf.text.index import Span
from lsats_pipeline.mrf.text.scanning import document_of, sequence_in
from lsats_pipeline_tests.mrf.files import item, price, reference

ODD_TEXTS = (
    "a: b", 'say "x": 1', "[2.5 mg", "TABLET, 2.5 MG, 1e3", "é:\u20ac\U0001f600", "\\", "\u0001",
    "null", ":null", '"setting":null', "", "12.50",
)  # fmt: skip
GROUPS = reference(1, 123, 456)["provider_groups"]
CODE = {"billing_code_type": "CPT", "billing_code_type_version": "1", "billing_code": "7"}


def element(draw: random.Random) -> dict[str, Any]:
    """An element of any shape that the schemas allow."""

    def perhaps(**members: Any) -> dict[str, Any]:
        return {name: value for name, value in members.items() if draw.random() < 0.3}

    def text() -> str:
        return draw.choice(ODD_TEXTS if draw.random() < 0.15 else ("plain", "words"))

    def one_price() -> dict[str, Any]:
        rate = draw.choice((1, 0, -5, 12.5, 40.0, 1e-7, 123456789.123456, 1e22, 2**70))
        more = perhaps(service_code=["11", text()], setting=text(), billing_code_modifier=[],
                       additional_information=text())  # fmt: skip
        return price(rate, expiration_date=text(), **more)

    rates = [
        {
            "negotiated_prices": [one_price() for _ in range(draw.randrange(4))],
            **perhaps(provider_references=[1, 2**63 - 1, -1, 0][: draw.randrange(5)]),
            **perhaps(provider_groups=draw.choice((GROUPS, GROUPS * 2, []))),
        }
        for _ in range(draw.randrange(1, 4))
    ]
    more = perhaps(bundled_codes=[CODE], covered_services=[{**CODE, "description": text()}],
                   severity_of_illness=text())  # fmt: skip
    return {**item("1", *rates, description=text(), name=text()), **more}


def provider(draw: random.Random) -> dict[str, Any]:
    """A provider reference of any shape that the schemas allow."""
    one = reference(draw.randrange(10), *range(draw.randrange(1, 4)))
    if draw.random() < 0.3:
        one["provider_groups"] += GROUPS
    if draw.random() < 0.3:
        one["network_name"] = [draw.choice(ODD_TEXTS)]
    if draw.random() < 0.2:
        one = {"provider_group_id": 5, "location": "https://x.example:80/a"}
    return one


# What is done to a place in the text: what is found there, and what takes its place.
FAULTS: tuple[tuple[str, str], ...] = (
    (r"(?<=[:\[,] )(-?\d[\d.e+-]*)", r'"\1"'),
    (r"(?<=[:\[,] )(\d+)(?=[,\]}])", r"\1.0"),
    (r"(?<=[:\[,] )(\d+)(?=[,\]}])", r"\1.5"),
    (r"(?<=[:\[,] )(\d+)(?=[,\]}])", r"\1e2"),
    (r"(?<=[:\[,] )(\d+)(?=[,\]}])", "9" * 25),
    (r"(?<=[:\[,] )(-?\d[\d.e+-]*)", "1e400"),
    (r"(?<=[:\[,] )(-?\d[\d.e+-]*)", "null"),
    (r"(?<=[:\[,] )(-?\d[\d.e+-]*)", "true"),
    (r'(?<=: )("(?:[^"\\]|\\.)*")', "null"),
    (r'(?<=: )("(?:[^"\\]|\\.)*")', "7"),
    (r'(?<=: )("(?:[^"\\]|\\.)*")', '"a\\\\u003ab"'),
    (r'(?<=: )("(?:[^"\\]|\\.)*")', '"a\\\\u0022b"'),
    (r'(?<=: )("(?:[^"\\]|\\.)*")', '"\\\\ud800"'),
    (r'("[a-z_]+": )', r'\1null, \1'),
    (r'("[a-z_]+": )("(?:[^"\\]|\\.)*")', r'\1\2, \1\2'),
    (r'("[a-z_]+"): ("(?:[^"\\]|\\.)*")', r'\1 :"a:b", \1\t: \2'),
    (r'("[a-z_]+": )("(?:[^"\\]|\\.)*")', r'\1null, \1\2'),
    (r'("[a-z_]+": )("(?:[^"\\]|\\.)*")', r'\1\2, \1null'),
    (r'"([a-z_]+": )', r'"extra": {"a": [1, "x"]}, "\1'),
    (r'"([a-z_]+": )', r'"Extra": 1, "\1'),
    (r'"([a-z])([a-z_]+": )', r'"\1X\2'),
    (r"\[", "[null, "),
    (r"\{", '{"x": null, '),
    (r": ", " :\n\t"),
)  # fmt: skip


def faulty(draw: random.Random, text: str) -> str:
    """The text with some faults, each at one place."""
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        pattern, becomes = draw.choice(FAULTS)
        places = list(re.finditer(pattern, text))
        if places:
            place = draw.choice(places)
            text = text[: place.start()] + place.expand(becomes) + text[place.end() :]
    return text


def source(section: str) -> PieceSource:
    """A span of that section; of a span nothing else is asked here."""
    return PieceSource(
        Span(number=3, section=section, begin=0, end=0, first=0, values=0, crc32=0, pieces=[])
    )


def table_of(decoded: Decoded, section: str) -> pa.Table | None:
    """The rows of all values."""
    if not decoded.values:
        return None
    values, numbers = pa.concat_arrays(decoded.values), np.concatenate(decoded.numbers)
    lineage = Lineage("file", 3)
    if section == "in_network":
        return columns.in_network(values, numbers, lineage, columns.inline_ids(values))
    return columns.provider_references(values, numbers, lineage, inline=False)


@pytest.mark.parametrize("section", ["in_network", "provider_references"])
@pytest.mark.parametrize("seed", range(6))
def test_both_ways_give_the_same(section: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_SMALL", 600)  # so that these are cut in two as well
    draw, decoder = random.Random(seed), Decoder()
    make = element if section == "in_network" else provider
    fast = rejected = 0
    for _ in range(120):
        values = [make(draw) for _ in range(draw.randrange(1, 6))]
        text = faulty(draw, json.dumps(values, ensure_ascii=draw.random() < 0.5)[1:-1])
        document = document_of(text.encode())
        if not isinstance(sequence_in(document), list):
            continue
        quick = decoder.decode(DecodedText(document, 100, 7, strict=True), source(section))
        exact = Decoder().decode(DecodedText(document, 100, 7, strict=False), source(section))
        assert quick.rejects == exact.rejects, text
        assert quick.seen == exact.seen
        first, second = table_of(quick, section), table_of(exact, section)
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert first.to_pylist() == second.to_pylist(), text
        rejected += bool(exact.rejects)
        kind = InNetwork if section == "in_network" else ProviderReference
        fast += ArrowReader(kind).read(document) is not None
    assert fast > 10
    assert rejected > 10


LENIENT: dict[str, str] = {
    "rate in quotes": '"negotiated_rate": "12.5"',
    "rate null": '"negotiated_rate": null',
    "rate overflows": '"negotiated_rate": 1e400',
    "rate twice": '"negotiated_rate": 1, "negotiated_rate": 12.5',
    "rate twice with odd space": '"negotiated_rate" : 1, "negotiated_rate"\t:12.5',
    "rate in another case": '"Negotiated_rate": 12.5',
    "a text twice, once null": '"negotiated_rate": 12.5, "setting": null, "setting": "x"',
    "a text twice, then null": '"negotiated_rate": 12.5, "setting": "x", "setting": null',
    "null twice": '"negotiated_rate": 12.5, "setting": null, "setting": null',
    "a text twice, with colons": '"negotiated_rate": 12.5, "setting": ":", "setting": ":"',
    "twice behind an escaped colon": (
        '"negotiated_rate": 12.5, "setting": "x", "additional_information": "\\u003a",'
        ' "setting": "\\u0022"'
    ),
}
REFERENCES = ('["1"]', "[1.0]", "[1.5]", "[1e3]", "[2, 1E3]", "[ 1 , 2.0 ]", "[null]", "[true]")


@pytest.mark.parametrize("rate", LENIENT.values(), ids=LENIENT)
def test_leniently_parsed_rates_are_uncertain(rate: str) -> None:
    """The rows of domain/mrf.md 6.2 that arro3 takes."""
    data = json.dumps(item()).replace('"negotiated_rate": 12.5', rate).encode()
    assert rate.encode() in data
    assert ArrowReader(InNetwork).read(document_of(data)) is None


@pytest.mark.parametrize("numbers", REFERENCES)
def test_numbers_that_are_not_whole_are_in_doubt(numbers: str) -> None:
    rates = {"negotiated_prices": [price()], "provider_references": ["@"]}
    data = json.dumps(item("1", rates)).replace('["@"]', numbers).encode()
    assert ArrowReader(InNetwork).read(document_of(data)) is None
    data = json.dumps(reference()).replace("[123]", numbers).encode()
    assert ArrowReader(ProviderReference).read(document_of(data)) is None


@pytest.mark.parametrize("text", ["a: [2.5 mg", "TABLET, 2.5 MG", 'of "x": 1', "1, 2.5, 3e4"])
def test_numbers_inside_of_texts_are_in_no_doubt(text: str) -> None:
    data = json.dumps(item(description=text)).encode()
    assert ArrowReader(InNetwork).read(document_of(data)) is not None


@pytest.mark.parametrize("number", ["1.0", "1e2", "1" * 80 + "e-75"])
def test_a_group_number_that_is_not_whole_is_in_doubt(number: str) -> None:
    data = json.dumps(reference(77)).replace("77", number).encode()
    assert ArrowReader(ProviderReference).read(document_of(data)) is None


EVERYWHERE: dict[str, dict[str, Any]] = {
    "members nobody knows": {"plan": {"id": [1, 2], "name": "a: b"}, "flag": True, "of": 1.5},
    "explicit nulls": {"setting": None, "billing_code_modifier": None},
    "both": {"plan": "x", "setting": None},
}


@pytest.mark.parametrize("more", EVERYWHERE.values(), ids=EVERYWHERE)
def test_what_a_file_has_everywhere_is_in_doubt_once(more: dict[str, Any]) -> None:
    """It would be decoded exactly otherwise, price for price, at a sixth of the speed."""
    one = item("1", {"negotiated_prices": [price(1, **more)] * 3, "provider_references": [1]})
    document = document_of(b",".join([json.dumps({**one, **{"x": [1]}}).encode()] * 20))
    columnar = ArrowReader(InNetwork)
    if columnar.read(document) is None:
        assert columnar.learn(document)
    values = columnar.read(document)
    assert values is not None
    assert values.type == ArrowReader(InNetwork).type
    twice = json.dumps(one).replace('"name": ', '"name": "1", "name": ').encode()
    assert columnar.read(document_of(twice)) is None


def test_explicit_nulls_are_read_in_memory_that_is_shared_too() -> None:
    document = document_of(json.dumps(item(severity_of_illness=None)).encode())
    found = ArrowReader(InNetwork).read(memoryview(document))
    assert found is not None
    assert found.to_pylist()[0]["severity_of_illness"] is None
