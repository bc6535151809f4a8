-- Records whose detail could be read lately.
select asked.external_id
from enrichment.fetches asked
join bronze.heads detail using (source_system, entity_type, external_id)
join bronze.heads list
    on list.source_system = asked.source_system
    and list.entity_type = %(list_type)s
    and list.external_id = asked.external_id
where asked.source_system = %(source_system)s
    and asked.entity_type = %(detail_type)s
    and asked.failures = 0
    and not detail.is_removed
    and not list.is_removed
order by asked.fetched_at desc, asked.external_id
limit 3
