"""Departments as the university API gateway knows them (domain/hub.md 4.4)."""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import TEXT
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.umich_api.streams import DEPARTMENT

UMAPI_DEPARTMENTS = StagingTable(
    "umapi_departments",
    stream=DEPARTMENT,
    key=("dept_id",),
    about="Departments of the university, with the college, VP area and campus above them.",
    columns=(
        Column("dept_id", TEXT, "DeptId"),
        Column("department_name", TEXT, "DeptDescription"),
        Column("dept_group", TEXT, "DeptGroup", about="code of the college"),
        Column("college_name", TEXT, "DeptGroupDescription"),
        Column("dept_group_vp_area", TEXT, "DeptGroupVPArea", about="code of the VP area"),
        Column("vp_area_name", TEXT, "DeptGroupVPAreaDescr"),
        Column("dept_group_campus", TEXT, "DeptGroupCampus", about="code of the campus"),
        Column("campus_name", TEXT, "DeptGroupCampusDescr"),
    ),
    computed=(
        Computed(
            "hierarchical_path",
            "text",
            """
            nullif(concat_ws(' → ', campus_name, vp_area_name, college_name, department_name), '')
            """,
            origin="DeptGroupCampusDescr, DeptGroupVPAreaDescr, DeptGroupDescription, "
            "DeptDescription",
            about="campus → VP area → college → department, without the levels that are unknown",
        ),
    ),
    rules=(
        QualityRule("missing_department_name", 0.50, "department_name is null"),
        QualityRule("missing_campus", 0.10, "campus_name is null"),
        QualityRule("missing_college", 0.10, "college_name is null"),
        QualityRule("missing_vp_area", 0.10, "vp_area_name is null"),
        QualityRule("missing_dept_group_code", 0, "dept_group is null"),
        QualityRule("missing_campus_code", 0, "dept_group_campus is null"),
        QualityRule("missing_vp_area_code", 0, "dept_group_vp_area is null"),
    ),
    expected=Expected(mean=0.90, low_share=0.10),
)
