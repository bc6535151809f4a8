-- Schema of the campus world: what is true, what each system knows of it, and which flags must follow.
-- A row with history holds on every day d with valid_from <= d and (valid_to is null or d < valid_to).
-- Nobody is granted anything here: the pipeline must learn about the campus from its systems alone.

create schema campus;
revoke all on schema campus from public;

create table campus.world (
    only_row    boolean primary key default true check (only_row),
    seed        bigint not null,
    people      integer not null,
    first_day   date not null,
    day         date not null,          -- the day the campus is at
    served_day  date not null,          -- the day the simulators serve
    wanted_machines  integer not null default 0     -- 0: as many as suit the people
);

-- What this campus has of what campuses have learned since the first ones.
create table campus.additions (
    name  text primary key
);

create table campus.departments (
    dept_id         text not null,      -- the true six-digit code, whatever the systems show
    tdx_id          integer not null,
    name            text not null,
    college         text not null,
    vp_area         text not null,
    campus          text not null,
    parent_dept_id  text,
    is_active       boolean not null,
    oddity          text not null,      -- what is wrong about it, '' for nothing
    valid_from      date not null,
    valid_to        date
);

create table campus.people (
    person_id     bigint not null,
    kind          text not null,        -- alumni, student, staff, faculty, sponsored
    status        text not null,        -- active, left
    uniqname      text not null,
    first_name    text not null,
    middle_name   text not null,
    last_name     text not null,
    nickname      text not null,
    title         text not null,
    dept_id       text not null,
    work_phone    text not null,
    mobile_phone  text not null,
    building      text not null,
    room          text not null,
    defects       text not null,        -- names of the intended defects, joined by blanks
    valid_from    date not null,
    valid_to      date
);

create table campus.appointments (
    person_id           bigint not null,
    empl_rcd            smallint not null,
    empl_id             text not null,
    dept_id             text not null,
    jobcode             text not null,
    title               text not null,
    department_title    text not null,
    supervisor_empl_id  text not null,
    valid_from          date not null,
    valid_to            date
);

-- Exactly what a system gives out, without its volatile fields.
create table campus.records (
    system      text not null,
    entity      text not null,
    record_key  text collate "C" not null,  -- identity inside the system; '?...' when it has none
    lookup      text collate "C" not null default '',   -- what the simulator searches by
    payload     text not null,          -- JSON; U+E0FF stands for a raw byte 0xFF on the wire
    fault       text not null default '',   -- '' or 'not_found'
    valid_from  date not null,
    valid_to    date
);
-- Payloads are read whole and once a day: squeezing those over 2 kB costs more than it saves.
alter table campus.records alter column payload set storage external;

-- The row of a silver table (or 'rejects:<stream>') that must carry a flag.
create table campus.labels (
    table_name  text not null,
    flag        text not null,
    subject     text not null,          -- silver key, or external id of a reject, or ''
    valid_from  date not null,
    valid_to    date
);

create table campus.groups (
    group_key      text not null,       -- e.g. lab/3/share
    group_name     text not null,       -- cn in Active Directory, else in MCommunity
    family         text not null,       -- lab, admins, share, people, students, department, ...
    ad_group_guid  text,
    gid_number     bigint,              -- in MCommunity
    description    text not null,
    valid_from     date not null,
    valid_to       date
);

create table campus.group_members (
    group_key       text not null,
    member_kind     text not null,      -- person, group, computer, foreign
    member          text not null,      -- uniqname, name of the group, machine_id, SID
    is_direct       boolean not null,   -- false: by way of a nested MCommunity group
    in_ad           boolean not null,   -- which directory lists it
    in_mcommunity   boolean not null,
    valid_from      date not null,
    valid_to        date
);

create table campus.group_owners (
    group_key   text not null,
    owner_kind  text not null,          -- person, group
    owner       text not null,
    valid_from  date not null,
    valid_to    date
);

create table campus.organizational_units (
    object_guid         text not null,
    distinguished_name  text not null,
    name                text not null,
    level               text not null,  -- branch, status, region, department, grouping, lab, other
    branch              text not null,
    status              text,
    dept_id             text,
    pi_uniqname         text,           -- of a lab's folder
    valid_from          date not null,
    valid_to            date
);

create table campus.labs (
    pi_uniqname  text not null,
    person_id    bigint not null,
    dept_id      text not null,
    ou_dn        text,
    ou_branch    text,
    ou_status    text,
    awards       integer not null,
    valid_from   date not null,
    valid_to     date
);

-- Everybody whom the rule of lab membership (hub.md 5.8) must find, by what the directories show.
create table campus.lab_members (
    pi_uniqname  text not null,
    uniqname     text not null,
    is_pi        boolean not null,
    valid_from   date not null,
    valid_to     date
);

create table campus.lab_awards (
    award_id     text not null,
    uniqname     text not null,
    person_role  text not null,
    project      text not null,
    dept_id      text not null,         -- '' when the row has none
    total_cents  bigint not null,
    valid_from   date not null,
    valid_to     date
);

create table campus.computers (
    machine_id       bigint not null,
    name             text not null,
    serial           text not null,
    macs             text not null,     -- 12 digits each, joined by blanks
    owner            text,              -- uniqnames
    financial_owner  text,
    last_user        text,
    dept_id          text not null,
    lab_pi           text,
    status           text not null,     -- Active, Inactive, Surplus
    defect           text not null,     -- '' for none
    is_second        boolean not null,  -- of the two machines that share the defect
    valid_from       date not null,
    valid_to         date
);

-- Which readable records are one machine; not current: what a system keeps of its past.
create table campus.machine_records (
    machine_id  bigint not null,
    system      text not null,
    entity      text not null,
    record_key  text collate "C" not null,
    is_current  boolean not null,
    valid_from  date not null,
    valid_to    date
);

-- Machines that readable records tie to a lab, and by what (hub.md 5.10): ad_ou_nested, owner_is_pi,
-- fin_owner_is_pi, name_pattern_pi. Owners and users among the members follow from other tables.
create table campus.lab_computers (
    pi_uniqname  text not null,
    machine_id   bigint not null,
    methods      text not null,         -- sorted, joined by blanks
    valid_from   date not null,
    valid_to     date
);

-- What is in Active Directory and neither a person nor a computer.
create table campus.other_accounts (
    object_guid         text not null,
    kind                text not null,      -- gmsa, smsa, contact, foreign
    name                text not null,
    distinguished_name  text not null,
    valid_from          date not null,
    valid_to            date
);
