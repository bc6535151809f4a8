-- Names of labs: the leader's uniqname, and those that the leader had before.
--
-- A name that somebody else has by now stays the lab's until they lead a lab themselves.
with leader as materialized (
    select person.uniqname
    from keys
    join silver.users as person on person.uniqname = keys.key
    where person.is_pi
),
named (lab_id, name) as (
    select uniqname, uniqname from leader
    union all
    select leader.uniqname, past.former_uniqname
    from leader
    join silver.former_uniqnames as past using (uniqname)
    left join silver.users as other on other.uniqname = past.former_uniqname
    where (past.is_latest or past.is_reused) and not past.is_conflict and other.is_pi is not true
        and not exists (
            select from silver.former_uniqnames as later
            where later.former_uniqname = past.former_uniqname and not later.is_conflict
                and later.left_at > past.left_at)
)
select lab_id || '/' || name as lab_name_id, lab_id, name, name <> lab_id as is_former from named
