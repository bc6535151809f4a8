"""Appointments as the university API gateway knows them (domain/hub.md 4.3)."""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import INTEGER, NAME, TEXT, UNIQNAME
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.umich_api.streams import USER

UMAPI_EMPLOYEES = StagingTable(
    "umapi_employees",
    stream=USER,
    key=("empl_id", "empl_rcd"),
    about="Appointments; a person with two has two rows.",
    columns=(
        Column("empl_id", TEXT, "EmplId", personal=True),
        Column("empl_rcd", INTEGER, "EmplRcd", about="number of the appointment, 0 the first"),
        Column("uniqname", UNIQNAME, "UniqName", personal=True),
        Column("first_name", NAME, "FirstName", personal=True),
        Column("last_name", NAME, "LastName", personal=True),
        Column("full_name", NAME, "Name", personal=True, about="Last,First"),
        Column("department_id", TEXT, "DepartmentId"),
        Column("dept_description", TEXT, "Dept_Description"),
        Column(
            "supervisor_id", TEXT, "SupervisorId", personal=True, about="empl_id of the supervisor"
        ),
        Column("jobcode", TEXT, "Jobcode"),
        Column("department_job_title", TEXT, "DepartmentJobTitle"),
        Column("university_job_title", TEXT, "UniversityJobTitle"),
        Column("work_phone", TEXT, "Work_Phone", personal=True),
        Column("work_phone_extension", TEXT, "Work_Phone_Extension", personal=True),
        Column("work_address_line1", TEXT, "Work_Address1", personal=True),
        Column("work_address_line2", TEXT, "Work_Address2", personal=True),
        Column("work_address_line3", TEXT, "Work_Address3", personal=True),
        Column("work_city", TEXT, "Work_City"),
        Column("work_state", TEXT, "Work_State"),
        Column("work_postal_code", TEXT, "Work_Postal"),
        Column("work_country", TEXT, "Work_Country"),
    ),
    computed=(
        Computed(
            "job_title",
            "text",
            "coalesce(university_job_title, department_job_title)",
            origin="UniversityJobTitle, DepartmentJobTitle",
            about="the university's title, else the department's",
        ),
        Computed(
            "work_location",
            "jsonb",
            """
            jsonb_strip_nulls(jsonb_build_object(
                'address1', work_address_line1, 'address2', work_address_line2,
                'address3', work_address_line3, 'city', work_city, 'state', work_state,
                'postal', work_postal_code, 'country', work_country,
                'phone', work_phone, 'phone_extension', work_phone_extension))
            """,
            origin="Work_Address1..3, Work_City, Work_State, Work_Postal, Work_Country, "
            "Work_Phone, Work_Phone_Extension",
            personal=True,
            about="the work fields that are filled in",
        ),
    ),
    rules=(
        QualityRule(
            "missing_uniqname",
            0.30,
            "uniqname is null",
            about="cannot be joined with other systems",
        ),
        QualityRule("missing_supervisor", 0.15, "supervisor_id is null"),
        QualityRule("missing_work_phone", 0.15, "work_phone is null"),
        QualityRule(
            "incomplete_work_location",
            0.20,
            "num_nulls(work_address_line1, work_city, work_state, work_postal_code) > 0",
            about="line 1, city, state or postal code is blank",
        ),
        QualityRule("missing_jobcode", 0.10, "jobcode is null"),
        QualityRule("missing_university_job_title", 0.10, "university_job_title is null"),
        QualityRule(
            "malformed_department_id",
            0.05,
            "not silver.is_dept_code(department_id)",
            about="a department is given whose code has not six digits",
        ),
    ),
    # 29 % have no uniqname (domain/hub.md 1.2), which alone brings a row to 0.70.
    expected=Expected(mean=0.80, low_share=0.30),
)
