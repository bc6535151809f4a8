"""Organizational units of the two branches with labs, as Active Directory knows them.

`ad_organizational_units` adds what is in them (domain/hub.md 4.11; 1.4, "OU facts").
"""

from __future__ import annotations

from lsats_pipeline.hub.silver.parsers import BIGINT, FIRST, INTEGER, LIST, TIME, UUID
from lsats_pipeline.hub.silver.spec import Column, Computed, Expected, QualityRule, StagingTable
from lsats_pipeline.hub.silver.tables.ou_columns import (
    DN_KEY,
    OU_STEPS,
    PARENT_DN_KEY,
    ou_columns,
)
from lsats_pipeline.hub.sources.active_directory.streams import ORGANIZATIONAL_UNIT

_VOLATILE = "as of the unit's last real change"
_LABS = "'Research and Instrumentation'"

# Of the unit by itself, and of the unit with what is in it.
CONFLICT_UNIT = QualityRule(
    "conflict_object",
    0.10,
    "strpos(ou_name, 'CNF:') > 0",
    about="left over when two domain controllers created the same name",
)

AD_UNITS = StagingTable(
    "ad_units",
    stream=ORGANIZATIONAL_UNIT,
    key=("object_guid",),
    indexes=("dn_key", "parent_dn_key", "extracted_uniqname"),
    about="Organizational units by themselves; ad_organizational_units knows what is in them.",
    columns=(
        Column("object_guid", UUID, "objectGUID"),
        Column("distinguished_name", FIRST, "distinguishedName", personal=True, otherwise="dn"),
        Column("ou_name", FIRST, "ou", personal=True, otherwise="name"),
        Column("name", FIRST, "name", personal=True),
        Column("description", FIRST, "description", personal=True),
        Column("managed_by", FIRST, "managedBy", personal=True, about="distinguished name"),
        Column("gp_link", FIRST, "gPLink"),
        Column("gp_options", FIRST, "gPOptions"),
        Column("object_category", FIRST, "objectCategory"),
        Column("object_class", LIST, "objectClass"),
        Column("instance_type", INTEGER, "instanceType"),
        Column("system_flags", INTEGER, "systemFlags"),
        Column("when_created", TIME, "whenCreated"),
        Column("when_changed", TIME, "whenChanged", about=_VOLATILE),
        Column("usn_created", BIGINT, "uSNCreated"),
        Column("usn_changed", BIGINT, "uSNChanged", about=_VOLATILE),
        Column("ds_core_propagation_data", LIST, "dSCorePropagationData", about=_VOLATILE),
    ),
    steps=OU_STEPS,
    computed=(
        *ou_columns(parent="ous[2]"),
        DN_KEY,
        PARENT_DN_KEY,
        Computed(
            "depth_category",
            "text",
            f"""
            case
                when cardinality(ous) >= 8 then 'potential_lab'
                when silver.ou_at(ous, 4) = {_LABS} then
                    case cardinality(ous) when 7 then 'department' when 6 then 'region'
                        else 'high_level' end
                when silver.ou_at(ous, 4) = 'Workstations' then
                    case cardinality(ous) when 7 then 'lab_grouping' when 6 then 'department'
                        when 5 then 'region' else 'high_level' end
                when cardinality(ous) >= 6 then 'department'
                else 'high_level'
            end
            """,
            origin="distinguishedName",
            about="what the depth says in its branch",
        ),
        Computed(
            "extracted_uniqname",
            "text",
            """
            coalesce(
                lower(substring(ou_name from '(?i)^([a-z]{3,8})-lab$')),
                nullif(lower(substring(ou_name from '(?i)^[a-z]{2,6}-([a-z]{3,8})$')), 'lab'),
                lower(substring(ou_name from '(?i)^([a-z]{3,8})$')))
            """,
            origin="ou, name",
            personal=True,
            about="xyz of xyz-lab, dept-xyz or xyz; whether there is such a person is for `users`",
        ),
        Computed(
            "name_patterns",
            "jsonb",
            """
            jsonb_build_object(
                'dept_uniqname', ou_name ~* '^[a-z]{2,6}-[a-z]{3,8}$',
                'uniqname_only', ou_name ~* '^[a-z]{3,8}$',
                'lab_suffix', ou_name ~* 'lab$',
                'has_hyphen', strpos(ou_name, '-') > 0)
            """,
            origin="ou, name",
        ),
    ),
    rules=(CONFLICT_UNIT,),
    expected=Expected(mean=0.95, low_share=0.01),
)
