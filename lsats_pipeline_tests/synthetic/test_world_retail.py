"""The retail world: exact counts, repeatable blocks, options, and the numbers of its document."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from annotated_types import Ge, Le, Lt
from pydantic import ValidationError

from lsats_pipeline.synthetic.blocks import make
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.retail import identifiers
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline_tests.synthetic.retail import (
    SMALL,
    WORLD,
    Tables,
    failed,
    findings_of,
    options,
    rows_of,
)

NAMES = [table.name for table in WORLD.tables]
LEAST: dict[str, Any] = {
    "customers": 1, "products": 1, "stores": 1, "distribution_centers": 1, "geographies": 1,
    "dc_trucks_refrigerated": 0, "dc_trucks_other": 0, "supplier_trucks_refrigerated": 0,
    "supplier_trucks_other": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> Tables:
    """The default world but for fewer customers, and stores that the document counts."""
    return rows_of(options(customers=10_000, products=10_000, stores=214, distribution_centers=2))


@pytest.mark.parametrize(
    "chosen",
    [
        SMALL,
        LEAST,
        {"stores": 1, "customers": 1},
        {"distribution_centers": 20, "geographies": 3, "trucks_per_dc": 1, "stores": 5},
        {"customers": 20_003, "products": 4_001, "stores": 437, "geographies": 850, "seed": 5},
        {"truck_dc_assignment_rate": 0.0, "seed": 7},
        {"truck_dc_assignment_rate": 1.0, "dc_trucks_other": 103, "as_of": dt.date(2024, 2, 29)},
    ],
    ids=lambda chosen: ",".join(chosen),
)
def test_the_world_keeps_its_rules_at_any_size(chosen: dict[str, Any]) -> None:
    found = findings_of(rows_of(options(**chosen)), options(**chosen))
    assert failed(found) == set()
    assert found.score == 100


def test_every_rule_is_of_use() -> None:
    """Of eight tables the rules of the document: at least ten of its own, most of them met."""
    found = findings_of(rows_of(options()), options())
    assert len([finding for finding in found if finding.rows]) > 100


def test_all_eight_tables_have_the_rows_that_were_asked_for(reference: Tables) -> None:
    documented = {
        "geographies": 100,
        "distribution_centers": 2,
        "stores": 214,
        "trucks": 50,
        "customers": 10_000,
        "products": 10_000,
        "dc_inventory_snapshots": 20_000,
        "store_inventory_snapshots": 2_140_000,
    }
    assert {name: reference[name].num_rows for name in documented} == documented


@pytest.mark.parametrize("name", NAMES)
def test_a_block_is_the_same_alone_and_in_any_order(name: str) -> None:
    table, chosen = WORLD.table(name), options()
    total = table.rows(chosen)
    size = max(1, total // 7)
    blocks = [
        Block("retail", name, number, start, min(start + size, total), chosen)
        for number, start in enumerate(range(0, total, size))
    ]
    forward = {block.number: csv_text(make(table, block).batch).to_pybytes() for block in blocks}
    for block in sorted(blocks, key=lambda b: -(b.number * 5 % len(blocks))):
        assert csv_text(make(table, block).batch).to_pybytes() == forward[block.number]


def test_the_seed_decides_every_byte() -> None:
    once, again, other = (rows_of(options(seed=seed)) for seed in (1, 1, 2))
    assert all(once[name].equals(again[name]) for name in NAMES)
    assert {name for name in NAMES if not once[name].equals(other[name])} == set(NAMES) - {
        # Plates come from the id alone, and DCs are dealt trucks in turn.
        "trucks"
    }


def test_the_day_is_a_parameter_and_moves_nothing_but_snapshots() -> None:
    first, second = (
        rows_of(options(as_of=day)) for day in (dt.date(2025, 1, 1), dt.date(2026, 1, 1))
    )
    assert {name for name in NAMES if not first[name].equals(second[name])} == {
        "dc_inventory_snapshots",
        "store_inventory_snapshots",
    }


def bounds(name: str) -> tuple[int | float, int | float]:
    """The least and the most that an option takes."""
    limits = RetailOptions.model_fields[name].metadata
    least = next(x.ge for x in limits if isinstance(x, Ge))
    most = next((x.le for x in limits if isinstance(x, Le)), None)
    if most is None:
        most = next(x.lt for x in limits if isinstance(x, Lt)) - 1  # type: ignore[operator]
    return least, most  # type: ignore[return-value]


NUMBERS = [name for name, field in RetailOptions.model_fields.items() if field.metadata]
# What has to go with an option at its end, so that ranges are not empty.
_WITH_MOST: dict[str, dict[str, Any]] = {
    "trucks_per_dc": {"distribution_centers": 1, "dc_trucks_other": 1_000_000},
    "dc_stock_min": {"dc_stock_max": 1_000_000},
    "store_stock_min": {"store_stock_max": 1_000_000},
    "dc_reorder_min": {
        "dc_reorder_max": 200_000, "dc_stock_min": 1_000_000, "dc_stock_max": 1_000_000,
    },
    "store_reorder_min": {
        "store_reorder_max": 300_000, "store_stock_min": 900_000, "store_stock_max": 900_000,
    },
}  # fmt: skip
_WITH_LEAST: dict[str, dict[str, Any]] = {
    "dc_stock_min": {"dc_reorder_min": 1},
    "dc_stock_max": {"dc_stock_min": 5, "dc_reorder_min": 1},
    "dc_reorder_max": {"dc_reorder_min": 1},
    "store_stock_min": {"store_reorder_min": 1},
    "store_stock_max": {"store_stock_min": 3, "store_reorder_min": 1},
    "store_reorder_max": {"store_reorder_min": 1},
}


@pytest.mark.parametrize("name", NUMBERS)
def test_an_option_is_taken_up_to_its_bounds_and_refused_beyond(name: str) -> None:
    least, most = bounds(name)
    options(**{name: least, **_WITH_LEAST.get(name, {})})
    options(**{name: most, **_WITH_MOST.get(name, {})})
    for wrong in (least - 1, most + 1):
        with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
            options(**{name: wrong})


def test_every_number_has_bounds_and_every_field_a_description() -> None:
    for name, field in RetailOptions.model_fields.items():
        assert field.description, name
        assert field.annotation not in (int, float) or name in NUMBERS


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"dc_stock_min": 6_000}, "dc_stock_min 6000 is above dc_stock_max 5000"),
        ({"store_reorder_min": 60}, "store_reorder_min 60 is above store_reorder_max 50"),
        ({"dc_stock_min": 100}, "dc_reorder_min 50 is above a fifth of dc_stock_min 100"),
        ({"store_stock_min": 14}, "store_reorder_min 5 is above a third of store_stock_min 14"),
        ({"trucks_per_dc": 3}, "trucks_per_dc 3 asks 24 trucks for 8 DCs; there are 20"),
        ({"start_date": "2026-01-01"}, "start_date 2026-01-01 is after as_of 2025-10-01"),
        ({"start_date": "January"}, "start_date"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    chosen: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        options(**chosen)


def test_variables_set_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_DISTRIBUTION_CENTERS", "3")
    assert options().distribution_centers == 3
    assert options(distribution_centers=4).distribution_centers == 4


def test_codes_are_unique_and_fit_at_five_times_the_volume_and_at_five_million() -> None:
    rows = np.arange(500_000)
    last = np.arange(4_999_990, 5_000_000)
    for codes, pattern in (
        (lambda n: identifiers.loyalty_cards(n, 42), r"^LC\d{9}$"),
        (lambda n: identifiers.beacon_ids(n, 42), "^BLE[A-Z0-9]{6}$"),
        (lambda n: identifiers.advertising_ids(n, 42), "^AD[A-Z0-9]{6}$"),
        (identifiers.license_plates, r"^[A-Z]{3}\d{4}$"),
    ):
        assert pc.count_distinct(codes(rows)).as_py() == len(rows)
        assert pc.all(pc.match_substring_regex(codes(last), pattern)).as_py()


def test_a_customer_keeps_codes_when_there_are_more_customers() -> None:
    few, many = (rows_of(options(customers=n))["customers"].slice(0, 100) for n in (100, 900))
    codes = ["id", "loyalty_card", "ble_id", "ad_id"]
    assert few.select(codes).equals(many.select(codes))


def test_prices_are_in_cents_and_as_the_document_says(reference: Tables) -> None:
    rows = reference["products"].to_pylist()
    for row in rows:
        msrp, sale, cost = row["msrp"], row["sale_price"], row["cost"]
        assert {price.as_tuple().exponent for price in (msrp, sale, cost)} == {-2}
        assert 0 < cost < sale <= msrp
        assert Decimal("0.50") <= cost / sale <= Decimal("0.85")
        assert sale == msrp or Decimal("0.05") <= 1 - sale / msrp <= Decimal("0.35")
    full = sum(row["sale_price"] == row["msrp"] for row in rows) / len(rows)
    assert abs(full - 0.60) < 0.001
    assert len({(row["product_name"], row["brand"]) for row in rows}) == 10_000


def test_prices_use_their_whole_range(reference: Tables) -> None:
    rows = reference["products"].to_pylist()
    ratios = [float(row["cost"] / row["sale_price"]) for row in rows]
    discounts = [
        float(1 - r["sale_price"] / r["msrp"]) for r in rows if r["sale_price"] < r["msrp"]
    ]
    assert (min(ratios), max(ratios)) == pytest.approx((0.50, 0.85), abs=0.01)
    assert (min(discounts), max(discounts)) == pytest.approx((0.05, 0.35), abs=0.01)
    assert np.mean(ratios) == pytest.approx(0.675, abs=0.01)


def test_launches_come_in_three_waves(reference: Tables) -> None:
    days = [row.as_py() - dt.date(2024, 1, 1) for row in reference["products"]["launch_date"]]
    numbers = [day.days for day in days]
    for (first, last), (least, most) in (
        ((0, 6_000), (-730, -180)),
        ((6_000, 9_000), (0, 180)),
        ((9_000, 10_000), (180, 365)),
    ):
        assert (min(numbers[first:last]), max(numbers[first:last])) == (least, most)


def test_trucks_are_those_of_the_document(reference: Tables) -> None:
    eight = rows_of(options())["trucks"].to_pylist()
    own = [truck for truck in eight if truck["dc_id"]]
    assert (len(eight), sum(truck["refrigeration"] for truck in eight)) == (50, 20)
    assert (len(own), sum(truck["refrigeration"] for truck in own)) == (17, 7)
    assert sorted(Counter(truck["dc_id"] for truck in own).values()) == [2] * 7 + [3]


def test_all_dc_trucks_are_dealt_as_the_first_version_did() -> None:
    trucks = rows_of(options(truck_dc_assignment_rate=1))["trucks"].to_pylist()
    counts = Counter(truck["dc_id"] for truck in trucks if truck["dc_id"])
    cold = {truck["dc_id"] for truck in trucks if truck["refrigeration"] and truck["dc_id"]}
    assert sorted(counts.values(), reverse=True) == [3, 3, 3, 3, 2, 2, 2, 2]
    assert len(cold) == 8


def test_trucks_per_dc_is_exact() -> None:
    trucks = rows_of(options(trucks_per_dc=2))["trucks"].to_pylist()
    assert set(Counter(t["dc_id"] for t in trucks if t["dc_id"]).values()) == {2}


def test_places_take_shares_by_the_numbers_of_the_dictionary(reference: Tables) -> None:
    """R11: heavier places never have fewer customers."""
    from lsats_pipeline.synthetic.worlds.retail.vocabulary import places

    known = places()
    weight = dict(zip(known.zip_code.to_pylist(), known.weight.tolist(), strict=True))
    counts = Counter(reference["customers"]["geography_id"].to_pylist())
    rows = reference["geographies"].to_pylist()
    by_weight = sorted((weight[row["zip_code"]], counts[row["id"]]) for row in rows)
    assert all(lighter[1] <= heavier[1] + 1 for lighter, heavier in pairwise(by_weight))
    total = sum(weight[row["zip_code"]] for row in rows)
    for at, customers in by_weight:
        assert abs(customers - 10_000 * at / total) < 1


def test_stores_are_where_dcs_are(reference: Tables) -> None:
    state = {row["id"]: row["state"] for row in reference["geographies"].to_pylist()}
    served = {state[at] for at in reference["distribution_centers"]["geography_id"].to_pylist()}
    stores = reference["stores"]["geography_id"].to_pylist()
    assert {state[at] for at in stores} == served
    assert set(stores) == {id for id, of in state.items() if of in served}


def test_store_profiles_are_those_of_the_later_version(reference: Tables) -> None:
    stores = reference["stores"].to_pylist()
    for store in stores:
        urban = store["area_type"] == "urban"
        assert (store["operating_hours"] == "24/7") <= (
            store["store_format"] == "express" and urban
        )
    elsewhere = Counter(s["volume_class"] for s in stores if s["area_type"] != "urban")
    for name, share in {"flagship": 0.02, "high": 0.1, "medium": 0.53, "low": 0.3}.items():
        assert abs(elsewhere[name] - share * elsewhere.total()) < 1


def test_stock_uses_its_whole_range(reference: Tables) -> None:
    for name, key, stock, reorder, cover in (
        ("dc_inventory_snapshots", "dc_id", (500, 5_000), (50, 500), 5),
        ("store_inventory_snapshots", "store_id", (20, 200), (5, 50), 3),
    ):
        rows = reference[name]
        ends = (
            pc.min_max(rows["current_quantity"]).as_py(),
            pc.min_max(rows["reorder_point"]).as_py(),
        )
        assert tuple(ends[0].values()) == stock
        assert tuple(ends[1].values()) == reorder
        covered = pc.multiply(rows["reorder_point"], cover)
        assert pc.all(pc.less_equal(covered, rows["current_quantity"])).as_py()
        places = (
            pc.count_distinct(rows[key]).as_py() * pc.count_distinct(rows["product_id"]).as_py()
        )
        assert places == rows.num_rows


def test_taxes_are_exact_to_five_decimals(reference: Tables) -> None:
    rates = [row.as_py() for row in reference["stores"]["tax_rate"]]
    assert all(0 <= rate <= Decimal("0.20") and rate.as_tuple().exponent == -5 for rate in rates)


def test_pairs_repeat_only_when_none_is_left_and_that_is_reported() -> None:
    chosen = options(products=40_000, stores=1, distribution_centers=1)
    found = findings_of(rows_of(chosen), chosen)
    unique = next(finding for finding in found if finding.name == "R12_pairs_unique")
    assert unique.passed
    assert unique.description == "38,624 pairs, 38,624 used, 1,376 rows repeat one"
