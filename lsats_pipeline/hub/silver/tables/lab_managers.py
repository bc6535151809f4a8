"""Who may manage a lab (domain/hub.md 5.9): the best three of its members, by title or job code.

labs, lab_members, users, departments ──▶ lab_managers (is_verified and notes are people's)
former_uniqnames: of whom people said something by another uniqname
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.hub.silver.tables.labs import LABS
from lsats_pipeline.hub.silver.tables.users import USERS

_LAB: LiteralString = "lab_id, primary_department_id, is_active, computer_count"
_MEMBER: LiteralString = (
    "lab_member_id, lab_id, member_uniqname, member_role, member_department_id,"
    " member_department_name, is_manager_candidate"
)

_CHANGED_KEYS: LiteralString = f"""
select lab_id from ({different("labs", _LAB)}) as lab
union
select lab_id from ({different("lab_members", _MEMBER)}) as member
union
select lab_id from silver.lab_members
join ({different("users", "uniqname, tdx_user_uid, job_codes")}) as person
    on person.uniqname = member_uniqname
union
select lab_id from silver.labs
join ({different("departments", "dept_id, department_name, tdx_id")}) as department
    on department.dept_id = primary_department_id
"""

LAB_MANAGERS = SqlModel(
    "lab_managers",
    identity="lab_manager_id",
    scope="lab_id",
    key=("lab_id", "manager_uniqname"),
    indexes=("manager_uniqname",),
    upstream=(LABS, LAB_MEMBERS, USERS, FORMER_UNIQNAMES, DEPARTMENTS),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select lab_id from silver.labs",
    changed_keys=_CHANGED_KEYS,
    about="Up to three probable managers per lab that has machines and a department in TDX.",
    columns=(
        SqlColumn("lab_manager_id", "text", about="lab_id/manager_uniqname"),
        SqlColumn("lab_id", "text", "labs.lab_id", personal=True),
        SqlColumn("manager_uniqname", "text", "lab_members.member_uniqname", personal=True),
        SqlColumn(
            "manager_tdx_uid",
            "uuid",
            "users.tdx_user_uid",
            personal=True,
            about="for writing back to TDX",
        ),
        SqlColumn("manager_role", "text", "lab_members.member_role"),
        SqlColumn("manager_job_codes", "jsonb", "users.job_codes"),
        SqlColumn(
            "manager_confidence_score",
            "integer",
            "lab_members.member_role, users.job_codes",
            about="1 is surest, 14 least sure",
        ),
        SqlColumn(
            "manager_tier",
            "integer",
            "lab_members.member_role, users.job_codes",
            about="1 up to score 4; with any of tier 1 those of tier 2 are left out",
        ),
        SqlColumn("manager_rank", "integer", about="1 to 3: by score, role, uniqname"),
        SqlColumn(
            "detection_reason",
            "text",
            "lab_members.member_role, users.job_codes",
            about="the title or the job code that fits",
        ),
        SqlColumn("lab_department_id", "text", "labs.primary_department_id"),
        SqlColumn("lab_department_name", "text", "departments.department_name"),
        SqlColumn("manager_department_id", "text", "lab_members.member_department_id"),
        SqlColumn("manager_department_name", "text", "lab_members.member_department_name"),
        SqlColumn(
            "is_verified",
            "boolean",
            kept=True,
            about="somebody looked and agrees; builds leave it alone",
        ),
        SqlColumn("verification_notes", "text", kept=True, about="what they found"),
    ),
    rules=(
        QualityRule(
            "no_tdx_account",
            0.20,
            "manager_tdx_uid is null",
            about="cannot be written to TDX",
            sources=("tdx",),
        ),
        QualityRule(
            "missing_department",
            0.10,
            "manager_department_id is null",
            sources=("tdx", "umich_api"),
        ),
        QualityRule("weak_evidence", 0.10, "manager_tier = 2"),
        QualityRule(
            "other_department",
            0.0,
            "manager_department_id <> lab_department_id",
            about="works in another department than the lab's",
        ),
    ),
    expected=Expected(mean=0.70, low_share=0.60),
)
