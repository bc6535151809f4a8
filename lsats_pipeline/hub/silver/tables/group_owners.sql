-- Who looks after a group: one row per owner, whichever directories name it.
--
-- the record of each directory that speaks for the group ─▶ listed ─▶ told (group_links.sql) ─▶ rows
with listed as (
    select ad.group_key, 'ad' as source, ad.managed_by as dn, true as is_direct
    from (
        select distinct on (item.group_key) item.group_key, item.managed_by
        from keys
        join silver.ad_groups as item on item.group_key = keys.key
        order by item.group_key, item.ad_group_guid
    ) as ad
    where ad.managed_by is not null
    union all
    select mcommunity.group_key, 'mcommunity', owner.dn, true
    from (
        select distinct on (item.group_key) item.group_key, item.owners
        from keys
        join silver.mcommunity_groups as item on item.group_key = keys.key
        order by item.group_key, item.gid_number
    ) as mcommunity
    cross join lateral jsonb_array_elements_text(mcommunity.owners) as owner (dn)
),
groups as (
    select key as group_key from keys
),
{links}
select
    replace(group_key, '/', '//') || '/' || kind || '/' || reference as ownership_id,
    group_key,
    min(group_id) as group_id,
    kind as owner_type,
    case kind when 'user' then min(name) end as owner_uniqname,
    min(nested_group_id) as owner_group_id,
    min(name) as owner_name,
    jsonb_agg(distinct dn collate "C" order by dn collate "C") as owner_dns,
    bool_or(is_known) as is_known,
    jsonb_agg(distinct source order by source) as sources,
    string_agg(distinct source, '+' order by source) as source_system
from told
group by group_key, kind, reference
