"""The Parquet files: one row per negotiated price, per provider group, per payment, per reject.

Every row says where it is from: the file, the span of the ledger, and the number of the element in
its array. Rates are doubles: they give back every number of up to 15 digits exactly. Dates stay as
they are written, for the published ones hold impossible days too.
"""

from __future__ import annotations

import pyarrow as pa

WORD = pa.dictionary(pa.int32(), pa.string())
_LINEAGE = [("file", WORD), ("span", pa.int32()), ("element", pa.int64())]
_CODE = pa.struct(
    [
        ("billing_code_type", pa.string()),
        ("billing_code_type_version", pa.string()),
        ("billing_code", pa.string()),
        ("description", pa.string()),
    ]
)
_SERVICE = [
    ("name", WORD),
    ("billing_code_type", WORD),
    ("billing_code_type_version", WORD),
    ("billing_code", WORD),
    ("description", WORD),
]
_TIN = [("tin_type", WORD), ("tin_value", pa.string()), ("business_name", pa.string())]
NUMBERS = pa.list_(pa.int64())
WORDS = pa.list_(pa.string())
CHARGES = pa.list_(pa.struct([("billed_charge", pa.float64()), ("npi", NUMBERS)]))
CODES = pa.list_(_CODE)

IN_NETWORK = pa.schema(
    [
        *_LINEAGE,
        ("negotiation_arrangement", WORD),
        *_SERVICE,
        ("severity_of_illness", WORD),
        ("bundled_codes", CODES),
        ("covered_services", CODES),
        ("rate", pa.int64()),
        ("provider_references", NUMBERS),
        ("negotiated_type", WORD),
        ("negotiated_rate", pa.float64()),
        ("expiration_date", WORD),
        ("billing_class", WORD),
        ("setting", WORD),
        ("service_code", WORDS),
        ("billing_code_modifier", WORDS),
        ("additional_information", WORD),
    ]
)
PROVIDER_REFERENCES = pa.schema(
    [
        *_LINEAGE,
        ("provider_group_id", pa.int64()),
        ("inline", pa.bool_()),
        ("network_name", WORDS),
        ("location", pa.string()),
        ("npi", NUMBERS),
        *_TIN,
    ]
)
ALLOWED_AMOUNTS = pa.schema(
    [
        *_LINEAGE,
        *_SERVICE,
        *_TIN,
        ("service_code", WORDS),
        ("billing_class", WORD),
        ("allowed_amount", pa.float64()),
        ("billing_code_modifier", WORDS),
        ("providers", CHARGES),
    ]
)
REJECTS = pa.schema(
    [
        *_LINEAGE,
        ("section", WORD),
        ("path", pa.string()),
        ("level", WORD),
        ("reason", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("text", pa.string()),
    ]
)
# By folder.
TABLES: dict[str, pa.Schema] = {
    "in_network": IN_NETWORK,
    "provider_references": PROVIDER_REFERENCES,
    "allowed_amounts": ALLOWED_AMOUNTS,
    "rejects": REJECTS,
}
# Where the rows of a section go.
FOLDER_OF = {
    "in_network": "in_network",
    "provider_references": "provider_references",
    "out_of_network": "allowed_amounts",
}
