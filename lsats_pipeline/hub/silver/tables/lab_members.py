"""Members of labs (domain/hub.md 5.8): the people of the groups that are a lab's, and its leader.

users (leaders, people), lab_names, groups, group_members, group_owners, lab_awards ──▶ lab_members
former_uniqnames: whose an award is that goes by a former uniqname
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.changes import different, written
from lsats_pipeline.hub.silver.tables.former_uniqnames import FORMER_UNIQNAMES
from lsats_pipeline.hub.silver.tables.group_members import GROUP_MEMBERS
from lsats_pipeline.hub.silver.tables.group_owners import GROUP_OWNERS
from lsats_pipeline.hub.silver.tables.groups import GROUPS
from lsats_pipeline.hub.silver.tables.lab_awards import LAB_AWARDS
from lsats_pipeline.hub.silver.tables.lab_names import LAB_NAMES
from lsats_pipeline.hub.silver.tables.user_quality import SYSTEMS_OF_PEOPLE
from lsats_pipeline.hub.silver.tables.users import USERS

_PERSON: LiteralString = (
    "uniqname, first_name, last_name, full_name, job_title, department_id, department_name, is_pi"
)

# Leaders that changed; labs of people that changed, of groups that changed, and those that a group
# is of now; leaders of awards that changed. Every lab has a row here, its leader's.
_CHANGED_KEYS: LiteralString = f"""
with person as ({different("users", _PERSON)}),
changed (group_key) as (
    select group_key
    from ({different("groups", "group_key, group_id, group_name, ou_full_path")}) as known
    union
    select group_key
    from ({different("group_members", "group_key, member_type, member_uniqname")}) as member
    union
    select group_key from ({different("group_owners", "group_key, owner_uniqname")}) as owner
),
known as (select * from silver.groups join changed using (group_key)),
hint (name) as (
    select owner_uniqname from silver.group_owners join changed using (group_key)
    union
    select lower(unit.name) from known
    cross join lateral jsonb_array_elements_text(ou_full_path) as unit (name)
),
word (word) as (
    select unnest(silver.words(concat_ws(' ', group_id, group_name))) from known
),
renamed as ({different("former_uniqnames", "former_uniqname, uniqname, records")}),
awarded (name) as (
    select person_uniqname from silver.lab_awards
    where award_id in ({written("lab_awards", "award_id")})
        or award_id in (
            select award.award_id
            from renamed
            join silver.lab_awards as award on award.person_uniqname = renamed.former_uniqname)
    union
    {written("lab_awards", "person_uniqname")}
)
select uniqname from person join silver.users using (uniqname) where silver.users.is_pi
union
select lab_id from silver.lab_members
where member_uniqname in (select uniqname from person)
union
select lab_id from silver.lab_members
cross join lateral jsonb_array_elements_text(source_group_ids) as source (group_id)
where lower(btrim(source.group_id)) in (select group_key from changed)
union
select lab_id from silver.lab_names
where name in (select name from hint) or lab_id in (select name from hint)
    or silver.first_word(name) in (select word from word)
union
select lab_id from ({different("lab_names", "lab_id, name")}) as called
union
select uniqname from renamed
union
select name from awarded
union
select uniqname from silver.former_uniqnames where former_uniqname in (select name from awarded)
"""

LAB_MEMBERS = SqlModel(
    "lab_members",
    identity="lab_member_id",
    scope="lab_id",
    key=("lab_id", "member_uniqname"),
    indexes=("member_uniqname",),
    upstream=(
        USERS,
        FORMER_UNIQNAMES,
        LAB_NAMES,
        GROUPS,
        GROUP_MEMBERS,
        GROUP_OWNERS,
        LAB_AWARDS,
    ),
    query=Path(__file__).with_suffix(".sql"),
    fragments={"award_people": Path(__file__).with_name("award_people.sql")},
    scopes="select uniqname from silver.users where is_pi",
    changed_keys=_CHANGED_KEYS,
    about="People of a lab: members of its groups (up to 200 people), and always its leader.",
    columns=(
        SqlColumn("lab_member_id", "text", about="lab_id/member_uniqname"),
        SqlColumn(
            "lab_id", "text", "users.uniqname", personal=True, about="uniqname of the leader"
        ),
        SqlColumn("member_uniqname", "text", "group_members.member_uniqname", personal=True),
        SqlColumn("member_first_name", "text", "users.first_name", personal=True),
        SqlColumn("member_last_name", "text", "users.last_name", personal=True),
        SqlColumn("member_full_name", "text", "users.full_name", personal=True),
        SqlColumn("member_role", "text", "users.job_title", about="the job title"),
        SqlColumn("member_department_id", "text", "users.department_id"),
        SqlColumn("member_department_name", "text", "users.department_name"),
        SqlColumn("is_pi", "boolean", "users.is_pi", about="leads this lab"),
        SqlColumn(
            "is_investigator",
            "boolean",
            "lab_awards.person_role",
            about="is some investigator, beside the leader, on an award that the leader leads",
        ),
        SqlColumn(
            "award_role",
            "text",
            "lab_awards.person_role",
            about="the part in awards that the leader leads; the weightiest of several",
        ),
        SqlColumn("source_award_ids", "jsonb", "lab_awards.award_id", about="those awards"),
        SqlColumn(
            "source_group_ids",
            "jsonb",
            "groups.group_id, group_owners.owner_uniqname, groups.ou_full_path",
            about="the groups: owned by the leader, in a unit of their name, or bearing it",
        ),
        SqlColumn("silver_user_exists", "boolean", "users.uniqname", about="the hub knows them"),
        SqlColumn(
            "is_manager_candidate",
            "boolean",
            "users.job_title, users.department_name",
            about="may manage the lab: has a title, none of a professor or chief administrator,"
            " and is not of an administrative department",
        ),
    ),
    rules=(
        QualityRule(
            "unknown_person",
            0.30,
            "not silver_user_exists",
            about="no system but the group has them",
        ),
        QualityRule("missing_role", 0.10, "member_role is null", sources=SYSTEMS_OF_PEOPLE),
        QualityRule(
            "missing_department", 0.10, "member_department_id is null", sources=("tdx", "umich_api")
        ),
        QualityRule(
            "no_groups",
            0.0,
            "source_group_ids = '[]'",
            about="a leader that no group names",
            sources=("active_directory", "mcommunity_ldap"),
        ),
    ),
    expected=Expected(mean=0.70, low_share=0.40),
)
