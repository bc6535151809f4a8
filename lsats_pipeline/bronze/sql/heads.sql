-- The run's rows become the newest versions.
insert into bronze.heads as head (
    source_system, entity_type, external_id, raw_id, content_hash, is_removed, run_id)
select source_system, entity_type, external_id, raw_id, content_hash, is_removed, ingestion_run_id
from bronze.raw_entities
where ingestion_run_id = %(run_id)s
on conflict (source_system, entity_type, external_id) do update set
    raw_id = excluded.raw_id,
    content_hash = excluded.content_hash,
    is_removed = excluded.is_removed,
    run_id = excluded.run_id
