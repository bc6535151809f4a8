"""Faults put into the rows of the retail world, one at a time: each found under its own rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lsats_pipeline.synthetic.validation import rules_of
from lsats_pipeline_tests.synthetic.retail import (
    WORLD,
    Rows,
    Tables,
    failed,
    findings_of,
    options,
    rows_of,
    with_fault,
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return rows_of(options())


def value(column: str, new: Any, row: int = 0) -> Callable[[Rows], None]:
    """One value of one row is another."""

    def fault(rows: Rows) -> None:
        rows[row][column] = new(rows[row]) if callable(new) else new

    return fault


def first(wanted: Callable[[dict[str, Any]], bool], **new: Any) -> Callable[[Rows], None]:
    """The first row of a kind has other values."""

    def fault(rows: Rows) -> None:
        row = next(row for row in rows if wanted(row))
        row.update({name: new(row) if callable(new) else new for name, new in new.items()})

    return fault


def copied(*columns: str) -> Callable[[Rows], None]:
    """The second row has values of the first."""

    def fault(rows: Rows) -> None:
        rows[1].update({name: rows[0][name] for name in columns or set(rows[0]) - {"id"}})

    return fault


def all_at_full_price(rows: Rows) -> None:
    for row in rows:
        row["cost"] = (row["msrp"] * Decimal("0.6")).quantize(Decimal("0.01"))
        row["sale_price"] = row["msrp"]


def twice_as_dear(rows: Rows) -> None:
    for name in ("msrp", "sale_price", "cost"):
        rows[0][name] *= 2


def kiosks_instead_of_small_stores(rows: Rows) -> None:
    """Each with what a kiosk may have, in the right shares: only there are too many."""
    hours = ("6am-midnight", "8am-10pm", "6am-midnight", "8am-10pm", "9am-9pm")
    small = [r for r in rows if r["volume_class"] == "low" and r["area_type"] != "urban"]
    for at, row in enumerate(small):
        row.update(volume_class="kiosk", daily_traffic_multiplier=Decimal("0.30"))
        row.update(store_format="express", operating_hours=hours[at % len(hours)])


FAULTS: list[tuple[str, Callable[[Rows], Any], set[str]]] = [
    ("customers", value("loyalty_card", "LC12"), {"R8_loyalty_card"}),
    ("customers", copied("loyalty_card"), {"unique_loyalty_card"}),
    ("customers", value("ble_id", "BLEabc123"), {"R8_ble_id"}),
    ("customers", copied("ad_id"), {"unique_ad_id"}),
    ("customers", value("phone", "(212) 555-1234"), {"phone_format"}),
    ("customers", value("phone", "(555) 199-1234"), {"phone_format"}),
    ("customers", value("phone", None), {"not_null"}),
    ("customers", value("phone", "(555) 234-5678 ext 12"), {"phone_format", "fits"}),
    ("customers", value("first_name", "Mary"), {"B16_coined_names", "first_name_coined"}),
    ("customers", value("last_name", "R2D2"), {"last_name_coined", "last_name_format"}),
    ("customers", copied("address"), {"address_place"}),
    ("customers", value("address", lambda row: "7" + row["address"][4:]), {"address_format"}),
    ("customers", value("id", 601), {"ids_from_one"}),
    ("products", value("cost", lambda row: row["sale_price"]), {"R5_cost"}),
    ("products", value("cost", Decimal(0)), {"R5_cost"}),
    (
        "products",
        first(
            lambda row: (
                row["sale_price"] == row["msrp"] and row["cost"] / row["msrp"] < Decimal("0.8")
            ),
            sale_price=lambda row: row["msrp"] - Decimal("0.01"),
        ),
        {"R5_discount"},
    ),
    ("products", twice_as_dear, {"R5_msrp"}),
    ("products", all_at_full_price, {"R6_full_price"}),
    ("products", copied(), {"R12_pairs_unique"}),
    ("products", value("company", "Somebody Else"), {"company_of_brand"}),
    ("products", value("company", "Nestle"), {"company_of_brand", "B16_coined_names"}),
    ("products", value("subcategory", "Unheard Of"), {"product_from_dictionary"}),
    ("products", value("tags", "magic"), {"product_from_dictionary"}),
    (
        "products",
        value("requires_refrigeration", lambda row: not row["requires_refrigeration"]),
        {"refrigerated_categories"},
    ),
    ("products", value("launch_date", dt.date(2024, 6, 1)), {"launch_of_wave"}),
    (
        "products",
        first(lambda row: row["taxability"] == "TAXABLE", taxability="REDUCED_RATE"),
        {"taxability_of_category"},
    ),
    (
        "products",
        first(lambda row: row["taxability"] == "NON_TAXABLE", taxability="TAXABLE"),
        {"taxability_of_goods", "taxability_of_category"},
    ),
    ("trucks", value("refrigeration", False, 20), {"R9_refrigerated"}),
    ("trucks", value("dc_id", None, 16), {"R9_assigned"}),
    ("trucks", value("dc_id", 1, 1), {"dealt_evenly"}),
    ("trucks", value("dc_id", 99, 16), {"foreign_key_dc_id"}),
    ("trucks", copied("license_plate"), {"unique_license_plate"}),
    ("trucks", value("license_plate", "AB12345"), {"R8_license_plate"}),
    ("trucks", lambda rows: rows.pop(), {"row_count"}),
    ("stores", value("store_number", "S00001"), {"R8_store_number"}),
    (
        "stores",
        value("tax_rate", lambda row: row["tax_rate"] + Decimal("0.00003")),
        {"tax_of_place"},
    ),
    ("stores", value("tax_rate", Decimal("0.21")), {"tax_range", "tax_of_place"}),
    (
        "stores",
        first(
            lambda row: row["volume_class"] == "medium", daily_traffic_multiplier=Decimal("1.21")
        ),
        {"traffic_of_class"},
    ),
    (
        "stores",
        value("daily_traffic_multiplier", Decimal("5.01")),
        {"traffic_of_class", "traffic_range"},
    ),
    (
        "stores",
        first(lambda row: row["store_format"] == "standard", operating_hours="24/7"),
        {"operating_hours_possible"},
    ),
    (
        "stores",
        first(
            lambda row: row["volume_class"] == "low" and row["store_format"] == "standard",
            store_format="superstore",
            operating_hours="8am-10pm",
        ),
        {"store_format_possible"},
    ),
    ("stores", kiosks_instead_of_small_stores, {"volume_class_elsewhere"}),
    ("distribution_centers", value("dc_number", "DC01"), {"R8_dc_number"}),
    ("distribution_centers", value("dc_number", "DC002"), {"R8_dc_number", "unique_dc_number"}),
    ("dc_inventory_snapshots", value("current_quantity", 5_001), {"quantity_range"}),
    ("dc_inventory_snapshots", value("reorder_point", 49), {"reorder_range"}),
    ("store_inventory_snapshots", value("current_quantity", 201), {"quantity_range"}),
    (
        "store_inventory_snapshots",
        first(
            lambda row: row["current_quantity"] < 100,
            reorder_point=lambda row: row["current_quantity"] // 3 + 1,
        ),
        {"reorder_cover"},
    ),
    ("store_inventory_snapshots", value("reorder_point", 0), {"reorder_range"}),
    (
        "store_inventory_snapshots",
        value("last_updated", dt.datetime(2025, 10, 1, 0, 0, 1, tzinfo=dt.UTC)),
        {"R4_as_of"},
    ),
    ("store_inventory_snapshots", value("product_id", 401), {"foreign_key_product_id"}),
    ("store_inventory_snapshots", value("store_id", 0), {"foreign_key_store_id"}),
    ("store_inventory_snapshots", copied("product_id"), {"unique_store_id_product_id"}),
    ("store_inventory_snapshots", lambda rows: rows.pop(), {"row_count"}),
]


@pytest.mark.parametrize(
    ("table", "fault", "rules"),
    FAULTS,
    ids=[f"{at}-{table}-{'+'.join(sorted(rules))}" for at, (table, _, rules) in enumerate(FAULTS)],
)
def test_a_fault_is_found_under_its_rule(
    tables: Tables, table: str, fault: Callable[[Rows], Any], rules: set[str]
) -> None:
    found = findings_of(with_fault(tables, table, fault), options())
    assert failed(found) == {f"{table}.{rule}" for rule in rules}
    assert found.score < 100
    assert all(f.broken for f in found.failed)


def in_another_state(tables: Tables) -> int:
    """A geography in a state without a DC."""
    state = {row["id"]: row["state"] for row in tables["geographies"].to_pylist()}
    served = {state[at] for at in tables["distribution_centers"]["geography_id"].to_pylist()}
    return next(int(id) for id, of in state.items() if of not in served)


def test_what_stands_in_the_wrong_place_is_found(tables: Tables) -> None:
    for name, rules in (
        ("stores", {"state_has_dc", "R11_placement", "address_place"}),
        ("distribution_centers", {"R11_placement", "address_place"}),
    ):
        wrong = with_fault(tables, name, value("geography_id", in_another_state(tables)))
        assert {f"{name}.{rule}" for rule in rules} <= failed(findings_of(wrong, options()))


def test_customers_who_all_move_to_one_place_are_found(tables: Tables) -> None:
    def fault(rows: Rows) -> None:
        for row in rows:
            row.update(geography_id=rows[0]["geography_id"], address=rows[0]["address"])

    found = findings_of(with_fault(tables, "customers", fault), options())
    assert "customers.R11_placement" in failed(found)
    assert "customers.address_place" not in failed(found)
    finding = next(f for f in found if f.label == "customers.R11_placement")
    assert finding.description.startswith("total variation difference 0.9")


def test_a_place_of_no_dictionary_is_found(tables: Tables) -> None:
    for column, new, rule in (
        ("city", "Chicago", "B16_coined_names"),
        ("state", "oh", "state_format"),
        ("zip_code", "1234", "zip_format"),
        ("region", "", "texts_not_empty"),
    ):
        found = failed(
            findings_of(with_fault(tables, "geographies", value(column, new)), options())
        )
        assert {f"geographies.{rule}", "geographies.from_dictionary"} <= found


def test_the_score_falls_by_what_was_broken(tables: Tables) -> None:
    """One phone of 600 at weight 2: 100 x 2/600 over the sum of all weights."""
    wrong = with_fault(tables, "customers", value("phone", "none"))
    found = findings_of(wrong, options())
    weights = sum(rule.weight for table in WORLD.tables for rule in rules_of(table))
    assert found.score == pytest.approx(100 * (1 - 2 / 600 / weights))
    assert not found.blocking


def test_an_orphan_blocks(tables: Tables) -> None:
    found = findings_of(with_fault(tables, "trucks", value("dc_id", 99, 16)), options())
    assert [result.name for result in found.blocking] == ["foreign_key_dc_id"]
    assert not found.passed
