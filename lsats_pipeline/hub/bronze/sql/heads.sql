-- The run's rows become the newest versions.
insert into bronze.heads (
    source_system, entity_type, external_id, raw_id, content_hash, is_removed, run_id)
select source_system, entity_type, external_id, raw_id, content_hash, is_removed, ingestion_run_id
from bronze.raw_entities
where ingestion_run_id = %(run_id)s
