-- What the distinguished names in `listed (group_key, source, dn, is_direct)` of `groups (group_key)`
-- stand for: `told`.
--
-- listed ─▶ thing (each spelling once) ─▶ person (who has that name) ─▶ found (records of that name) ─▶ judged (user, group,
--     computer; by the container where no record answers) ─▶ told
thing as materialized (
    select dn, silver.dn_key(dn) as dn_key, lower(coalesce(silver.dn_name(dn), btrim(dn))) as name
    from (select distinct dn from listed where dn <> '') as each_once
),
-- The account or entry that has a distinguished name: most are called in it as they are, some show
-- another name there (`CN=Doe\, Jo`). What a person is called is what the record says.
person as materialized (
    select thing.dn, coalesce(
        (
            select min(item.uniqname) from silver.ad_users as item
            where item.uniqname = thing.name
                and silver.dn_key(item.distinguished_name) = thing.dn_key
        ),
        (
            select min(item.uniqname) from silver.ad_users as item
            where item.dn_name = thing.name
                and silver.dn_key(item.distinguished_name) = thing.dn_key
        )
    ) as account, (
        select min(item.uniqname) from silver.mcommunity_users as item
        where item.dn_name = thing.name
            and silver.dn_key(item.distinguished_name) = thing.dn_key
    ) as entry
    from thing
),
found as materialized (
    select thing.dn_key, thing.dn,
        called.name,
        present.uniqname as present_name,
        coalesce(
            (
                select min(item.group_key) from silver.ad_groups as item
                where item.dn_key = thing.dn_key
            ),
            (
                select min(item.group_key) from silver.mcommunity_groups as item
                where item.dn_key = thing.dn_key
            )
        ) as group_key,
        person.account is not null as is_account,
        person.entry is not null as is_entry,
        exists (
            select from silver.ad_computers as item where item.dn_key = thing.dn_key
        ) as is_computer,
        exists (select from silver.users as item where item.uniqname = present.uniqname) as is_person
    from thing
    join person using (dn)
    cross join lateral (
        select coalesce(person.account, person.entry, thing.name) as name
    ) as called
    -- Whoever is listed by a former uniqname is who has the present one.
    cross join lateral (
        select coalesce((
            select min(past.uniqname) from silver.former_uniqnames as past
            where past.former_uniqname = called.name and past.is_latest
        ), called.name) as uniqname
    ) as present
),
judged as (
    select found.dn_key, found.dn, found.group_key, found.is_account, found.is_computer,
        found.is_person, sort.kind,
        case sort.kind when 'user' then found.present_name else found.name end as name
    from found
    cross join lateral (
        select case
            when group_key is not null then 'group'
            when is_account or is_entry then 'user'
            when is_computer then 'computer'
            else coalesce(silver.dn_kind(dn), case when is_person then 'user' else 'unknown' end)
        end as kind
    ) as sort
),
-- Names of groups as they are spelled: in Active Directory, else in MCommunity.
spelled as materialized (
    select wanted.group_key, coalesce(
        (
            select item.cn from silver.ad_groups as item
            where item.group_key = wanted.group_key
            order by item.ad_group_guid
            limit 1
        ),
        (
            select item.group_name from silver.mcommunity_groups as item
            where item.group_key = wanted.group_key
            order by item.gid_number
            limit 1
        )
    ) as group_id
    from (
        select group_key from groups
        union
        select coalesce(group_key, name) from judged where kind = 'group'
    ) as wanted
),
told as (
    select listed.group_key, own.group_id, listed.source, listed.dn, listed.is_direct,
        judged.kind,
        case when judged.kind = 'group' then coalesce(judged.group_key, judged.name)
            else judged.name end as name,
        -- Of two unknown things with one name nobody can say that they are the same.
        case judged.kind
            when 'group' then coalesce(judged.group_key, judged.name)
            when 'unknown' then judged.dn_key
            else judged.name
        end as reference,
        case when judged.kind = 'group' then
            coalesce(nested.group_id, silver.dn_name(judged.dn), judged.dn) end as nested_group_id,
        case judged.kind
            when 'user' then judged.is_account or judged.is_person
            when 'group' then nested.group_id is not null
            when 'computer' then judged.is_computer
            else false
        end as is_known
    from listed
    join judged using (dn)
    join spelled as own on own.group_key = listed.group_key
    left join spelled as nested
        on judged.kind = 'group' and nested.group_key = coalesce(judged.group_key, judged.name)
)
