"""Integrated tables as a SELECT: the values of every system for a key, merged by precedence.

keys ─▶ per input: its first row, totals over all rows ─▶ lookups, parts ─▶ merged ─▶ scored

And the other way round: the keys that a change upstream affects (`affected_keys`).
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from lsats_pipeline.hub.silver.scoring import flags_of, score_of
from lsats_pipeline.hub.silver.spec import (
    Children,
    Coalesce,
    Expression,
    Input,
    IntegratedTable,
    Lookup,
    SqlModel,
    StagingTable,
)

_INPUT = sql.SQL(
    """
    {alias} as (
        select distinct on (item.{on}) item.*
        from keys
        join {table} as item on item.{on} = keys.key
        order by item.{on}, {order}
    )"""
)
# Records by their own key or, while a system lags behind, by a former one.
_RENAMED_ROWS = sql.SQL(
    """
    {rows} as (
        select keys.key as merged_key, item.*
        from keys
        join {table} as item on item.{on} = keys.key
        where not exists (
            select from {renames} as past
            where past.{former} = item.{on} and past.records ? ({name} || '/' || item.external_id))
        union all
        select keys.key, item.*
        from keys
        join {renames} as past on past.{key} = keys.key
        join {table} as item on item.{on} = past.{former}
        where past.records ? ({name} || '/' || item.external_id)
    )"""
)
_RENAMED_INPUT = sql.SQL(
    """
    {alias} as (
        select distinct on (item.merged_key) item.*
        from {rows} as item
        order by item.merged_key, {order}
    )"""
)
_RENAMED_TOTALS = sql.SQL(
    """
    {all_alias} as (
        select item.merged_key as key, {totals}
        from {rows} as item
        group by item.merged_key
    )"""
)
_TOTALS = sql.SQL(
    """
    {all_alias} as (
        select item.{on} as key, {totals}
        from keys
        join {table} as item on item.{on} = keys.key
        group by item.{on}
    )"""
)
_LOOKUP = sql.SQL(
    """
    left join lateral (
        select item.* from {table} as item where item.{key} = {match} {order} limit 1
    ) as {alias} on true"""
)
_INTEGRATED = sql.SQL(
    """
    with {inputs}
    select keys.key as {key}, {names},
        to_jsonb(known.sources) as sources,
        {source_system} as source_system,
        keys.key as source_entity_id,
        jsonb_strip_nulls(jsonb_object(array[{sourced}]::text[], array[{winners}]::text[]))
            as field_sources,
        {score} as data_quality_score,
        {flags} as quality_flags,
        jsonb_strip_nulls(jsonb_build_object({raw_ids})) as source_raw_ids
    from keys
    {joins}
    cross join lateral (
        select array_remove(array[{known}]::text[], null) as sources
    ) as known
    cross join lateral (select keys.key as {key}, {columns} offset 0) as merged
    where cardinality(known.sources) > 0
    """
)


def integrated_rows(table: IntegratedTable) -> sql.Composable:
    """Rows of the keys in the temporary table `keys`; keys that no input knows have none."""
    sourced = [c for c in table.columns if isinstance(c, Coalesce) or c.source]
    aliases = [i.alias for i in table.inputs]
    knowing = [i.alias for i in table.inputs if not i.enrichment_only]
    return _INTEGRATED.format(
        inputs=sql.SQL(",").join(
            [*(part for i in table.inputs for part in _input(table, i)), *map(_parts, table.parts)]
        ),
        key=sql.Identifier(table.key),
        names=_comma(sql.Identifier("merged", c.name) for c in table.columns),
        source_system=sql.SQL("array_to_string(array[{}], '+')").format(
            _comma(_if_known(a) for a in sorted(knowing))
        ),
        sourced=_comma(sql.Literal(c.name) for c in sourced),
        winners=_comma(_winner(c) for c in sourced),
        score=score_of(table.rules, bonus=table.bonus),
        flags=flags_of(table.rules),
        raw_ids=_comma(
            sql.SQL("{}, {}.raw_id").format(sql.Literal(a), sql.Identifier(a)) for a in aliases
        ),
        joins=sql.SQL("").join(
            [
                *(_join(table, i) for i in table.inputs),
                *map(_look_up, table.lookups),
                *map(_join_parts, table.parts),
            ]
        ),
        known=_comma(_if_known(a) for a in knowing),
        columns=_comma(_column(c) for c in table.columns),
    )


def all_keys(table: IntegratedTable) -> sql.Composable:
    """Every valid key that any input knows."""
    parts = (
        sql.SQL("select item.{} from {} as item").format(sql.Identifier(i.on), _table(i.table))
        for i in table.inputs
        if not i.enrichment_only
    )
    return _valid(table, parts)


def affected_keys(table: IntegratedTable, runs: sql.Composable) -> sql.Composable:
    """Valid keys whose merged row may differ because of what the silver runs `runs` wrote.

    Looks at rows as they are and as they were: a person whose uniqname changed affects two keys.
    """
    inputs = [part for i in table.inputs for part in _changed(i.table, i.on, runs)]
    lookups = (_pointing(table, x, runs) for x in table.lookups)
    parts = (part for p in table.parts for part in _changed(p.table, p.on, runs))
    renamed = _renamed(table, inputs, runs) if table.renames else ()
    return _valid(table, (*inputs, *lookups, *parts, *renamed))


def _renamed(
    table: IntegratedTable, inputs: list[sql.Composable], runs: sql.Composable
) -> Iterator[sql.Composable]:
    """Both keys of changed renames, and present keys of records that changed by a former one."""
    assert table.renames
    yield from _changed(table.renames, table.key, runs)
    yield from _changed(table.renames, f"former_{table.key}", runs)
    yield sql.SQL(
        "select past.{key} from {renames} as past join ({inputs}) as changed (key)"
        " on past.{former} = changed.key"
    ).format(
        key=sql.Identifier(table.key),
        renames=_table(table.renames),
        inputs=sql.SQL(" union ").join(inputs),
        former=sql.Identifier(f"former_{table.key}"),
    )


def _valid(
    table: IntegratedTable, parts: Iterator[sql.Composable] | tuple[sql.Composable, ...]
) -> sql.Composable:
    return sql.SQL(
        "select {key} from ({parts}) as candidate ({key}) where {key} is not null and {valid}"
    ).format(
        key=sql.Identifier(table.key),
        parts=sql.SQL(" union ").join(parts),
        valid=sql.SQL(table.valid),
    )


def _changed(
    table: StagingTable | SqlModel, column: str, runs: sql.Composable
) -> Iterator[sql.Composable]:
    """Values of a column in rows that the runs wrote, replaced or removed."""
    for name, mark in ((table.name, "ingestion_run_id"), (f"{table.name}_history", "closed_by")):
        yield sql.SQL("select item.{} from {} as item where item.{} = any({})").format(
            sql.Identifier(column), sql.Identifier("silver", name), sql.Identifier(mark), runs
        )


def _pointing(table: IntegratedTable, lookup: Lookup, runs: sql.Composable) -> sql.Composable:
    """Keys of the input's rows that point to a changed row of the lookup."""
    via = next(i for i in table.inputs if i.alias == lookup.input_alias)
    return sql.SQL(
        "select via.{on} from {table} as via join ({changed}) as changed (target)"
        " on via.{match} = changed.target"
    ).format(
        on=sql.Identifier(via.on),
        table=_table(via.table),
        match=sql.Identifier(lookup.match_column),
        changed=sql.SQL(" union ").join(
            [*_changed(lookup.table, lookup.key, runs), *_renamed_targets(table, lookup, runs)]
        ),
    )


