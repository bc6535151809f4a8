-- Groups, for people who look.

-- By the account name: lsa-<pi>, lsa-<pi>-..., lsa-<department>-<pi>-...; or by the unit it lies in.
create view silver.v_lab_groups as
with part as (
    select known.group_id, known.group_name, known.sam_account_name, known.distinguished_name,
        known.ou_full_path, string_to_array(lower(known.sam_account_name), '-') as name
    from silver.groups as known
    where known.ad_group_guid is not null
),
found (lab_id, group_id, found_by) as (
    select lab.lab_id, part.group_id, 'account_name'
    from part
    join silver.lab_names as lab on lab.name = part.name[2]
    where part.name[1] = 'lsa'
    union
    select lab.lab_id, part.group_id, 'account_name'
    from part
    join silver.lab_names as lab on lab.name = part.name[3]
    where part.name[1] = 'lsa' and cardinality(part.name) > 3
    union
    select lab.lab_id, part.group_id, 'unit'
    from part
    cross join lateral jsonb_array_elements_text(part.ou_full_path) as unit (name)
    join silver.lab_names as lab on lab.name = lower(unit.name)
)
select found.lab_id, found.group_id, part.group_name, part.sam_account_name,
    part.distinguished_name, jsonb_agg(found.found_by order by found.found_by) as found_by
from found
join part using (group_id)
group by found.lab_id, found.group_id, part.group_name, part.sam_account_name,
    part.distinguished_name;
comment on view silver.v_lab_groups is 'Groups of labs in Active Directory, by name or unit';

create view silver.group_summary as
select known.group_id, known.group_name, known.group_email, known.description,
    known.source_system, known.is_security_group, known.is_distribution_group,
    known.is_mcomm_adsync, known.ou_department,
    coalesce(member.people, 0) as user_member_count,
    coalesce(member.groups, 0) as group_member_count,
    coalesce(owner.people, 0) as user_owner_count,
    coalesce(owner.groups, 0) as group_owner_count,
    known.data_quality_score
from silver.groups as known
left join (
    select group_id, count(distinct member_uniqname) as people,
        count(distinct member_group_id) as groups
    from silver.group_members
    group by group_id
) as member using (group_id)
left join (
    select group_id, count(distinct owner_uniqname) as people,
        count(distinct owner_group_id) as groups
    from silver.group_owners
    group by group_id
) as owner using (group_id);
comment on view silver.group_summary is 'Groups with the numbers of members and owners';

create view silver.user_group_memberships as
select member.member_uniqname as uniqname, person.full_name, member.group_id,
    known.group_name, known.group_email, bool_or(member.is_direct_member) as is_direct_member,
    string_agg(distinct member.source_system, '+' order by member.source_system)
        as source_system
from silver.group_members as member
join silver.groups as known using (group_id)
left join silver.users as person on person.uniqname = member.member_uniqname
where member.member_type = 'user'
group by member.member_uniqname, person.full_name, member.group_id, known.group_name,
    known.group_email;
comment on view silver.user_group_memberships is 'The groups of each person';

create view silver.synced_groups as
select known.group_id, known.group_name, known.group_email, known.ad_group_guid,
    known.mcommunity_group_uid, known.is_mcomm_adsync, known.source_system,
    known.distinguished_name
from silver.groups as known
where known.is_mcomm_adsync or known.source_system = 'ad+mcommunity';
comment on view silver.synced_groups is 'Groups that both directories have, or that are copied';
