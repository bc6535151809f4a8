-- Who and what is in a group: one row per member, whichever directories list it in however many ways.
--
-- the record of each directory that speaks for the group ─▶ listed ─▶ told (group_links.sql) ─▶ rows
with listed as (
    select ad.group_key, 'ad' as source, member.dn, true as is_direct
    from (
        select distinct on (item.group_key) item.group_key, item.members
        from keys
        join silver.ad_groups as item on item.group_key = keys.key
        order by item.group_key, item.ad_group_guid
    ) as ad
    cross join lateral jsonb_array_elements_text(ad.members) as member (dn)
    union all
    -- `members` is whoever a message reaches; where nobody is said to be direct, all are.
    select mcommunity.group_key, 'mcommunity', member.dn, member.is_direct
    from (
        -- Asked once a group: asked of every member, long lists are unpacked as often as they are long.
        select distinct on (item.group_key) item.group_key, item.members,
            item.direct_members || item.nested_members as direct_members,
            item.direct_members = '[]' and item.nested_members = '[]' as all_direct
        from keys
        join silver.mcommunity_groups as item on item.group_key = keys.key
        order by item.group_key, item.gid_number
    ) as mcommunity
    cross join lateral (
        select jsonb_array_elements_text(members), all_direct
        union all
        select jsonb_array_elements_text(direct_members), true
    ) as member (dn, is_direct)
),
{links}
select
    replace(group_key, '/', '//') || '/' || kind || '/' || reference as membership_id,
    group_key,
    min(group_id) as group_id,
    kind as member_type,
    case kind when 'user' then min(name) end as member_uniqname,
    min(nested_group_id) as member_group_id,
    case kind when 'computer' then upper(min(name)) end as member_computer_name,
    case when kind <> 'computer' then min(name) end as member_name,
    jsonb_agg(distinct dn collate "C" order by dn collate "C") as member_dns,
    bool_or(is_direct) as is_direct_member,
    bool_or(is_known) as is_known,
    jsonb_agg(distinct source order by source) as sources,
    string_agg(distinct source, '+' order by source) as source_system
from told
group by group_key, kind, reference
