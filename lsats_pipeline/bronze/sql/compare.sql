-- What a batch means against the heads and against what this read has shown before.
-- Returns only the records that need something done: their position in the batch and why.
with batch as (
    select external_id, content_hash, position
    from unnest(%(ids)b::text[], %(hashes)b::bytea[])
        with ordinality as b (external_id, content_hash, position)
),
fresh as (
    -- An identity seen without content belongs to a rejected record; a good one may still take it.
    insert into seen (external_id, content_hash)
    select external_id, content_hash from batch
    on conflict (external_id) do update set content_hash = excluded.content_hash
        where seen.content_hash is null
    returning external_id
)
select
    batch.position - 1,
    case
        when fresh.external_id is null then 'clash'
        when head.external_id is null then 'create'
        else 'update'
    end
from batch
left join fresh on fresh.external_id = batch.external_id
left join seen on seen.external_id = batch.external_id and fresh.external_id is null
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
where case
    when fresh.external_id is null then seen.content_hash is distinct from batch.content_hash
    else head.content_hash is distinct from batch.content_hash
end
