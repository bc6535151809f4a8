"""Customers: synthetic names, in every place by its weight (domain/world_retail.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from lsats_pipeline.synthetic.rules import RowRule
from lsats_pipeline.synthetic.spec import Block, WorldTable
from lsats_pipeline.synthetic.worlds.retail.addresses import (
    HouseNumbers,
    address_rules,
    addresses,
)
from lsats_pipeline.synthetic.worlds.retail.identifiers import (
    AREA_CODES,
    advertising_ids,
    beacon_ids,
    loyalty_cards,
    phones,
)
from lsats_pipeline.synthetic.worlds.retail.placement import customer_geography
from lsats_pipeline.synthetic.worlds.retail.schema import METADATA, referring
from lsats_pipeline.synthetic.worlds.retail.shared_rules import (
    matching,
    numbered,
    real_people,
    unlike,
    within,
)
from lsats_pipeline.synthetic.worlds.retail.site_allocation import CUSTOMERS_BY_WEIGHT
from lsats_pipeline.synthetic.worlds.retail.vocabulary import names


def _generate(block: Block) -> Mapping[str, Any]:
    geography, seed = customer_geography(block.options, block.rows), block.options.seed
    return {
        "id": block.rows + 1,
        "first_name": _name(block, "first_name"),
        "last_name": _name(block, "last_name"),
        "address": addresses(block, HouseNumbers.RESIDENTIAL, geography),
        "geography_id": geography + 1,
        "loyalty_card": loyalty_cards(block.rows, seed),
        "phone": phones(block.rng("phone"), len(block)),
        "ble_id": beacon_ids(block.rows, seed),
        "ad_id": advertising_ids(block.rows, seed),
    }


def _name(block: Block, which: str) -> Any:
    known = names(which, block.options.dictionaries)
    return known.take(pa.array(block.rng(which).integers(0, len(known), len(block))))


def _name_rules(which: str) -> tuple[RowRule, RowRule]:
    called = which.replace("_", " ")
    return (
        within(
            f"{which}_coined",
            f"every {called} is from the dictionary",
            which,
            known=lambda options: [names(which, options.dictionaries)],
        ),
        # How long it may be says the column; counted here, it takes ten times as long.
        matching(
            f"{which}_format",
            which,
            r"^\p{L}[\p{L} '-]+$",
            f"a {called} is 2 letters or more, blanks, hyphens, apostrophes",
        ),
    )


TABLE = WorldTable(
    sa.Table(
        "customers",
        METADATA,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first_name", sa.String(50), nullable=False),
        sa.Column("last_name", sa.String(50), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        referring("geography_id", "geographies", index=True),
        sa.Column("loyalty_card", sa.String(50), nullable=False, unique=True),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("ble_id", sa.String(50), nullable=False, unique=True),
        sa.Column("ad_id", sa.String(50), nullable=False, unique=True),
    ),
    lambda options: options.customers,
    _generate,
    "customers with the codes that they are known by",
    block=50_000,
    rules=(
        numbered(lambda options: options.customers),
        *_name_rules("first_name"),
        *_name_rules("last_name"),
        unlike(
            "B16_coined_names",
            "nobody has a common given name or surname of real persons",
            "first_name",
            "last_name",
            names=real_people,
        ),
        *address_rules("customers", HouseNumbers.RESIDENTIAL),
        CUSTOMERS_BY_WEIGHT,
        matching("R8_loyalty_card", "loyalty_card", r"^LC\d{9}$", "LC and 9 digits"),
        matching("R8_ble_id", "ble_id", r"^BLE[A-Z0-9]{6}$", "BLE and 6 of A to Z, 0 to 9"),
        matching("R8_ad_id", "ad_id", r"^AD[A-Z0-9]{6}$", "AD and 6 of A to Z, 0 to 9"),
        matching(
            "phone_format",
            "phone",
            rf"^\((?:{'|'.join(AREA_CODES)})\) [2-9]\d\d-[1-9]\d{{3}}$",
            "phones have test area codes, exchanges from 200, lines from 1000",
        ),
    ),
)
