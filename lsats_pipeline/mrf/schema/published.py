"""The schemas as published, versions 1 (1.6.2) and 2 (2.2.0), domain/mrf.md 2.1 to 2.3.

Each is declared once, with what changed between the versions beside it. Version 2 wants texts and
lists filled nearly everywhere, knows no provider data but by reference, and no prices of zero.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from lsats_pipeline.mrf.schema.types import (
    SERVICE_CODE,
    Kind,
    ListOf,
    Member,
    Number,
    OneOf,
    Rule,
    Text,
    Thing,
    Together,
    When,
)

Version = Literal[1, 2]
VERSIONS: tuple[Version, ...] = (1, 2)
# The array at the top level says what a file is about.
FILE_OF_SECTION = {
    "in_network": "in-network-rates",
    "provider_references": "in-network-rates",
    "out_of_network": "allowed-amounts",
}
# fmt: off
BILLING_CODE_TYPES = frozenset((
    "CPT", "HCPCS", "ICD", "MS-DRG", "R-DRG", "S-DRG", "APS-DRG", "AP-DRG", "APR-DRG", "APC",
    "NDC", "HIPPS", "LOCAL", "EAPG", "CDT", "RC", "CSTM-ALL",
))
# fmt: on
ARRANGEMENTS = frozenset(("ffs", "bundle", "capitation"))
NEGOTIATED_TYPES = frozenset(("negotiated", "derived", "fee schedule", "percentage", "per diem"))
BILLING_CLASSES = frozenset(("professional", "institutional", "both"))
SETTINGS = frozenset(("inpatient", "outpatient", "both"))
PLAN = ("plan_name", "plan_id_type", "plan_id", "plan_market_type")
EIN, NPI = r"\d{2}-?\d{7}", r"\d{10}"
PROFESSIONAL = When("billing_class", "professional", "service_code")


@cache
def published(file: str, version: Version) -> Thing:
    """The schema of a whole file: in-network-rates, allowed-amounts, table-of-contents."""
    return _FILES[file](version)


@cache
def element(section: str, version: Version) -> Thing:
    """The schema of the elements of an array of the top level."""
    member = published(FILE_OF_SECTION[section], version).member(section)
    assert member is not None
    assert isinstance(member.kind, ListOf)
    assert isinstance(member.kind.item, Thing)
    return member.kind.item


def header(file: str, version: Version) -> Thing:
    """The schema of a file without its arrays."""
    whole = published(file, version)
    scalars = tuple(m for m in whole.members if not isinstance(m.kind, ListOf))
    return Thing(whole.name, scalars, whole.rules)


class _Words:
    """How texts and lists are meant in a version."""

    def __init__(self, version: Version) -> None:
        self.new = version == 2

    def text(self, form: str = "") -> Text:
        return Text(form=form if self.new else "", filled=self.new)

    def many(self, item: Kind) -> ListOf:
        return ListOf(item, at_least=int(self.new))

    def only_new(self, *members: Member) -> tuple[Member, ...]:
        return members if self.new else ()


def _in_network_rates(version: Version) -> Thing:
    w = _Words(version)
    return Thing(
        "in-network-rates",
        (
            *_header(w),
            Member("provider_references", ListOf(_provider_reference(w)), required=False),
            Member("in_network", w.many(_in_network(w))),
        ),
        _plan_rules(w),
    )


def _allowed_amounts(version: Version) -> Thing:
    w = _Words(version)
    item = Thing(
        "out_of_network",
        (
            *_service(w, BILLING_CODE_TYPES - {"CSTM-ALL"}),
            Member("allowed_amounts", w.many(_allowed_amount(w))),
        ),
    )
    # 1.6.2 does not require the array, 2.1 and 2.2 let it be empty.
    array = Member("out_of_network", ListOf(item), required=w.new)
    return Thing("allowed-amounts", (*_header(w), array), _plan_rules(w))


def _table_of_contents(version: Version) -> Thing:
    w = _Words(version)
    file = Thing(
        "file", (Member("description", w.text()), Member("location", Text(form="https://.+")))
    )
    plan = Thing("plan", _plan(w, required=True), _sponsored(w))
    structure = Thing(
        "reporting_structure",
        (
            Member("reporting_plans", w.many(plan)),
            Member("in_network_files", ListOf(file), required=False),
            Member("allowed_amount_file", file, required=False),
        ),
        (OneOf(("in_network_files", "allowed_amount_file")),),
    )
    return Thing(
        "table-of-contents",
        (
            *_reporting(w),
            Member("last_updated_on", Text(), required=w.new),
            Member("version", Text()),
            Member("reporting_structure", w.many(structure)),
        ),
    )


def _provider_reference_file(version: Version) -> Thing:
    """What a `location` leads to; version 2 has no such files."""
    w = _Words(version)
    return Thing(
        "provider-reference",
        (Member("provider_groups", w.many(_provider_group(w))), Member("version", Text())),
    )


def _reporting(w: _Words) -> tuple[Member, ...]:
    return (Member("reporting_entity_name", w.text()), Member("reporting_entity_type", w.text()))


def _header(w: _Words) -> tuple[Member, ...]:
    return (
        *_reporting(w),
        Member("last_updated_on", Text()),
        Member("version", w.text()),
        *_plan(w, required=False),
    )


def _plan(w: _Words, *, required: bool) -> tuple[Member, ...]:
    return (
        Member("plan_name", w.text(), required),
        Member("plan_id_type", Text(frozenset(("ein", "hios"))), required),
        Member("plan_id", w.text(), required),
        Member("plan_market_type", Text(frozenset(("group", "individual"))), required),
        *w.only_new(
            Member("issuer_name", w.text(), required),
            Member("plan_sponsor_name", w.text(), required=False),
        ),
    )


def _sponsored(w: _Words) -> tuple[Rule, ...]:
    return (When("plan_id_type", "ein", "plan_sponsor_name"),) if w.new else ()


def _plan_rules(w: _Words) -> tuple[Rule, ...]:
    all_or_none = (*PLAN, "issuer_name") if w.new else PLAN
    return (Together(all_or_none), *_sponsored(w))


def _service(w: _Words, systems: frozenset[str]) -> tuple[Member, ...]:
    return (
        Member("name", w.text()),
        Member("billing_code_type", Text(systems)),
        Member("billing_code_type_version", w.text()),
        Member("billing_code", w.text()),
        Member("description", Text()),
    )


def _in_network(w: _Words) -> Thing:
    code = Thing("code", _service(w, BILLING_CODE_TYPES)[1:])
    return Thing(
        "in_network",
        (
            Member("negotiation_arrangement", Text(ARRANGEMENTS)),
            *_service(w, BILLING_CODE_TYPES),
            *w.only_new(Member("severity_of_illness", w.text(), required=False)),
            Member("negotiated_rates", w.many(_rate(w))),
            Member("bundled_codes", ListOf(code), required=False),
            Member("covered_services", ListOf(code), required=False),
        ),
    )


def _rate(w: _Words) -> Thing:
    references = Member("provider_references", w.many(Number()), required=w.new)
    prices = Member("negotiated_prices", w.many(_price(w)))
    if w.new:
        return Thing("rate", (prices, references))
    groups = Member("provider_groups", ListOf(_provider_group(w)), required=False)
    # The schema says oneOf, and the published sample of 1.6.2 has both: one at least it is.
    return Thing("rate", (prices, references, groups),
                 (OneOf(("provider_references", "provider_groups")),))  # fmt: skip


def _price(w: _Words) -> Thing:
    return Thing(
        "price",
        (
            Member("negotiated_type", Text(NEGOTIATED_TYPES)),
            Member("negotiated_rate", Number(above=0) if w.new else Number()),
            Member("expiration_date", Text()),
            Member("billing_class", Text(BILLING_CLASSES)),
            *w.only_new(Member("setting", Text(SETTINGS))),
            Member("service_code", w.many(Text(form=SERVICE_CODE)), required=False),
            Member("billing_code_modifier", ListOf(Text()), required=False),
            Member("additional_information", Text(), required=False),
        ),
        (PROFESSIONAL,) if w.new else (),
    )


def _provider_reference(w: _Words) -> Thing:
    number = Member("provider_group_id", Number(whole=True))
    groups = Member("provider_groups", w.many(_provider_group(w)), required=w.new)
    if w.new:
        return Thing(
            "provider_reference", (number, Member("network_name", w.many(w.text())), groups)
        )
    elsewhere = Member("location", Text(form="https://.+"), required=False)
    return Thing("provider_reference", (number, groups, elsewhere),
                 (OneOf(("provider_groups", "location")),))  # fmt: skip


def _provider_group(w: _Words) -> Thing:
    npi = ListOf(Number(whole=True, digits=10), 1, or_else=(0,)) if w.new else ListOf(Number())
    return Thing("provider_group", (Member("npi", npi), Member("tin", _tin(w))))


def _tin(w: _Words) -> Thing:
    name = w.only_new(Member("business_name", w.text(), required=False))
    return Thing(
        "tin",
        (
            Member("type", Text(frozenset(("ein", "npi")))),
            Member("value", w.text(f"{EIN}|{NPI}")),
            *name,
        ),
        (When("type", "ein", "business_name"),) if w.new else (),
    )


def _allowed_amount(w: _Words) -> Thing:
    charge = Thing(
        "charge",
        (Member("billed_charge", Number(at_least=0)), Member("npi", w.many(Number(whole=True)))),
    )
    payment = Thing(
        "payment",
        (
            Member("allowed_amount", Number(at_least=0)),
            Member("billing_code_modifier", ListOf(Text()), required=False),
            Member("providers", w.many(charge)),
        ),
    )
    tin = Thing("tin", (Member("type", Text(frozenset(("ein", "npi")))), Member("value", w.text())))
    return Thing(
        "allowed_amount",
        (
            Member("tin", tin),
            Member("service_code", w.many(Text(form=SERVICE_CODE)), required=False),
            Member("billing_class", Text(BILLING_CLASSES - {"both"})),
            Member("payments", w.many(payment)),
        ),
        (PROFESSIONAL,),
    )


_FILES = {
    "in-network-rates": _in_network_rates,
    "allowed-amounts": _allowed_amounts,
    "table-of-contents": _table_of_contents,
    "provider-reference": _provider_reference_file,
}
