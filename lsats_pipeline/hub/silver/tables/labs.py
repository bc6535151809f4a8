"""Labs (domain/hub.md 5.6, 5.7): one per principal investigator.

users ──▶ leaders ──▶ computers, lab_awards, ad_organizational_units, lab_members ──▶ labs
lab_names: names of units
departments, department_name_matches, tdx_users: the lab's department
former_uniqnames: whose awards and units are that go by a former uniqname
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_organizational_units import AD_ORGANIZATIONAL_UNITS
from lsats_pipeline.hub.silver.tables.changes import different, written
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.hub.silver.tables.department_name_matches import DEPARTMENT_NAME_MATCHES
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.lab_members import LAB_MEMBERS
from lsats_pipeline.hub.silver.tables.lab_names import LAB_NAMES
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.users import USERS

_AD: LiteralString = "ad_organizational_units"
_LEADER: LiteralString = "uniqname, full_name, department_id, is_active, tdx_user_uid, is_pi"
_MACHINE: LiteralString = "computer_id, owner_uniqname, financial_owner_uniqname, source_system"
_MEMBER: LiteralString = "lab_id, member_uniqname, is_manager_candidate, is_pi, is_investigator"


def _ou(
    name: LiteralString,
    sql_type: LiteralString,
    column: LiteralString = "",
    personal: bool = False,
) -> SqlColumn:
    return SqlColumn(name, sql_type, f"{_AD}.{column or name}", personal, about="of the lab's unit")


# A unit concerns the labs whose name it may have; a department those that may be in it.
_CHANGED_KEYS: LiteralString = f"""
with renamed as ({different("former_uniqnames", "former_uniqname, uniqname, records")}),
named (uniqname) as (
    select uniqname from ({different("users", _LEADER)}) as leader
    union
    select leader.uniqname
    from ({different("tdx_users", "tdx_user_uid, default_account_name")}) as account
    join silver.users as leader using (tdx_user_uid)
    union
    {written("lab_awards", "person_uniqname")}
    union
    select unnest(array[owner_uniqname, financial_owner_uniqname])
    from ({different("computers", _MACHINE)}) as computer
    union
    select lab_id from ({different("lab_members", _MEMBER)}) as member
    union
    select lab_id from ({different("lab_names", "lab_id, name")}) as called
    union
    select uniqname from renamed
    union
    select former_uniqname from renamed
),
-- Awards go by former uniqnames, too.
changed (uniqname) as (
    select uniqname from named
    union
    select past.uniqname
    from named
    join silver.former_uniqnames as past on past.former_uniqname = named.uniqname
),
department as ({different("departments", "dept_id, department_name")}),
resembling as ({different("department_name_matches", "name, dept_id, similarity")}),
unit (ou_name) as (
    {written("ad_organizational_units", "ou_name")}
    union
    select own.ou_name from silver.ad_organizational_units as own
    join resembling on resembling.name = own.ou_immediate_parent
)
select uniqname from changed join silver.users using (uniqname) where is_pi
union
select lab_id from changed join silver.labs on lab_id = uniqname
union
select lab_id from silver.lab_names
where silver.first_word(name) in (select unnest(silver.words(ou_name)) from unit)
union
select uniqname from silver.former_uniqnames
where silver.first_word(former_uniqname) in (select unnest(silver.words(ou_name)) from unit)
union
select lab.lab_id
from silver.labs as lab
join silver.users as leader on leader.uniqname = lab.lab_id
where leader.department_id in (select dept_id from department)
union
select coalesce(past.uniqname, award.person_uniqname)
from silver.lab_awards as award
join department on department.dept_id = award.person_appt_department_id
left join silver.former_uniqnames as past
    on past.former_uniqname = award.person_uniqname
    and past.records ? ('lab_awards/' || award.external_id)
union
select lab.lab_id
from silver.labs as lab
join silver.users as leader on leader.uniqname = lab.lab_id
join silver.tdx_users as account using (tdx_user_uid)
where account.default_account_name in (select name from resembling)
    or exists (
        select from department where strpos(account.default_account_name, department.dept_id) > 0)
