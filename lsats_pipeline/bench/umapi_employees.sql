-- silver.umapi_employees as one would write it by hand: the floor of `lsats bench`.
insert into pg_temp.by_hand
select
    head.external_id,
    nullif(btrim(raw_data ->> 'EmplId'), ''),
    (raw_data ->> 'EmplRcd')::smallint,
    lower(nullif(btrim(raw_data ->> 'UniqName'), '')),
    nullif(btrim(raw_data ->> 'FirstName'), ''),
    nullif(btrim(raw_data ->> 'LastName'), ''),
    nullif(btrim(raw_data ->> 'Name'), ''),
    nullif(btrim(raw_data ->> 'DepartmentId'), ''),
    nullif(btrim(raw_data ->> 'Dept_Description'), ''),
    nullif(btrim(raw_data ->> 'SupervisorId'), ''),
    nullif(btrim(raw_data ->> 'Jobcode'), ''),
    nullif(btrim(raw_data ->> 'DepartmentJobTitle'), ''),
    nullif(btrim(raw_data ->> 'UniversityJobTitle'), ''),
    nullif(btrim(raw_data ->> 'Work_Address1'), ''),
    nullif(btrim(raw_data ->> 'Work_Address2'), ''),
    nullif(btrim(raw_data ->> 'Work_Address3'), ''),
    nullif(btrim(raw_data ->> 'Work_City'), ''),
    nullif(btrim(raw_data ->> 'Work_State'), ''),
    nullif(btrim(raw_data ->> 'Work_Postal'), ''),
    nullif(btrim(raw_data ->> 'Work_Country'), ''),
    nullif(btrim(raw_data ->> 'Work_Phone'), ''),
    nullif(btrim(raw_data ->> 'Work_Phone_Extension'), ''),
    jsonb_build_object(
        'address1', raw_data ->> 'Work_Address1', 'address2', raw_data ->> 'Work_Address2',
        'address3', raw_data ->> 'Work_Address3', 'city', raw_data ->> 'Work_City',
        'state', raw_data ->> 'Work_State', 'postal', raw_data ->> 'Work_Postal',
        'country', raw_data ->> 'Work_Country', 'phone', raw_data ->> 'Work_Phone',
        'phone_extension', raw_data ->> 'Work_Phone_Extension'),
    greatest(0, 1.00
        - case when nullif(btrim(raw_data ->> 'UniqName'), '') is null then 0.30 else 0 end
        - case when nullif(btrim(raw_data ->> 'SupervisorId'), '') is null then 0.15 else 0 end
        - case when nullif(btrim(raw_data ->> 'Work_Phone'), '') is null then 0.15 else 0 end
        - case when nullif(btrim(raw_data ->> 'Jobcode'), '') is null then 0.10 else 0 end)::numeric(3, 2),
    to_jsonb(array_remove(array[
        case when nullif(btrim(raw_data ->> 'UniqName'), '') is null then 'missing_uniqname' end,
        case when nullif(btrim(raw_data ->> 'SupervisorId'), '') is null then 'missing_supervisor' end,
        case when nullif(btrim(raw_data ->> 'Work_Phone'), '') is null then 'missing_work_phone' end,
        case when nullif(btrim(raw_data ->> 'Jobcode'), '') is null then 'missing_jobcode' end], null)),
    raw_id, now(), now()
from bronze.heads head
join bronze.raw_entities using (raw_id)
where head.source_system = 'umich_api' and head.entity_type = 'user' and not head.is_removed
