-- What a batch means against the heads.
-- Returns only the records that need something done: their position in the batch and what.
select batch.position - 1, case when head.external_id is null then 'create' else 'update' end
from unnest(%(ids)b::text[], %(hashes)b::bytea[])
    with ordinality as batch (external_id, content_hash, position)
-- `limit 1` keeps this a look-up by the whole key for each record, whatever the planner believes
-- of the size of heads: on outdated statistics it read all heads of the stream for each of them.
left join lateral (
    select head.external_id, head.content_hash
    from bronze.heads head
    where head.source_system = %(source_system)s
        and head.entity_type = %(entity_type)s
        and head.external_id = batch.external_id
    limit 1
) as head on true
where head.content_hash is distinct from batch.content_hash
