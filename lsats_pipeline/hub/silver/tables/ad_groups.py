"""Groups of the college as Active Directory knows them (domain/hub.md 4.9)."""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import BIGINT, FIRST, INTEGER, LIST, TIME, UUID
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.silver.tables.ou_columns import DN_KEY, OU_STEPS, ou_columns
from lsats_pipeline.hub.sources.active_directory.streams import GROUP

_VOLATILE = "as of the group's last real change"

AD_GROUPS = StagingTable(
    "ad_groups",
    stream=GROUP,
    key=("ad_group_guid",),
    indexes=("dn_key",),
    about="Groups of the college; replication conflicts among them carry a flag.",
    columns=(
        Column("ad_group_guid", UUID, "objectGUID"),
        Column("group_name", FIRST, "name", personal=True),
        Column("cn", FIRST, "cn", personal=True),
        Column("sam_account_name", FIRST, "sAMAccountName", personal=True),
        Column("display_name", FIRST, "displayName", personal=True),
        Column("distinguished_name", FIRST, "distinguishedName", personal=True, otherwise="dn"),
        Column("description", FIRST, "description", personal=True),
        Column("info", FIRST, "info", personal=True),
        Column("group_email", FIRST, "mail", personal=True),
        Column("proxy_addresses", LIST, "proxyAddresses", personal=True),
        Column("group_type", INTEGER, "groupType", about="bit 0x80000000: security group"),
        Column("sam_account_type", INTEGER, "sAMAccountType"),
        Column("object_category", FIRST, "objectCategory"),
        Column("object_class", LIST, "objectClass"),
        Column("members", LIST, "member", personal=True, about="distinguished names"),
        Column("member_of", LIST, "memberOf", personal=True, about="distinguished names"),
        Column("managed_by", FIRST, "managedBy", personal=True, about="distinguished name"),
        Column("object_sid", FIRST, "objectSid"),
        Column("sid_history", LIST, "sIDHistory"),
        Column("when_created", TIME, "whenCreated"),
        Column("when_changed", TIME, "whenChanged", about=_VOLATILE),
        Column("usn_created", BIGINT, "uSNCreated"),
        Column("usn_changed", BIGINT, "uSNChanged", about=_VOLATILE),
    ),
    steps=OU_STEPS,
    computed=(
        Computed(
            "group_key",
            "text",
            "case when strpos(cn, 'CNF:') = 0 then lower(cn) end",
            origin="cn",
            personal=True,
            about="the name in lower case, the same for both directories; NULL for conflicts",
        ),
        DN_KEY,
        *ou_columns(),
    ),
    rules=(
        QualityRule(
            "conflict_object",
            0.10,
            "strpos(cn, 'CNF:') > 0",
            about="left over when two domain controllers created the same name",
        ),
        QualityRule("missing_description", 0.05, "description is null"),
        QualityRule("no_members", 0, "members = '[]'"),
    ),
    expected=Expected(mean=0.90, low_share=0.01),
)