def _renamed_targets(
    table: IntegratedTable, lookup: Lookup, runs: sql.Composable
) -> Iterator[sql.Composable]:
    """Rows of the lookup that belong to another key since a rename changed."""
    used = next((i for i in table.inputs if i.table is lookup.table), None)
    if table.renames and used:
        yield sql.SQL(
            "select item.{key} from {table} as item where item.{on} in ({formers})"
        ).format(
            key=sql.Identifier(lookup.key),
            table=_table(lookup.table),
            on=sql.Identifier(used.on),
            formers=sql.SQL(" union ").join(_changed(table.renames, f"former_{table.key}", runs)),
        )


def _input(table: IntegratedTable, used: Input) -> Iterator[sql.Composable]:
    if table.renames:
        yield from _renamed_input(table, table.renames, used)
        return
    common = {"on": sql.Identifier(used.on), "table": _table(used.table)}
    order = _comma(sql.SQL("{}").format(sql.SQL(o)) for o in used.order)
    yield _INPUT.format(alias=sql.Identifier(used.alias), order=order, **common)
    if used.totals:
        yield _totals(f"{used.alias}_all", used)


def _renamed_input(
    table: IntegratedTable, renames: SqlModel, used: Input
) -> Iterator[sql.Composable]:
    rows = sql.Identifier(f"{used.alias}_rows")
    yield _RENAMED_ROWS.format(
        rows=rows,
        table=_table(used.table),
        on=sql.Identifier(used.on),
        renames=_table(renames),
        key=sql.Identifier(table.key),
        former=sql.Identifier(f"former_{table.key}"),
        name=sql.Literal(used.table.name),
    )
    order = _comma(sql.SQL("{}").format(sql.SQL(o)) for o in used.order)
    yield _RENAMED_INPUT.format(alias=sql.Identifier(used.alias), rows=rows, order=order)
    if used.totals:
        totals = _aggregates(used)
        all_alias = sql.Identifier(f"{used.alias}_all")
        yield _RENAMED_TOTALS.format(all_alias=all_alias, rows=rows, totals=totals)


