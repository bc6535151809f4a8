-- Details whose list record is gone. Their calls are forgotten, so that a record that comes back
-- is asked for again.
with orphan as (
    select detail.source_system, detail.entity_type, detail.external_id
    from bronze.heads detail
    join bronze.heads list
        on list.source_system = detail.source_system
        and list.entity_type = %(list_type)s
        and list.external_id = detail.external_id
        and list.is_removed
    where detail.source_system = %(source_system)s
        and detail.entity_type = %(detail_type)s
        and not detail.is_removed
),
forgotten as (
    update enrichment.fetches asked set list_hash = ''
    from orphan
    where asked.source_system = orphan.source_system
        and asked.entity_type = orphan.entity_type
        and asked.external_id = orphan.external_id
)
select external_id from orphan
