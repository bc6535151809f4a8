"""The published schema: good documents are accepted, and every small change to one is noticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsats_pipeline.mrf.schema.json_schema import accepts, json_schema
from lsats_pipeline.mrf.schema.msgspec_types import conforms
from lsats_pipeline.mrf.schema.published import VERSIONS, Version, element, published
from lsats_pipeline.mrf.schema.validation import faults_of

Path = tuple[str | int, ...]
CODE = {"billing_code_type": "CPT", "billing_code_type_version": "2026", "billing_code": "70010",
        "description": "imaging"}  # fmt: skip
TIN = {"type": "ein", "value": "12-3456789", "business_name": "Tansy Lane Medical"}
PLAN = {
    "plan_name": "Heron",
    "plan_id_type": "hios",
    "plan_id": "12345",
    "plan_market_type": "group",
}
HEAD = {"reporting_entity_name": "Quillfern", "reporting_entity_type": "issuer",
        "last_updated_on": "2026-11-01"}  # fmt: skip
PRICE = {"negotiated_type": "percentage", "negotiated_rate": 40.5, "expiration_date": "9999-12-31",
         "billing_class": "professional", "service_code": ["11", "CSTM-00"]}  # fmt: skip
HOSPITAL = {"negotiated_type": "per diem", "negotiated_rate": 900, "expiration_date": "2027-01-01",
            "billing_class": "institutional", "billing_code_modifier": ["25"]}  # fmt: skip
CHARGE = {"billed_charge": 50.5, "npi": [1234567893]}
PAID = {"allowed_amount": 25.25, "billing_code_modifier": ["25"], "providers": [CHARGE]}


def price(version: Version, of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "setting": "both"} if version == 2 else of


def in_network(version: Version) -> dict[str, Any]:
    """A file with each arrangement, and all that a version knows."""
    new = version == 2
    tin = TIN if new else {k: TIN[k] for k in ("type", "value")}
    groups = [{"npi": [1234567893, 1000000004], "tin": tin}, {"npi": [0], "tin": tin}]
    rate: dict[str, Any] = {
        "negotiated_prices": [price(version, PRICE), price(version, HOSPITAL)],
        "provider_references": [1],
    }
    elements: list[dict[str, Any]] = [
        {"negotiation_arrangement": kind, "name": "A service", **CODE, "negotiated_rates": [rate]}
        for kind in ("ffs", "bundle", "capitation")
    ]
    elements[1]["bundled_codes"] = [CODE, {**CODE, "billing_code_type": "MS-DRG"}]
    elements[2]["covered_services"] = [CODE]
    if new:
        elements[0]["severity_of_illness"] = "3"
        reference = {"provider_group_id": 1, "network_name": ["Marlow"], "provider_groups": groups}
        references = [reference]
    else:
        written_out = {"negotiated_prices": rate["negotiated_prices"], "provider_groups": groups}
        elements[0]["negotiated_rates"].append(written_out)
        references = [
            {"provider_group_id": 1, "provider_groups": groups},
            {"provider_group_id": 2, "location": "https://quillfern.example/providers.json"},
        ]
    plan = {**PLAN, "issuer_name": "Quillfern"} if new else PLAN
    stated = "2.2.0" if new else "1.6.2"
    return {**HEAD, "version": stated, **plan, "provider_references": references,
            "in_network": elements}  # fmt: skip


def allowed_amounts(version: Version) -> dict[str, Any]:
    amount = {"tin": {"type": "npi", "value": "1234567893"}, "service_code": ["01"],
              "billing_class": "professional", "payments": [PAID]}  # fmt: skip
    element = {"name": "A service", **CODE, "allowed_amounts": [amount]}
    return {**HEAD, "version": "2.2.0", "out_of_network": [element]}


def table_of_contents(version: Version) -> dict[str, Any]:
    file = {"description": "prices", "location": "https://quillfern.example/a.json.gz"}
    plan = {**PLAN, "issuer_name": "Quillfern"} if version == 2 else PLAN
    structure = {"reporting_plans": [plan], "in_network_files": [file], "allowed_amount_file": file}
    return {**HEAD, "version": "2.2.0", "reporting_structure": [structure]}


DOCUMENTS = {
    "in-network-rates": in_network,
    "allowed-amounts": allowed_amounts,
    "table-of-contents": table_of_contents,
}
ALL = [(file, version) for file in DOCUMENTS for version in VERSIONS]


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """The way to every value inside another."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))


def changed(document: Any, at: Path, value: Any) -> Any:
    """A copy with another value somewhere; `...` takes away what is there."""
    made = copy.deepcopy(document)
    inside = made
    for key in at[:-1]:
        inside = inside[key]
    if value is ...:
        del inside[at[-1]]
    else:
        inside[at[-1]] = value
    return made


OTHERS: tuple[Any, ...] = (..., None, True, 7, 0, 1.5, "", "12-3456789\n", [], {}, ["x"], {"x": 1})


