-- Who and what is in a group: one row per member, whichever directories list it in however many ways.
--
-- keys: ["group"], all of it, or ["group", "name"], what it lists under a name
-- the record of each directory that speaks for the group ─▶ entry ─▶ listed (of those names)
--     ─▶ told (group_links.sql) ─▶ rows
with asked as materialized (
    select key::jsonb ->> 0 as group_key, key::jsonb ->> 1 as name from keys
),
-- Whom a group lists by a former uniqname is worked out with the present one.
wanted as materialized (
    select group_key, name from asked
    union
    select asked.group_key, past.former_uniqname
    from asked
    join silver.former_uniqnames as past on past.uniqname = asked.name
),
whole as materialized (
    select group_key from wanted where name is null
),
entry as (
    select ad.group_key, 'ad' as source, member.dn, true as is_direct
    from (
        select distinct on (group_key) group_key, members
        from silver.ad_groups
        where group_key in (select group_key from wanted)
        order by group_key, ad_group_guid
    ) as ad
    cross join lateral jsonb_array_elements_text(ad.members) as member (dn)
    union all
    -- `members` is whoever a message reaches; where nobody is said to be direct, all are.
    select mcommunity.group_key, 'mcommunity', member.dn, member.is_direct
    from (
        -- Asked once a group: asked of every member, a long list is unpacked as often as it is long.
        select distinct on (group_key) group_key, members,
            direct_members || nested_members as direct_members,
            direct_members = '[]' and nested_members = '[]' as all_direct
        from silver.mcommunity_groups
        where group_key in (select group_key from wanted)
        order by group_key, gid_number
    ) as mcommunity
    cross join lateral (
        select jsonb_array_elements_text(members), all_direct
        union all
        select jsonb_array_elements_text(direct_members), true
    ) as member (dn, is_direct)
),
-- Names of groups in a group are those of their records, whatever their distinguished names say.
wanted_group as materialized (
    select wanted.group_key, known.dn_key
    from wanted
    join (
        select group_key, dn_key from silver.ad_groups
        union all
        select group_key, dn_key from silver.mcommunity_groups
    ) as known on known.group_key = wanted.name
),
-- So are those of people who are called otherwise in their distinguished names.
wanted_person as materialized (
    select wanted.group_key, silver.dn_key(known.distinguished_name) as dn_key
    from wanted
    join (
        select uniqname, distinguished_name from silver.ad_users where dn_name is not null
        union all
        select uniqname, distinguished_name from silver.mcommunity_users where dn_name is not null
    ) as known on known.uniqname = wanted.name
),
listed as (
    select group_key, source, dn, is_direct
    from entry
    where group_key in (select group_key from whole)
        or (group_key, lower(coalesce(silver.dn_name(dn), btrim(dn)))) in (
            select group_key, name from wanted)
        or (group_key, silver.dn_key(dn)) in (
            select group_key, dn_key from wanted_group
            union all
            select group_key, dn_key from wanted_person)
),
groups as (
    select distinct group_key from wanted
),
{links}
select
    replace(group_key, '/', '//') || '/' || kind || '/' || reference as membership_id,
    group_key,
    min(listed_as) as listed_as,
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
from (select told.*, jsonb_build_array(group_key, name)::text as listed_as from told) as told
where group_key in (select group_key from whole) or listed_as in (select key from keys)
group by group_key, kind, reference
