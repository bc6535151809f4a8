-- Who belongs to a lab: its leader, and the members of its groups (domain/hub.md 5.8).
--
-- leaders ─▶ groups: owned | in their unit | bearing their name ─▶ not over 200 people ─▶ members
--     ─▶ what the hub knows of each, and which awards of the leader they share
with leader as materialized (
    select person.uniqname as lab_id
    from keys
    join silver.users as person on person.uniqname = keys.key
    where person.is_pi
),
called as materialized (
    select lab_id, name, silver.first_word(name) as word
    from leader
    join silver.lab_names using (lab_id)
),
-- Asking every group about every leader would be leaders times groups: words find the few to ask.
named as (
    select called.lab_id, known.group_key
    from (
        select group_key, group_id, group_name,
            unnest(silver.words(concat_ws(' ', group_id, group_name))) as word
        from silver.groups
    ) as known
    join called on called.word = known.word
    where silver.mentions(known.group_id, called.name)
        or silver.mentions(known.group_name, called.name)
),
placed as (
    select called.lab_id, known.group_key
    from silver.groups as known
    cross join lateral jsonb_array_elements_text(known.ou_full_path) as unit (name)
    join called on called.name = lower(unit.name)
),
owned as (
    select leader.lab_id, owner.group_key
    from leader
    join silver.group_owners as owner on owner.owner_uniqname = leader.lab_id
),
lab_group as materialized (
    select * from named union select * from placed union select * from owned
),
-- A group of so many is a department or a course, no lab.
small as materialized (
    select lab_group.group_key, known.group_id
    from (select distinct group_key from lab_group) as lab_group
    join silver.groups as known using (group_key)
    join silver.group_members as member using (group_key)
    where member.member_type = 'user'
    group by lab_group.group_key, known.group_id
    having count(distinct member.member_uniqname) <= 200
),
grouped as materialized (
    select lab_group.lab_id, member.member_uniqname,
        jsonb_agg(distinct small.group_id order by small.group_id) as group_ids
    from lab_group
    join small using (group_key)
    join silver.group_members as member using (group_key)
    where member.member_type = 'user'
    group by lab_group.lab_id, member.member_uniqname
),
member as (
    select lab_id, member_uniqname, group_ids from grouped
    union all
    select leader.lab_id, leader.lab_id, '[]' from leader
    where not exists (
        select from grouped
        where grouped.lab_id = leader.lab_id and grouped.member_uniqname = leader.lab_id)
),
award_person as materialized (
    {award_people}
),
-- Awards that the lab's leader leads, with everybody's part in them.
award as materialized (
    select leader.lab_id, mate.uniqname,
        jsonb_agg(distinct mate.award_id order by mate.award_id) as award_ids,
        (array_agg(mate.person_role order by
            silver.is_pi_role(mate.person_role) desc nulls last,
            mate.person_role ~* '\minvestigator\M' desc nulls last,
            mate.person_role))[1] as role,
        coalesce(bool_or(mate.person_role ~* '\minvestigator\M'), false) as is_investigator
    from leader
    join award_person as own
        on own.uniqname = leader.lab_id and silver.is_pi_role(own.person_role)
    join award_person as mate on mate.award_id = own.award_id
    group by leader.lab_id, mate.uniqname
)
select member.lab_id || '/' || member.member_uniqname as lab_member_id,
    member.lab_id,
    member.member_uniqname,
    person.first_name as member_first_name,
    person.last_name as member_last_name,
    person.full_name as member_full_name,
    person.job_title as member_role,
    person.department_id as member_department_id,
    person.department_name as member_department_name,
    member.member_uniqname = member.lab_id as is_pi,
    member.member_uniqname <> member.lab_id and coalesce(award.is_investigator, false)
        as is_investigator,
    award.role as award_role,
    coalesce(award.award_ids, '[]') as source_award_ids,
    member.group_ids as source_group_ids,
    person.uniqname is not null as silver_user_exists,
    person.job_title is not null
        and member.member_uniqname <> member.lab_id
        and person.job_title !~* 'chief administrator|professor'
        and not coalesce(silver.is_administrative(person.department_name), false)
        as is_manager_candidate
from member
left join silver.users as person on person.uniqname = member.member_uniqname
left join award
    on award.lab_id = member.lab_id and award.uniqname = member.member_uniqname
