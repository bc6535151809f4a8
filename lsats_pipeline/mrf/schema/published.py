"""The schemas as published, versions 1 (1.6.2) and 2 (2.2.0), domain/mrf.md 2.1 to 2.3.

Each is declared once, with the differences between the versions. Version 2 requires strings and
lists to be filled nearly everywhere, provider data by reference only, and prices above zero.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from lsats_pipeline.mrf.schema.types import (
    SERVICE_CODE,
    AllOrNone,
    Conditional,
    Kind,
    ListOf,
    Number,
    Object,
    ObjectMember,
    OneOf,
    Rule,
    StringType,
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
PROFESSIONAL = Conditional("billing_class", "professional", "service_code")


@cache
def published(file: str, version: Version) -> Object:
    """The schema of a whole file: in-network-rates, allowed-amounts, table-of-contents."""
    return _FILES[file](version)


@cache
def element(section: str, version: Version) -> Object:
    """The schema of the elements of an array of the top level."""
    member = published(FILE_OF_SECTION[section], version).member(section)
    assert member is not None
    assert isinstance(member.kind, ListOf)
    assert isinstance(member.kind.item, Object)
    return member.kind.item


def header(file: str, version: Version) -> Object:
    """The schema of a file without its arrays."""
    whole = published(file, version)
    scalars = tuple(m for m in whole.members if not isinstance(m.kind, ListOf))
    return Object(whole.name, scalars, whole.rules)


class _VersionRules:
    """What a version requires of strings and lists."""

    def __init__(self, version: Version) -> None:
        self.new = version == 2

    def text(self, form: str = "") -> StringType:
        return StringType(form=form if self.new else "", filled=self.new)

    def many(self, item: Kind) -> ListOf:
        return ListOf(item, at_least=int(self.new))

    def only_new(self, *members: ObjectMember) -> tuple[ObjectMember, ...]:
        return members if self.new else ()


def _in_network_rates(version: Version) -> Object:
    w = _VersionRules(version)
    return Object(
        "in-network-rates",
        (
            *_header(w),
            ObjectMember("provider_references", ListOf(_provider_reference(w)), required=False),
            ObjectMember("in_network", w.many(_in_network(w))),
        ),
        _plan_rules(w),
    )


def _allowed_amounts(version: Version) -> Object:
    w = _VersionRules(version)
    item = Object(
        "out_of_network",
        (
            *_service(w, BILLING_CODE_TYPES - {"CSTM-ALL"}),
            ObjectMember("allowed_amounts", w.many(_allowed_amount(w))),
        ),
    )
    # 1.6.2 does not require the array, 2.1 and 2.2 let it be empty.
    array = ObjectMember("out_of_network", ListOf(item), required=w.new)
    return Object("allowed-amounts", (*_header(w), array), _plan_rules(w))


def _table_of_contents(version: Version) -> Object:
    w = _VersionRules(version)
    file = Object(
        "file",
        (
            ObjectMember("description", w.text()),
            ObjectMember("location", StringType(form="https://.+")),
        ),
    )
    plan = Object("plan", _plan(w, required=True), _sponsored(w))
    structure = Object(
        "reporting_structure",
        (
            ObjectMember("reporting_plans", w.many(plan)),
            ObjectMember("in_network_files", ListOf(file), required=False),
            ObjectMember("allowed_amount_file", file, required=False),
        ),
        (OneOf(("in_network_files", "allowed_amount_file")),),
    )
    return Object(
        "table-of-contents",
        (
            *_reporting(w),
            ObjectMember("last_updated_on", StringType(), required=w.new),
            ObjectMember("version", StringType()),
            ObjectMember("reporting_structure", w.many(structure)),
        ),
    )


def _provider_reference_file(version: Version) -> Object:
    """What a `location` leads to; version 2 has no such files."""
    w = _VersionRules(version)
    return Object(
        "provider-reference",
        (
            ObjectMember("provider_groups", w.many(_provider_group(w))),
            ObjectMember("version", StringType()),
        ),
    )


def _reporting(w: _VersionRules) -> tuple[ObjectMember, ...]:
    return (
        ObjectMember("reporting_entity_name", w.text()),
        ObjectMember("reporting_entity_type", w.text()),
    )


def _header(w: _VersionRules) -> tuple[ObjectMember, ...]:
    return (
        *_reporting(w),
        ObjectMember("last_updated_on", StringType()),
        ObjectMember("version", w.text()),
        *_plan(w, required=False),
    )


def _plan(w: _VersionRules, *, required: bool) -> tuple[ObjectMember, ...]:
    return (
        ObjectMember("plan_name", w.text(), required),
        ObjectMember("plan_id_type", StringType(frozenset(("ein", "hios"))), required),
        ObjectMember("plan_id", w.text(), required),
        ObjectMember("plan_market_type", StringType(frozenset(("group", "individual"))), required),
        *w.only_new(
            ObjectMember("issuer_name", w.text(), required),
            ObjectMember("plan_sponsor_name", w.text(), required=False),
        ),
    )


def _sponsored(w: _VersionRules) -> tuple[Rule, ...]:
    return (Conditional("plan_id_type", "ein", "plan_sponsor_name"),) if w.new else ()


def _plan_rules(w: _VersionRules) -> tuple[Rule, ...]:
    all_or_none = (*PLAN, "issuer_name") if w.new else PLAN
    return (AllOrNone(all_or_none), *_sponsored(w))


def _service(w: _VersionRules, systems: frozenset[str]) -> tuple[ObjectMember, ...]:
    return (
        ObjectMember("name", w.text()),
        ObjectMember("billing_code_type", StringType(systems)),
        ObjectMember("billing_code_type_version", w.text()),
        ObjectMember("billing_code", w.text()),
        ObjectMember("description", StringType()),
    )


def _in_network(w: _VersionRules) -> Object:
    code = Object("code", _service(w, BILLING_CODE_TYPES)[1:])
    return Object(
        "in_network",
        (
            ObjectMember("negotiation_arrangement", StringType(ARRANGEMENTS)),
            *_service(w, BILLING_CODE_TYPES),
            *w.only_new(ObjectMember("severity_of_illness", w.text(), required=False)),
            ObjectMember("negotiated_rates", w.many(_rate(w))),
            ObjectMember("bundled_codes", ListOf(code), required=False),
            ObjectMember("covered_services", ListOf(code), required=False),
        ),
    )


def _rate(w: _VersionRules) -> Object:
    references = ObjectMember("provider_references", w.many(Number()), required=w.new)
    prices = ObjectMember("negotiated_prices", w.many(_price(w)))
    if w.new:
        return Object("rate", (prices, references))
    groups = ObjectMember("provider_groups", ListOf(_provider_group(w)), required=False)
    # The schema says oneOf, and the published sample of 1.6.2 has both: one at least it is.
    return Object("rate", (prices, references, groups),
                 (OneOf(("provider_references", "provider_groups")),))  # fmt: skip


def _price(w: _VersionRules) -> Object:
    return Object(
        "price",
        (
            ObjectMember("negotiated_type", StringType(NEGOTIATED_TYPES)),
            ObjectMember("negotiated_rate", Number(above=0) if w.new else Number()),
            ObjectMember("expiration_date", StringType()),
            ObjectMember("billing_class", StringType(BILLING_CLASSES)),
            *w.only_new(ObjectMember("setting", StringType(SETTINGS))),
            ObjectMember("service_code", w.many(StringType(form=SERVICE_CODE)), required=False),
            ObjectMember("billing_code_modifier", ListOf(StringType()), required=False),
            ObjectMember("additional_information", StringType(), required=False),
        ),
        (PROFESSIONAL,) if w.new else (),
    )


def _provider_reference(w: _VersionRules) -> Object:
    number = ObjectMember("provider_group_id", Number(whole=True))
    groups = ObjectMember("provider_groups", w.many(_provider_group(w)), required=w.new)
    if w.new:
        return Object(
            "provider_reference", (number, ObjectMember("network_name", w.many(w.text())), groups)
        )
    elsewhere = ObjectMember("location", StringType(form="https://.+"), required=False)
    return Object("provider_reference", (number, groups, elsewhere),
                 (OneOf(("provider_groups", "location")),))  # fmt: skip


def _provider_group(w: _VersionRules) -> Object:
    npi = ListOf(Number(whole=True, digits=10), 1, or_else=(0,)) if w.new else ListOf(Number())
    return Object("provider_group", (ObjectMember("npi", npi), ObjectMember("tin", _tin(w))))


def _tin(w: _VersionRules) -> Object:
    name = w.only_new(ObjectMember("business_name", w.text(), required=False))
    return Object(
        "tin",
        (
            ObjectMember("type", StringType(frozenset(("ein", "npi")))),
            ObjectMember("value", w.text(f"{EIN}|{NPI}")),
            *name,
        ),
        (Conditional("type", "ein", "business_name"),) if w.new else (),
    )


def _allowed_amount(w: _VersionRules) -> Object:
    charge = Object(
        "charge",
        (
            ObjectMember("billed_charge", Number(at_least=0)),
            ObjectMember("npi", w.many(Number(whole=True))),
        ),
    )
    payment = Object(
        "payment",
        (
            ObjectMember("allowed_amount", Number(at_least=0)),
            ObjectMember("billing_code_modifier", ListOf(StringType()), required=False),
            ObjectMember("providers", w.many(charge)),
        ),
    )
    tin = Object(
        "tin",
        (
            ObjectMember("type", StringType(frozenset(("ein", "npi")))),
            ObjectMember("value", w.text()),
        ),
    )
    return Object(
        "allowed_amount",
        (
            ObjectMember("tin", tin),
            ObjectMember("service_code", w.many(StringType(form=SERVICE_CODE)), required=False),
            ObjectMember("billing_class", StringType(BILLING_CLASSES - {"both"})),
            ObjectMember("payments", w.many(payment)),
        ),
        (PROFESSIONAL,),
    )


_FILES = {
    "in-network-rates": _in_network_rates,
    "allowed-amounts": _allowed_amounts,
    "table-of-contents": _table_of_contents,
    "provider-reference": _provider_reference_file,
}
