"""Names by which groups, folders and machines are a lab's (decision 31).

users (leaders), former_uniqnames ──▶ lab_names ──▶ lab_members, labs, lab_computers
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.users import USERS

_PAST: LiteralString = "former_uniqname, uniqname, is_conflict, is_reused, is_latest, left_at"
# Leaders, and whoever had or may have one name with somebody that changed.
_CHANGED_KEYS: LiteralString = f"""
with person as ({different("users", "uniqname, is_pi")}),
renamed as ({different("former_uniqnames", _PAST)})
select uniqname from person
union
select uniqname from renamed
union
select past.uniqname
from silver.former_uniqnames as past
where past.former_uniqname in (
    select uniqname from person union select former_uniqname from renamed)
"""

LAB_NAMES = SqlModel(
    "lab_names",
    identity="lab_name_id",
    scope="lab_id",
    key=("lab_name_id",),
    indexes=("name",),
    upstream=(USERS, FORMER_UNIQNAMES),
    query=Path(__file__).with_suffix(".sql"),
    scopes="select uniqname from silver.users where is_pi",
    changed_keys=_CHANGED_KEYS,
    about="Uniqnames by which things are named that are a lab's: its leader's, and former ones.",
    columns=(
        SqlColumn("lab_name_id", "text", personal=True, about="lab_id/name"),
        SqlColumn("lab_id", "text", "users.uniqname", personal=True),
        SqlColumn(
            "name", "text", "users.uniqname, former_uniqnames.former_uniqname", personal=True
        ),
        SqlColumn("is_former", "boolean", about="the leader has another uniqname by now"),
    ),
    expected=Expected(mean=1.0, low_share=0.0),
)
