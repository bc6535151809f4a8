"""People as the MCommunity directory knows them (domain/hub.md 4.6).

Directories send several values where one is expected; text columns take the first of them.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.parsers import BIGINT, FIRST, FIRST_NAME, LIST
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.sources.mcommunity.streams import USER

_UNIQNAME: LiteralString = """
    case
        when jsonb_array_length(uids) > 1 and lower(uids::text)::jsonb ? named then named
        else coalesce(silver.uniqname(uids ->> 0), lower(nullif(btrim(uids ->> 0), '')))
    end
"""

MCOMMUNITY_USERS = StagingTable(
    "mcommunity_users",
    stream=USER,
    key=("uniqname",),
    indexes=("dn_name",),
    about="Everybody in the directory: members of the university and, two thirds, alumni.",
    steps={"named": "lower(silver.dn_name(distinguished_name))"},
    columns=(
        Column("uids", LIST, "uid", personal=True, about="as sent"),
        Column("distinguished_name", FIRST, "dn", personal=True),
        Column("first_name", FIRST_NAME, "givenName", personal=True),
        Column("last_name", FIRST_NAME, "sn", personal=True),
        Column("full_name", FIRST_NAME, "displayName", personal=True),
        Column("cn", LIST, "cn", personal=True, about="every name the person is found by"),
        Column("primary_email", FIRST, "mail", personal=True),
        Column("emails", LIST, "mail", personal=True, about="all addresses, as sent"),
        Column("work_phone", FIRST, "telephoneNumber", personal=True),
        Column("umich_title", FIRST, "umichTitle"),
        Column(
            "umich_postal_address",
            FIRST,
            "umichPostalAddress",
            personal=True,
            about="$ separates lines",
        ),
        Column(
            "umich_postal_address_data",
            FIRST,
            "umichPostalAddressData",
            personal=True,
            about="the same as {addr1=...}:{city=...}",
        ),
        Column(
            "ou", LIST, "ou", about='affiliations such as "<unit> - Faculty and Staff", "Alumni"'
        ),
        Column("uid_number", BIGINT, "uidNumber", personal=True),
        Column("gid_number", BIGINT, "gidNumber"),
        Column("home_directory", FIRST, "homeDirectory", personal=True),
        Column("login_shell", FIRST, "loginShell"),
        Column("object_class", LIST, "objectClass"),
    ),
    computed=(
        Computed(
            "uniqname",
            "text",
            _UNIQNAME,
            origin="uid",
            personal=True,
            about="of several, the one in the distinguished name, else the first;"
            " not a uniqname where a flag says so",
        ),
        Computed(
            "dn_name",
            "text",
            f"nullif(named, {_UNIQNAME})",
            origin="dn, uid",
            personal=True,
            about="the name in the distinguished name, where it is another",
        ),
        Computed(
            "preferred_name",
            "text",
            "full_name",
            origin="displayName",
            personal=True,
            about="the name that people choose to be shown by",
        ),
        Computed("job_title", "text", "umich_title", origin="umichTitle"),
        Computed(
            "cn_aliases",
            "jsonb",
            """
            coalesce((
                select jsonb_agg(alias order by place)
                from jsonb_array_elements_text(cn) with ordinality as name (alias, place)
                where alias is distinct from full_name
            ), '[]')
            """,
            origin="cn, displayName",
            personal=True,
            about="the names in cn other than full_name",
        ),
    ),
    rules=(
        QualityRule("missing_email", 0.05, "primary_email is null"),
        QualityRule("missing_name", 0.05, "first_name is null or last_name is null"),
        QualityRule("missing_affiliation", 0.05, "ou = '[]'", about="no ou"),
        QualityRule(
            "alumni_only",
            0,
            """ou <> '[]' and ou <@ '["Alumni"]'""",
            about="every affiliation is that of an alumnus",
        ),
        QualityRule("several_emails", 0, "jsonb_array_length(emails) > 1"),
        QualityRule("malformed_uniqname", 0.05, "not silver.is_uniqname(uniqname)"),
    ),
    expected=Expected(mean=0.95, low_share=0.01),
)
