-- Labs, for people who look and for the programs that keep their configuration items.

create view silver.v_lab_summary as
select lab.lab_id, lab.lab_name, lab.is_active, lab.data_source,
    lab.pi_uniqname, pi.full_name as pi_full_name, pi.primary_email as pi_email,
    pi.work_phone as pi_phone, pi.job_title as pi_job_title, pi.tdx_user_uid as pi_tdx_uid,
    lab.primary_department_id, department.department_name, department.college_name,
    department.tdx_id as department_tdx_id,
    lab.award_count, lab.active_award_count, lab.total_award_dollars, lab.latest_award_end,
    lab.computer_count, machines.associated as associated_computer_count,
    machines.primary_here as primary_computer_count,
    members.total as total_member_count, lab.member_count as manager_candidate_count,
    lab.has_ad_ou, lab.ad_ou_dn, lab.tdx_ci_id, lab.data_quality_score, lab.quality_flags
from silver.labs as lab
left join silver.users as pi on pi.uniqname = lab.pi_uniqname
left join silver.departments as department on department.dept_id = lab.primary_department_id
left join (
    select lab_id, count(*) filter (where confidence_score >= 0.65) as associated,
        count(*) filter (where is_primary) as primary_here
    from silver.lab_computers
    group by lab_id
) as machines using (lab_id)
left join (
    select lab_id, count(*) as total from silver.lab_members group by lab_id
) as members using (lab_id);
comment on view silver.v_lab_summary is
    'A lab, how to reach its leader, its department, its awards and machines in numbers';

create view silver.v_department_labs as
select department.dept_id, department.department_name, department.college_name,
    department.tdx_id as department_tdx_id,
    count(*) as lab_count,
    count(*) filter (where lab.is_active) as active_lab_count,
    count(*) filter (where lab.has_active_awards) as labs_with_active_awards,
    count(*) filter (where lab.has_ad_ou) as labs_with_ad_ou,
    sum(lab.computer_count) as computer_count,
    sum(lab.award_count) as award_count,
    sum(lab.active_award_count) as active_award_count,
    coalesce(sum(lab.total_award_dollars), 0) as total_award_dollars,
    jsonb_agg(lab.lab_id order by lab.lab_id) as lab_ids
from silver.labs as lab
join silver.departments as department on department.dept_id = lab.primary_department_id
group by department.dept_id, department.department_name, department.college_name,
    department.tdx_id;
comment on view silver.v_department_labs is 'Labs and funding per department';

create view silver.v_labs_monitored as
select lab.lab_id, lab.pi_uniqname || ' Lab' as ci_name, lab.lab_name, lab.pi_uniqname,
    pi.full_name as pi_full_name, pi.tdx_user_uid as pi_tdx_uid, pi.primary_email as pi_email,
    lab.primary_department_id, department.department_name,
    department.tdx_id as department_tdx_id,
    lab.computer_count, lab.ad_ou_dn, lab.ou_depth_category, lab.is_active, lab.tdx_ci_id
from silver.labs as lab
join silver.users as pi on pi.uniqname = lab.pi_uniqname
join silver.departments as department on department.dept_id = lab.primary_department_id
where lab.has_ad_ou and lab.computer_count > 0;
comment on view silver.v_labs_monitored is
    'Labs with a unit in Active Directory, a department and a computer: those that get a configuration item';

create view silver.v_labs_refined as
select lab.* from silver.labs as lab where lab.ou_depth_category = 'potential_lab';
comment on view silver.v_labs_refined is 'Labs whose unit lies where labs are';

create view silver.v_legitimate_labs as
select lab.lab_id, lab.lab_name, lab.pi_uniqname, lab.computer_count, lab.member_count,
    lab.primary_department_id, department.department_name,
    department.tdx_id as department_tdx_id, lab.tdx_ci_id
from silver.labs as lab
join silver.departments as department on department.dept_id = lab.primary_department_id
where lab.is_active and lab.computer_count > 0 and department.tdx_id is not null;
comment on view silver.v_legitimate_labs is
    'Active labs with computers, whose department TDX knows: those that get managers';

create view silver.v_lab_active_awards as
select lab.lab_id, lab.lab_name, award.award_id, award.project_grant_id, award.award_title,
    award.award_class, award.person_role, award.award_start_date, award.award_end_date,
    award.award_total_dollars, award.award_direct_dollars, award.award_indirect_dollars,
    award.direct_sponsor_name, award.prime_sponsor_name, award.person_appt_department_id,
    award.award_admin_department
from silver.labs as lab
join (
    select coalesce(past.uniqname, own.person_uniqname) as uniqname, own.*
    from silver.lab_awards as own
    left join silver.former_uniqnames as past
        on past.former_uniqname = own.person_uniqname
        and past.records ? ('lab_awards/' || own.external_id)
) as award on award.uniqname = lab.pi_uniqname
where award.award_end_date >= silver.today();
comment on view silver.v_lab_active_awards is 'Awards of labs that end today or later';
