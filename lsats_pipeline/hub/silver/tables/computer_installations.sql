-- A machine that was set up anew has two rows in the inventory: one serial number, two names. The older
-- one is of the same machine when it has a network card of its own in common with the newer one, or was
-- last seen before that was first seen, or has the same name. Two that are in use at the same time are two: virtual machines
-- and boards may share the serial number of their model. So may whatever more than four rows have, or
-- two active assets in TeamDynamix.
create temp table installation on commit drop as
with repeated as (
    select serial from computer_record where place = 2 and serial is not null
    group by serial
    having count(*) between 2 and 4
    except
    select serial from computer_record where place = 1 and claim = 1
    group by serial
    having count(*) > 1
),
-- Addresses that only one serial number was seen with: a dock has several.
own as (
    select mac
    from computer_record
    cross join lateral jsonb_array_elements_text(macs) as address (mac)
    where place = 2
    group by mac
    having count(distinct coalesce(serial, id)) = 1
),
seen as (
    select record.id, record.name, record.serial, record.macs, known.last_session, known.base_audit,
        row_number() over (
            partition by record.serial order by known.last_session desc nulls last, record.id) as age
    from computer_record as record
    join repeated using (serial)
    join silver.keyconfigure_computers as known on known.computer_id = record.id
    where record.place = 2
),
compared as (
    select older.*, newer.id as newer_id, newer.name as newer_name,
        (
            select min(mac) from jsonb_array_elements_text(older.macs) as address (mac)
            join own using (mac)
            where newer.macs ? mac
        ) as shared_mac,
        coalesce(older.last_session < newer.last_session - interval '1 day', newer.id is not null)
            as is_silent,
        coalesce(older.last_session < newer.base_audit, false) as ended_before
    from seen as older
    left join seen as newer on newer.serial = older.serial and newer.age = older.age - 1
),
judged as (
    select *, coalesce(name = newer_name, false) or is_silent and (shared_mac is not null
        -- A copied disk image brings the serial number of a virtual machine along.
        or (ended_before and serial !~ '^[0-9A-F]{32}$')) as is_former
    from compared
),
-- Older and older rows of one machine go together.
grouped as (
    select *, count(*) filter (where not is_former) over (partition by serial order by age) as nth
    from judged
)
select id, name, serial, macs, newer_id, newer_name, shared_mac, ended_before, is_former,
    first_value(id) over machine as root_id, first_value(name) over machine as root_name
from grouped
window machine as (partition by serial, nth order by age);

delete from computer_record using installation
where computer_record.place = 2 and computer_record.id = installation.id and installation.is_former;
analyze computer_record;
analyze installation;
