-- One tombstone for each record that is gone; those that have one already stay as they are.
insert into bronze.raw_entities (
    source_system, entity_type, external_id, is_removed,
    partition_key, ingested_at, ingestion_run_id)
select
    head.source_system, head.entity_type, head.external_id, true,
    %(day)s, %(observed_at)s, %(run_id)s
from absent
join bronze.heads head
    on head.source_system = %(source_system)s
    and head.entity_type = %(entity_type)s
    and head.external_id = absent.external_id
where not head.is_removed
