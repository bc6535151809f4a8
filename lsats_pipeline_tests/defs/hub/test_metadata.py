"""Lineage, schemas, masking and pictures, from the declarations alone."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from decimal import Decimal
from xml.etree import ElementTree

import dagster as dg
import pytest

from lsats_pipeline.defs.hub.metadata import Subject, defined
from lsats_pipeline.defs.hub.metadata.pictures import binned, quality_picture, quality_svg
from lsats_pipeline.defs.hub.metadata.samples import about_people, columns_to_show, masked
from lsats_pipeline.defs.sample_tables import HIDDEN
from lsats_pipeline.hub.silver.ddl import Field, fields
from lsats_pipeline.hub.silver.lineage import lineage
from lsats_pipeline.hub.silver.quality import Totals
from lsats_pipeline.hub.silver.spec import IntegratedTable
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table
from lsats_pipeline.hub.sources import SOURCES

TDX_USERS, USERS, DEPARTMENTS = table("tdx_users"), table("users"), table("departments")


def origins(name: str, column: str) -> set[str]:
    """`layer/asset.column` of each direct dependency."""
    return {f"{layer}/{entity}.{used}" for layer, entity, used in lineage(table(name))[column]}


def test_a_typed_column_comes_from_a_member_of_the_record() -> None:
    assert origins("tdx_users", "first_name") == {"bronze/tdx_user.FirstName"}


def test_a_member_of_the_detail_comes_from_enrichment() -> None:
    assert origins("tdx_users", "group_ids") == {"enrichment/tdx_user.GroupIDs"}


def test_a_computed_column_comes_from_what_its_expression_uses() -> None:
    assert "bronze/tdx_user.Nickname" in origins("tdx_users", "preferred_name")
    assert origins("tdx_departments", "is_enriched") == {"enrichment/tdx_department.raw_id"}


def test_a_merged_column_comes_from_every_table_that_may_give_it() -> None:
    assert origins("users", "primary_email") == {
        "silver/tdx_users.primary_email",
        "silver/mcommunity_users.primary_email",
        "silver/ad_users.primary_email",
    }


def test_a_looked_up_column_comes_from_the_table_looked_into() -> None:
    assert "silver/tdx_departments.dept_code" in origins("users", "department_id")


def test_a_total_comes_from_the_columns_that_it_counts() -> None:
    assert origins("users", "umich_empl_ids") == {"silver/umapi_employees.empl_id"}


def test_the_key_comes_from_every_input() -> None:
    assert origins("users", "uniqname") >= {
        "silver/tdx_users.uniqname",
        "silver/umapi_employees.uniqname",
        "silver/mcommunity_users.uniqname",
        "silver/ad_users.uniqname",
    }


def test_a_column_of_an_algorithm_comes_from_what_it_names() -> None:
    assert origins("computers", "tdx_tag") == {"silver/tdx_assets.tag"}
    assert origins("computers", "owner_uniqname") >= {
        "silver/tdx_users.uniqname",
        "silver/keyconfigure_computers.owner",
    }


def test_what_is_about_a_whole_row_comes_from_all_that_it_is_made_of() -> None:
    assert origins("computer_records", "record_system") == {
        "silver/computer_matches.match_id",
        "silver/tdx_assets.external_id",
        "silver/keyconfigure_computers.computer_id",
        "silver/ad_computers.external_id",
    }


def subjects() -> dict[str, Subject]:
    found = [
        *(Subject("bronze", s.name, s.source_system, s.entity_type)
          for source in SOURCES for s in source.streams),
        *(Subject("enrichment", d.of.name, d.source_system, d.entity_type)
          for source in SOURCES for d in source.details),
        *(Subject("silver", t.name, "silver", t.name, t) for t in SILVER_TABLES),
    ]  # fmt: skip
    return {f"{subject.layer}/{subject.name}": subject for subject in found}


@pytest.mark.parametrize("each", SILVER_TABLES, ids=lambda each: each.name)
def test_lineage_leads_to_columns_that_are_there(each) -> None:
    """What lineage points at stands in the schema of the asset above, or the UI shows nothing."""
    above = subjects()
    for origins in lineage(each).values():
        for layer, entity, used in origins:
            schema = defined(above[f"{layer}/{entity}"])["dagster/column_schema"]
            assert used in {column.name for column in schema.columns}


@pytest.mark.parametrize("each", SILVER_TABLES, ids=lambda each: each.name)
def test_every_declared_column_has_an_origin(each) -> None:
    """But for those that people write."""
    names = (
        {column.name for column in each.columns}
        if isinstance(each, IntegratedTable)
        else {column.name for column in each.all_columns if not getattr(column, "kept", False)}
    )
    assert names - set(lineage(each)) == set()


@pytest.mark.parametrize("each", SILVER_TABLES, ids=lambda each: each.name)
def test_the_schema_has_every_column_with_type_and_tag(each) -> None:
    schema = defined(Subject("silver", each.name, "silver", each.name, each))
    shown = {column.name: column for column in schema["dagster/column_schema"].columns}
    assert list(shown) == [field.name for field in fields(each)]
    for field in fields(each):
        assert shown[field.name].type == field.sql_type
        assert ("personal" in shown[field.name].tags) == field.personal
    assert shown[each.identity].constraints == dg.TableColumnConstraints(
        nullable=False, unique=True
    )


def test_a_merged_column_says_whose_value_it_takes() -> None:
    schema = defined(Subject("silver", "users", "silver", "users", USERS))
    about = {c.name: c.description for c in schema["dagster/column_schema"].columns}
    assert about["first_name"] == "given name; from tdx, then umapi, then mcom, then ad"


def test_rows_that_are_people() -> None:
    assert {t.name for t in SILVER_TABLES if about_people(t)} == {
        "tdx_users", "umapi_employees", "mcommunity_users", "ad_users", "lab_awards", "users",
        "uniqname_evidence", "former_uniqnames", "lab_names",
        "group_members", "group_owners", "lab_members", "labs", "lab_managers", "lab_computers",
        "groups", "computer_groups",  # groups of labs are called after people
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "name", "kind", "personal", "seen"),
    [
        ("Testperson", "first_name", "text", True, HIDDEN),
        (["a@x.example"], "emails", "jsonb", True, HIDDEN),
        ("somebody", "uniqname", "text", False, HIDDEN),
        ("00000000-1", "external_id", "text", False, HIDDEN),
        ("write to a@x.example", "title", "text", False, HIDDEN),
        ("call 734 555-0123", "title", "text", False, HIDDEN),
        ("12345678", "title", "text", False, HIDDEN),
        ({"boss": "Testperson"}, "attributes", "jsonb", False, f"{HIDDEN} × 1"),
        (["Testperson"], "member_of", "jsonb", False, f"{HIDDEN} × 1"),
        ("Testperson", "document", "jsonb", False, HIDDEN),
        (["missing_email"], "quality_flags", "jsonb", False, "missing_email"),
        ("Ecology", "department_name", "text", False, HIDDEN),
        ("ad+tdx", "source_system", "text", False, "ad+tdx"),
        (1, "award_count", "integer", False, "1"),
        (4, "award_count", "integer", False, "2–4"),
        (123, "award_count", "bigint", False, "10 or more"),
        (123, "uid_number", "bigint", False, HIDDEN),
        (Decimal("12345.67"), "total_award_dollars", "numeric", False, HIDDEN),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "last_seen", "timestamptz", False, "2026"),
        (True, "is_active", "boolean", False, "True"),
        (Decimal("0.95"), "data_quality_score", "numeric(3,2)", False, "0.95"),
        (dt.date(2026, 1, 2), "day", "date", False, "2026"),
        (None, "first_name", "text", True, ""),
    ],
)
def test_what_a_sample_of_people_shows(value, name, kind, personal, seen) -> None:
    field = Field(name, kind, personal=personal)
    owner = TDX_USERS if name in {"external_id"} else USERS
    assert masked(value, field, owner, people=True) == seen


@pytest.mark.parametrize("each", SILVER_TABLES, ids=lambda each: each.name)
def test_a_sample_has_columns_that_say_something_and_name_nobody(each) -> None:
    people = about_people(each)
    columns = columns_to_show(each, people)
    assert [column.name for column in columns[-2:]] == ["data_quality_score", "quality_flags"]
    assert not [column.name for column in columns[1:] if column.personal]
    assert not people or not {"text", "jsonb"} & {
        c.sql_type for c in columns[1:] if c.name not in {"source_system", "quality_flags"}
    }


def test_a_department_may_be_named() -> None:
    field = next(f for f in fields(DEPARTMENTS) if f.name == "dept_id")
    assert masked("100000", field, DEPARTMENTS, people=False) == "100000"


def test_bins_end_below_and_a_full_score_is_in_the_last() -> None:
    bins = binned({"0.00": 1, "0.69": 2, "0.70": 4, "0.99": 8, "1.00": 16})
    assert (bins[0], bins[13], bins[14], bins[19], sum(bins)) == (1, 2, 4, 24, 31)


def test_the_picture_is_an_image_with_every_number_in_it() -> None:
    totals = Totals(Counter({"1.00": 5, "0.40": 1}), Counter({"missing_<name>": 1}))
    markdown = quality_picture("silver.users", totals)
    prefix = "![Quality of silver.users](data:image/svg+xml;base64,"
    assert markdown.startswith(prefix)
    drawing = base64.b64decode(markdown.removeprefix(prefix).removesuffix(")")).decode()
    words = [element.text for element in ElementTree.fromstring(drawing).iter() if element.text]
    assert "6 rows, mean 0.90" in words
    assert "missing_<name>" in words


def test_an_empty_table_and_many_flags_are_drawn_too() -> None:
    assert "0 rows" in quality_svg("silver.users", Totals())
    many = Totals(Counter({"1.00": 9}), Counter({f"flag_{n:02}": 1 for n in range(12)}))
    assert "and 3 more" in quality_svg("silver.users", many, frozenset({"flag_00"}))
