-- What the tables of the campus and their columns mean.

comment on schema campus is 'synthetic world: a whole campus, with what each system knows of it';

comment on table campus.world is 'one row: which campus this is';
comment on column campus.world.only_row is 'true: there is one row';
comment on column campus.world.seed is 'the same seed, the same campus';
comment on column campus.world.people is 'people on the first day';
comment on column campus.world.first_day is 'the day it begins';
comment on column campus.world.day is 'the day the campus is at';
comment on column campus.world.served_day is 'the day the simulators serve';
comment on column campus.world.wanted_machines is 'machines on the first day; 0: as many as suit the people';

comment on table campus.additions is 'what this campus has of what campuses have learned since the first ones';
comment on column campus.additions.name is 'name of the addition';

comment on table campus.departments is 'departments as they truly are';
comment on column campus.departments.dept_id is 'the true six-digit code, whatever the systems show';
comment on column campus.departments.tdx_id is 'number of the department in TDX';
comment on column campus.departments.name is 'name';
comment on column campus.departments.college is 'school or college it belongs to';
comment on column campus.departments.vp_area is 'area of the vice president above it';
comment on column campus.departments.campus is 'campus';
comment on column campus.departments.parent_dept_id is 'department above it';
comment on column campus.departments.is_active is 'whether it is in use';
comment on column campus.departments.oddity is 'what is wrong about it; empty: nothing';
comment on column campus.departments.valid_from is 'first day on which the row holds';
comment on column campus.departments.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.people is 'people as they truly are; all are made up';
comment on column campus.people.person_id is 'number of the person, for ever';
comment on column campus.people.kind is 'alumni, student, staff, faculty, sponsored';
comment on column campus.people.status is 'active, left';
comment on column campus.people.uniqname is 'present login name';
comment on column campus.people.first_name is 'given name';
comment on column campus.people.middle_name is 'middle name';
comment on column campus.people.last_name is 'family name';
comment on column campus.people.nickname is 'name the person goes by';
comment on column campus.people.title is 'title of the job';
comment on column campus.people.dept_id is 'department';
comment on column campus.people.work_phone is 'telephone at work';
comment on column campus.people.mobile_phone is 'mobile telephone';
comment on column campus.people.building is 'building';
comment on column campus.people.room is 'room';
comment on column campus.people.defects is 'names of the intended defects, joined by blanks';
comment on column campus.people.valid_from is 'first day on which the row holds';
comment on column campus.people.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.appointments is 'appointments of people';
comment on column campus.appointments.person_id is 'the person';
comment on column campus.appointments.empl_rcd is 'number of the appointment, from 0';
comment on column campus.appointments.empl_id is 'employee number';
comment on column campus.appointments.dept_id is 'department';
comment on column campus.appointments.jobcode is 'code of the job';
comment on column campus.appointments.title is 'title of the job in the catalogue';
comment on column campus.appointments.department_title is 'title in the department''s words';
comment on column campus.appointments.supervisor_empl_id is 'employee number of the supervisor';
comment on column campus.appointments.valid_from is 'first day on which the row holds';
comment on column campus.appointments.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.records is 'exactly what a system gives out, without its volatile fields';
comment on column campus.records.system is 'the system';
comment on column campus.records.entity is 'kind of record';
comment on column campus.records.record_key is 'identity inside the system; ''?...'' when it has none';
comment on column campus.records.lookup is 'what the simulator searches by';
comment on column campus.records.payload is 'JSON; U+E0FF stands for a raw byte 0xFF on the wire';
comment on column campus.records.fault is 'empty, or not_found';
comment on column campus.records.valid_from is 'first day on which the row holds';
comment on column campus.records.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.labels is 'rows of silver that must carry a flag';
comment on column campus.labels.table_name is 'silver table, or ''rejects:<stream>''';
comment on column campus.labels.flag is 'the flag';
comment on column campus.labels.subject is 'silver key, external id of a reject, or empty';
comment on column campus.labels.valid_from is 'first day on which the row holds';
comment on column campus.labels.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.groups is 'groups as they truly are';
comment on column campus.groups.group_key is 'key of the group: lab/3/share';
comment on column campus.groups.group_name is 'cn in Active Directory, else in MCommunity';
comment on column campus.groups.family is 'lab, admins, share, people, students, department ...';
comment on column campus.groups.ad_group_guid is 'id in Active Directory; null: not in it';
comment on column campus.groups.gid_number is 'number in MCommunity; null: not in it';
comment on column campus.groups.description is 'what the group is for';
comment on column campus.groups.valid_from is 'first day on which the row holds';
comment on column campus.groups.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.group_members is 'who is in which group';
comment on column campus.group_members.group_key is 'the group';
comment on column campus.group_members.member_kind is 'person, group, computer, foreign';
comment on column campus.group_members.member is 'uniqname, name of the group, machine_id or SID';
comment on column campus.group_members.is_direct is 'false: by way of a nested MCommunity group';
comment on column campus.group_members.in_ad is 'whether Active Directory lists it';
comment on column campus.group_members.in_mcommunity is 'whether MCommunity lists it';
comment on column campus.group_members.valid_from is 'first day on which the row holds';
comment on column campus.group_members.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.group_owners is 'who owns which group';
comment on column campus.group_owners.group_key is 'the group';
comment on column campus.group_owners.owner_kind is 'person, group';
comment on column campus.group_owners.owner is 'uniqname or name of the group';
comment on column campus.group_owners.valid_from is 'first day on which the row holds';
comment on column campus.group_owners.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.organizational_units is 'units of Active Directory';
comment on column campus.organizational_units.object_guid is 'id in Active Directory';
comment on column campus.organizational_units.distinguished_name is 'where it stands';
comment on column campus.organizational_units.name is 'name of the unit';
comment on column campus.organizational_units.level is 'branch, status, region, department, grouping, lab, other';
comment on column campus.organizational_units.branch is 'branch it is in';
comment on column campus.organizational_units.status is 'status it is under, where its branch has that level';
comment on column campus.organizational_units.dept_id is 'department it is of';
comment on column campus.organizational_units.pi_uniqname is 'leader, of a lab''s folder';
comment on column campus.organizational_units.valid_from is 'first day on which the row holds';
comment on column campus.organizational_units.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.labs is 'labs as they truly are';
comment on column campus.labs.pi_uniqname is 'uniqname of the leader';
comment on column campus.labs.person_id is 'the leader';
comment on column campus.labs.dept_id is 'department';
comment on column campus.labs.ou_dn is 'its folder in Active Directory';
comment on column campus.labs.ou_branch is 'branch of the folder';
comment on column campus.labs.ou_status is 'status that the folder is under';
comment on column campus.labs.awards is 'number of awards';
comment on column campus.labs.valid_from is 'first day on which the row holds';
comment on column campus.labs.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.lab_members is 'everybody whom the rule of lab membership must find, by what the directories show';
comment on column campus.lab_members.pi_uniqname is 'leader of the lab';
comment on column campus.lab_members.uniqname is 'the member';
comment on column campus.lab_members.is_pi is 'whether it is the leader';
comment on column campus.lab_members.valid_from is 'first day on which the row holds';
comment on column campus.lab_members.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.lab_awards is 'parts of people in awards';
comment on column campus.lab_awards.award_id is 'number of the award';
comment on column campus.lab_awards.uniqname is 'the person';
comment on column campus.lab_awards.person_role is 'part of the person';
comment on column campus.lab_awards.project is 'project that the money is booked under';
comment on column campus.lab_awards.dept_id is 'department; empty when the row has none';
comment on column campus.lab_awards.total_cents is 'the whole award in cents';
comment on column campus.lab_awards.valid_from is 'first day on which the row holds';
comment on column campus.lab_awards.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.computers is 'machines as they truly are';
comment on column campus.computers.machine_id is 'number of the machine, for ever';
comment on column campus.computers.name is 'name in the network';
comment on column campus.computers.serial is 'serial number';
comment on column campus.computers.macs is 'network addresses, 12 digits each, joined by blanks';
comment on column campus.computers.owner is 'uniqname of the owner';
comment on column campus.computers.financial_owner is 'uniqname of who answers for the money';
comment on column campus.computers.last_user is 'uniqname of who used it last';
comment on column campus.computers.dept_id is 'department';
comment on column campus.computers.lab_pi is 'leader of the lab it belongs to';
comment on column campus.computers.status is 'Active, Inactive, Surplus';
comment on column campus.computers.defect is 'the intended defect; empty: none';
comment on column campus.computers.is_second is 'of the two machines that share the defect';
comment on column campus.computers.valid_from is 'first day on which the row holds';
comment on column campus.computers.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.machine_records is 'which readable records are one machine';
comment on column campus.machine_records.machine_id is 'the machine';
comment on column campus.machine_records.system is 'the system';
comment on column campus.machine_records.entity is 'kind of record';
comment on column campus.machine_records.record_key is 'identity inside the system';
comment on column campus.machine_records.is_current is 'false: what a system keeps of its past';
comment on column campus.machine_records.valid_from is 'first day on which the row holds';
comment on column campus.machine_records.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.lab_computers is 'machines that readable records tie to a lab';
comment on column campus.lab_computers.pi_uniqname is 'leader of the lab';
comment on column campus.lab_computers.machine_id is 'the machine';
comment on column campus.lab_computers.methods is 'what ties it: ad_ou_nested, owner_is_pi, fin_owner_is_pi, name_pattern_pi; joined by blanks';
comment on column campus.lab_computers.valid_from is 'first day on which the row holds';
comment on column campus.lab_computers.valid_to is 'first day on which it does no more; null: it still does';

comment on table campus.other_accounts is 'what is in Active Directory and neither a person nor a computer';
comment on column campus.other_accounts.object_guid is 'id in Active Directory';
comment on column campus.other_accounts.kind is 'gmsa, smsa, contact, foreign';
comment on column campus.other_accounts.name is 'name of the entry';
comment on column campus.other_accounts.distinguished_name is 'where it stands';
comment on column campus.other_accounts.valid_from is 'first day on which the row holds';
comment on column campus.other_accounts.valid_to is 'first day on which it does no more; null: it still does';
