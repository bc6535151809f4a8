"""Who answers for an asset: a team for each area of the hub and for each other product.

Streams are named by what they are records of (`user`), silver tables by their names.
"""

from __future__ import annotations

_AREAS = {
    "people": {
        "user",
        *("tdx_users", "umapi_employees", "mcommunity_users", "ad_users"),
        *("users", "uniqname_evidence", "former_uniqnames"),
    },
    "units": {
        *("department", "organizational_unit"),
        *("tdx_departments", "umapi_departments", "departments", "department_name_matches"),
        *("ad_units", "ad_organizational_units"),
    },
    "groups": {
        *("group", "mcommunity_groups", "ad_groups"),
        *("groups", "group_members", "group_owners", "computer_groups"),
    },
    "machines": {
        *("asset", "computer", "tdx_assets", "ad_computers"),
        *("keyconfigure_cards", "keyconfigure_computers"),
        *("computers", "computer_matches", "computer_records"),
    },
    "labs": {
        *("lab_award", "lab_awards", "labs", "lab_names"),
        *("lab_members", "lab_managers", "lab_computers"),
    },
    "operations": {"meta"},
    "prices": {"mrf"},
    "worlds": {"retail", "jobs", "studio", "campus"},
}
_TEAMS = {name: f"team:lsats-{area}" for area, names in _AREAS.items() for name in names}


def owners(name: str) -> list[str]:
    """The owners of a stream by its kind of record, of a silver table, or of a product.

    What is in no area yet, a source that was just added, belongs to the hub as a whole.
    """
    return [_TEAMS.get(name, "team:lsats-data")]
