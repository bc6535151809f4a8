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
    served_day  date not null           -- the day the simulators serve
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
    defects       text not null,        -- names of the placed defects, joined by blanks
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
