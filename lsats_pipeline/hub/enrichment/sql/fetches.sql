-- Remember the call and the version of the list record that it answered.
insert into enrichment.fetches (source_system, entity_type, external_id, list_hash, fetched_at)
select %(source_system)s, %(detail_type)s, f.external_id, f.list_hash, f.fetched_at
from unnest(%(ids)s::text[], %(hashes)s::bytea[], %(times)s::timestamptz[])
    as f (external_id, list_hash, fetched_at)
on conflict (source_system, entity_type, external_id) do update set
    list_hash = excluded.list_hash,
    fetched_at = excluded.fetched_at
