-- Every record of the three systems and the one machine that it is a record of.
--
-- A machine is named by what changes least and is given once: the asset's id in TeamDynamix, else the
-- serial number if no other machine without an asset has it, else the object in Active Directory,
-- else name and serial number in KeyConfigure. Names change and repeat, so they name none.
with asset as (
    select tdx_asset_id::text as id from silver.tdx_assets where form_name = 'Computer Form'
),
known as (
    select computer_id as id, silver.real_serial(oem_serial_number) as serial
    from silver.keyconfigure_computers
),
account as (
    select object_guid::text as id from silver.ad_computers
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
)
select record.system || ':' || record.id as record_id, record.system as record_system,
    record.id as system_id, named.computer_id
from named
cross join lateral (
    values ('tdx', tdx_id), ('keyconfigure', kc_id), ('ad', ad_id)
) as record (system, id)
where record.id is not null
