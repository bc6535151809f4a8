"""People's accounts as Active Directory knows them (domain/hub.md 4.8)."""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.parsers import (
    BIGINT,
    FIRST,
    FIRST_NAME,
    INTEGER,
    LIST,
    TIME,
    UUID,
)
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.silver.tables.account_kinds import (
    ACCOUNT_KIND,
    CLASS_UNREADABLE,
    IS_PERSON,
)
from lsats_pipeline.hub.silver.tables.ou_columns import OU_STEPS, ou_columns
from lsats_pipeline.hub.sources.active_directory.streams import USER

# These move all the time, so bronze does not land a record for their sake.
_VOLATILE = "as of the account's last real change"

_UNIQNAME: LiteralString = """
    case
        when strpos(cn, 'CNF:') > 0 then lower(cn)
        else coalesce(silver.uniqname(account), lower(account))
    end
"""

AD_USERS = StagingTable(
    "ad_users",
    stream=USER,
    key=("ad_user_guid",),
    indexes=("dn_name",),
    about="Accounts of people; replication conflicts and service accounts among them carry a flag."
    " Contacts, trusts between domains and the accounts of services and computers are not here.",
    columns=(
        Column("ad_user_guid", UUID, "objectGUID", personal=True),
        Column("first_name", FIRST_NAME, "givenName", personal=True),
        Column("last_name", FIRST_NAME, "sn", personal=True),
        Column("name", FIRST, "name", personal=True),
        Column("cn", FIRST, "cn", personal=True),
        Column("display_name", FIRST_NAME, "displayName", personal=True),
        Column("initials", FIRST, "initials", personal=True),
        Column("sam_account_name", FIRST, "sAMAccountName", personal=True),
        Column("uid", FIRST, "uid", personal=True),
        Column("mail_nickname", FIRST, "mailNickname", personal=True),
        Column("user_principal_name", FIRST, "userPrincipalName", personal=True),
        Column("distinguished_name", FIRST, "distinguishedName", personal=True),
        Column("primary_email", FIRST, "mail", personal=True),
        Column("proxy_addresses", LIST, "proxyAddresses", personal=True),
        Column("work_phone", FIRST, "telephoneNumber", personal=True),
        Column("mobile", FIRST, "mobile", personal=True),
        Column("other_mobile", FIRST, "otherMobile", personal=True),
        Column("facsimile_telephone_number", FIRST, "facsimileTelephoneNumber", personal=True),
        Column("street_address", FIRST, "streetAddress", personal=True),
        Column("title", FIRST, "title"),
        Column("description", FIRST, "description", personal=True),
        Column("department", FIRST, "department"),
        Column("employee_type", FIRST, "employeeType"),
        Column("umichad_ou", LIST, "umichadOU"),
        Column("umichad_role", LIST, "umichadRole"),
        Column("user_account_control", INTEGER, "userAccountControl", about="bit 2: disabled"),
        Column("account_expires", TIME, "accountExpires", about="NULL: never"),
        Column("pwd_last_set", TIME, "pwdLastSet"),
        Column("last_logon", TIME, "lastLogon", about=_VOLATILE),
        Column(
            "last_logon_timestamp",
            TIME,
            "lastLogonTimestamp",
            about="exact to two weeks, the same on every domain controller",
        ),
        Column("last_logoff", TIME, "lastLogoff", about=_VOLATILE),
        Column("bad_pwd_count", INTEGER, "badPwdCount", about=_VOLATILE),
        Column("bad_password_time", TIME, "badPasswordTime", about=_VOLATILE),
        Column("logon_count", INTEGER, "logonCount", about=_VOLATILE),
        Column("lockout_time", TIME, "lockoutTime", about="NULL: not locked out"),
        Column("object_sid", FIRST, "objectSid", personal=True),
        Column("sid_history", LIST, "sIDHistory", personal=True),
        Column("when_created", TIME, "whenCreated"),
        Column("when_changed", TIME, "whenChanged", about=_VOLATILE),
        Column("usn_created", BIGINT, "uSNCreated"),
        Column("usn_changed", BIGINT, "uSNChanged", about=_VOLATILE),
        Column("object_class", LIST, "objectClass"),
        Column("object_category", FIRST, "objectCategory"),
        Column("sam_account_type", INTEGER, "sAMAccountType"),
        Column("instance_type", INTEGER, "instanceType"),
        Column("member_of", LIST, "memberOf"),
        Column("primary_group_id", INTEGER, "primaryGroupID"),
        Column("uid_number", BIGINT, "uidNumber", personal=True),
        Column("gid_number", BIGINT, "gidNumber"),
        Column("home_directory", FIRST, "homeDirectory", personal=True),
        Column("home_drive", FIRST, "homeDrive"),
        Column("login_shell", FIRST, "loginShell"),
    ),
    steps=OU_STEPS
    | ACCOUNT_KIND
    | {
        "account": """
            coalesce(sam_account_name, uid, mail_nickname,
                nullif(split_part(user_principal_name, '@', 1), ''), cn)
            """,
        "named": "lower(silver.dn_name(distinguished_name))",
    },
    only=IS_PERSON,
    computed=(
        Computed(
            "uniqname",
            "text",
            _UNIQNAME,
            origin="sAMAccountName, uid, mailNickname, userPrincipalName, cn",
            personal=True,
            about="the name of the account: sAMAccountName, else uid, mailNickname, the first part"
            " of userPrincipalName, cn; not a uniqname where a flag says so",
        ),
        Computed(
            "dn_name",
            "text",
            f"nullif(named, {_UNIQNAME})",
            origin="distinguishedName, sAMAccountName",
            personal=True,
            about="the name in the distinguished name, where it is another",
        ),
        Computed("full_name", "text", "display_name", origin="displayName", personal=True),
        Computed("mobile_phone", "text", "mobile", origin="mobile", personal=True),
        Computed("job_title", "text", "title", origin="title"),
        Computed("department_name", "text", "department", origin="department"),
        *ou_columns(among_labs=False),
    ),
    rules=(
        QualityRule("missing_email", 0.05, "primary_email is null"),
        QualityRule("missing_name", 0.05, "first_name is null or last_name is null"),
        QualityRule("account_disabled", 0, "user_account_control & 2 = 2"),
        QualityRule(
            "conflict_object",
            0.10,
            "strpos(cn, 'CNF:') > 0",
            about="left over when two domain controllers created the same name",
        ),
        QualityRule(
            "malformed_uniqname",
            0.05,
            """
            coalesce(strpos(cn, 'CNF:'), 0) = 0
                and coalesce(not silver.is_uniqname(uniqname), true)
            """,
            about="an account of something else than a person",
        ),
        # least and greatest pass over what is missing; a cn that is a person's name says nothing.
        QualityRule(
            "account_name_disagreement",
            0,
            """
            coalesce(strpos(cn, 'CNF:'), 0) = 0 and silver.is_uniqname(uniqname)
                and (least(silver.uniqname(uid), silver.uniqname(mail_nickname),
                        silver.own_uniqname(user_principal_name), silver.uniqname(cn)) <> uniqname
                    or greatest(silver.uniqname(uid), silver.uniqname(mail_nickname),
                        silver.own_uniqname(user_principal_name), silver.uniqname(cn)) <> uniqname)
            """,
            about="uid, mailNickname, userPrincipalName or cn say another than sAMAccountName",
        ),
        CLASS_UNREADABLE,
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
