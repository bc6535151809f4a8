-- Whom to ask for next: never asked; changed in the list since, or not readable the last time and
-- its day has come; asked too long ago.
select list.external_id, list.content_hash
from bronze.heads list
left join enrichment.fetches asked
    on asked.source_system = list.source_system
    and asked.entity_type = %(detail_type)s
    and asked.external_id = list.external_id
where list.source_system = %(source_system)s
    and list.entity_type = %(list_type)s
    and not list.is_removed
    and not list.external_id = any(%(done)s)
    and (
        asked.external_id is null
        or asked.failures > 0 and asked.retry_on <= %(today)s
        or asked.failures = 0 and (
            asked.list_hash <> list.content_hash
            or asked.fetched_at < %(stale_before)s
        )
    )
order by
    asked.external_id is not null,
    asked.failures = 0 and asked.list_hash = list.content_hash,
    asked.fetched_at,
    list.external_id
limit %(budget)s
