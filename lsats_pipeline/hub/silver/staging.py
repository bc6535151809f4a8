"""Staging tables as a SELECT: the newest record of each key, typed, completed, scored.

keys ─▶ picked (newest record, its detail) ─▶ typed (each document read once) ─▶ completed ─▶ scored
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from lsats_pipeline.hub.silver.scoring import flags_of, score_of
from lsats_pipeline.hub.silver.spec import Column, StagingTable

# PostgreSQL cuts longer names, and a record's member is found by its name.
_LONGEST_NAME = 63

# `offset 0` keeps the planner from folding the layers into one, which would work out a value again
# for every rule and column that uses it.
_STAGING = sql.SQL(
    """
    with picked as (
        select keys.key as external_id, list.raw_id, list.raw_data as list_data,
            {detail_id} as detail_raw_id, {detail_data} as detail_data
        from keys
        join bronze.heads head
            on head.source_system = {system}
            and head.entity_type = {entity}
            and head.external_id = keys.key
            and not head.is_removed
        join bronze.raw_entities list on list.raw_id = head.raw_id
        {detail_join}
    ),
    typed as (
        select picked.external_id, picked.raw_id, picked.detail_raw_id,
            {columns},
            array_remove(array[{invalid}]::text[], null) as invalid_flags
        from picked
        cross join lateral jsonb_to_record(picked.list_data) as list ({list_members})
        {detail_record}
        {made_records}
        offset 0
    ),
    completed as (
        select typed.* {steps_and_computed}
        from typed {step_lateral}
        offset 0
    )
    select external_id, {names},
        {score} as data_quality_score,
        {flags} as quality_flags,
        {system} as source_system,
        raw_id {detail_raw_id}
    from completed{only}
    """
)

_DETAIL_JOIN = sql.SQL(
    """
    left join bronze.heads detail_head
        on detail_head.source_system = {system}
        and detail_head.entity_type = {entity}
        and detail_head.external_id = keys.key
        and not detail_head.is_removed
    left join bronze.raw_entities detail on detail.raw_id = detail_head.raw_id
    """
)
_DETAIL_RECORD = sql.SQL(
    "cross join lateral jsonb_to_record(coalesce(picked.detail_data, '{{}}')) as detail ({members})"
)


def staging_rows(table: StagingTable) -> sql.Composable:
    """Rows of the keys (bronze identities) in the temporary table `keys`."""
    system = sql.Literal(table.stream.source_system)
    steps = bool(table.steps)
    return _STAGING.format(
        system=system,
        entity=sql.Literal(table.stream.entity_type),
        columns=_comma(_expression(table, c) for c in table.columns),
        invalid=_comma(_invalid(table, c) for c in table.columns if c.parser.valid),
        list_members=_members(table, "list"),
        made_records=_made(table),
        names=_comma(sql.Identifier(c.name) for c in table.all_columns),
        score=score_of(table.rules, invalid="invalid_flags"),
        flags=flags_of(table.rules, invalid="invalid_flags"),
        step_lateral=_steps(table) if steps else sql.SQL(""),
        steps_and_computed=sql.SQL("").join(_added(table)),
        only=sql.SQL(" where {}").format(sql.SQL(table.only)) if table.only else sql.SQL(""),
        **_detail_parts(table, system),
    )


def _detail_parts(table: StagingTable, system: sql.Literal) -> dict[str, sql.Composable]:
    if table.detail is None:
        nothing = sql.SQL("")
        return {
            "detail_id": sql.SQL("null::uuid"),
            "detail_data": sql.SQL("null::jsonb"),
            "detail_join": nothing,
            "detail_record": nothing,
            "detail_raw_id": nothing,
        }
    read = any(_document(c) == "detail" for c in table.columns)
    members = _members(table, "detail")
    return {
        "detail_id": sql.SQL("detail.raw_id"),
        "detail_data": sql.SQL("detail.raw_data"),
        "detail_join": _DETAIL_JOIN.format(
            system=system, entity=sql.Literal(table.detail.entity_type)
        ),
        "detail_record": _DETAIL_RECORD.format(members=members) if read else sql.SQL(""),
        "detail_raw_id": sql.SQL(", detail_raw_id"),
    }


def _made(table: StagingTable) -> sql.Composable:
    """The documents that the table makes of its records, each read like a record."""
    if not table.documents:
        return sql.SQL("")
    made = _comma(
        sql.SQL("{} as {}").format(sql.SQL(text), sql.Identifier(f"{name}_data"))
        for name, text in table.documents.items()
    )
    records = sql.SQL(" ").join(
        sql.SQL("cross join lateral jsonb_to_record(coalesce({}, '{{}}')) as {} ({})").format(
            sql.Identifier("made", f"{name}_data"), sql.Identifier(name), _members(table, name)
        )
        for name in table.documents
    )
    return sql.SQL("cross join lateral (select {} offset 0) as made {}").format(made, records)


def _document(column: Column) -> str:
    return column.document or ("detail" if column.detail else "list")


def _kinds(table: StagingTable, document: str) -> dict[str, str]:
    """How each member is read; jsonb when any column wants it so."""
    kinds: dict[str, str] = {}
    for column in table.columns:
        for path in column.paths if _document(column) == document else ():
            if len(path.encode()) <= _LONGEST_NAME:
                known = kinds.get(path)
                kinds[path] = "jsonb" if known == "jsonb" else column.parser.member
    return kinds


def _members(table: StagingTable, document: str) -> sql.Composable:
    kinds = _kinds(table, document)
    return _comma(
        sql.SQL("{} jsonb" if kind == "jsonb" else "{} text").format(sql.Identifier(path))
        for path, kind in kinds.items()
    )


def _member(table: StagingTable, column: Column) -> sql.Composable:
    """What the column's parser reads: its member, or the one otherwise."""
    members = [_one_member(table, column, path) for path in column.paths]
    if len(members) == 1:
        return members[0]
    return sql.SQL("coalesce({})").format(_comma(iter(members)))


