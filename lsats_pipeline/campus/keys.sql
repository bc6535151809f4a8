-- Keys of the campus tables; made after the first day is in, which halves the time of loading it.
alter table campus.departments add primary key (dept_id, valid_from);
alter table campus.people add primary key (person_id, valid_from);
alter table campus.appointments add primary key (person_id, empl_rcd, valid_from);
alter table campus.records add primary key (system, entity, record_key, valid_from);
alter table campus.labels add primary key (table_name, flag, subject, valid_from);
alter table campus.groups add primary key (group_key, valid_from);
alter table campus.group_members add primary key (group_key, member_kind, member, valid_from);
alter table campus.group_owners add primary key (group_key, owner_kind, owner, valid_from);
alter table campus.organizational_units add primary key (object_guid, valid_from);
alter table campus.labs add primary key (pi_uniqname, valid_from);
alter table campus.lab_members add primary key (pi_uniqname, uniqname, valid_from);
alter table campus.lab_awards
    add primary key (award_id, uniqname, person_role, project, dept_id, valid_from);
alter table campus.computers add primary key (machine_id, valid_from);
alter table campus.machine_records
    add primary key (machine_id, system, entity, record_key, valid_from);
alter table campus.lab_computers add primary key (pi_uniqname, machine_id, valid_from);
alter table campus.other_accounts add primary key (object_guid, valid_from);
-- Simulators search by department account, uid or cn, in key order.
create index on campus.records (system, entity, lookup, record_key);
