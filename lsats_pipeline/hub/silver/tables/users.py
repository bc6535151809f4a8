"""People, merged from four systems by uniqname (domain/hub.md 5.2, with its documented precedence).

tdx_users ──▶ tdx_account (the department), tdx_boss
umapi_employees ──▶ boss                            ──▶ users
mcommunity_users, ad_users
former_uniqnames: whose a record is that still goes by a former uniqname
lab_awards, ad_organizational_units: who leads a lab (`is_pi`), among the people known
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.spec import (
    Children,
    Coalesce,
    Expected,
    Expression,
    Input,
    IntegratedTable,
    Lookup,
)
from lsats_pipeline.hub.silver.tables.ad_units import AD_UNITS
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.mcommunity_users import MCOMMUNITY_USERS
from lsats_pipeline.hub.silver.tables.tdx_departments import TDX_DEPARTMENTS
from lsats_pipeline.hub.silver.tables.tdx_users import TDX_USERS
from lsats_pipeline.hub.silver.tables.umapi_employees import UMAPI_EMPLOYEES
from lsats_pipeline.hub.silver.tables.user_quality import AD_DISABLED, USER_BONUS, USER_RULES

_FIRST_NAME: LiteralString = (
    "coalesce(tdx.first_name, umapi.first_name, mcom.first_name, ad.first_name)"
)
_LAST_NAME: LiteralString = "coalesce(tdx.last_name, umapi.last_name, mcom.last_name, ad.last_name)"
# Whoever is nothing but an alumnus keeps an AD account and an entry in the directory for life.
_ALUMNI_ONLY: LiteralString = """(mcom.ou <> '[]' and mcom.ou <@ '["Alumni"]')"""
_IS_ACTIVE: LiteralString = f"""
    coalesce(tdx.is_active, false)
    or umapi.empl_id is not null
    or (ad.ad_user_guid is not null and not {AD_DISABLED} and not coalesce({_ALUMNI_ONLY}, false))
    or coalesce(mcom.ou <> '[]' and not {_ALUMNI_ONLY}, false)
