"""Everything in the database says what it is: schemas, relations, columns."""

from __future__ import annotations

import datetime as dt

from lsats_pipeline.campus.store import make_schema
from lsats_pipeline.campus.world import Campus
from lsats_pipeline.hub.hub import prepare
from lsats_pipeline.mrf.database import relational
from lsats_pipeline.synthetic.seed_options import choose
from lsats_pipeline.synthetic.seeding import Seeding, seed
from lsats_pipeline.synthetic.targets.database import DatabaseTarget
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
SMALL = {
    "retail": {"customers": 20, "products": 20, "stores": 3, "geographies": 10},
    "jobs": {"jobs": 20},
    "studio": {"users": 3, "content_items": 4, "content_items_auto": 4},
}


def test_nothing_in_the_database_is_without_a_comment(warehouse: Warehouse) -> None:
    prepare(warehouse)
    with warehouse.owner() as connection:
        relational.declare(connection)
        make_schema(connection, Campus(1, 10, dt.date(2026, 3, 2)))
    for name in WORLDS:
        declared = world(name)
        options = choose(declared, SMALL[name])
        seed(
            Seeding(declared, options),
            [DatabaseTarget(Session(warehouse.url, name), declared, options)],
        )
    with warehouse.owner() as connection:
        assert [row[0] for row in connection.execute(_SILENT)] == []
