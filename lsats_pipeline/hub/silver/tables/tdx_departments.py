"""Departments ("accounts") as TeamDynamix knows them (domain/hub.md 4.2)."""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import BOOLEAN, INTEGER, LIST, TEXT, TIME, UUID
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.tdx.streams import DEPARTMENT, DEPARTMENT_DETAIL

TDX_DEPARTMENTS = StagingTable(
    "tdx_departments",
    stream=DEPARTMENT,
    detail=DEPARTMENT_DETAIL,
    key=("tdx_id",),
    about="TeamDynamix accounts; several may carry one department code.",
    columns=(
        Column("tdx_id", INTEGER, "ID"),
        Column("dept_code", TEXT, "Code", about="the code as TDX shows it, blank for some"),
        Column("department_name", TEXT, "Name"),
        Column("dept_notes", TEXT, "Notes"),
        Column("is_active", BOOLEAN, "IsActive"),
        Column("parent_id", INTEGER, "ParentID", about="tdx_id of the department above"),
        Column(
            "manager_uid", UUID, "ManagerUID", personal=True, about="tdx_user_uid of the manager"
        ),
        Column("tdx_created_date", TIME, "CreatedDate"),
        Column(
            "tdx_modified_date",
            TIME,
            "ModifiedDate",
            about="as of the last change that is more than this date",
        ),
        Column("address1", TEXT, "Address1", detail=True),
        Column("address2", TEXT, "Address2", detail=True),
        Column("address3", TEXT, "Address3", detail=True),
        Column("address4", TEXT, "Address4", detail=True),
        Column("city", TEXT, "City", detail=True),
        Column("state_abbr", TEXT, "StateAbbr", detail=True),
        Column("state_name", TEXT, "StateName", detail=True),
        Column("postal_code", TEXT, "PostalCode", detail=True),
        Column("country", TEXT, "Country", detail=True),
        Column("phone", TEXT, "Phone", detail=True),
        Column("fax", TEXT, "Fax", detail=True),
        Column("url", TEXT, "Url", detail=True),
        Column("attributes", LIST, "Attributes", detail=True, about="custom fields"),
    ),
    computed=(
        Computed(
            "dept_id",
            "text",
            "coalesce(dept_code, 'TDX_' || tdx_id)",
            origin="Code, ID",
            about="the code, or TDX_<tdx_id> where there is none",
        ),
        Computed(
            "location_info",
            "jsonb",
            """
            jsonb_strip_nulls(jsonb_build_object(
                'address1', address1, 'address2', address2, 'address3', address3,
                'address4', address4, 'city', city, 'state_abbr', state_abbr,
                'state_name', state_name, 'postal_code', postal_code, 'country', country,
                'phone', phone, 'fax', fax, 'url', url))
            """,
            origin="detail Address1..4, City, StateAbbr, StateName, PostalCode, Country, Phone, "
            "Fax, Url",
            about="the address fields that are filled in",
        ),
        Computed(
            "is_enriched",
            "boolean",
            "detail_raw_id is not null",
            about="whether the detail was fetched",
        ),
    ),
    rules=(
        QualityRule("fallback_dept_code", 0.20, "dept_code is null", about="Code is blank"),
        QualityRule(
            "malformed_dept_code",
            0.10,
            "not silver.is_dept_code(dept_code)",
            about="a code is given that has not six digits",
        ),
        QualityRule("missing_dept_name", 0.30, "department_name is null"),
        QualityRule("missing_active_status", 0.10, "is_active is null"),
        QualityRule("not_enriched", 0.10, "detail_raw_id is null", about="no detail was fetched"),
        QualityRule("modified_before_created", 0.05, "tdx_modified_date < tdx_created_date"),
        QualityRule("no_location_data", 0, "location_info = '{}'"),
    ),
    expected=Expected(mean=0.85, low_share=0.15),
)
