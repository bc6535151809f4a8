"""Everything in the database says what it is: schemas, relations, columns."""

from __future__ import annotations

import datetime as dt

from lsats_pipeline.campus.simulators import documents, faults
from lsats_pipeline.campus.store import make_schema
from lsats_pipeline.campus.world import Campus
from lsats_pipeline.hub.hub import prepare
from lsats_pipeline.mrf.database import relational
from lsats_pipeline.synthetic.seed_options import choose
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.spec import World
from lsats_pipeline.synthetic.targets.claim import Claim
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
from lsats_pipeline.synthetic.targets.ledger import Ledger
from lsats_pipeline.synthetic.targets.session import Session
from lsats_pipeline.synthetic.worlds import WORLDS, world
from lsats_pipeline.warehouse import Warehouse

# Partitions are parts of a table, not tables that anybody reads.
_SILENT = """
select schema.nspname || '.' || relation.relname || coalesce('.' || item.attname, '')
from pg_namespace as schema
join pg_class as relation on relation.relnamespace = schema.oid
cross join lateral (
    select null::name as attname, 0 as attnum
    union all
    select attname, attnum from pg_attribute
    where attrelid = relation.oid and attnum > 0 and not attisdropped
) as item
where relation.relkind in ('r', 'p', 'v', 'm') and not relation.relispartition
    and schema.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and coalesce(case when item.attnum = 0 then obj_description(relation.oid, 'pg_class')
        else col_description(relation.oid, item.attnum) end, '') = ''
union all
select nspname from pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema'
    and obj_description(oid, 'pg_namespace') is null
order by 1
"""
SMALL: dict[str, dict[str, object]] = {
    "retail": {"customers": 20, "products": 20, "stores": 3, "geographies": 10},
    "jobs": {"jobs": 20},
    "studio": {
        "admin_user_uuid": "00000000-0000-4000-8000-000000000001",
        "users": 3,
        "content_items": 4,
        "content_items_auto": 4,
    },
}


def test_nothing_in_the_database_is_without_a_comment(warehouse: Warehouse) -> None:
    prepare(warehouse)
    with warehouse.owner() as connection:
        relational.declare(connection)
        make_schema(connection, Campus(1, 10, dt.date(2026, 3, 2)))
        for statement in (documents.CREATE_TABLE, faults.CREATE_TABLE):
            connection.execute(statement)
    for name in WORLDS:
        declared = world(name)
        options = choose(declared, SMALL[name])
        for claim in claims_of(declared):
            seeding = Seeding(
                declared,
                options,
                tables=(claim.table,) if claim.table else None,
                blocks={claim.table: claim.blocks} if claim.blocks else {},
            )
            session = Session(warehouse.url, name, claim=claim)
            report = seed(seeding, [DatabaseTarget(session, declared, options)])
            assert report.error is None
        with warehouse.owner() as connection:
            assert Ledger(declared, options, name).clears_for(connection, "a run")
    with warehouse.owner() as connection:
        assert [row[0] for row in connection.execute(_SILENT)] == []


def claims_of(declared: World) -> list[Claim]:
    """Two worlds as a whole; one by its first table, then block by block: each makes tables."""
    first, *others = (table.name for table in declared.tables)
    if declared.name != "studio":
        return [Claim(declared.name)]
    return [Claim("studio", first), *(Claim("studio", name, (0,)) for name in others)]
