"""Research awards and the people on them (domain/hub.md 1.6, 4.13).

A row of the export is one person in one role, for one appointment, on one project of an award. All
of them stay: rows are identified by their identity in bronze.
"""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import (
    CELL_CODE,
    CELL_TEXT,
    DATE,
    DOLLARS,
    LOWER,
    PERCENT,
    TEXT,
)
from lsats_pipeline.hub.silver.spec import Column, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.lab_awards.streams import LAB_AWARD

LAB_AWARDS = StagingTable(
    "lab_awards",
    stream=LAB_AWARD,
    key=("award_id", "person_uniqname"),
    repeats=True,
    indexes=("person_uniqname", "award_id"),
    about="People on research awards: a row per award, person, role, appointment and project.",
    columns=(
        Column("award_id", TEXT, "Award Id"),
        Column("person_uniqname", LOWER, "Person Uniqname", personal=True),
        Column("person_role", CELL_TEXT, "Person Role"),
        Column("project_grant_id", CELL_TEXT, "Project/Grant"),
        Column("award_title", CELL_TEXT, "Award Title"),
        Column("award_class", CELL_TEXT, "Award Class"),
        Column("award_total_dollars", DOLLARS, "Award Total Dollars"),
        Column("award_direct_dollars", DOLLARS, "Award Direct Dollars"),
        Column("award_indirect_dollars", DOLLARS, "Award Indirect Dollars"),
        Column("facilities_admin_rate", PERCENT, "Facilities & Admin Rate (%)", about="in percent"),
        Column("award_start_date", DATE, "Award Project Start Date"),
        Column("award_end_date", DATE, "Award Project End Date"),
        Column(
            "pre_nce_end_date",
            DATE,
            "Pre NCE Project End Date",
            about="the end before an extension without cost",
        ),
        Column("award_publish_date", DATE, "Award Publish Date"),
        Column("direct_sponsor_name", CELL_TEXT, "Direct Sponsor Name"),
        Column("direct_sponsor_category", CELL_TEXT, "Direct Sponsor Category"),
        Column("direct_sponsor_subcategory", CELL_TEXT, "Direct Sponsor Subcategory"),
        Column(
            "direct_sponsor_reference",
            CELL_TEXT,
            "Direct Sponsor Award Reference Number (Current Budget Period)",
            otherwise="Direct Sponsor Award Reference Number\n(Current Budget Period)",
        ),
        Column("prime_sponsor_name", CELL_TEXT, "Prime Sponsor Name"),
        Column("prime_sponsor_category", CELL_TEXT, "Prime Sponsor Category"),
        Column("prime_sponsor_subcategory", CELL_TEXT, "Prime Sponsor Subcategory"),
        Column("prime_sponsor_reference", CELL_TEXT, "Prime Sponsor Award Reference Number"),
        Column("award_admin_department", CELL_TEXT, "Award Admin Department"),
        Column("award_admin_school_college", CELL_TEXT, "Award Admin School/College"),
        Column("person_first_name", CELL_TEXT, "Person First Name", personal=True),
        Column("person_last_name", CELL_TEXT, "Person Last Name", personal=True),
        Column("person_appt_department", CELL_TEXT, "Person Appt Department"),
        Column(
            "person_appt_department_id",
            CELL_CODE,
            "Person Appt Department Id",
            about="dept_id of the person's appointment",
        ),
        Column("person_appt_school_college", CELL_TEXT, "Person Appt School/College"),
    ),
    rules=(
        QualityRule("missing_department", 0.05, "person_appt_department_id is null"),
        QualityRule(
            "malformed_department_id",
            0.05,
            "not silver.is_dept_code(person_appt_department_id)",
            about="a department is given whose code has not six digits",
        ),
        QualityRule("missing_person_role", 0.05, "person_role is null"),
        QualityRule("missing_award_title", 0.05, "award_title is null"),
        QualityRule(
            "missing_award_dates", 0.05, "award_start_date is null or award_end_date is null"
        ),
        QualityRule(
            "malformed_uniqname",
            0.05,
            "not silver.is_uniqname(person_uniqname)",
            about="cannot be joined with people",
        ),
        QualityRule("ends_before_start", 0.05, "award_end_date < award_start_date"),
    ),
    expected=Expected(mean=0.90, low_share=0.01),
)
