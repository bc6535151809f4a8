"""The elements of price files as published (domain/mrf.md 2), versions 1 and 2 in one.

Required is what both versions require; types are strict, so a number in quotes is a reject and
not a guess. Whether a file keeps to its own version's schema is another question than whether its
prices can be read.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

# What fits a signed 64-bit column; the published numbers have ten digits.
Whole: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
# Of these there are few different ones; tuples are compared without being copied.
Words: TypeAlias = tuple[str, ...]


class Tin(Struct, gc=False):
    """Who is paid: an EIN or an NPI."""

    type: str
    value: str
    business_name: str | None = None


class ProviderGroup(Struct, gc=False):
    """Providers under one TIN."""

    npi: list[Whole]
    tin: Tin


class ProviderReference(Struct, gc=False):
    """Groups by a number that rates refer to; version 1 may say where they are instead."""

    provider_group_id: Whole
    provider_groups: list[ProviderGroup] | None = None
    network_name: list[str] | None = None
    location: str | None = None


class Price(Struct, gc=False):
    """One negotiated price."""

    negotiated_type: str
    negotiated_rate: float
    expiration_date: str
    billing_class: str
    service_code: Words | None = None
    setting: str | None = None
    billing_code_modifier: Words | None = None
    additional_information: str | None = None


class Rate(Struct, gc=False):
    """Prices of the same providers: by reference, or (version 1) written out."""

    negotiated_prices: list[Price]
    provider_references: list[Whole] | None = None
    provider_groups: list[ProviderGroup] | None = None


class BillingCode(Struct, gc=False):
    """A billing code inside a bundle or a capitation."""

    billing_code_type: str
    billing_code_type_version: str
    billing_code: str
    description: str | None = None


class InNetwork(Struct, gc=False):
    """One item or service, and what was negotiated for it."""

    negotiation_arrangement: str
    name: str
    billing_code_type: str
    billing_code_type_version: str
    billing_code: str
    description: str
    negotiated_rates: list[Rate]
    severity_of_illness: str | None = None
    bundled_codes: list[BillingCode] | None = None
    covered_services: list[BillingCode] | None = None


class BilledCharge(Struct, gc=False):
    """What providers billed."""

    billed_charge: float
    npi: list[Whole]


class Payment(Struct, gc=False):
    """What was allowed."""

    allowed_amount: float
    providers: list[BilledCharge]
    billing_code_modifier: Words | None = None


class AllowedAmount(Struct, gc=False):
    """Payments to one TIN."""

    tin: Tin
    billing_class: str
    payments: list[Payment]
    service_code: Words | None = None
    billing_code_modifier: Words | None = None  # not in the schema, but in its examples


class OutOfNetwork(Struct, gc=False):
    """One item or service, and what was paid for it out of network."""

    name: str
    billing_code_type: str
    billing_code_type_version: str
    billing_code: str
    description: str
    allowed_amounts: list[AllowedAmount]


Element: TypeAlias = InNetwork | ProviderReference | OutOfNetwork
KINDS: dict[str, type[Element]] = {
    "in_network": InNetwork,
    "provider_references": ProviderReference,
    "out_of_network": OutOfNetwork,
}
# What a reject may be narrowed down to: the list inside each thing, and what is in that.
INSIDE: dict[type[Struct], tuple[str, type[Struct]]] = {
    InNetwork: ("negotiated_rates", Rate),
    Rate: ("negotiated_prices", Price),
    ProviderReference: ("provider_groups", ProviderGroup),
    OutOfNetwork: ("allowed_amounts", AllowedAmount),
    AllowedAmount: ("payments", Payment),
}
