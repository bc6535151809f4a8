"""What lowers the quality of a person's row in `users`, and what raises it.

`tdx`, `umapi`, `mcom`, `ad` are the inputs of the table, `merged` its columns.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Bonus, QualityRule

# Those that make people known; what they leave open is missing only where one of them is read.
SYSTEMS_OF_PEOPLE = ("tdx", "umich_api", "mcommunity_ldap", "active_directory")
_WITH_EMAIL = ("tdx", "mcommunity_ldap", "active_directory")
AD_DISABLED: LiteralString = "(coalesce(ad.user_account_control, 0) & 2 = 2)"

USER_RULES = (
    QualityRule("missing_email", 0.25, "merged.primary_email is null", sources=_WITH_EMAIL),
    QualityRule(
        "missing_name",
        0.20,
        "merged.first_name is null or merged.last_name is null",
        sources=SYSTEMS_OF_PEOPLE,
    ),
    QualityRule(
        "missing_department", 0.15, "merged.department_id is null", sources=("tdx", "umich_api")
    ),
    QualityRule(
        "missing_job_title",
        0.10,
        "merged.job_title is null and not merged.is_pi",
        about="whoever leads a lab does without",
        sources=SYSTEMS_OF_PEOPLE,
    ),
    QualityRule(
        "not_umapi_employee",
        0.10,
        "umapi.empl_id is null",
        about="no appointment",
        sources=("umich_api",),
    ),
    QualityRule("ad_disabled", 0.10, f"ad.ad_user_guid is not null and {AD_DISABLED}"),
    QualityRule("no_tdx_record", 0.05, "tdx.tdx_user_uid is null", sources=("tdx",)),
    QualityRule(
        "mcom_only",
        0.15,
        "num_nonnulls(tdx.tdx_user_uid, umapi.empl_id, ad.ad_user_guid) = 0",
        about="only MCommunity knows the person",
        sources=("tdx", "umich_api", "active_directory"),
    ),
    QualityRule(
        "duplicate_tdx_account",
        0.05,
        "tdx_all.accounts > 1",
        about="several TDX accounts; the active one with the smallest UID speaks",
    ),
    QualityRule(
        "renamed", 0, "merged.former_uniqnames <> '[]'", about="had another uniqname before"
    ),
    QualityRule(
        "rename_under_way",
        0,
        "coalesce(former.is_under_way, false)",
        about="some systems still have the person under the former uniqname",
    ),
    QualityRule(
        "reused_uniqname",
        0,
        "coalesce(parted.is_reused, false)",
        about="somebody else had this uniqname before",
    ),
    QualityRule(
        "identity_conflict",
        0,
        "coalesce(former.is_conflict, false) or coalesce(parted.is_conflict, false)",
        about="identifiers point to different people, so two uniqnames stay two people",
    ),
    # least and greatest pass over what is missing, so they differ only if two values do.
    QualityRule(
        "email_disagreement",
        0.05,
        """
        least(lower(tdx.primary_email), lower(mcom.primary_email),
            lower(ad.primary_email))
        <> greatest(lower(tdx.primary_email), lower(mcom.primary_email),
            lower(ad.primary_email))
        """,
    ),
    QualityRule(
        "name_disagreement",
        0.05,
        """
        least(silver.name_key(tdx.last_name), silver.name_key(umapi.last_name),
            silver.name_key(mcom.last_name), silver.name_key(ad.last_name))
        <> greatest(silver.name_key(tdx.last_name), silver.name_key(umapi.last_name),
            silver.name_key(mcom.last_name), silver.name_key(ad.last_name))
        """,
        about="last names",
    ),
    QualityRule(
        "department_disagreement",
        0.05,
        "tdx_account.dept_code <> umapi.department_id",
        about="TDX account and first appointment are in different departments",
    ),
)
USER_BONUS = Bonus(
    0.10,
    {
        "tdx": "tdx.tdx_user_uid",
        "umich_api": "umapi.empl_id",
        "mcommunity_ldap": "mcom.uniqname",
        "active_directory": "ad.ad_user_guid",
    },
)
