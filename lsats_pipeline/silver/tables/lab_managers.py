"""Who may manage a lab (domain/hub.md 5.9): the best three of its members, by title or job code.

labs, lab_members, users, departments ──▶ lab_managers (is_verified and notes are people's)
"""

from __future__ import annotations

from pathlib import Path

from lsats_pipeline.silver.spec import Derived, DerivedTable, Expected, Rule
from lsats_pipeline.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.silver.tables.labs import LABS
from lsats_pipeline.silver.tables.users import USERS

LAB_MANAGERS = DerivedTable(
    "lab_managers",
    identity="lab_manager_id",
    scope="lab_id",
    key=("lab_id", "manager_uniqname"),
    indexes=("manager_uniqname",),
    upstream=(LABS, LAB_MEMBERS, USERS, DEPARTMENTS),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select lab_id from silver.labs",
    touched="""
    with person (uniqname) as (
        select uniqname from silver.users where ingestion_run_id = any({runs})
        union
        select uniqname from silver.users_history where closed_by = any({runs})
    ),
    department (dept_id) as (
        select dept_id from silver.departments where ingestion_run_id = any({runs})
        union
        select dept_id from silver.departments_history where closed_by = any({runs})
    )
    select lab_id from silver.labs where ingestion_run_id = any({runs})
    union select lab_id from silver.labs_history where closed_by = any({runs})
    union select lab_id from silver.lab_members where ingestion_run_id = any({runs})
    union select lab_id from silver.lab_members_history where closed_by = any({runs})
    union select lab_id from silver.lab_members
        where member_uniqname in (select uniqname from person)
    union select lab_id from silver.labs
        where primary_department_id in (select dept_id from department)
    """,
    about="Up to three probable managers per lab that has machines and a department in TDX.",
    columns=(
        Derived("lab_manager_id", "text", about="lab_id/manager_uniqname"),
        Derived("lab_id", "text", "labs.lab_id", personal=True),
        Derived("manager_uniqname", "text", "lab_members.member_uniqname", personal=True),
        Derived(
            "manager_tdx_uid",
            "uuid",
            "users.tdx_user_uid",
            personal=True,
            about="for writing back to TDX",
        ),
        Derived("manager_role", "text", "lab_members.member_role"),
        Derived("manager_job_codes", "jsonb", "users.job_codes"),
        Derived(
            "manager_confidence_score",
            "integer",
            "lab_members.member_role, users.job_codes",
            about="1 is surest, 14 least sure",
        ),
        Derived(
            "manager_tier",
            "integer",
            "lab_members.member_role, users.job_codes",
            about="1 up to score 4; with any of tier 1 those of tier 2 are left out",
        ),
        Derived("manager_rank", "integer", about="1 to 3: by score, role, uniqname"),
        Derived(
            "detection_reason",
            "text",
            "lab_members.member_role, users.job_codes",
            about="the title or the job code that fits",
        ),
        Derived("lab_department_id", "text", "labs.primary_department_id"),
        Derived("lab_department_name", "text", "departments.department_name"),
        Derived("manager_department_id", "text", "lab_members.member_department_id"),
        Derived("manager_department_name", "text", "lab_members.member_department_name"),
        Derived(
            "is_verified",
            "boolean",
            kept=True,
            about="somebody looked and agrees; builds leave it alone",
        ),
        Derived("verification_notes", "text", kept=True, about="what they found"),
    ),
    rules=(
        Rule("no_tdx_account", 0.20, "manager_tdx_uid is null", "cannot be written to TDX"),
        Rule("missing_department", 0.10, "manager_department_id is null"),
        Rule("weak_evidence", 0.10, "manager_tier = 2"),
        Rule(
            "other_department",
            0.0,
            "manager_department_id <> lab_department_id",
            "works in another department than the lab's",
        ),
    ),
    expected=Expected(mean=0.70, low_share=0.60),
)
