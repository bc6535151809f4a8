"""What must hold between silver tables. A check is a query for the rows that break it.

rule ─▶ select key, detail ─▶ how many, and the first few ─▶ Result
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from psycopg import sql

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.core.rules import Result, Rule
from lsats_pipeline.hub.silver.sources_in_use import applies
from lsats_pipeline.hub.silver.spec import Name, Sql, Table
from lsats_pipeline.warehouse.database import Connection

SAMPLE = 5


@dataclass(frozen=True)
class CrossCheck(Rule):
    """A rule about a table and its neighbours: `query` selects `key` and `detail` of broken rows.

    `error`: our own, for no state of the sources excuses it; the others say what the sources leave
    open. `sources`: the systems that could say; a site without any of them has nothing to check.
    `personal`: a row may name somebody, so that only the command line shows some.
    """

    table: Name
    query: Sql
    sources: tuple[Name, ...] = field(default=(), kw_only=True)
    personal: bool = field(default=True, kw_only=True)


CROSS_CHECKS: tuple[CrossCheck, ...] = (
    CrossCheck(
        "parent_department_known",
        "departments",
        """
        select child.dept_id as key, 'parent ' || child.parent_dept_id as detail
        from silver.departments as child
        where child.parent_dept_id is not null and not exists (
            select from silver.departments as parent where parent.dept_id = child.parent_dept_id)
        """,
        about="The department above a department is a row too.",
        severity="error",
        personal=False,
    ),
    CrossCheck(
        "user_department_known",
        "users",
        """
        select uniqname as key, 'department ' || department_id as detail
        from silver.users
        where department_id is not null and not exists (
            select from silver.departments as known where known.dept_id = users.department_id)
        """,
        about="The department of a person is a row.",
        threshold=0.02,
    ),
    CrossCheck(
        "supervisor_known",
        "users",
        """
        select uniqname as key, 'supervisor ' || primary_supervisor_uniqname as detail
        from silver.users
        where primary_supervisor_uniqname is not null and not exists (
            select from silver.users as boss
            where boss.uniqname = users.primary_supervisor_uniqname)
        """,
        about="The supervisor of a person is a row.",
        threshold=0.02,
    ),
    CrossCheck(
        "membership_has_group",
        "group_members",
        """
        select group_id || ' / ' || coalesce(member_uniqname, member_group_id) as key,
            'no such group' as detail
        from silver.group_members as member
        where not exists (
            select from silver.groups as known where known.group_id = member.group_id)
        """,
        about="A membership belongs to a group that is a row.",
        severity="error",
    ),
    CrossCheck(
        "member_person_known",
        "group_members",
        """
        select group_id || ' / ' || member_uniqname as key, 'nobody of that name' as detail
        from silver.group_members as member
        where member_uniqname is not null and not exists (
            select from silver.users as person where person.uniqname = member.member_uniqname)
        """,
        about="A person who is a member is a row.",
        sources=("mcommunity_ldap",),  # groups of Active Directory list people that only it knows
        threshold=0.05,
    ),
    CrossCheck(
        "member_group_known",
        "group_members",
        """
        select group_id || ' / ' || member_group_id as key, 'no such group' as detail
        from silver.group_members as member
        where member_group_id is not null and not exists (
            select from silver.groups as nested where nested.group_id = member.member_group_id)
        """,
        about="A group that is a member is a row.",
        threshold=0.05,
    ),
    CrossCheck(
        "group_owner_known",
        "group_owners",
        """
        select group_id || ' / ' || coalesce(owner_uniqname, owner_group_id) as key,
            'nobody of that name' as detail
        from silver.group_owners as owner
        where (owner_uniqname is not null and not exists (
                select from silver.users as person where person.uniqname = owner.owner_uniqname))
            or (owner_group_id is not null and not exists (
                select from silver.groups as nested where nested.group_id = owner.owner_group_id))
        """,
        about="Whoever owns a group is a row.",
        threshold=0.05,
    ),
    CrossCheck(
        "computer_owner_known",
        "computers",
        """
        select computer_id as key,
            'owner ' || coalesce(owner_uniqname, '-') || ', paid by '
                || coalesce(financial_owner_uniqname, '-') as detail
        from silver.computers
        where (owner_uniqname is not null and not exists (
                select from silver.users as person
                where person.uniqname = computers.owner_uniqname))
            or (financial_owner_uniqname is not null and not exists (
                select from silver.users as person
                where person.uniqname = computers.financial_owner_uniqname))
        """,
        about="Whoever owns a computer or pays for it is a row.",
        severity="error",
    ),
    CrossCheck(
        "computer_department_known",
        "computers",
        """
        select computer_id as key, 'department ' || owner_department_id as detail
        from silver.computers
        where owner_department_id is not null and not exists (
            select from silver.departments as known
            where known.dept_id = computers.owner_department_id)
        """,
        about="The department of a computer is a row.",
        severity="error",
        personal=False,
    ),
    CrossCheck(
        "computer_in_source_once",
        "computers",
        """
        select 'TDX asset ' || tdx_asset_id as key, string_agg(computer_id, ', ') as detail
        from silver.computers where tdx_asset_id is not null
        group by tdx_asset_id having count(*) > 1
        union all
        select 'AD ' || ad_object_guid, string_agg(computer_id, ', ')
        from silver.computers where ad_object_guid is not null
        group by ad_object_guid having count(*) > 1
        union all
        select 'KeyConfigure ' || kc_computer_id, string_agg(computer_id, ', ')
        from silver.computers where kc_computer_id is not null
        group by kc_computer_id having count(*) > 1
        """,
        about="A record of a source belongs to one computer.",
        severity="error",
        personal=False,
    ),
    CrossCheck(
        "computer_group_known",
        "computer_groups",
        """
        select computer_id || ' / ' || group_dn as key, 'no such computer' as detail
        from silver.computer_groups as membership
        where not exists (
            select from silver.computers as known
            where known.computer_id = membership.computer_id)
        """,
        about="A computer that is in a group is a row.",
        severity="error",
    ),
    CrossCheck(
        "lab_has_leader",
        "labs",
        """
        select lab_id as key, 'no leader of that name' as detail
        from silver.labs as lab
        where not exists (
            select from silver.users as pi where pi.uniqname = lab.pi_uniqname and pi.is_pi)
        """,
        about="Every lab has a principal investigator, who is a row.",
        severity="error",
    ),
    CrossCheck(
        "leader_has_lab",
        "labs",
        """
        select uniqname as key, 'leads no lab' as detail
        from silver.users as pi
        where is_pi and not exists (select from silver.labs as lab where lab.lab_id = pi.uniqname)
        """,
        about="Every principal investigator has a lab: labs are complete.",
        severity="error",
    ),
    CrossCheck(
        "lab_has_members",
        "labs",
        """
        select lab_id as key, 'no members' as detail
        from silver.labs as lab
        where not exists (
            select from silver.lab_members as member where member.lab_id = lab.lab_id)
        """,
        about="Every lab has members, its leader at least.",
        severity="error",
    ),
    CrossCheck(
        "lab_is_more_than_its_leader",
        "labs",
        """
        select lab_id as key, 'nobody but the leader' as detail
        from silver.labs as lab
        where lab.is_active and not exists (
            select from silver.lab_members as member
            where member.lab_id = lab.lab_id and not member.is_pi)
        """,
        about="An active lab has members besides its leader.",
        sources=("active_directory", "mcommunity_ldap"),
        threshold=0.50,
    ),
    CrossCheck(
        "lab_has_department",
        "labs",
        """
        select lab_id as key, coalesce(primary_department_id, 'no department') as detail
        from silver.labs as lab
        where not exists (
            select from silver.departments as known
            where known.dept_id = lab.primary_department_id)
        """,
        about="The department of a lab is a row.",
        sources=("tdx", "umich_api"),
        threshold=0.10,
    ),
    CrossCheck(
        "member_has_lab",
        "lab_members",
        """
        select lab_member_id as key, 'no such lab' as detail
        from silver.lab_members as member
        where not exists (select from silver.labs as lab where lab.lab_id = member.lab_id)
        """,
        about="A member belongs to a lab that is a row.",
        severity="error",
    ),
    CrossCheck(
        "manager_is_member",
        "lab_managers",
        """
        select lab_manager_id as key, 'no member of the lab' as detail
        from silver.lab_managers as manager
        where not exists (
            select from silver.lab_members as member
            where member.lab_id = manager.lab_id
                and member.member_uniqname = manager.manager_uniqname and not member.is_pi)
        """,
        about="A manager is a member of the lab, and not its leader.",
        severity="error",
    ),
    CrossCheck(
        "managers_are_three",
        "lab_managers",
        """
        select lab_id as key, count(*) || ' managers' as detail
        from silver.lab_managers
        group by lab_id
        having count(*) > 3 or count(distinct manager_rank) <> count(*)
        """,
        about="A lab has up to three managers, each with a rank of their own.",
        severity="error",
    ),
    CrossCheck(
        "pair_has_lab_and_computer",
        "lab_computers",
        """
        select lab_computer_id as key, 'no such lab or computer' as detail
        from silver.lab_computers as pair
        where not exists (
                select from silver.labs as lab where lab.lab_id = pair.lab_id and lab.is_active)
            or not exists (
                select from silver.computers as known
                where known.computer_id = pair.computer_id and known.is_active)
        """,
        about="A pair has an active lab and an active computer.",
        severity="error",
    ),
    CrossCheck(
        "one_primary_lab",
        "lab_computers",
        """
        select computer_id as key,
            count(*) filter (where is_primary) || ' primary labs of ' || count(*) as detail
        from silver.lab_computers
        group by computer_id
        having count(*) filter (where is_primary) <> 1
        """,
        about="A computer with labs has one of them as its primary lab.",
        severity="error",
    ),
)


def cross_check(
    connection: Connection,
    rules: Iterable[CrossCheck] = CROSS_CHECKS,
    systems: Collection[str] | None = None,
) -> Iterator[Result]:
    """The result of every rule, each from the same state of the hub.

    `systems`: the sources in use; None means all. A rule that no source in use could hold passes.
    `examples` are the first few rows that break it.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        for rule in rules:
            if applies(rule.sources, systems):
                yield _result(connection, rule)
            else:
                text = f"nothing to check: no source of it is in use ({', '.join(rule.sources)})"
                yield Result(rule, True, text, subject=rule.table)


