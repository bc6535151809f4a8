create temp table computer_record on commit drop as
select 1 as place, asset.tdx_asset_id::text as id, silver.machine_name(asset.name) as name,
    silver.real_serial(asset.serial_number) as serial, asset.mac_addresses as macs,
    -- A retired asset keeps its name, and the machine that came after it has that name too.
    case when lower(asset.status_name) = 'active' then 1.0 else 0.1 end as claim
from silver.tdx_assets as asset
where asset.form_name = 'Computer Form' and asset.tdx_asset_id is not null
union all
select 2, known.computer_id, silver.machine_name(known.computer_name),
    silver.real_serial(known.oem_serial_number),
    known.mac_addresses,
    case when known.last_session > latest.session - interval '180 days' then 1.0 else 0.1 end
from silver.keyconfigure_computers as known
cross join (select max(last_session) as session from silver.keyconfigure_computers) as latest
union all
select 3, account.object_guid::text, silver.machine_name(account.computer_name), null, '[]',
    -- What a replication conflict left behind has the name of the machine, and is not it.
    case when account.computer_name ~ 'CNF:' then 0.1 else 1.0 end
from silver.ad_computers as account
where account.object_guid is not null;

-- A scanner reads an `S` before the serial numbers of Apple's labels. The number alone, known of another
-- record, bears witness that it is no part of it.
update computer_record as scanned set serial = bare.serial
from (select distinct serial from computer_record) as bare
where scanned.serial ~ '^S(?=.*[0-9])[0-9A-HJ-NP-Z]{10,12}$' and bare.serial = substr(scanned.serial, 2);
analyze computer_record;
