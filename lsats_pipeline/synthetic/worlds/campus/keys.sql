-- Keys of the campus tables; made after the first day is in, which halves the time of loading it.
alter table campus.departments add primary key (dept_id, valid_from);
alter table campus.people add primary key (person_id, valid_from);
alter table campus.appointments add primary key (person_id, empl_rcd, valid_from);
alter table campus.records add primary key (system, entity, record_key, valid_from);
alter table campus.labels add primary key (table_name, flag, subject, valid_from);
-- Simulators search by department account, uid or cn, in key order.
create index on campus.records (system, entity, lookup, record_key);
