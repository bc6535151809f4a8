-- Details whose list record is gone. Their calls are forgotten, so that a record that comes back
-- is asked for again; so are those that failed.
with gone as (
    select list.source_system, list.external_id
    from bronze.heads list
    where list.source_system = %(source_system)s
        and list.entity_type = %(list_type)s
        and list.is_removed
),
orphan as (
    select detail.source_system, detail.entity_type, detail.external_id
    from bronze.heads detail
    join gone using (source_system, external_id)
    where detail.entity_type = %(detail_type)s
        and not detail.is_removed
),
forgotten as (
    update enrichment.fetches asked set list_hash = '', failures = 0, retry_on = null
    from gone
    where asked.source_system = gone.source_system
        and asked.entity_type = %(detail_type)s
        and asked.external_id = gone.external_id
        and (asked.failures > 0 or exists (
            select from orphan where orphan.external_id = asked.external_id))
)
select external_id from orphan
