-- Who may manage a lab: up to three members, by the title or job code that says most
-- (domain/hub.md 5.9). A low score is good; with anybody of tier 1, only tier 1 is kept.
--
-- labs with machines and a department in TDX ─▶ their candidates ─▶ first rule that fits ─▶ best three
with rule (place, score, tier, exact, title, job_code) as (
    values
        (1, 1, 1, false, 'lab manager', '102945'),
        (2, 1, 1, false, 'lab coordinator', '102946'),
        (3, 1, 1, false, 'laboratory manager', '102929'),
        (4, 2, 1, true, 'admin coord/project coord', null),
        (5, 2, 1, false, 'project coordinator', null),
        (6, 2, 1, false, 'administrative coordinator', null),
        (7, 3, 1, true, 'research lab specialist lead', '102909'),
        (8, 4, 1, false, 'research lab specialist lead', null),
        (9, 5, 2, false, 'research lab specialist senior', null),
        (10, 6, 2, false, 'research lab specialist inter', null),
        (11, 7, 2, false, 'research lab specialist assoc', null),
        (12, 8, 2, false, 'research lab specialist', '102908'),
        (13, 9, 2, false, 'research fellow', null),
        (14, 10, 2, false, 'tech%sr', '102944'),
        (15, 11, 2, false, 'lead', null),
        (16, 12, 2, false, 'research scientist', null),
        (17, 13, 2, true, 'graduate student instructor and graduate student research assistant', null),
        (18, 13, 2, true, 'graduate student research assistant and graduate student instructor', null),
        (19, 13, 2, true, 'gsi and gsra', null),
        (20, 13, 2, true, 'gsra and gsi', null),
        (21, 13, 2, true, 'gsi/gsra', null),
        (22, 13, 2, true, 'gsra/gsi', null),
        (23, 14, 2, false, 'graduate student instructor', null),
        (24, 14, 2, false, 'graduate student research assistant', null)
),
lab as materialized (
    select lab.lab_id, lab.primary_department_id as department_id,
        department.department_name
    from keys
    join silver.labs as lab on lab.lab_id = keys.key
    join silver.departments as department on department.dept_id = lab.primary_department_id
    where lab.is_active and lab.computer_count > 0 and department.tdx_id is not null
),
candidate as materialized (
    select lab.lab_id, member.member_uniqname, member.member_role,
        member.member_department_id, member.member_department_name,
        person.tdx_user_uid, person.job_codes,
        array(
            select job ->> 'job_code' from jsonb_array_elements(person.job_codes) as job
        ) as codes
    from lab
    join silver.lab_members as member using (lab_id)
    join silver.users as person on person.uniqname = member.member_uniqname
    where member.is_manager_candidate
),
fitting as (
    select distinct on (candidate.lab_id, candidate.member_uniqname)
        candidate.*, rule.score, rule.tier,
        case when by_title.fits then 'title: ' || rule.title else 'job code: ' || rule.job_code end
            as reason
    from candidate
    join rule on true
    cross join lateral (
        select case
            when rule.exact then lower(candidate.member_role) = rule.title
            else lower(candidate.member_role) like '%' || rule.title || '%'
        end as fits
    ) as by_title
    where by_title.fits or rule.job_code = any(candidate.codes)
    order by candidate.lab_id, candidate.member_uniqname, rule.place
),
ranked as (
    select fitting.*,
        min(tier) over (partition by lab_id) as best_tier,
        row_number() over (
            partition by lab_id order by tier, score, member_role, member_uniqname) as rank
    from fitting
),
best as materialized (
    select * from ranked where tier = best_tier and rank <= 3
),
-- Names of leaders and managers, present and former.
called (name, uniqname) as materialized (
    select lab_id, lab_id from best
    union
    select member_uniqname, member_uniqname from best
    union
    select past.former_uniqname, past.uniqname
    from silver.former_uniqnames as past
    where not past.is_conflict
),
-- What people said of them holds when they leave and return, or change their uniqnames.
before as materialized (
    select distinct on (best.lab_id, best.member_uniqname)
        best.lab_id, best.member_uniqname, past.is_verified, past.verification_notes
    from best
    join called as lab on lab.uniqname = best.lab_id
    join called as member on member.uniqname = best.member_uniqname
    join (
        select lab_manager_id, lab_id, manager_uniqname, is_verified, verification_notes,
            valid_from, valid_to
        from silver.lab_managers_history
        union all
        select lab_manager_id, lab_id, manager_uniqname, is_verified, verification_notes,
            updated_at, 'infinity'
        from silver.lab_managers
    ) as past on past.lab_manager_id = lab.name || '/' || member.name
    left join lateral (
        select renamed.uniqname from silver.former_uniqnames as renamed
        where renamed.former_uniqname = past.lab_id and not renamed.is_conflict
            and renamed.left_at > past.valid_from
        order by renamed.left_at
        limit 1
    ) as lab_then on true
    left join lateral (
        select renamed.uniqname from silver.former_uniqnames as renamed
        where renamed.former_uniqname = past.manager_uniqname and not renamed.is_conflict
            and renamed.left_at > past.valid_from
        order by renamed.left_at
        limit 1
    ) as member_then on true
    where coalesce(lab_then.uniqname, past.lab_id) = best.lab_id
        and coalesce(member_then.uniqname, past.manager_uniqname) = best.member_uniqname
    order by best.lab_id, best.member_uniqname, past.valid_to desc
)
select best.lab_id || '/' || best.member_uniqname as lab_manager_id,
    best.lab_id,
    best.member_uniqname as manager_uniqname,
    best.tdx_user_uid as manager_tdx_uid,
    best.member_role as manager_role,
    coalesce(best.job_codes, '[]') as manager_job_codes,
    best.score as manager_confidence_score,
    best.tier as manager_tier,
    best.rank as manager_rank,
    best.reason as detection_reason,
    lab.department_id as lab_department_id,
    lab.department_name as lab_department_name,
    best.member_department_id as manager_department_id,
    best.member_department_name as manager_department_name,
    coalesce(before.is_verified, false) as is_verified,
    before.verification_notes
from best
join lab using (lab_id)
left join before using (lab_id, member_uniqname)
