-- Remember the call and the version of the list record that it answered. After a failure the next
-- call has to wait: twice as long with each failure in a row.
insert into enrichment.fetches as known (
    source_system, entity_type, external_id, list_hash, fetched_at, failures, retry_on)
select
    %(source_system)s, %(detail_type)s, f.external_id, f.list_hash, f.fetched_at, f.failed::int,
    case when f.failed then %(today)s::date + %(first_wait)s::int end
from unnest(%(ids)s::text[], %(hashes)s::bytea[], %(times)s::timestamptz[], %(failed)s::boolean[])
    as f (external_id, list_hash, fetched_at, failed)
on conflict (source_system, entity_type, external_id) do update set
    list_hash = excluded.list_hash,
    fetched_at = excluded.fetched_at,
    failures = case when excluded.failures > 0 then known.failures + 1 else 0 end,
    retry_on = case
        when excluded.failures > 0 then %(today)s::date + least(
            %(longest_wait)s, %(first_wait)s * power(2, least(known.failures, 30)))::int
    end
