-- Members and managers of labs; `_tdx_reference` has what writing back to TDX needs.

create view silver.v_lab_members_detailed as
select member.lab_id, lab.lab_name, member.member_uniqname, member.member_full_name,
    member.member_first_name, member.member_last_name, member.member_role,
    person.primary_job_code, person.job_codes, person.department_job_title,
    member.member_department_id, member.member_department_name,
    person.primary_email as member_email, person.is_active as member_is_active,
    member.is_pi, member.is_investigator, member.award_role, member.source_award_ids,
    member.source_group_ids, member.silver_user_exists, member.is_manager_candidate
from silver.lab_members as member
join silver.labs as lab using (lab_id)
left join silver.users as person on person.uniqname = member.member_uniqname;
comment on view silver.v_lab_members_detailed is 'Members of labs with title and job codes';

create view silver.v_eligible_lab_members as
select member.lab_id, member.member_uniqname, member.member_full_name, member.member_role,
    person.job_codes, member.member_department_id, member.member_department_name,
    person.tdx_user_uid as member_tdx_uid
from silver.lab_members as member
join silver.users as person on person.uniqname = member.member_uniqname
where member.is_manager_candidate;
comment on view silver.v_eligible_lab_members is 'Members that may manage their lab';

create view silver.v_lab_members_all_tdx_reference as
select member.lab_id, lab.tdx_ci_id as lab_tdx_ci_id, member.member_uniqname,
    person.tdx_user_uid as member_tdx_uid, member.is_pi, member.member_role
from silver.lab_members as member
join silver.labs as lab using (lab_id)
join silver.users as person on person.uniqname = member.member_uniqname
where person.tdx_user_uid is not null;
comment on view silver.v_lab_members_all_tdx_reference is
    'Members, leaders too, that have a TDX account, with the configuration item of the lab';

create view silver.v_lab_managers_detailed as
select manager.lab_id, lab.lab_name, lab.pi_uniqname, manager.manager_uniqname,
    person.full_name as manager_full_name, person.primary_email as manager_email,
    manager.manager_role, manager.manager_job_codes, manager.manager_confidence_score,
    manager.manager_rank, manager.detection_reason, manager.is_verified,
    manager.verification_notes, manager.lab_department_id, manager.lab_department_name,
    manager.manager_department_id, manager.manager_department_name
from silver.lab_managers as manager
join silver.labs as lab using (lab_id)
left join silver.users as person on person.uniqname = manager.manager_uniqname;
comment on view silver.v_lab_managers_detailed is 'Probable managers of labs with their names';

create view silver.v_lab_managers_tdx_reference as
select manager.lab_id, lab.tdx_ci_id as lab_tdx_ci_id, manager.manager_uniqname,
    manager.manager_tdx_uid, manager.manager_rank, manager.is_verified,
    lab_department.tdx_id as lab_department_tdx_id,
    own_department.tdx_id as manager_department_tdx_id
from silver.lab_managers as manager
join silver.labs as lab using (lab_id)
left join silver.departments as lab_department
    on lab_department.dept_id = manager.lab_department_id
left join silver.departments as own_department
    on own_department.dept_id = manager.manager_department_id
where manager.manager_tdx_uid is not null;
comment on view silver.v_lab_managers_tdx_reference is
    'Probable managers that have a TDX account, with the ids that TDX wants';
