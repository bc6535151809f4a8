-- silver.umapi_employees as one would write it by hand: the floor of `lsats bench`. The same rows as
-- the hub's, into a table with the same columns and indexes.
with employee as (
    select
        head.external_id,
        nullif(btrim(raw_data ->> 'EmplId'), '') as empl_id,
        (raw_data ->> 'EmplRcd')::integer as empl_rcd,
        lower(nullif(btrim(raw_data ->> 'UniqName'), '')) as uniqname,
        nullif(btrim(raw_data ->> 'FirstName'), '') as first_name,
        nullif(btrim(raw_data ->> 'LastName'), '') as last_name,
        nullif(btrim(raw_data ->> 'Name'), '') as full_name,
        nullif(btrim(raw_data ->> 'DepartmentId'), '') as department_id,
        nullif(btrim(raw_data ->> 'Dept_Description'), '') as dept_description,
        nullif(btrim(raw_data ->> 'SupervisorId'), '') as supervisor_id,
        nullif(btrim(raw_data ->> 'Jobcode'), '') as jobcode,
        nullif(btrim(raw_data ->> 'DepartmentJobTitle'), '') as department_job_title,
        nullif(btrim(raw_data ->> 'UniversityJobTitle'), '') as university_job_title,
        nullif(btrim(raw_data ->> 'Work_Phone'), '') as work_phone,
        nullif(btrim(raw_data ->> 'Work_Phone_Extension'), '') as work_phone_extension,
        nullif(btrim(raw_data ->> 'Work_Address1'), '') as work_address_line1,
        nullif(btrim(raw_data ->> 'Work_Address2'), '') as work_address_line2,
        nullif(btrim(raw_data ->> 'Work_Address3'), '') as work_address_line3,
        nullif(btrim(raw_data ->> 'Work_City'), '') as work_city,
        nullif(btrim(raw_data ->> 'Work_State'), '') as work_state,
        nullif(btrim(raw_data ->> 'Work_Postal'), '') as work_postal_code,
        nullif(btrim(raw_data ->> 'Work_Country'), '') as work_country,
        raw_id
    from bronze.heads head
    join bronze.raw_entities using (raw_id)
    where head.source_system = 'umich_api' and head.entity_type = 'user' and not head.is_removed
    offset 0 -- so that each value is worked out once
)
insert into silver.by_hand (
    external_id, empl_id, empl_rcd, uniqname, first_name, last_name, full_name, department_id,
    dept_description, supervisor_id, jobcode, department_job_title, university_job_title,
    work_phone, work_phone_extension, work_address_line1, work_address_line2, work_address_line3,
    work_city, work_state, work_postal_code, work_country, job_title, work_location,
    data_quality_score, quality_flags, source_system, raw_id,
    ingestion_run_id, created_at, updated_at)
select
    external_id, empl_id, empl_rcd, uniqname, first_name, last_name, full_name, department_id,
    dept_description, supervisor_id, jobcode, department_job_title, university_job_title,
    work_phone, work_phone_extension, work_address_line1, work_address_line2, work_address_line3,
    work_city, work_state, work_postal_code, work_country,
    coalesce(university_job_title, department_job_title),
    jsonb_strip_nulls(jsonb_build_object(
        'address1', work_address_line1, 'address2', work_address_line2,
        'address3', work_address_line3, 'city', work_city, 'state', work_state,
        'postal', work_postal_code, 'country', work_country,
        'phone', work_phone, 'phone_extension', work_phone_extension)),
    greatest(0, 1.00
        - case when uniqname is null then 0.30 else 0 end
        - case when supervisor_id is null then 0.15 else 0 end
        - case when work_phone is null then 0.15 else 0 end
        - case when num_nulls(work_address_line1, work_city, work_state, work_postal_code) > 0 then 0.20 else 0 end
        - case when jobcode is null then 0.10 else 0 end
        - case when university_job_title is null then 0.10 else 0 end
        - case when department_id !~ '^[0-9]{6}$' then 0.05 else 0 end)::numeric(3, 2),
    to_jsonb(array_remove(array[
        case when uniqname is null then 'missing_uniqname' end,
        case when supervisor_id is null then 'missing_supervisor' end,
        case when work_phone is null then 'missing_work_phone' end,
        case when num_nulls(work_address_line1, work_city, work_state, work_postal_code) > 0 then 'incomplete_work_location' end,
        case when jobcode is null then 'missing_jobcode' end,
        case when university_job_title is null then 'missing_university_job_title' end,
        case when department_id !~ '^[0-9]{6}$' then 'malformed_department_id' end], null)),
    'umich_api', raw_id, run_id, now(), now()
from employee, gen_random_uuid() as run_id