def _parts(used: Children) -> sql.Composable:
    return _totals(used.alias, used)


def _totals(alias: str, used: Input | Children) -> sql.Composable:
    totals = _aggregates(used)
    return _TOTALS.format(
        all_alias=sql.Identifier(alias),
        on=sql.Identifier(used.on),
        table=_table(used.table),
        totals=totals,
    )


def _aggregates(used: Input | Children) -> sql.Composable:
    return _comma(
        sql.SQL("({})::{} as {}").format(sql.SQL(text), sql.SQL(kind), sql.Identifier(name))
        for name, (kind, text) in used.totals.items()
    )


def _join(table: IntegratedTable, used: Input) -> sql.Composable:
    on = "merged_key" if table.renames else used.on
    parts: list[sql.Composable] = [
        sql.SQL("\n    left join {alias} on {alias}.{on} = keys.key").format(
            alias=sql.Identifier(used.alias), on=sql.Identifier(on)
        )
    ]
    if used.totals:
        parts.append(_join_totals(f"{used.alias}_all"))
    return sql.SQL("").join(parts)


def _join_parts(used: Children) -> sql.Composable:
    return _join_totals(used.alias)


def _join_totals(alias: str) -> sql.Composable:
    return sql.SQL("\n    left join {alias} on {alias}.key = keys.key").format(
        alias=sql.Identifier(alias)
    )


def _look_up(lookup: Lookup) -> sql.Composable:
    order: sql.Composable = sql.SQL("")
    if lookup.order:
        order = sql.SQL("order by {}").format(_comma(sql.SQL(o) for o in lookup.order))
    return _LOOKUP.format(
        table=_table(lookup.table),
        key=sql.Identifier(lookup.key),
        match=sql.Identifier(*lookup.match.split(".")),
        order=order,
        alias=sql.Identifier(lookup.alias),
    )


def _column(column: Coalesce | Expression) -> sql.Composable:
    if isinstance(column, Expression):
        value: sql.Composable = sql.SQL(column.expression)
    else:
        value = sql.SQL("coalesce({})").format(_comma(sql.SQL(e) for _, e in column.pairs()))
    return sql.SQL("({})::{} as {}").format(
        value, sql.SQL(column.sql_type), sql.Identifier(column.name)
    )


def _winner(column: Coalesce | Expression) -> sql.Composable:
    """The name of the system whose value was taken."""
    if isinstance(column, Expression):
        return sql.SQL("case when merged.{} is not null then {} end").format(
            sql.Identifier(column.name), sql.Literal(column.source)
        )
    cases: sql.Composable = sql.SQL(" ").join(
        sql.SQL("when ({}) is not null then {}").format(sql.SQL(text), sql.Literal(source))
        for source, text in column.pairs()
    )
    return sql.SQL("case {} end").format(cases)


def _if_known(alias: str) -> sql.Composable:
    return sql.SQL("case when {}.external_id is not null then {} end").format(
        sql.Identifier(alias), sql.Literal(alias)
    )


def _table(table: StagingTable | SqlModel) -> sql.Identifier:
    return sql.Identifier("silver", table.name)


def _comma(parts: Iterator[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)
