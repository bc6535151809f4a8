"""Prices read once for each text are those of the exact decoder, whatever stands around them."""

from __future__ import annotations

import json
import random
from typing import Any

import pyarrow as pa
import pytest

from lsats_pipeline.mrf.rows import decoding, price_template_cache
from lsats_pipeline.mrf.rows.arrow_reader import ArrowReader
from lsats_pipeline.mrf.rows.decoding import DecodedText, Decoder
from lsats_pipeline.mrf.rows.elements import InNetwork, Rate
from lsats_pipeline.mrf.rows.price_template_cache import PriceTemplateCache
from lsats_pipeline.mrf.text.scanning import document_of, sequence_in
from lsats_pipeline_tests.mrf.files import item, price
from lsats_pipeline_tests.mrf.test_arrow_reader import LENIENT, element, faulty, source, table_of

COMPACT, SPACED = (",", ":"), (", ", ": ")
Cut = list[bool]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Small documents are cut as well; notes for each that is tried whether that had an answer."""
    found: Cut = []
    inner = PriceTemplateCache._read_thin

    def noted(self: PriceTemplateCache, document: bytes) -> pa.StructArray | None:
        values = inner(self, document)
        found.append(values is not None)
        return values

    monkeypatch.setattr(price_template_cache, "_SMALL", 0)
    monkeypatch.setattr(price_template_cache, "_OFTEN", 1000)
    monkeypatch.setattr(PriceTemplateCache, "_read_thin", noted)
    return found


def written(*values: Any, separators: tuple[str, str] = COMPACT) -> bytes:
    """Values as a document."""
    return document_of(json.dumps(values, separators=separators)[1:-1].encode())


def prices(count: int, **more: Any) -> dict[str, Any]:
    """A rate with so many prices, which differ in their number."""
    return {"negotiated_prices": [price(n + 0.25, **more) for n in range(count)],
            "provider_references": [1, 2]}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("separators", [COMPACT, SPACED], ids=["compact", "spaced"])
def test_prices_read_once_are_the_same(
    seed: int, separators: tuple[str, str], cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_SMALL", 600)
    draw, decoder = random.Random(seed), Decoder()
    for _ in range(80):
        values = [element(draw) for _ in range(draw.randrange(1, 6))]
        text = faulty(draw, json.dumps(values, ensure_ascii=draw.random() < 0.5)[1:-1])
        if separators == COMPACT:  # after the faults, which look for spaces
            text = text.replace('": ', '":').replace(', "', ',"').replace("}, {", "},{")
        document = document_of(text.encode())
        if not isinstance(sequence_in(document), list):
            continue
        quick = decoder.decode(DecodedText(document, 100, 7, strict=True), source("in_network"))
        exact = Decoder().decode(DecodedText(document, 100, 7, strict=False), source("in_network"))
        assert quick.rejects == exact.rejects, text
        assert quick.seen == exact.seen
        first, second = table_of(quick, "in_network"), table_of(exact, "in_network")
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert first.to_pylist() == second.to_pylist(), text
            assert first.schema == second.schema
    assert sum(cut) > 10


@pytest.mark.parametrize("separators", [COMPACT, SPACED], ids=["compact", "spaced"])
def test_pieces_of_like_prices_are_cut(separators: tuple[str, str], cut: Cut) -> None:
    reader, whole = PriceTemplateCache(InNetwork), ArrowReader(InNetwork)
    for number in range(4):
        values = [item(str(number), prices(9), prices(3, setting=f"x{number}")) for _ in range(2)]
        document = written(*values, separators=separators)
        found, wanted = reader.read(memoryview(document)), whole.read(document)
        assert found is not None
        assert wanted is not None
        assert found.to_pylist() == wanted.to_pylist()
    assert cut == [True] * 4


def test_rates_of_a_large_element_are_cut_too(cut: Cut) -> None:
    document = written(prices(5), prices(2))
    found, wanted = PriceTemplateCache(Rate).read(document), ArrowReader(Rate).read(document)
    assert found is not None
    assert wanted is not None
    assert found.to_pylist() == wanted.to_pylist()
    assert cut == [True]


# Of these the cut is no help, or may not be believed; they are good all the same.
ODD: dict[str, dict[str, Any]] = {
    "a brace in a text": {"setting": "a{b}"},
    "a number in a text": {"setting": "see:5"},
    "a price in a text": {"setting": json.dumps(price(5), separators=COMPACT)},
    "a negative rate": {"negotiated_rate": -1.5},
    "unknown members": {"extra": 1},
    "an object inside": {"extra": {"negotiated_rate": 1}},
    "an explicit null": {"setting": None},
}


@pytest.mark.parametrize("more", ODD.values(), ids=ODD)
def test_odd_prices_are_the_same_among_others(more: dict[str, Any], cut: Cut) -> None:
    rates = prices(5)
    rates["negotiated_prices"].insert(2, {**price(7.5), **more})
    document = written(item("1", rates), item("2", prices(2)))
    quick = Decoder().decode(DecodedText(document, 0, 0, strict=True), source("in_network"))
    exact = Decoder().decode(DecodedText(document, 0, 0, strict=False), source("in_network"))
    first, second = table_of(quick, "in_network"), table_of(exact, "in_network")
    assert first is not None
    assert second is not None
    assert first.to_pylist() == second.to_pylist()
    assert quick.rejects == exact.rejects == []
    assert cut


@pytest.mark.parametrize("rate", LENIENT.values(), ids=LENIENT)
def test_leniently_parsed_rates_are_uncertain_among_good_ones(rate: str, cut: Cut) -> None:
    data = written(item("1", prices(4)), item("2"), item("3", prices(2))).decode()
    document = data.replace('"negotiated_rate":12.5', rate).encode()
    assert rate.encode() in document
    assert PriceTemplateCache(InNetwork).read(document) is None
    assert cut


def test_a_number_among_prices_and_a_price_among_numbers_are_no_exchange(cut: Cut) -> None:
    """The thin piece would look right: as many numbers, and all where numbers may be."""
    rates = {"negotiated_prices": [price(1), price(2), 5], "provider_references": [price(3), 4]}
    for separators in (COMPACT, SPACED):
        document = written(item("1", rates, prices(2)), separators=separators)
        assert PriceTemplateCache(InNetwork).read(document) is None
    assert cut == [False, False]


def test_a_number_among_prices_is_in_doubt(cut: Cut) -> None:
    rates = {"negotiated_prices": [price(1), price(2), 5]}
    assert PriceTemplateCache(InNetwork).read(written(item("1", rates, prices(2)))) is None
    assert cut == [False]


def test_more_texts_than_are_kept_are_the_same(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_template_cache, "_BEHIND", 4)
    reader, whole = PriceTemplateCache(InNetwork), ArrowReader(InNetwork)
    for number in range(6):
        rates = [prices(6, setting=f"{number} {n}") for n in range(2)]
        document = written(item("1", *rates))
        found, wanted = reader.read(document), whole.read(document)
        assert found is not None
        assert wanted is not None
        assert found.to_pylist() == wanted.to_pylist()
    assert cut == [True, True, False, True, True, False]


def test_prices_that_differ_everywhere_are_soon_left_alone(
    cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_template_cache, "_OFTEN", 3)
    reader = PriceTemplateCache(InNetwork)
    for number in range(9):
        rates = {"negotiated_prices": [price(1, setting=f"{number} {n}") for n in range(5)]}
        assert reader.read(written(item("1", rates))) is not None
    assert cut == [True] * 3