@pytest.mark.parametrize(("file", "version"), ALL)
def test_a_good_document_has_no_faults(file: str, version: Version) -> None:
    document, kind = DOCUMENTS[file](version), published(file, version)
    assert faults_of(document, kind) == []
    assert accepts(json_schema(kind), document)
    json.dumps(json_schema(kind))


def test_a_version_reports_members_of_the_other() -> None:
    faults = {
        (f.what, f.detail) for f in faults_of(in_network(2), published("in-network-rates", 1))
    }
    assert faults == {("unexpected", name) for name in
                      ("setting", "network_name", "business_name", "severity_of_illness",
                       "issuer_name")}  # fmt: skip
    faults = {
        (f.what, f.detail) for f in faults_of(in_network(1), published("in-network-rates", 2))
    }
    assert {("missing", "setting"), ("missing", "network_name"), ("missing", "provider_references"),
            ("rule", "ein needs business_name"), ("unexpected", "location")} <= faults  # fmt: skip


@pytest.mark.parametrize(("file", "version"), ALL)
def test_every_change_is_validated_as_the_json_schema_does(file: str, version: Version) -> None:
    """Two readings of one declaration, columns and plain recursion, over all single changes."""
    document, kind = DOCUMENTS[file](version), published(file, version)
    schema, seen, refused = json_schema(kind), 0, 0
    for place in places(document):
        for value in OTHERS:
            other = changed(document, place, value)
            found = [f for f in faults_of(other, kind) if f.what != "unexpected"]
            assert bool(found) is not accepts(schema, other), (place, value, found)
            seen += 1
            refused += bool(found)
    assert seen > 200
    assert refused > seen / 2


@pytest.mark.parametrize(("at", "value", "what", "detail"), [
    (("in_network", 0, "negotiated_rates", 0, "negotiated_prices", 0, "negotiated_rate"), 0,
     "range", "not above 0"),
    (("in_network", 0, "negotiated_rates", 0, "negotiated_prices", 0, "negotiated_rate"), "12.50",
     "wrong type", "string"),
    (("in_network", 0, "negotiated_rates", 0, "negotiated_prices", 0, "service_code"), ...,
     "rule", "professional needs service_code"),
    (("in_network", 0, "negotiated_rates", 0, "negotiated_prices", 0, "service_code"), ["1"],
     "not allowed", "'1'"),
    (("in_network", 0, "negotiated_rates", 0, "negotiated_prices"), [], "empty", ""),
    (("in_network", 0, "billing_code_type"), "CTP", "not allowed", "'CTP'"),
    (("in_network", 0, "billing_code"), 99213, "wrong type", "integer"),
    (("provider_references", 0, "provider_groups", 0, "npi"), [0, 1234567893], "not allowed",
     "not 10 digits"),
    (("provider_references", 0, "provider_groups", 0, "tin", "value"), "123-45-6789",
     "not allowed", "'123-45-6789'"),
    (("plan_id",), ..., "rule",
     "all or none of plan_name, plan_id_type, plan_id, plan_market…"),
])  # fmt: skip
def test_known_faults_are_distinguished(at: Path, value: Any, what: str, detail: str) -> None:
    found = faults_of(changed(in_network(2), at, value), published("in-network-rates", 2))
    assert [(fault.what, fault.detail) for fault in found] == [(what, detail)]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(("file", "section"), [
    ("in-network-rates", "in_network"), ("in-network-rates", "provider_references"),
    ("allowed-amounts", "out_of_network"),
])  # fmt: skip
def test_the_quick_way_never_passes_what_is_wrong(file: str, section: str) -> None:
    """It may say no to what is right; of single changes to good elements it passes most."""
    passed = right = 0
    for value in DOCUMENTS[file](2)[section][:1]:
        kind = element(section, 2)
        for place in places(value):
            for other in OTHERS:
                made = changed(value, place, other)
                good = not [f for f in faults_of(made, kind) if f.what != "unexpected"]
                quick = conforms(kind, json.dumps(made).encode())
                assert good or not quick, (place, other)
                passed, right = passed + quick, right + good
    assert passed >= right / 2 or section == "provider_references"  # which has a [0] in it
    usual = {"provider_group_id": 1, "network_name": ["Marlow"],
             "provider_groups": [{"npi": [1234567893], "tin": TIN}]}  # fmt: skip
    assert conforms(element("provider_references", 2), json.dumps(usual).encode())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_is_validated_as_the_json_schema_does(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(VERSIONS))
    document = in_network(version)
    place = data.draw(st.sampled_from(list(places(document))))
    other = changed(document, place, data.draw(ANY))
    kind = published("in-network-rates", version)
    found = [f for f in faults_of(other, kind) if f.what != "unexpected"]
    assert bool(found) is not accepts(json_schema(kind), other), (place, found)