def _one_member(table: StagingTable, column: Column, path: str) -> sql.Composable:
    """A member as the column's parser wants it: text or jsonb."""
    document = _document(column)
    kind = _kinds(table, document).get(path)
    if kind is None:
        arrow = sql.SQL("->>") if column.parser.member == "text" else sql.SQL("->")
        data = sql.Identifier("made" if column.document else "picked", f"{document}_data")
        return sql.SQL("({} {} {})").format(data, arrow, sql.Literal(path))
    member = sql.Identifier(document, path)
    if kind == "jsonb" and column.parser.member == "text":
        return sql.SQL("({} #>> '{{}}')").format(member)
    return member


def _expression(table: StagingTable, column: Column) -> sql.Composable:
    value = sql.SQL(column.parser.expression).format(_member(table, column))
    return sql.SQL("{} as {}").format(value, sql.Identifier(column.name))


def _invalid(table: StagingTable, column: Column) -> sql.Composable:
    """The flag of a value that was given and does not fit."""
    member = _member(table, column)
    assert column.parser.valid is not None
    return sql.SQL("case when btrim({}) <> '' and not ({}) then {} end").format(
        member, sql.SQL(column.parser.valid).format(member), sql.Literal(f"invalid_{column.name}")
    )


def _steps(table: StagingTable) -> sql.Composable:
    steps = _comma(
        sql.SQL("{} as {}").format(sql.SQL(text), sql.Identifier(name))
        for name, text in table.steps.items()
    )
    return sql.SQL("cross join lateral (select {} offset 0) as step").format(steps)


def _added(table: StagingTable) -> Iterator[sql.Composable]:
    for name in table.steps:
        yield sql.SQL(", step.{}").format(sql.Identifier(name))
    for column in table.computed:
        yield sql.SQL(", ({})::{} as {}").format(
            sql.SQL(column.expression), sql.SQL(column.sql_type), sql.Identifier(column.name)
        )


def _comma(parts: Iterator[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)
