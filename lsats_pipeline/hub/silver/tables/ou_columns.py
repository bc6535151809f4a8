"""Where a directory object lives: the same columns for users, groups, computers and units.

They read the distinguished name from the root: root, organization type, organization, category,
then in some branches a status, then division, department, subdepartment (functions.sql). A unit's
own name counts, so a folder has the same column for itself and for what is in it. Folders of labs
are called after people, so what may be one of them counts as personal.
"""

from __future__ import annotations

from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Computed

# A table that has these columns takes this step.
OU_STEPS: dict[LiteralString, LiteralString] = {"ous": "silver.dn_ous(distinguished_name)"}


DN_KEY = Computed(
    "dn_key",
    "text",
    "silver.dn_key(distinguished_name)",
    origin="distinguishedName",
    personal=True,
    about="the same for every spelling of the distinguished name",
)
PARENT_DN_KEY = Computed(
    "parent_dn_key",
    "text",
    "silver.dn_key(silver.dn_parent(distinguished_name))",
    origin="distinguishedName",
    personal=True,
    about="dn_key of the unit that holds the object",
)


def ou_columns(
    parent: LiteralString = "ous[1]", *, among_labs: bool = True
) -> tuple[Computed, ...]:
    """The columns; `parent`: the name of the unit that holds the object.

    `among_labs`: whether it may be a folder of a lab, or in one.
    """
    return (
        _column("ou_root", "silver.ou_at(ous, 1)"),
        _column("ou_organization_type", "silver.ou_at(ous, 2)"),
        _column("ou_organization", "silver.ou_at(ous, 3)"),
        _column("ou_category", "silver.ou_at(ous, 4)"),
        _column(
            "ou_status",
            "silver.ou_status(ous)",
            about="Current, Legacy or Staging, in branches that have such a level",
        ),
        _column("ou_division", "silver.ou_at(ous, 5)", personal=among_labs),
        _column("ou_department", "silver.ou_at(ous, 6)", personal=among_labs),
        _column("ou_subdepartment", "silver.ou_at(ous, 7)", personal=among_labs),
        _column("ou_immediate_parent", parent, personal=among_labs),
        _column(
            "ou_full_path",
            "to_jsonb(ous)",
            "jsonb",
            personal=among_labs,
            about="all units, the innermost first",
        ),
        _column("ou_depth", "cardinality(ous)", "integer"),
        _column("parent_ou_dn", "silver.dn_parent(distinguished_name)", personal=among_labs),
    )


def _column(
    name: LiteralString,
    expression: LiteralString,
    sql_type: LiteralString = "text",
    about: str = "",
    personal: bool = False,
) -> Computed:
    return Computed(name, sql_type, expression, "distinguishedName", personal, about)