"""

LABS = SqlModel(
    "labs",
    identity="lab_id",
    upstream=(
        USERS,
        FORMER_UNIQNAMES,
        LAB_NAMES,
        TDX_USERS,
        DEPARTMENTS,
        DEPARTMENT_NAME_MATCHES,
        LAB_AWARDS,
        AD_ORGANIZATIONAL_UNITS,
        COMPUTERS,
        LAB_MEMBERS,
    ),
    query=Path(__file__).with_suffix(".sql"),
    fragments={"award_people": Path(__file__).with_name("award_people.sql")},
    scopes="select uniqname from silver.users where is_pi",
    changed_keys=_CHANGED_KEYS,
    # An award has ended since.
    expired_keys="""
    select lab.lab_id
    from silver.labs as lab
    join (
        select coalesce(past.uniqname, own.person_uniqname) as lab_id, own.award_id,
            own.award_end_date
        from silver.lab_awards as own
        left join silver.former_uniqnames as past
            on past.former_uniqname = own.person_uniqname
            and past.records ? ('lab_awards/' || own.external_id)
    ) as award using (lab_id)
    group by lab.lab_id, lab.active_award_count
    having lab.active_award_count
        <> count(distinct award.award_id) filter (where award.award_end_date >= silver.today())
    """,
    about="One row per lab; a lab is a principal investigator, and its id their uniqname.",
    columns=(
        SqlColumn("lab_id", "text", "users.uniqname", personal=True),
        SqlColumn("pi_uniqname", "text", "users.uniqname", personal=True),
        SqlColumn(
            "lab_name",
            "text",
            f"{_AD}.ou_name, users.full_name",
            personal=True,
            about="name of the unit, else <PI> Lab (TDX) with machines in TDX, else <PI> Lab",
        ),
        SqlColumn("lab_display_name", "text", f"{_AD}.ou_name, users.full_name", personal=True),
        SqlColumn(
            "primary_department_id",
            "text",
            "lab_awards.person_appt_department_id, tdx_users.default_account_name,"
            " department_name_matches.dept_id, users.department_id",
            about="a known department: of the awards, of the TDX account, of the unit, of the PI",
        ),
        SqlColumn(
            "department_match_method",
            "text",
            "department_name_matches.similarity",
            about="award, exact_code, fuzzy_match or pi_inherit; field_sources says whose",
        ),
        SqlColumn(
            "department_match_confidence", "double precision", "department_name_matches.similarity"
        ),
        SqlColumn("department_ids", "jsonb", "lab_awards.person_appt_department_id"),
        SqlColumn("department_names", "jsonb", "departments.department_name", about="as known"),
        SqlColumn(
            "total_award_dollars",
            "numeric(15,2)",
            "lab_awards.award_total_dollars",
            about="of all awards that name the PI, in any role, each award and grant once",
        ),
        SqlColumn("total_direct_dollars", "numeric(15,2)", "lab_awards.award_direct_dollars"),
        SqlColumn("total_indirect_dollars", "numeric(15,2)", "lab_awards.award_indirect_dollars"),
        SqlColumn("award_count", "integer", "lab_awards.award_id"),
        SqlColumn(
            "active_award_count", "integer", "lab_awards.award_end_date", about="end today or later"
        ),
        SqlColumn("earliest_award_start", "date", "lab_awards.award_start_date"),
        SqlColumn("latest_award_end", "date", "lab_awards.award_end_date"),
        SqlColumn("has_ad_ou", "boolean", f"{_AD}.ou_name", about="a unit bears the PI's uniqname"),
        _ou("ad_ou_dn", "text", "distinguished_name", personal=True),
        _ou("ad_ou_hierarchy", "jsonb", "ou_full_path"),
        _ou("ad_parent_ou", "text", "parent_ou_dn", personal=True),
        _ou("ad_ou_depth", "integer", "ou_depth"),
        _ou("ad_ou_created", "timestamptz", "when_created"),
        _ou("ad_ou_modified", "timestamptz", "when_changed"),
        _ou("ou_depth_category", "text", "depth_category"),
        _ou("has_computer_children", "boolean"),
        _ou("has_child_ous", "boolean"),
        SqlColumn(
            "computer_count",
            "integer",
            "computers.owner_uniqname, computers.financial_owner_uniqname, computers.source_system",
            about="computers in TDX that the PI owns or pays for",
        ),
        SqlColumn("has_tdx_presence", "boolean", "computers.source_system", about="there are some"),
        SqlColumn("has_tdx_data", "boolean", "computers.source_system"),
        SqlColumn("has_award_data", "boolean", "lab_awards.person_uniqname"),
        SqlColumn("has_ou_data", "boolean", f"{_AD}.ou_name"),
        SqlColumn("has_active_awards", "boolean", "lab_awards.award_end_date"),
        SqlColumn("has_active_ou", "boolean", f"{_AD}.ou_status", about="a unit not under Legacy"),
        SqlColumn(
            "member_count",
            "integer",
            "lab_members.is_manager_candidate",
            about="members that may manage the lab (v_eligible_lab_members)",
        ),
        SqlColumn("pi_count", "integer", "lab_members.is_pi"),
        SqlColumn("investigator_count", "integer", "lab_members.is_investigator"),
        SqlColumn(
            "is_active",
            "boolean",
            "users.is_active, lab_awards.award_end_date",
            about="the PI is active, or there is an active award, a unit, or a computer in TDX",
        ),
        SqlColumn("data_source", "text", about="active_directory, lab_award, tdx, joined by +"),
        SqlColumn("field_sources", "jsonb", about="which system name and department are from"),
        SqlColumn(
            "tdx_ci_id",
            "integer",
            kept=True,
            about="configuration item in TDX; whoever makes it writes it here",
        ),
    ),
    rules=(
        QualityRule(
            "no_ad_ou",
            0.20,
            "not has_ou_data",
            about="no unit bears the PI's uniqname",
            sources=("active_directory",),
        ),
        QualityRule("no_awards", 0.20, "not has_award_data", sources=("lab_awards",)),
        QualityRule("no_tdx_computers", 0.20, "not has_tdx_data", sources=("tdx",)),
        QualityRule("no_source", 0.40, "data_source is null", about="none of the three knows it"),
        QualityRule(
            "missing_department", 0.0, "primary_department_id is null", sources=("tdx", "umich_api")
        ),
        QualityRule(
            "no_candidates",
            0.0,
            "member_count = 0",
            about="nobody who may manage it",
            sources=("active_directory", "mcommunity_ldap"),
        ),
    ),
    # One source of three is worth 0.60 (domain/hub.md 5.7), and most labs have one.
    expected=Expected(mean=0.60, low_share=0.90),
)
