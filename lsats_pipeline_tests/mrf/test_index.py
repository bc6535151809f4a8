"""Documents of every shape in domain/mrf.md 6.4: what is in them, or why they are left out."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.text.index import SECTIONS, IndexOptions
from lsats_pipeline_tests.mrf.files import HEADER, SMALL, TINY, indexed, item, reference, text

ITEMS = [item(str(number)) for number in range(40)]
REFERENCES = [reference(number) for number in range(40)]
TRICKY = 'say "in_network": [ {"provider_references": [1,2'

SHAPES: dict[str, str] = {
    "references first": text(provider_references=REFERENCES, in_network=ITEMS),
    "prices first": text(in_network=ITEMS, provider_references=REFERENCES),
    "header last": json.dumps({"provider_references": REFERENCES, "in_network": ITEMS, **HEADER}),
    "no space": json.dumps(
        {"in_network": ITEMS, "provider_references": REFERENCES, **HEADER}, separators=(",", ":")
    ),
    "indented": json.dumps(
        {**HEADER, "provider_references": REFERENCES, "in_network": ITEMS}, indent=4
    ),
    "with carriage returns": json.dumps(
        {**HEADER, "provider_references": REFERENCES, "in_network": ITEMS}, indent=1
    ).replace("\n", "\r\n"),
    "keys inside strings": text(
        note=TRICKY, provider_references=REFERENCES,
        in_network=[item(str(n), description=TRICKY) for n in range(40)],
    ),
    "keys inside objects": text(
        extra={"in_network": [1, 2], "provider_references": {"version": "9"}},
        provider_references=REFERENCES, in_network=ITEMS,
    ),
    "letters of many bytes": text(
        note="診察と検査 é", provider_references=REFERENCES,
        in_network=[item(str(n), description="Übersicht 🩺") for n in range(40)],
    ),
    "order of keys varied": text(
        provider_references=REFERENCES,
        in_network=[dict(sorted(i.items(), key=lambda kv: (n * 7 + len(kv[0])) % 5))
                    for n, i in enumerate(ITEMS)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("options", [TINY, SMALL, IndexOptions()], ids=["tiny", "small", "usual"])
@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_a_document_of_any_shape(document: str, options: IndexOptions, tmp_path: Path) -> None:
    index = indexed(tmp_path, document, options)
    parsed = json.loads(document)
    data = document.encode()
    assert [m.key for m in index.members] == list(parsed)
    for member in index.members:
        assert json.loads(data[member.begin : member.end]) == parsed[member.key]
        assert data[member.at :].startswith(json.dumps(member.key).encode())
    for section in ("in_network", "provider_references"):
        values = [
            value
            for span in index.spans
            if span.section == section
            for begin, end, _ in span.pieces
            for value in json.loads(b"[" + data[begin:end] + b"]")
        ]
        assert values == parsed[section]
        assert index.elements(section) == 40
    assert index.scalar("version") == "2.1.0"


def test_spans_follow_each_other(tmp_path: Path) -> None:
    index = indexed(tmp_path, text(in_network=ITEMS))
    assert [span.number for span in index.spans] == list(range(len(index.spans)))
    assert len(index.spans) > 10
    assert [s.first for s in index.spans[1:]] == [s.first + s.values for s in index.spans[:-1]]
    assert sum(span.values for span in index.spans) == 40
    assert all(sum(values for *_, values in s.pieces) == s.values for s in index.spans)
    assert all(before.end < after.begin for before, after in pairwise(index.spans))


LEFT_OUT: dict[str, tuple[str | bytes, str, str]] = {
    "an array": ("[1]", "not_json", "begins with an array"),
    "a number": ("5", "not_json", "one JSON object"),
    "null": ("null", "not_json", "null"),
    "space": ("  \n ", "empty", "only space"),
    "nothing in it": ("{}", "no_prices", "there is nothing"),
    "no prices": (text(provider_references=[]), "no_prices", "provider_references"),
    "a table of contents": (text(reporting_structure=[]), "table_of_contents", "lists"),
    "prices are null": (text(in_network=None), "wrong_type", "no array"),
    "prices are an object": (text(in_network={}), "wrong_type", "no array"),
    "a key twice": ('{"version":"1","in_network":[],"version":"2"}', "duplicate_key", "1 and 31"),
    "an array twice": ('{"in_network":[],"in_network":[]}', "duplicate_key", "1 and 17"),
    "two documents": ('{"in_network":[]} {"in_network":[]}', "several_documents", "follows"),
    "a document a line": ('{"in_network":[]}\n{"in_network":[]}\n', "several_documents", "a line"),
    "not closed": (text(in_network=ITEMS)[:-1], "incomplete", "before it is closed"),
    "cut in an element": (text(in_network=ITEMS)[:-50], "incomplete", "ends at byte"),
    "cut in the header": ('{"version":"2.', "incomplete", "ends at byte"),
    "two commas": ('{"in_network":[{},,{}]}', "malformed", "byte 18"),
    "a comma at the end": ('{"in_network":[{},]}', "malformed", "byte 18"),
    "no comma": ('{"version":"2" "in_network":[]}', "malformed", "byte 15"),
    "no colon": ('{"version" "2"}', "malformed", "byte 11"),
    "a bare key": ("{version:1}", "malformed", "expected a key"),
    "not a number at the top": ('{"version":NaN,"in_network":[]}', "malformed", "NaN"),
    "brackets that do not match": ('{"in_network":[{"a":[1}]}', "malformed", "do not match"),
    "a comment": ('{"in_network":[] /* none */}', "malformed", "expected"),
}


@pytest.mark.parametrize(("document", "code", "message"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_document_that_is_left_out_says_why(
    document: str | bytes, code: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadFile) as error:
        indexed(tmp_path, document)
    assert error.value.code == code
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_what_is_unusual_is_noted(tmp_path: Path) -> None:
    document = text(
        extra=[1, 2, {"a": 1}], more={"in_network": []}, in_network=[], out_of_network=[]
    )
    index = indexed(tmp_path, b"\xef\xbb\xbf" + document.encode())
    assert index.notes == [
        "a byte order mark before the document",
        "'extra' is not in the published schema, and left in the file",
        "'more' is not in the published schema, and left in the file",
        "both in_network and out_of_network",
    ]
    assert index.elements("extra") == 3
    assert index.spans == []


def test_a_header_that_is_no_text_costs_no_price(tmp_path: Path) -> None:
    document = text(in_network=ITEMS, plan_name="Tallow").encode().replace(b"Tallow", b"Tall\xff")
    index = indexed(tmp_path, document)
    assert index.notes == ["'plan_name' is no UTF-8 (invalid start byte)"]
    assert index.elements("in_network") == 40
    assert index.scalar("plan_name") == ""


def test_an_element_beyond_the_limit_is_cut_inside(tmp_path: Path) -> None:
    rates = [{"negotiated_prices": [{"n": n}], "provider_references": [n]} for n in range(200)]
    document = text(in_network=[ITEMS[0], item("big", *rates), ITEMS[1]])
    index = indexed(tmp_path, document)
    (large,) = index.large
    data = document.encode()
    assert (large.number, large.values, index.elements("in_network")) == (1, 200, 3)
    assert json.loads(data[large.begin : large.end]) == item("big", *rates)
    assert json.loads(large.header) == {
        k: v for k, v in item("big").items() if k != "negotiated_rates"
    }
    inside = [
        value
        for span in index.spans
        if span.of == 1
        for begin, end, _ in span.pieces
        for value in json.loads(b"[" + data[begin:end] + b"]")
    ]
    assert inside == rates


@pytest.mark.parametrize("section", [*SECTIONS, "unknown"])
def test_a_value_that_cannot_be_cut_is_passed_over(section: str, tmp_path: Path) -> None:
    text_of_it = "x" * 5000
    document = text(**{"in_network": [], section: [{"a": 1}, text_of_it, {"a": 2}]})
    index = indexed(tmp_path, document)
    assert index.elements(section) == 3
    found = [(lost.section, lost.element, lost.path, lost.size) for lost in index.too_large]
    assert found == ([] if section == "unknown" else [(section, 1, "", 5002)])


def test_one_rate_beyond_the_limit_is_passed_over(tmp_path: Path) -> None:
    rates: list[dict[str, Any]] = [{"n": 0}, {"n": list(range(2000))}, {"n": 2}]
    index = indexed(tmp_path, text(in_network=[item("1", *rates)]))
    (lost,) = index.too_large
    assert (lost.path, lost.element) == ("negotiated_rates[1]", 0)
    assert lost.head.startswith('{"n": [0, 1, ')
    assert index.large[0].values == 3
