"""Groups as the MCommunity directory knows them (domain/hub.md 4.7).

Members and owners are people (`uid=...`) and groups (`cn=...`), as distinguished names.
"""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import BIGINT, BOOLEAN, DIRECTORY_TIME, FIRST, LIST
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.silver.tables.ou_columns import DN_KEY
from lsats_pipeline.hub.sources.mcommunity.streams import GROUP

_DNS = "distinguished names"

MCOMMUNITY_GROUPS = StagingTable(
    "mcommunity_groups",
    stream=GROUP,
    key=("gid_number",),
    indexes=("dn_key",),
    about="Groups that people make for themselves: mailing lists, access lists.",
    columns=(
        Column("gid_number", BIGINT, "gidNumber"),
        Column("group_name", FIRST, "cn", personal=True, about="the first of its names"),
        Column("aliases", LIST, "cn", personal=True, about="all of its names"),
        Column(
            "group_email", FIRST, "umichGroupEmail", personal=True, about="without the mail domain"
        ),
        Column("distinguished_name", FIRST, "dn", personal=True),
        Column("description", FIRST, "umichDescription", personal=True, otherwise="description"),
        Column("is_private", BOOLEAN, "umichPrivate"),
        Column("is_members_only", BOOLEAN, "membersonly", otherwise="Membersonly"),
        Column("is_joinable", BOOLEAN, "joinable"),
        Column("expiry_timestamp", DIRECTORY_TIME, "umichExpiryTimestamp"),
        Column("owners", LIST, "owner", personal=True, about=_DNS),
        Column("members", LIST, "member", personal=True, about=f"{_DNS}; whoever it reaches"),
        Column("direct_members", LIST, "umichDirectMember", personal=True, about=_DNS),
        Column(
            "nested_members",
            LIST,
            "umichDirectGroupMember",
            personal=True,
            about=f"{_DNS} of the groups directly in it",
        ),
        Column("requests_to", LIST, "requestsTo", personal=True, about=_DNS),
        Column("telephone_number", FIRST, "telephoneNumber", personal=True),
        Column("facsimile_telephone_number", FIRST, "facsimileTelephoneNumber", personal=True),
        Column("postal_address", FIRST, "umichPostalAddress", personal=True),
        Column("labeled_uri", FIRST, "labeledUri", personal=True),
    ),
    computed=(
        Computed(
            "group_key",
            "text",
            "lower(group_name)",
            origin="cn",
            personal=True,
            about="the name in lower case, the same for both directories",
        ),
        DN_KEY,
        Computed(
            "contact_info",
            "jsonb",
            """
            jsonb_strip_nulls(jsonb_build_object(
                'telephone', telephone_number, 'fax', facsimile_telephone_number,
                'address', postal_address, 'uri', labeled_uri))
            """,
            origin="telephoneNumber, facsimileTelephoneNumber, umichPostalAddress, labeledUri",
            personal=True,
            about="the ways of contact that are filled in",
        ),
    ),
    rules=(
        QualityRule("missing_group_name", 0.30, "group_name is null", about="cannot be joined"),
        QualityRule("missing_group_email", 0.10, "group_email is null"),
        QualityRule("missing_description", 0.05, "description is null"),
        QualityRule("missing_owner", 0.05, "owners = '[]'", about="nobody looks after it"),
        QualityRule(
            "no_members",
            0,
            "members = '[]' and direct_members = '[]' and nested_members = '[]'",
        ),
    ),
    expected=Expected(mean=0.90, low_share=0.01),
)