"""
# Whose address is shown: half of one and half of the other would be nobody's.
_TDX_ADDRESS: LiteralString = """(umapi.work_address_line1 is null
    and (tdx.work_address is not null or umapi.empl_id is null))"""


def _of_address(name: LiteralString, in_tdx: LiteralString = "", about: str = "") -> Coalesce:
    """A part of the work address."""
    umich_api = ("umapi", f"case when not {_TDX_ADDRESS} then umapi.{name} end")
    tdx = ("tdx", f"case when {_TDX_ADDRESS} then tdx.{in_tdx} end")
    personal = name.startswith("work_address")
    return Coalesce(name, "text", (umich_api, tdx) if in_tdx else (umich_api,), personal, about)


def _present(table: LiteralString, alias: LiteralString) -> LiteralString:
    """The present uniqname of whom a record is about."""
    return f"""
        coalesce((
            select past.uniqname from silver.former_uniqnames as past
            where past.former_uniqname = {alias}.uniqname
                and past.records ? ('{table}/' || {alias}.external_id)
        ), {alias}.uniqname)
    """


USERS = IntegratedTable(
    "users",
    key="uniqname",
    valid="silver.is_uniqname(uniqname)",
    excused=("missing_uniqname", "malformed_uniqname", "invalid_uniqname", "conflict_object"),
    about="One row per person that TDX, the API gateway, MCommunity or Active Directory knows.",
    inputs=(
        Input(
            "tdx",
            TDX_USERS,
            on="uniqname",
            order=("is_active desc nulls last", "tdx_user_uid"),
            totals={"accounts": ("integer", "count(*)")},
        ),
        Input(
            "umapi",
            UMAPI_EMPLOYEES,
            on="uniqname",
            order=("empl_rcd", "empl_id"),
            totals={
                "department_ids": (
                    "jsonb",
                    """
                    jsonb_agg(jsonb_build_object('dept_id', department_id,
                        'dept_name', dept_description, 'empl_rcd', empl_rcd)
                        order by empl_rcd, empl_id) filter (where department_id is not null)
                    """,
                ),
                "job_codes": (
                    "jsonb",
                    """
                    jsonb_agg(jsonb_build_object('job_code', jobcode,
                        'dept_job_title', department_job_title, 'empl_rcd', empl_rcd)
                        order by empl_rcd, empl_id) filter (where jobcode is not null)
                    """,
                ),
                "supervisor_ids": (
                    "jsonb",
                    """
                    jsonb_agg(jsonb_build_object('empl_id', supervisor_id, 'empl_rcd', empl_rcd)
                        order by empl_rcd, empl_id) filter (where supervisor_id is not null)
                    """,
                ),
                "empl_ids": ("jsonb", "to_jsonb(array_agg(distinct empl_id order by empl_id))"),
            },
        ),
        Input("mcom", MCOMMUNITY_USERS, on="uniqname", order=("uid_number", "external_id")),
        Input(
            "ad",
            AD_USERS,
            on="uniqname",
            order=("coalesce(user_account_control, 0) & 2", "ad_user_guid"),
        ),
        Input(
            "award",
            LAB_AWARDS,
            on="person_uniqname",
            order=("silver.is_pi_role(person_role) desc", "award_id", "external_id"),
            enrichment_only=True,
        ),
        Input(
            "unit",
            AD_UNITS,
            on="extracted_uniqname",
            order=("depth_category = 'potential_lab' desc", "external_id"),
            enrichment_only=True,
        ),
    ),
    lookups=(
        Lookup("tdx_account", TDX_DEPARTMENTS, key="tdx_id", match="tdx.default_account_id"),
        Lookup("tdx_boss", TDX_USERS, key="tdx_user_uid", match="tdx.reports_to_uid"),
        # Any appointment of the supervisor names the person; the first that has the uniqname.
        Lookup(
            "boss",
            UMAPI_EMPLOYEES,
            key="empl_id",
            match="umapi.supervisor_id",
            order=("uniqname is null", "empl_rcd", "external_id"),
        ),
    ),
    parts=(
        Children(
            "former",
            FORMER_UNIQNAMES,
            on="uniqname",
            totals={
                "names": (
                    "jsonb",
                    "jsonb_agg(former_uniqname order by left_at desc, former_uniqname)"
                    " filter (where not is_conflict)",
                ),
                "since": ("timestamptz", "max(left_at) filter (where not is_conflict)"),
                "evidence": (
                    "jsonb",
                    "(array_agg(evidence order by left_at desc, former_uniqname)"
                    " filter (where not is_conflict))[1]",
                ),
                "is_under_way": ("boolean", "bool_or(is_under_way)"),
                "is_conflict": ("boolean", "bool_or(is_conflict)"),
            },
        ),
        Children(
            "parted",
            FORMER_UNIQNAMES,
            on="former_uniqname",
            totals={
                "is_conflict": ("boolean", "bool_or(is_conflict)"),
                "is_reused": ("boolean", "bool_or(is_reused and not is_conflict)"),
            },
        ),
    ),
    renames=FORMER_UNIQNAMES,
    columns=(
        Expression(
            "former_uniqnames",
            "jsonb",
            "coalesce(former.names, '[]')",
            personal=True,
            about="uniqnames that the person had before, the last one first",
        ),
        Expression(
            "uniqname_since",
            "timestamptz",
            "former.since",
            about="when the first system had the person under this uniqname; NULL: always had it",
        ),
        Expression(
            "uniqname_evidence",
            "jsonb",
            "former.evidence",
            about="kinds of identifiers that had the last two uniqnames, the best first",
        ),
        Coalesce(
            "first_name",
            "text",
            ("tdx.first_name", "umapi.first_name", "mcom.first_name", "ad.first_name"),
            personal=True,
        ),
        Coalesce(
            "last_name",
            "text",
            ("tdx.last_name", "umapi.last_name", "mcom.last_name", "ad.last_name"),
            personal=True,
        ),
        Coalesce(
            "full_name",
            "text",
            (
                ("last_name, first_name", f"{_LAST_NAME} || ', ' || {_FIRST_NAME}"),
                "mcom.full_name",
                "ad.full_name",
                "tdx.full_name",
                "umapi.full_name",
                ("last_name, first_name", f"coalesce({_LAST_NAME}, {_FIRST_NAME})"),
            ),
            personal=True,
            about="Last, First of this row when both are known, else the name the systems show;"
            " whoever has one name is called by it",
        ),
        Coalesce(
            "preferred_name", "text", ("tdx.preferred_name", "mcom.preferred_name"), personal=True
        ),
        Coalesce(
            "primary_email",
            "text",
            ("tdx.primary_email", "mcom.primary_email", "ad.primary_email"),
            personal=True,
        ),
        Coalesce(
            "work_phone",
            "text",
            ("tdx.work_phone", "umapi.work_phone", "mcom.work_phone", "ad.work_phone"),
            personal=True,
        ),
        Coalesce(
            "work_phone_extension",
            "text",
            (("umapi", "case when tdx.work_phone is null then umapi.work_phone_extension end"),),
            personal=True,
            about="only with a number of the gateway: it is no extension of any other",
        ),
        Coalesce("mobile_phone", "text", ("tdx.mobile_phone", "ad.mobile_phone"), personal=True),
        _of_address(
            "work_address_line1",
            "work_address",
            about="an address comes whole from one system: the gateway, or TDX if that has none",
        ),
        _of_address("work_address_line2"),
        _of_address("work_address_line3"),
        _of_address("work_city", "work_city"),
        _of_address("work_state", "work_state"),
        _of_address("work_postal_code", "work_zip"),
        _of_address("work_country", "work_country"),
        Coalesce(
            "department_id",
            "text",
            ("umapi.department_id", ("tdx", "tdx_account.dept_code")),
            about="code of the first appointment's department, else of the TDX account's",
        ),
        Coalesce(
            "department_name",
            "text",
            (
                "umapi.dept_description",
                ("tdx", "case when umapi.department_id is null then tdx.default_account_name end"),
            ),
            about="from the system that department_id is from",
        ),
        Coalesce(
            "department_ids",
            "jsonb",
            (("umapi", "umapi_all.department_ids"),),
            about="of all appointments: [{dept_id, dept_name, empl_rcd}]; NULL without any",
        ),
        Coalesce(
            "job_title",
            "text",
            (
                "umapi.university_job_title",
                "umapi.department_job_title",
                "mcom.job_title",
                "tdx.job_title",
                "ad.job_title",
            ),
        ),
        Coalesce("department_job_title", "text", ("umapi.department_job_title",)),
        Coalesce("primary_job_code", "text", ("umapi.jobcode",)),
        Coalesce(
            "job_codes",
            "jsonb",
            (("umapi", "umapi_all.job_codes"),),
            about="[{job_code, dept_job_title, empl_rcd}]",
        ),
        Coalesce("primary_supervisor_id", "text", ("umapi.supervisor_id",), personal=True),
        Coalesce(
            "primary_supervisor_uniqname",
            "text",
            (
                ("umapi", _present("umapi_employees", "boss")),
                ("tdx", _present("tdx_users", "tdx_boss")),
            ),
            personal=True,
            about="of whom the first appointment names, else of whom TDX says they report to",
        ),
        Coalesce(
            "supervisor_ids",
            "jsonb",
            (("umapi", "umapi_all.supervisor_ids"),),
            personal=True,
            about="[{empl_id, empl_rcd}]",
        ),
        Coalesce("umich_empl_id", "text", ("umapi.empl_id",), personal=True),
        Coalesce(
            "umich_empl_ids",
            "jsonb",
            (("umapi", "umapi_all.empl_ids"),),
            personal=True,
        ),
        Coalesce("reports_to_uid", "uuid", ("tdx.reports_to_uid",), personal=True),
        Expression(
            "is_active",
            "boolean",
            _IS_ACTIVE,
            about="active in TDX, or has an appointment, or an affiliation other than alumni, "
            "or an AD account that is enabled and not just that of an alumnus",
        ),
        Expression(
            "is_employee",
            "boolean",
            "umapi.empl_id is not null or coalesce(tdx.is_employee, false)",
            about="has an appointment, or is an employee in TDX",
        ),
        Coalesce(
            "is_pi",
            "boolean",
            (
                ("award", "nullif(silver.is_pi_role(award.person_role), false)"),
                ("unit", "nullif(unit.depth_category = 'potential_lab', false)"),
                ("assumed", "false"),
            ),
            about="leads a lab: principal investigator (not co-) of an award, or namesake of an "
            "organizational unit where labs are",
        ),
        Coalesce("tdx_user_uid", "uuid", ("tdx.tdx_user_uid",), personal=True),
        Coalesce("tdx_external_id", "text", ("tdx.tdx_external_id",), personal=True),
        Coalesce("tdx_beid", "text", ("tdx.beid",), personal=True),
        Coalesce("tdx_security_role_id", "uuid", ("tdx.security_role_id",)),
        Coalesce("tdx_security_role_name", "text", ("tdx.security_role_name",)),
        Coalesce("tdx_is_employee", "boolean", ("tdx.is_employee",)),
        Coalesce("tdx_is_confidential", "boolean", ("tdx.is_confidential",)),
        Coalesce("tdx_group_ids", "jsonb", ("tdx.group_ids",)),
        Coalesce("ad_object_guid", "uuid", ("ad.ad_user_guid",), personal=True),
        Coalesce("ad_object_sid", "text", ("ad.object_sid",), personal=True),
        Coalesce("ad_sam_account_name", "text", ("ad.sam_account_name",), personal=True),
        Coalesce("ad_group_memberships", "jsonb", ("ad.member_of",)),
        Coalesce("ad_primary_group_id", "integer", ("ad.primary_group_id",)),
        Coalesce("ad_ou_root", "text", ("ad.ou_root",)),
        Coalesce("ad_ou_organization", "text", ("ad.ou_organization",)),
        Coalesce("ad_ou_department", "text", ("ad.ou_department",)),
        Coalesce("ad_ou_full_path", "jsonb", ("ad.ou_full_path",)),
        Coalesce("ad_parent_ou_dn", "text", ("ad.parent_ou_dn",)),
        Coalesce(
            "ad_account_disabled",
            "boolean",
            (("ad", f"case when ad.ad_user_guid is not null then {AD_DISABLED} end"),),
            about="userAccountControl bit 2; NULL without an account",
        ),
        Coalesce(
            "ad_account_locked",
            "boolean",
            (("ad", "case when ad.ad_user_guid is not null then ad.lockout_time is not null end"),),
            about="has a lockout time; AD clears it at the next logon, not when the lock runs out",
        ),
        Coalesce(
            "ad_last_logon_timestamp",
            "timestamptz",
            ("ad.last_logon_timestamp",),
            about="exact to two weeks",
        ),
        Coalesce("ad_pwd_last_set", "timestamptz", ("ad.pwd_last_set",)),
        Coalesce("ldap_uid_number", "bigint", ("mcom.uid_number", "ad.uid_number"), personal=True),
        Coalesce("ldap_gid_number", "bigint", ("mcom.gid_number", "ad.gid_number")),
        Coalesce("home_directory", "text", ("mcom.home_directory",), personal=True),
        Coalesce("login_shell", "text", ("mcom.login_shell",)),
        Coalesce("mcommunity_ou_affiliations", "jsonb", ("mcom.ou",)),
    ),
    rules=USER_RULES,
    bonus=USER_BONUS,
    # Two thirds are alumni that only MCommunity, or it and AD, know (domain/hub.md 1.3).
    expected=Expected(mean=0.55, low_share=0.75),
)
