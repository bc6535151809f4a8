"""Findings about rows: each is a name, a condition in SQL, and the reason.

All conditions on a table are evaluated in one scan of it. Ranges and forms: domain/mrf.md 2, 8.1d.
"""

from __future__ import annotations

from dataclasses import dataclass

# Above this no price is believed; published files have 1e12 and the like for "none".
HUGE = 1e7


@dataclass(frozen=True)
class FindingQuery:
    """Rows of `table` for which `condition` holds; `example` is the SQL of an example's text."""

    name: str
    table: str
    condition: str
    example: str
    about: str


_RATE, _DATE = "negotiated_rate", "expiration_date"
_DAY = f"try_strptime({_DATE}, '%Y-%m-%d')"
FINDING_QUERIES = (
    FindingQuery("rate_zero", "prices", f"{_RATE} = 0", _RATE, "a price of nothing"),
    FindingQuery("rate_negative", "prices", f"{_RATE} < 0", _RATE, "a price below nothing"),
    FindingQuery("rate_huge", "prices", f"{_RATE} >= {HUGE:.0f}", _RATE, "over ten million"),
    FindingQuery(
        "percentage_as_fraction",
        "prices",
        f"negotiated_type = 'percentage' and {_RATE} > 0 and {_RATE} < 1",
        _RATE,
        "percentages are whole numbers: 40.5, not .405",
    ),
    FindingQuery(
        "date_impossible",
        "prices",
        f"not regexp_full_match({_DATE}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') or {_DAY} is null",
        _DATE,
        "an expiration date that is no day as YYYY-MM-DD",
    ),
    FindingQuery(
        "date_expired",
        "prices",
        f"{_DAY} < (select day from updated)",
        _DATE,
        "expired before the file was last updated",
    ),
    FindingQuery(
        "tin_malformed",
        "providers",
        "not case tin_type when 'ein' then regexp_full_match(tin_value, '[0-9]{2}-?[0-9]{7}')"
        " when 'npi' then regexp_full_match(tin_value, '[0-9]{10}') else tin_type is null end",
        "tin_type || ' ' || tin_value",
        "an EIN is NN-NNNNNNN, an NPI has ten digits",
    ),
    FindingQuery(
        "npi_malformed",
        "npis",
        "npi not between 1000000000 and 9999999999 and not (npi = 0 and alone)",
        "npi",
        "an NPI has ten digits; [0] alone says that only the TIN is known",
    ),
    FindingQuery(
        "npi_check_digit",
        "npis",
        "npi between 1000000000 and 9999999999 and not npi_holds(npi)",
        "npi",
        "the last digit of an NPI does not fit the others (Luhn)",
    ),
    FindingQuery("npi_unknown", "npis", "npi = 0 and alone", "npi", "[0]: only the TIN is known"),
    FindingQuery("amount_negative", "payments", "allowed_amount < 0", "allowed_amount",
             "a payment below nothing"),
    FindingQuery("amount_huge", "payments", f"allowed_amount >= {HUGE:.0f}", "allowed_amount",
             "over ten million"),
)  # fmt: skip

# For systems with a form that is known; a full match of the code. `CSTM-` is allowed anywhere.
CODE_FORMS = {
    "CPT": "[0-9]{4}[0-9A-Z]",
    "HCPCS": "[A-Z0-9][0-9]{4}|[0-9]{4}[A-Z]",
    "MS-DRG": "[0-9]{3}",
    "RC": "[0-9]{3,4}",
    "NDC": "[0-9]{10,11}|[0-9]{4,5}-[0-9]{3,4}-[0-9]{1,2}",
    "CDT": "D[0-9]{4}",
    "HIPPS": "[A-Z0-9]{5}",
    "APR-DRG": "[0-9]{3,4}(-[0-4])?",
    "ICD": "[A-Z][0-9][0-9A-Z](\\.?[0-9A-Z]{1,4})?|[0-9A-Z]{7}",
    "APC": "[0-9]{4,5}",
}
# The columns whose values are counted.
CATEGORIES = {
    "prices": (
        "negotiation_arrangement", "billing_code_type", "negotiated_type", "billing_class",
        "setting",
    ),
    "providers": ("tin_type",),
    "payments": ("billing_code_type", "billing_class"),
}  # fmt: skip