def check_rules(rules: Iterable[CrossCheck], tables: Iterable[Table]) -> None:
    """Raise BadDeclaration when a rule names a table that is none, or shares its name."""
    names, known = [rule.name for rule in rules], {table.name for table in tables}
    strangers = [rule.name for rule in rules if rule.table not in known]
    twice = sorted({name for name in names if names.count(name) > 1})
    if strangers or twice:
        raise BadDeclaration(f"cross checks {strangers} name no silver table, {twice} come twice")


def _result(connection: Connection, rule: CrossCheck) -> Result:
    query = sql.SQL(
        "with broken as materialized ({query})"
        " select (select count(*) from {table}), (select count(*) from broken),"
        " array(select array[key::text, detail::text] from broken order by 1 limit {sample})"
    ).format(
        query=sql.SQL(rule.query),
        table=sql.Identifier("silver", rule.table),
        sample=sql.Literal(SAMPLE),
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    rows, broken = row[:2]
    result = Result(
        rule,
        broken <= rule.threshold * rows,
        f"{broken:,} of {rows:,} rows, {rule.threshold:.0%} may be"
        if broken
        else f"none of {rows:,} rows",
        rows,
        broken,
        tuple(f"{key or ''} ({detail or ''})" for key, detail in row[2]),
        subject=rule.table,
    )
    numbers = {"broken": broken, "rows": rows, "share": result.share}
    return replace(result, values={**numbers, "share at most": rule.threshold})
