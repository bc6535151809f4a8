-- Some records that the read did show.
select seen.external_id
from seen_keys seen
join bronze.heads head
    on head.source_system = %(source_system)s
    and head.entity_type = %(entity_type)s
    and head.external_id = seen.external_id
where not head.is_removed
limit 3
