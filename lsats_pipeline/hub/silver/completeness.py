"""Whether every record is somewhere: nothing may get lost between two layers without a word.

bronze.heads ─▶ staging table (or a reject) ─▶ row of an integrated table (or a flag that says why)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import sql

from lsats_pipeline.hub.silver.spec import Input, IntegratedTable, StagingTable, Table
from lsats_pipeline.warehouse.database import Connection

EXAMPLES = 3


class LostRecords(NamedTuple):
    """How many records are nowhere, and the identities of a few."""

    number: int = 0
    examples: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """For people."""
        if not self.number:
            return "no record is lost"
        return (
            f"{self.number:,} records are in no row, and neither flag nor reject says why:"
            " `lsats status` names some"
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """For the log of runs; nothing when nothing is lost."""
        return {"lost": self.number, "lost_examples": list(self.examples)} if self.number else {}


# Of the identities that were worked out. A reject says itself why there is no row, and where only
# some records make rows (`only`), all that can be said is that they were read.
_HEADS = sql.SQL(
    """
    select head.external_id
    from keys
    join bronze.heads as head
        on head.source_system = {system} and head.entity_type = {entity}
        and head.external_id = keys.key
    where not head.is_removed
        and not exists (select from {table} as item where item.external_id = head.external_id)
        and not exists (
            select from meta.rejects as reject
            where reject.layer = 'silver' and reject.entity = {name}
                and reject.external_id = head.external_id and reject.resolution = 'open')
        and ({every} or not exists (
            select from bronze.raw_entities as raw where raw.raw_id = head.raw_id))
    """
)
# Keys first: those are in an index, and hardly any of them has no row.
_INPUT = sql.SQL(
    """
    select {name} || ' ' || item.external_id
    from {input} as item
    join (
        select distinct known.{on} as key
        from {input} as known
        where not exists (select from {table} as row where row.{key} = known.{on}){renamed}
    ) as rowless on rowless.key = item.{on}
    where not item.quality_flags ?| {excused}
    union all
    select {name} || ' ' || item.external_id
    from {input} as item
    where item.{on} is null and not item.quality_flags ?| {excused}
    """
)
_COUNTED = sql.SQL(
    "with lost (record) as materialized ({lost})"
    " select count(*), array(select record from lost order by 1 limit {some}) from lost"
)


def lost_records(connection: Connection, table: Table) -> LostRecords:
    """What a table should have and has not; a staging table of the identities in `keys`."""
    if isinstance(table, StagingTable):
        lost: sql.Composable = _HEADS.format(
            system=sql.Literal(table.stream.source_system),
            entity=sql.Literal(table.stream.entity_type),
            table=sql.Identifier("silver", table.name),
            name=sql.Literal(table.name),
            every=sql.Literal(not table.only),
        )
    elif isinstance(table, IntegratedTable):
        inputs = (_of_input(table, i) for i in table.inputs if not i.enrichment_only)
        lost = sql.SQL(" union all ").join(inputs)
    else:
        return LostRecords()
    row = connection.execute(_COUNTED.format(lost=lost, some=sql.Literal(EXAMPLES))).fetchone()
    assert row is not None
    return LostRecords(row[0], tuple(row[1]))


def _of_input(table: IntegratedTable, used: Input) -> sql.Composable:
    return _INPUT.format(
        name=sql.Literal(used.table.name),
        input=sql.Identifier("silver", used.table.name),
        on=sql.Identifier(used.on),
        table=sql.Identifier("silver", table.name),
        key=sql.Identifier(table.key),
        excused=sql.SQL("{}::text[]").format(sql.Literal(list(table.excused))),
        renamed=_renamed(table, used) if table.renames else sql.SQL(""),
    )


def _renamed(table: IntegratedTable, used: Input) -> sql.Composable:
    """Records by a former key are in the row of the present one."""
    assert table.renames
    return sql.SQL(
        " and not exists (select from {renames} as past"
        " where past.{former} = known.{on} and past.is_under_way)"
    ).format(
        renames=sql.Identifier("silver", table.renames.name),
        former=sql.Identifier(f"former_{table.key}"),
        on=sql.Identifier(used.on),
    )


def known_lost(connection: Connection, table: Table) -> LostRecords:
    """The same as the last build found it, for one that has nothing to do."""
    row = connection.execute(
        "select metadata -> 'lost', metadata -> 'lost_examples' from meta.ingestion_runs"
        " where layer = 'silver' and entity = %s and status = 'completed'"
        " order by started_at desc limit 1",
        [table.name],
    ).fetchone()
    return LostRecords(row[0] or 0, tuple(row[1] or ())) if row else LostRecords()
