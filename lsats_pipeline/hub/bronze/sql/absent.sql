-- Records that live in bronze and that a complete read did not show.
create temp table absent on commit drop as
select head.external_id
from bronze.heads head
where head.source_system = %(source_system)s
    and head.entity_type = %(entity_type)s
    and not head.is_removed
    and not exists (select from seen_keys where seen_keys.external_id = head.external_id)
