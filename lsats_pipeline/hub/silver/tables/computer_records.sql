-- Every record of the three systems and the one machine that it is a record of. A machine has at most one
-- record of a system, but for former ones, from before it was set up anew.
--
-- A machine is named by what changes least and is given once: the asset's id in TeamDynamix, else the
-- serial number if no other machine without an asset has it, else the object in Active Directory,
-- else name and serial number in KeyConfigure. Names change and repeat, so they name none.
with former as (
    select left_system as system, left_id as id, right_id as former_id
    from accepted where left_system = right_system
),
asset as (
    select tdx_asset_id::text as id, silver.machine_name(name) as name,
        silver.real_serial(serial_number) as serial
    from silver.tdx_assets where form_name = 'Computer Form'
),
inventoried as (
    select computer_id as id, silver.machine_name(computer_name) as name,
        silver.real_serial(oem_serial_number) as serial
    from silver.keyconfigure_computers
),
known as (
    select * from inventoried
    where id not in (select former_id from former where system = 'keyconfigure')
),
joined as (
    select object_guid::text as id, silver.machine_name(computer_name) as name
    from silver.ad_computers
),
account as (
    select * from joined where id not in (select former_id from former where system = 'ad')
),
machine as (
    select asset.id as tdx_id, kc.right_id as kc_id, ad.right_id as ad_id, null as serial
    from asset
    left join accepted as kc
        on kc.left_system = 'tdx' and kc.right_system = 'keyconfigure' and kc.left_id = asset.id
    left join accepted as ad
        on ad.left_system = 'tdx' and ad.right_system = 'ad' and ad.left_id = asset.id
    union all
    select null, known.id, ad.right_id, known.serial
    from known
    left join accepted as ad
        on ad.left_system = 'keyconfigure' and ad.right_system = 'ad' and ad.left_id = known.id
    where not exists (
        select from accepted
        where left_system = 'tdx' and right_system = 'keyconfigure' and right_id = known.id)
    union all
    select null, null, account.id, null
    from account
    where not exists (select from accepted where right_system = 'ad' and right_id = account.id)
),
named as (
    select machine.*,
        case
            when tdx_id is not null then 'TDX-' || tdx_id
            when serial is not null and count(*) over (partition by serial) = 1 then 'SN-' || serial
            when ad_id is not null then 'AD-' || ad_id
            else 'KC-' || kc_id
        end as computer_id
    from machine
),
record as (
    select system, id, computer_id, false as is_former
    from named
    cross join lateral (
        values ('tdx', tdx_id), ('keyconfigure', kc_id), ('ad', ad_id)
    ) as record (system, id)
    where record.id is not null
    union all
    select system, former_id, computer_id, true
    from former
    join (
        select 'keyconfigure' as system, kc_id as id, computer_id from named
        union all
        select 'ad', ad_id, computer_id from named
    ) as present using (system, id)
),
described as (
    select record.*, coalesce(asset.serial, inventoried.serial) as serial,
        coalesce(asset.name, inventoried.name, joined.name) as name
    from record
    left join asset on record.system = 'tdx' and asset.id = record.id
    left join inventoried on record.system = 'keyconfigure' and inventoried.id = record.id
    left join joined on record.system = 'ad' and joined.id = record.id
),
-- Serial numbers and names of more than one machine.
repeated_serial as (
    select serial as value from described group by serial having min(computer_id) <> max(computer_id)
),
repeated_name as (
    select name as value from described group by name having min(computer_id) <> max(computer_id)
)
select record.system || ':' || record.id as record_id, record.system as record_system,
    record.id as system_id, record.computer_id, record.is_former,
    repeated_serial.value is not null as is_serial_shared,
    repeated_name.value is not null as is_name_shared
from described as record
left join repeated_serial on repeated_serial.value = record.serial
left join repeated_name on repeated_name.value = record.name
