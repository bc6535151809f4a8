-- What a complete read did not show, with its last list form. In another order every day: should
-- they be too many for one run, each has its turn before long.
select absent.external_id, raw.raw_data::text
from absent
join bronze.heads head
    on head.source_system = %(source_system)s
    and head.entity_type = %(entity_type)s
    and head.external_id = absent.external_id
join bronze.raw_entities raw using (raw_id)
order by md5(absent.external_id || %(day)s::text)
limit %(most)s
