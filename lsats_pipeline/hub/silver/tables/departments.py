"""Departments, merged from TeamDynamix and the API gateway (domain/hub.md 5.1)."""

from __future__ import annotations

from lsats_pipeline.hub.silver.spec import (
    Coalesce,
    Expected,
    Expression,
    Input,
    IntegratedTable,
    Lookup,
    QualityRule,
)
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.umapi_departments import UMAPI_DEPARTMENTS

DEPARTMENTS = IntegratedTable(
    "departments",
    key="dept_id",
    about="One row per department: six-digit code, or TDX_ and its id for those only TDX knows.",
    inputs=(
        Input("umapi", UMAPI_DEPARTMENTS, on="dept_id", order=("dept_id",)),
        Input(
            "tdx",
            TDX_DEPARTMENTS,
            on="dept_id",
            order=("is_active desc nulls last", "tdx_id"),
            totals={"accounts": ("integer", "count(*)")},
        ),
    ),
    lookups=(Lookup("parent", TDX_DEPARTMENTS, key="tdx_id", match="tdx.parent_id"),),
    columns=(
        Coalesce(
            "department_name",
            "text",
            ("umapi.department_name", "tdx.department_name"),
        ),
        Expression(
            "department_code", "text", "coalesce(umapi.dept_id, tdx.dept_id)", about="dept_id"
        ),
        Coalesce("description", "text", ("tdx.dept_notes",), about="the notes in TDX"),
        Coalesce(
            "is_active",
            "boolean",
            ("tdx.is_active", ("assumed", "true")),
            about="as in TDX; active where TDX does not say",
        ),
        Coalesce(
            "parent_dept_id",
            "text",
            (("tdx", "parent.dept_id"),),
            about="dept_id of the department above",
        ),
        Coalesce("college_name", "text", ("umapi.college_name",)),
        Coalesce("college_group", "text", ("umapi.college_name",), about="college_name"),
        Coalesce("campus_name", "text", ("umapi.campus_name",)),
        Coalesce("vp_area_name", "text", ("umapi.vp_area_name",)),
        Coalesce("vp_area", "text", ("umapi.vp_area_name",), about="vp_area_name"),
        Coalesce("dept_group", "text", ("umapi.dept_group",), about="code of the college"),
        Coalesce(
            "dept_group_campus", "text", ("umapi.dept_group_campus",), about="code of the campus"
        ),
        Coalesce(
            "dept_group_vp_area", "text", ("umapi.dept_group_vp_area",), about="code of the VP area"
        ),
        Expression(
            "hierarchical_path",
            "text",
            """
            case when umapi.dept_id is not null then nullif(concat_ws(' → ',
                umapi.campus_name, umapi.vp_area_name, umapi.college_name,
                coalesce(umapi.department_name, tdx.department_name)), '') end
            """,
            source="umapi",
            about="campus → VP area → college → department; the gateway knows what is above",
        ),
        Coalesce("tdx_created_date", "timestamptz", ("tdx.tdx_created_date",)),
        Coalesce("tdx_modified_date", "timestamptz", ("tdx.tdx_modified_date",)),
        Coalesce("tdx_id", "integer", ("tdx.tdx_id",), about="for writing back to TDX"),
        Coalesce("tdx_manager_uid", "uuid", ("tdx.manager_uid",), personal=True),
        Coalesce(
            "location_info",
            "jsonb",
            ("tdx.location_info", ("assumed", "'{}'")),
            about="the address fields that are filled in, in TDX",
        ),
    ),
    rules=(
        QualityRule("missing_dept_name", 0.50, "merged.department_name is null"),
        QualityRule("missing_campus", 0.10, "merged.campus_name is null", sources=("umich_api",)),
        QualityRule("missing_college", 0.10, "merged.college_name is null", sources=("umich_api",)),
        QualityRule("missing_vp_area", 0.10, "merged.vp_area_name is null", sources=("umich_api",)),
        QualityRule("no_tdx_data", 0.10, "tdx.tdx_id is null", sources=("tdx",)),
        QualityRule("no_umapi_data", 0.05, "umapi.dept_id is null", sources=("umich_api",)),
        QualityRule(
            "name_disagreement",
            0.05,
            """
            not silver.is_same_department(
                tdx.department_name, umapi.department_name, merged.dept_id)
            """,
            about="TDX and the gateway call it differently, whatever the order of the words, case,"
            " punctuation and abbreviations",
        ),
        QualityRule(
            "orphan_parent",
            0.05,
            "tdx.parent_id is not null and parent.tdx_id is null",
            about="TDX names a department above that it does not have",
        ),
        QualityRule(
            "duplicate_tdx_code",
            0.05,
            "tdx_all.accounts > 1",
            about="several TDX accounts share the code",
        ),
        QualityRule(
            "malformed_dept_code",
            0.05,
            "not silver.is_dept_code(merged.dept_id) and merged.dept_id !~ '^TDX_[0-9]+$'",
        ),
    ),
    expected=Expected(mean=0.75, low_share=0.35),
)
