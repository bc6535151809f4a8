-- Groups that machines are in, as their accounts in Active Directory list them.
with membership as materialized (
    select computer.computer_id, silver.dn_key(listed.dn) as dn_key, min(listed.dn) as group_dn
    from keys
    join silver.computers as computer on computer.computer_id = keys.key
    join silver.ad_computers as account on account.object_guid = computer.ad_object_guid
    cross join lateral jsonb_array_elements_text(account.member_of_groups) as listed (dn)
    where silver.dn_key(listed.dn) is not null
    group by computer.computer_id, silver.dn_key(listed.dn)
),
known as (
    select listed.dn_key, min(known.group_id) as group_id
    from silver.ad_groups as listed
    join silver.groups as known on known.group_key = listed.group_key
    where listed.dn_key in (select dn_key from membership)
    group by listed.dn_key
)
select membership.computer_id || '|' || membership.dn_key as membership_id,
    membership.computer_id, known.group_id, membership.group_dn,
    silver.dn_name(membership.group_dn) as group_cn,
    'ad' as source_system
from membership
left join known on known.dn_key = membership.dn_key
