"""Labs (domain/hub.md 5.6, 5.7): one per principal investigator.

users ──▶ leaders ──▶ computers, lab_awards, ad_organizational_units, lab_members ──▶ labs
departments, department_name_matches, tdx_users: the lab's department
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.silver.spec import Derived, DerivedTable, Expected, Rule
from lsats_pipeline.silver.tables.ad_organizational_units import AD_ORGANIZATIONAL_UNITS
from lsats_pipeline.silver.tables.computers import COMPUTERS
from lsats_pipeline.silver.tables.department_name_matches import DEPARTMENT_NAME_MATCHES
from lsats_pipeline.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.silver.tables.users import USERS

_AD: LiteralString = "ad_organizational_units"


def _ou(
    name: LiteralString,
    sql_type: LiteralString,
    column: LiteralString = "",
    personal: bool = False,
) -> Derived:
    return Derived(name, sql_type, f"{_AD}.{column or name}", personal, about="of the lab's unit")


LABS = DerivedTable(
    "labs",
    identity="lab_id",
    upstream=(
        USERS,
        TDX_USERS,
        DEPARTMENTS,
        DEPARTMENT_NAME_MATCHES,
        LAB_AWARDS,
        AD_ORGANIZATIONAL_UNITS,
        COMPUTERS,
        LAB_MEMBERS,
    ),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select uniqname from silver.users where is_pi",
    # Departments change seldom and may concern any lab; a unit those whose name it may have.
    touched="""
    with changed (uniqname) as (
        select uniqname from silver.users where ingestion_run_id = any({runs})
        union select uniqname from silver.users_history where closed_by = any({runs})
        union select uniqname from silver.tdx_users where ingestion_run_id = any({runs})
        union select uniqname from silver.tdx_users_history where closed_by = any({runs})
        union select person_uniqname from silver.lab_awards where ingestion_run_id = any({runs})
        union select person_uniqname from silver.lab_awards_history where closed_by = any({runs})
        union select owner_uniqname from silver.computers where ingestion_run_id = any({runs})
        union select owner_uniqname from silver.computers_history where closed_by = any({runs})
        union select financial_owner_uniqname from silver.computers
            where ingestion_run_id = any({runs})
        union select financial_owner_uniqname from silver.computers_history
            where closed_by = any({runs})
        union select lab_id from silver.lab_members where ingestion_run_id = any({runs})
        union select lab_id from silver.lab_members_history where closed_by = any({runs})
    )
    select uniqname from changed join silver.users using (uniqname) where is_pi
    union
    select lab_id from changed join silver.labs on lab_id = uniqname
    union
    select lab_id from silver.labs
    where exists (select from silver.departments where ingestion_run_id = any({runs}))
        or exists (select from silver.departments_history where closed_by = any({runs}))
        or exists (select from silver.department_name_matches where ingestion_run_id = any({runs}))
        or exists (select from silver.department_name_matches_history where closed_by = any({runs}))
    union
    select lab_id from silver.labs
    where silver.first_word(lab_id) in (
        select unnest(silver.words(ou_name)) from silver.ad_organizational_units
        where ingestion_run_id = any({runs})
        union
        select unnest(silver.words(ou_name)) from silver.ad_organizational_units_history
        where closed_by = any({runs}))
    """,
    # An award has ended since.
    due="""
    select lab.lab_id
    from silver.labs as lab
    join silver.lab_awards as award on award.person_uniqname = lab.lab_id
    group by lab.lab_id, lab.active_award_count
    having lab.active_award_count
        <> count(distinct award.award_id) filter (where award.award_end_date >= silver.today())
    """,
    about="One row per lab; a lab is a principal investigator, and its id their uniqname.",
    columns=(
        Derived("lab_id", "text", "users.uniqname", personal=True),
        Derived("pi_uniqname", "text", "users.uniqname", personal=True),
        Derived(
            "lab_name",
            "text",
            f"{_AD}.ou_name, users.full_name",
            personal=True,
            about="name of the unit, else <PI> Lab (TDX) with machines in TDX, else <PI> Lab",
        ),
        Derived("lab_display_name", "text", f"{_AD}.ou_name, users.full_name", personal=True),
        Derived(
            "primary_department_id",
            "text",
            "lab_awards.person_appt_department_id, tdx_users.default_account_name,"
            " department_name_matches.dept_id, users.department_id",
            about="a known department: of the awards, of the TDX account, of the unit, of the PI",
        ),
        Derived(
            "department_match_method",
            "text",
            "department_name_matches.similarity",
            about="award, exact_code, fuzzy_match or pi_inherit; field_sources says whose",
        ),
        Derived(
            "department_match_confidence", "double precision", "department_name_matches.similarity"
        ),
        Derived("department_ids", "jsonb", "lab_awards.person_appt_department_id"),
        Derived("department_names", "jsonb", "departments.department_name", about="as known"),
        Derived(
            "total_award_dollars",
            "numeric(15,2)",
            "lab_awards.award_total_dollars",
            about="of all awards that name the PI, in any role, each award and grant once",
        ),
        Derived("total_direct_dollars", "numeric(15,2)", "lab_awards.award_direct_dollars"),
        Derived("total_indirect_dollars", "numeric(15,2)", "lab_awards.award_indirect_dollars"),
        Derived("award_count", "integer", "lab_awards.award_id"),
        Derived(
            "active_award_count", "integer", "lab_awards.award_end_date", about="end today or later"
        ),
        Derived("earliest_award_start", "date", "lab_awards.award_start_date"),
        Derived("latest_award_end", "date", "lab_awards.award_end_date"),
        Derived("has_ad_ou", "boolean", f"{_AD}.ou_name", about="a unit bears the PI's uniqname"),
        _ou("ad_ou_dn", "text", "distinguished_name", personal=True),
        _ou("ad_ou_hierarchy", "jsonb", "ou_full_path"),
        _ou("ad_parent_ou", "text", "parent_ou_dn", personal=True),
        _ou("ad_ou_depth", "integer", "ou_depth"),
        _ou("ad_ou_created", "timestamptz", "when_created"),
        _ou("ad_ou_modified", "timestamptz", "when_changed"),
        _ou("ou_depth_category", "text", "depth_category"),
        _ou("has_computer_children", "boolean"),
        _ou("has_child_ous", "boolean"),
        Derived(
            "computer_count",
            "integer",
            "computers.owner_uniqname, computers.financial_owner_uniqname, computers.source_system",
            about="computers in TDX that the PI owns or pays for",
        ),
        Derived("has_tdx_presence", "boolean", "computers.source_system", about="there are some"),
        Derived("has_tdx_data", "boolean", "computers.source_system"),
        Derived("has_award_data", "boolean", "lab_awards.person_uniqname"),
        Derived("has_ou_data", "boolean", f"{_AD}.ou_name"),
        Derived("has_active_awards", "boolean", "lab_awards.award_end_date"),
        Derived("has_active_ou", "boolean", f"{_AD}.ou_status", about="a unit not under Legacy"),
        Derived(
            "member_count",
            "integer",
            "lab_members.is_manager_candidate",
            about="members that may manage the lab (v_eligible_lab_members)",
        ),
        Derived("pi_count", "integer", "lab_members.is_pi"),
        Derived("investigator_count", "integer", "lab_members.is_investigator"),
        Derived(
            "is_active",
            "boolean",
            "users.is_active, lab_awards.award_end_date",
            about="the PI is active, or there is an active award, a unit, or a computer in TDX",
        ),
        Derived("data_source", "text", about="active_directory, lab_award, tdx, joined by +"),
        Derived("field_sources", "jsonb", about="which system name and department are from"),
        Derived(
            "tdx_ci_id",
            "integer",
            kept=True,
            about="configuration item in TDX; whoever makes it writes it here",
        ),
    ),
    rules=(
        Rule("no_ad_ou", 0.20, "not has_ou_data", "no unit bears the PI's uniqname"),
        Rule("no_awards", 0.20, "not has_award_data"),
        Rule("no_tdx_computers", 0.20, "not has_tdx_data"),
        Rule("no_source", 0.40, "data_source is null", "none of the three knows it"),
        Rule("missing_department", 0.0, "primary_department_id is null"),
        Rule("no_candidates", 0.0, "member_count = 0", "nobody who may manage it"),
    ),
    # One source of three is worth 0.60 (domain/hub.md 5.7), and most labs have one.
    expected=Expected(mean=0.60, low_share=0.90),
)
