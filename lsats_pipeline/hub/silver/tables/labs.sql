-- One lab per principal investigator (domain/hub.md 5.6, 5.7).
--
-- leaders ─▶ what TDX says (machines, department), what awards say, what Active Directory says (unit)
--     ─▶ the first that says something
--
-- All steps are materialized: the planner takes leaders for few, and would work each step out again
-- for every leader.
with leader as materialized (
    select person.uniqname, person.full_name, person.department_id, person.is_active,
        person.tdx_user_uid
    from keys
    join silver.users as person on person.uniqname = keys.key
    where person.is_pi
),
-- Machines in TDX that they own or pay for.
tdx as materialized (
    select machine.uniqname, count(*)::integer as computers
    from (
        select leader.uniqname, computer.computer_id
        from leader
        join silver.computers as computer on computer.owner_uniqname = leader.uniqname
        where 'tdx' = any(string_to_array(computer.source_system, '+'))
        union
        select leader.uniqname, computer.computer_id
        from leader
        join silver.computers as computer on computer.financial_owner_uniqname = leader.uniqname
        where 'tdx' = any(string_to_array(computer.source_system, '+'))
    ) as machine
    group by machine.uniqname
),
-- The department of the TDX account: a code in its name, or the name.
tdx_department as materialized (
    select leader.uniqname,
        coalesce(coded.dept_id, resembling.dept_id) as dept_id,
        case when coded.dept_id is null then 'fuzzy_match' else 'exact_code' end as method,
        case when coded.dept_id is null then resembling.similarity else 1 end as confidence
    from leader
    join tdx using (uniqname)
    join silver.tdx_users as account on account.tdx_user_uid = leader.tdx_user_uid
    left join lateral (
        select known.dept_id
        from regexp_matches(account.default_account_name, '(?<![0-9])[0-9]{{6}}(?![0-9])', 'g')
            with ordinality as code (digits, place)
        join silver.departments as known on known.dept_id = code.digits[1]
        order by code.place
        limit 1
    ) as coded on true
    left join silver.department_name_matches as resembling
        on resembling.name = account.default_account_name and resembling.similarity > 0.65
    where coded.dept_id is not null or resembling.dept_id is not null
),
award_person as materialized (
    select own.*
    from (
        {award_people}
    ) as own
    join leader using (uniqname)
),
-- An award (and its grant) counts once, however many roles or departments its rows name.
own_award as materialized (
    select distinct on (own.uniqname, own.award_id, own.project_grant_id) own.*
    from award_person as own
    order by own.uniqname, own.award_id, own.project_grant_id,
        own.award_total_dollars desc nulls last, own.external_id
),
award as materialized (
    select own.uniqname,
        sum(own.award_total_dollars) as total_dollars,
        sum(own.award_direct_dollars) as direct_dollars,
        sum(own.award_indirect_dollars) as indirect_dollars,
        count(distinct own.award_id)::integer as awards,
        (count(distinct own.award_id) filter (where own.award_end_date >= silver.today()))::integer
            as active_awards,
        min(own.award_start_date) as earliest_start,
        max(own.award_end_date) as latest_end
    from own_award as own
    group by own.uniqname
),
award_department as materialized (
    select own.uniqname,
        min(known.dept_id) as dept_id,
        jsonb_agg(distinct own.person_appt_department_id order by own.person_appt_department_id)
            filter (where own.person_appt_department_id is not null) as department_ids,
        jsonb_agg(distinct known.department_name order by known.department_name)
            filter (where known.department_name is not null) as department_names
    from award_person as own
    left join silver.departments as known on known.dept_id = own.person_appt_department_id
    group by own.uniqname
),
-- Units, and whose they are that go by a former uniqname.
known_unit as materialized (
    select ou.*, past.uniqname as holder
    from silver.ad_organizational_units as ou
    left join silver.former_uniqnames as past
        on past.former_uniqname = ou.extracted_uniqname
        and past.records ? ('ad_units/' || ou.external_id)
),
called as (
    select leader.uniqname, lab_name.name, own.external_id
    from (
        select external_id, ou_name, holder, unnest(silver.words(ou_name)) as word from known_unit
    ) as own
    join silver.lab_names as lab_name on silver.first_word(lab_name.name) = own.word
    join leader on leader.uniqname = lab_name.lab_id
    where silver.mentions(own.ou_name, lab_name.name)
        and coalesce(own.holder, leader.uniqname) = leader.uniqname
    union
    select holder, extracted_uniqname, external_id from known_unit where holder is not null
),
-- The unit called like the leader, else one whose name contains theirs: where labs are before
-- elsewhere, newest first; by the present uniqname before a former one.
unit as materialized (
    select distinct on (leader.uniqname) leader.uniqname, own.ou_name, own.distinguished_name,
        own.ou_full_path, own.parent_ou_dn, own.ou_depth, own.when_created, own.when_changed,
        own.depth_category, own.has_computer_children, own.has_child_ous, own.ou_status,
        resembling.dept_id, resembling.similarity
    from leader
    join called using (uniqname)
    join known_unit as own using (external_id)
    left join silver.department_name_matches as resembling
        on resembling.name = own.ou_immediate_parent and resembling.similarity > 0.50
    order by leader.uniqname, lower(own.ou_name) = leader.uniqname desc,
        lower(own.ou_name) = called.name desc,
        own.depth_category is not distinct from 'potential_lab' desc,
        own.when_created desc nulls last, own.distinguished_name, own.external_id
),
own_department as materialized (
    select leader.uniqname, known.dept_id
    from leader
    join silver.departments as known on known.dept_id = leader.department_id
),
department as materialized (
    select leader.uniqname, choice.dept_id, choice.source, choice.method, choice.confidence
    from leader
    left join tdx using (uniqname)
    left join tdx_department using (uniqname)
    left join award_department using (uniqname)
    left join unit using (uniqname)
    left join own_department using (uniqname)
    cross join lateral (
        select * from (
            values
                (1, award_department.dept_id, 'lab_award', 'award', 1),
                (2, tdx_department.dept_id, 'tdx', tdx_department.method, tdx_department.confidence),
                (3, case when tdx.computers > 0 then own_department.dept_id end, 'tdx', 'pi_inherit',
                    0.75),
                (4, unit.dept_id, 'active_directory', 'fuzzy_match', unit.similarity),
                (5, own_department.dept_id, 'users', 'pi_inherit', 0.75)
        ) as offer (place, dept_id, source, method, confidence)
        where offer.dept_id is not null
        order by offer.place
        limit 1
    ) as choice
),
crowd as materialized (
    select leader.uniqname,
        (count(*) filter (where member.is_manager_candidate))::integer as candidates,
        (count(*) filter (where member.is_pi))::integer as leaders,
        (count(*) filter (where member.is_investigator))::integer as investigators
    from leader
    join silver.lab_members as member on member.lab_id = leader.uniqname
    group by leader.uniqname
),
-- A lab that comes back has its configuration item still, and so has one by another name: what an
-- id meant then, it was.
before as materialized (
    select distinct on (leader.uniqname) leader.uniqname, past.tdx_ci_id
    from (
        select uniqname as name, uniqname from leader
        union
        select renamed.former_uniqname, uniqname
        from leader
        join silver.former_uniqnames as renamed using (uniqname)
        where not renamed.is_conflict
    ) as leader
    join (
        select lab_id, tdx_ci_id, valid_from, valid_to from silver.labs_history
        union all
        select lab_id, tdx_ci_id, updated_at, 'infinity' from silver.labs
    ) as past on past.lab_id = leader.name
    left join lateral (
        select renamed.uniqname from silver.former_uniqnames as renamed
        where renamed.former_uniqname = past.lab_id and not renamed.is_conflict
            and renamed.left_at > past.valid_from
        order by renamed.left_at
        limit 1
    ) as meant on true
    where coalesce(meant.uniqname, past.lab_id) = leader.uniqname
    order by leader.uniqname, past.valid_to desc
)
select leader.uniqname as lab_id,
    leader.uniqname as pi_uniqname,
    naming.lab_name,
    naming.lab_name as lab_display_name,
    department.dept_id as primary_department_id,
    department.method as department_match_method,
    department.confidence as department_match_confidence,
    coalesce(award_department.department_ids, '[]') as department_ids,
    coalesce(award_department.department_names, '[]') as department_names,
    award.total_dollars as total_award_dollars,
    award.direct_dollars as total_direct_dollars,
    award.indirect_dollars as total_indirect_dollars,
    coalesce(award.awards, 0) as award_count,
    coalesce(award.active_awards, 0) as active_award_count,
    award.earliest_start as earliest_award_start,
    award.latest_end as latest_award_end,
    unit.uniqname is not null as has_ad_ou,
    unit.distinguished_name as ad_ou_dn,
    unit.ou_full_path as ad_ou_hierarchy,
    unit.parent_ou_dn as ad_parent_ou,
    unit.ou_depth as ad_ou_depth,
    unit.when_created as ad_ou_created,
    unit.when_changed as ad_ou_modified,
    unit.depth_category as ou_depth_category,
    unit.has_computer_children,
    unit.has_child_ous,
    coalesce(tdx.computers, 0) as computer_count,
    tdx.uniqname is not null as has_tdx_presence,
    tdx.uniqname is not null as has_tdx_data,
    award.uniqname is not null as has_award_data,
    unit.uniqname is not null as has_ou_data,
    coalesce(award.active_awards, 0) > 0 as has_active_awards,
    unit.uniqname is not null and unit.ou_status is distinct from 'Legacy' as has_active_ou,
    coalesce(crowd.candidates, 0) as member_count,
    coalesce(crowd.leaders, 0) as pi_count,
    coalesce(crowd.investigators, 0) as investigator_count,
    leader.is_active or coalesce(award.active_awards, 0) > 0 or tdx.uniqname is not null
        or unit.uniqname is not null as is_active,
    nullif(concat_ws('+',
        case when unit.uniqname is not null then 'active_directory' end,
        case when award.uniqname is not null then 'lab_award' end,
        case when tdx.uniqname is not null then 'tdx' end), '') as data_source,
    jsonb_strip_nulls(jsonb_build_object(
        'lab_name', naming.source, 'primary_department_id', department.source)) as field_sources,
    before.tdx_ci_id
from leader
left join tdx using (uniqname)
left join award using (uniqname)
left join award_department using (uniqname)
left join unit using (uniqname)
left join department using (uniqname)
left join crowd using (uniqname)
cross join lateral (
    select case
            when unit.uniqname is not null then unit.ou_name
            when tdx.uniqname is not null
                then coalesce(leader.full_name, leader.uniqname) || ' Lab (TDX)'
            else coalesce(leader.full_name, leader.uniqname) || ' Lab'
        end as lab_name,
        case
            when unit.uniqname is not null then 'active_directory'
            when tdx.uniqname is not null then 'tdx'
            when award.uniqname is not null then 'lab_award'
            else 'users'
        end as source
) as naming
left join before using (uniqname)
