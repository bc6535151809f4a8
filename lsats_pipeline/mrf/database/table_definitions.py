"""Which tables PostgreSQL has: most are those of Parquet; prices are kept without repetition.

in_network ──▶ items   a row per element: its codes and names, file and span
               rates   a row per rate of an element: whom it is for
               terms   a row per combination of a price's other columns; many prices share one
               prices  a row per price: of which element and rate, on which terms, how much

The view `mrf.in_network` puts them together again to the columns of Parquet (`relational.sql`).
Their rows are numbered within a shard, so that shards can be made in parallel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import pyarrow as pa

from lsats_pipeline.mrf.rows.tables import IN_NETWORK, PROVIDER_REFERENCES, TABLES
from lsats_pipeline.mrf.sources import providers

PROVIDER_FILES = providers.FOLDER
SHARD = pa.field("shard", pa.int32())
ITEM = pa.field("item", pa.int32())
RATE = pa.field("rate", pa.int32())
TERMS = pa.field("terms", pa.int32())
# What of a price is the same for all of its element, for all of its rate, and for many others.
OF_ITEM = (
    "file", "span", "element", "negotiation_arrangement", "name", "billing_code_type",
    "billing_code_type_version", "billing_code", "description", "severity_of_illness",
    "bundled_codes", "covered_services",
)  # fmt: skip
OF_RATE = ("rate", "provider_references")
OF_TERMS = (
    "negotiated_type", "expiration_date", "billing_class", "setting", "service_code",
    "billing_code_modifier", "additional_information",
)  # fmt: skip
OF_PRICE = ("negotiated_rate",)
ITEMS, RATES, TERMS_OF_PRICES, PRICES = (
    "in_network_items", "in_network_rates", "in_network_terms", "in_network_prices",
)  # fmt: skip


@dataclass(frozen=True)
class TableIndex:
    """An index; only what the documented queries use, for each costs a load some of its time."""

    columns: tuple[str, ...]
    method: LiteralString = "btree"
    unique: bool = False


@dataclass(frozen=True)
class Stored:
    """A table of the schema: the Parquet table it is of, its columns, its indexes.

    Partitioned by file and then span where it has these columns, else by shard.
    """

    name: str
    of: str
    columns: tuple[pa.Field, ...]
    indexes: tuple[TableIndex, ...] = ()

    @property
    def by_file(self) -> bool:
        """Whether each row says its file and span."""
        return any(field.name == "file" for field in self.columns)


def _fields(names: Sequence[str]) -> tuple[pa.Field, ...]:
    return tuple(IN_NETWORK.field(name) for name in names)


# Unique ones let the planner leave out a table of which a query of the view wants nothing.
STORED: dict[str, Stored] = {
    table.name: table
    for table in (
        Stored(
            ITEMS, "in_network", (SHARD, ITEM, *_fields(OF_ITEM)), (TableIndex(("billing_code",)),)
        ),
        Stored(
            RATES,
            "in_network",
            (SHARD, ITEM, RATE, *_fields(OF_RATE[1:])),
            (TableIndex(("shard", "item", "rate"), unique=True),),
        ),
        Stored(
            TERMS_OF_PRICES,
            "in_network",
            (SHARD, TERMS, *_fields(OF_TERMS)),
            (TableIndex(("shard", "terms"), unique=True),),
        ),
        Stored(
            PRICES,
            "in_network",
            (SHARD, ITEM, RATE, TERMS, *_fields(OF_PRICE)),
            (TableIndex(("item",)),),
        ),
        Stored(
            "provider_references",
            "provider_references",
            tuple(PROVIDER_REFERENCES),
            (TableIndex(("provider_group_id",)), TableIndex(("npi",), "gin")),
        ),
        Stored(
            PROVIDER_FILES,
            PROVIDER_FILES,
            tuple(PROVIDER_REFERENCES),
            (TableIndex(("provider_group_id",)), TableIndex(("npi",), "gin")),
        ),
        Stored(
            "allowed_amounts",
            "allowed_amounts",
            tuple(TABLES["allowed_amounts"]),
            (TableIndex(("billing_code",)),),
        ),
        Stored("rejects", "rejects", tuple(TABLES["rejects"])),
    )
}
# The folders of a published file that are loaded.
LOADED = tuple(dict.fromkeys(table.of for table in STORED.values()))


def tables_of(name: str) -> list[Stored]:
    """The tables that the rows of a Parquet table go to."""
    return [table for table in STORED.values() if table.of == name]
