-- One row per machine, put together from the records that are one machine (computer_records).
--
-- keys ─▶ at most one record of each system ─▶ owners and departments, for all of them at once ─▶ row
with picked as materialized (
    select keys.key as computer_id,
        min(system_id) filter (where record_system = 'tdx')::integer as tdx_asset_id,
        min(system_id) filter (where record_system = 'keyconfigure' and not is_former)
            as kc_computer_id,
        min(system_id) filter (where record_system = 'ad' and not is_former)::uuid as ad_object_guid,
        bool_or(is_serial_shared) as is_serial_shared, bool_or(is_name_shared) as is_name_shared
    from keys
    join silver.computer_records as record on record.computer_id = keys.key
    group by keys.key
),
-- Names of former records: those that the machine had before it was set up anew.
former as (
    select record.computer_id, to_jsonb(array_agg(distinct named.name)) as names
    from keys
    join silver.computer_records as record on record.computer_id = keys.key and record.is_former
    left join silver.keyconfigure_computers as kc
        on record.record_system = 'keyconfigure' and kc.computer_id = record.system_id
    left join silver.ad_computers as ad
        on ad.object_guid = case when record.record_system = 'ad' then record.system_id::uuid end
    cross join lateral (
        select silver.machine_name(coalesce(kc.computer_name, ad.computer_name)) as name
    ) as named
    where named.name is not null
    group by record.computer_id
),
-- People by their id in TeamDynamix. Several accounts of one person are that person, and one that
-- still goes by a former uniqname is, too.
person as (
    select account.tdx_user_uid, known.uniqname
    from silver.tdx_users as account
    left join silver.former_uniqnames as past
        on past.former_uniqname = account.uniqname
        and past.records ? ('tdx_users/' || account.external_id)
    join silver.users as known on known.uniqname = coalesce(past.uniqname, account.uniqname)
),
-- Departments by their id in TeamDynamix, likewise.
unit as (
    select account.tdx_id, account.dept_id
    from silver.tdx_departments as account
    join silver.departments as known on known.dept_id = account.dept_id
),
-- Departments by the name of a folder: the one called so, else the only one whose name has it inside.
folder as (
    select named.ou_department,
        coalesce(
            min(department.dept_id) filter (where lower(department.department_name) = named.lower_name),
            case when count(*) = 1 then min(department.dept_id) end
        ) as dept_id
    from (
        select distinct ad.ou_department, lower(ad.ou_department) as lower_name
        from picked
        join silver.ad_computers as ad on ad.object_guid = picked.ad_object_guid
        where length(ad.ou_department) > 3
    ) as named
    join silver.departments as department
        on strpos(lower(department.department_name), named.lower_name) > 0
    group by named.ou_department
),
found as materialized (
    select picked.computer_id, picked.tdx_asset_id, picked.kc_computer_id, picked.ad_object_guid,
        picked.is_serial_shared, picked.is_name_shared,
        coalesce(former.names, '[]') as former_names,
        tdx_serial.number as tdx_serial, kc_serial.number as kc_serial,
        owner.uniqname as tdx_owner,
        kc_owner.uniqname as kc_owner,
        ad_owner.uniqname as ad_owner,
        payer.uniqname as tdx_payer,
        unit.dept_id as tdx_department,
        folder.dept_id as ad_department,
        kc_unit.dept_id as kc_department
    from picked
    left join silver.tdx_assets as tdx on tdx.tdx_asset_id = picked.tdx_asset_id
    left join silver.keyconfigure_computers as kc on kc.computer_id = picked.kc_computer_id
    left join silver.ad_computers as ad on ad.object_guid = picked.ad_object_guid
    left join former on former.computer_id = picked.computer_id
    cross join lateral (select silver.real_serial(tdx.serial_number) as number) as tdx_serial
    cross join lateral (select silver.real_serial(kc.oem_serial_number) as number) as kc_serial
    left join person as owner on owner.tdx_user_uid = tdx.owning_customer_id
    left join person as payer on payer.tdx_user_uid = tdx.attr_financial_owner_uid
    left join silver.former_uniqnames as kc_past
        on kc_past.former_uniqname = lower(kc.owner) and kc_past.is_latest
    left join silver.users as kc_owner
        on kc_owner.uniqname = coalesce(kc_past.uniqname, lower(kc.owner))
    left join silver.former_uniqnames as ad_past
        on ad_past.former_uniqname = lower(silver.dn_name(ad.managed_by)) and ad_past.is_latest
    left join silver.users as ad_owner
        on ad_owner.uniqname = coalesce(ad_past.uniqname, lower(silver.dn_name(ad.managed_by)))
    left join unit on unit.tdx_id = tdx.owning_department_id
    left join folder on folder.ou_department = ad.ou_department
    left join silver.departments as kc_unit on kc_unit.dept_id = kc.owner
),
merged as (
    select found.computer_id,
        coalesce(tdx.name, kc.computer_name, ad.computer_name, 'TDX-' || tdx.tag,
            'SERIAL-' || kc.oem_serial_number, found.computer_id) as computer_name,
        names.list as computer_name_aliases,
        found.former_names, coalesce(tdx_serial, kc_serial) as serial_number,
        serials.list as serial_numbers,
        coalesce(tdx.mac_addresses ->> 0, kc.primary_mac_address) as mac_address,
        macs.list as mac_addresses,
        tdx.tdx_asset_id, tdx.tag as tdx_tag, tdx.status_id as tdx_status_id,
        tdx.status_name as tdx_status_name, tdx.form_id as tdx_form_id,
        tdx.form_name as tdx_form_name,
        tdx.configuration_item_id as tdx_configuration_item_id, tdx.uri as tdx_uri,
        tdx.tdx_external_id,
        ad.object_guid as ad_object_guid, ad.object_sid as ad_object_sid,
        ad.sam_account_name as ad_sam_account_name, ad.dns_hostname as ad_dns_hostname,
        ad.distinguished_name as ad_distinguished_name,
        case when ad.object_guid is not null then ad.is_enabled end as is_ad_enabled,
        kc.computer_id as kc_computer_id, kc.primary_mac_address as kc_primary_mac,
        kc.nic_count as kc_nic_count,
        tdx.manufacturer_name as manufacturer, tdx.product_model_name as product_model,
        coalesce(kc.os, ad.operating_system, tdx.attr_operating_system_name) as os_name,
        coalesce(kc.os_version, ad.operating_system_version) as os_version,
        kc.os_family as kc_os_family,
        kc.cpu, kc.cpu_cores, kc.cpu_sockets, kc.clock_speed_mhz as cpu_speed_mhz, kc.ram_mb,
        kc.disk_gb, kc.disk_free_gb, kc.os_install_date, kc.last_user,
        coalesce(tdx_owner, kc_owner, ad_owner) as owner_uniqname,
        tdx_payer as financial_owner_uniqname,
        coalesce(tdx_department, ad_department, kc_department) as owner_department_id,
        -- Exactly this status: "Inactive" has the word in it (domain/hub.md 7.2).
        tdx.tdx_asset_id is null or coalesce(tdx.status_id = 38, lower(tdx.status_name) = 'active', false)
            as is_active,
        greatest(tdx.modified_date, kc.last_audit, kc.last_session, ad.last_logon_timestamp)
            as last_seen,
        case when tdx.tdx_asset_id is not null then jsonb_strip_nulls(jsonb_build_object(
            'location_id', tdx.location_id, 'location_name', tdx.location_name,
            'room_id', tdx.location_room_id, 'room_name', tdx.location_room_name)) end
            as location_info,
        jsonb_strip_nulls(jsonb_build_object(
            'tdx_owning_customer_id', tdx.owning_customer_id,
            'tdx_owning_customer_name', tdx.owning_customer_name,
            'tdx_owning_department_id', tdx.owning_department_id,
            'tdx_owning_department_name', tdx.owning_department_name,
            'tdx_requesting_customer_id', tdx.requesting_customer_id,
            'tdx_requesting_customer_name', tdx.requesting_customer_name,
            'tdx_requesting_department_id', tdx.requesting_department_id,
            'tdx_requesting_department_name', tdx.requesting_department_name,
            'tdx_financial_owner_uid', tdx.attr_financial_owner_uid,
            'tdx_financial_owner_name', tdx.attr_financial_owner_name,
            'kc_owner', kc.owner, 'ad_managed_by', ad.managed_by)) as ownership_info,
        jsonb_strip_nulls(jsonb_build_object(
            'manufacturer', tdx.manufacturer_name, 'product_model', tdx.product_model_name,
            'tdx_memory', tdx.attr_memory, 'tdx_storage', tdx.attr_storage,
            'tdx_processors', tdx.attr_processor_count, 'cpu', kc.cpu, 'cpu_cores', kc.cpu_cores,
            'cpu_sockets', kc.cpu_sockets, 'cpu_speed_mhz', kc.clock_speed_mhz,
            'ram_mb', kc.ram_mb, 'disk_gb', kc.disk_gb, 'disk_free_gb', kc.disk_free_gb))
            as hardware_specs,
        jsonb_strip_nulls(jsonb_build_object(
            'kc_os', kc.os, 'kc_os_family', kc.os_family, 'kc_os_version', kc.os_version,
            'kc_os_serial_number', kc.os_serial_number, 'kc_os_install_date', kc.os_install_date,
            'ad_os', ad.operating_system, 'ad_os_version', ad.operating_system_version,
            'ad_service_pack', ad.operating_system_service_pack,
            'tdx_os', tdx.attr_operating_system_name)) as os_details,
        jsonb_strip_nulls(jsonb_build_object(
            'kc_mac_addresses', kc.mac_addresses, 'kc_ip_addresses', kc.ip_addresses,
            'tdx_mac_addresses', tdx.mac_addresses, 'tdx_reserved_ip', tdx.attr_ip_address,
            'ad_dns_hostname', ad.dns_hostname, 'ad_network_addresses', ad.network_addresses))
            as network_info,
        case when ad.object_guid is not null then jsonb_strip_nulls(jsonb_build_object(
            'object_sid', ad.object_sid, 'user_account_control', ad.user_account_control,
            'is_enabled', ad.is_enabled, 'pwd_last_set', ad.pwd_last_set,
            'account_expires', ad.account_expires,
            'service_principal_names', ad.service_principal_names,
            'laps_password_expiration', ad.ms_laps_password_expiration_time,
            'mcs_password_expiration', ad.ms_mcs_adm_pwd_expiration_time,
            'supported_encryption_types', ad.msds_supported_encryption_types)) end
            as ad_security_info,
        case when ad.object_guid is not null then jsonb_strip_nulls(jsonb_build_object(
            'root', ad.ou_root, 'organization_type', ad.ou_organization_type,
            'organization', ad.ou_organization, 'category', ad.ou_category,
            'status', ad.ou_status, 'division', ad.ou_division, 'department', ad.ou_department,
            'subdepartment', ad.ou_subdepartment, 'immediate_parent', ad.ou_immediate_parent,
            'full_path', ad.ou_full_path)) end as ad_ou_info,
        case when tdx.tdx_asset_id is not null then jsonb_strip_nulls(jsonb_build_object(
            'purchase_cost', tdx.purchase_cost, 'purchase_shortcode', tdx.attr_purchase_shortcode,
            'acquisition_date', tdx.acquisition_date,
            'expected_replacement_date', tdx.expected_replacement_date,
            'supplier', tdx.supplier_name)) end as financial_info,
        jsonb_strip_nulls(jsonb_build_object(
            'tdx_created', tdx.created_date, 'tdx_modified', tdx.modified_date,
            'tdx_last_inventoried', tdx.attr_last_inventoried_date,
            'kc_last_session', kc.last_session, 'kc_last_startup', kc.last_startup,
            'kc_last_audit', kc.last_audit, 'kc_base_audit', kc.base_audit,
            'ad_created', ad.when_created, 'ad_last_logon', ad.last_logon_timestamp))
            as activity_timestamps,
        case when tdx.tdx_asset_id is not null then jsonb_strip_nulls(jsonb_build_object(
            'support_groups_ids', tdx.attr_support_groups_ids,
            'support_groups', tdx.attr_support_groups_text,
            'function_id', tdx.attr_function_id, 'function', tdx.attr_function_name,
            'purchase_shortcode', tdx.attr_purchase_shortcode, 'attributes', tdx.attributes)) end
            as tdx_attributes,
        tdx.attachments as tdx_attachments,
        to_jsonb(array_remove(array[
            case when tdx.tdx_asset_id is not null then 'tdx' end,
            case when kc.computer_id is not null then 'keyconfigure' end,
            case when ad.object_guid is not null then 'ad' end], null)) as sources,
        concat_ws('+',
            case when ad.object_guid is not null then 'ad' end,
            case when kc.computer_id is not null then 'keyconfigure' end,
            case when tdx.tdx_asset_id is not null then 'tdx' end) as source_system,
        jsonb_strip_nulls(jsonb_build_object(
            'tdx', tdx.raw_id, 'tdx_detail', tdx.detail_raw_id,
            'keyconfigure', kc.source_raw_ids ->> 'key_client', 'ad', ad.raw_id))
            as source_raw_ids,
        jsonb_strip_nulls(jsonb_build_object(
            'computer_name', case when tdx.name is not null then 'tdx'
                when kc.computer_name is not null then 'keyconfigure'
                when ad.computer_name is not null then 'ad' end,
            'serial_number', case when tdx_serial is not null then 'tdx'
                when kc_serial is not null then 'keyconfigure' end,
            'mac_address', case when tdx.mac_addresses ->> 0 is not null then 'tdx'
                when kc.primary_mac_address is not null then 'keyconfigure' end,
            'os_name', case when kc.os is not null then 'keyconfigure'
                when ad.operating_system is not null then 'ad'
                when tdx.attr_operating_system_name is not null then 'tdx' end,
            'os_version', case when kc.os_version is not null then 'keyconfigure'
                when ad.operating_system_version is not null then 'ad' end,
            'owner_uniqname', case when tdx_owner is not null then 'tdx'
                when kc_owner is not null then 'keyconfigure' when ad_owner is not null then 'ad' end,
            'financial_owner_uniqname', case when tdx_payer is not null then 'tdx' end,
            'owner_department_id', case when tdx_department is not null then 'tdx'
                when ad_department is not null then 'ad'
                when kc_department is not null then 'keyconfigure' end,
            'is_active', case when tdx.tdx_asset_id is not null then 'tdx' end
        )) as field_sources,
        tdx.owning_customer_id is not null and tdx_owner is null as is_owner_unknown,
        tdx.attr_financial_owner_uid is not null and tdx_payer is null as is_payer_unknown,
        tdx.owning_department_id is not null and tdx_department is null as is_department_unknown,
        -- A scanner reads an `S` before the numbers of some labels.
        tdx_serial not in (kc_serial, 'S' || kc_serial) and kc_serial <> 'S' || tdx_serial
            as serials_differ,
        found.is_serial_shared, found.is_name_shared,
        num_nonnulls(tdx.tdx_asset_id, kc.computer_id::text, ad.object_guid::text) as known_to
    from found
    left join silver.tdx_assets as tdx on tdx.tdx_asset_id = found.tdx_asset_id
    left join silver.keyconfigure_computers as kc on kc.computer_id = found.kc_computer_id
    left join silver.ad_computers as ad on ad.object_guid = found.ad_object_guid
    cross join lateral (
        select to_jsonb(array(
            select name from (values (1, tdx.name), (2, kc.computer_name),
                (3, ad.computer_name), (4, ad.dns_hostname)) as given (place, spelled)
            cross join lateral (select silver.machine_name(spelled) as name) as compared
            where name is not null group by name order by min(place))) as list
    ) as names
    cross join lateral (
        select to_jsonb(array(
            select number from (values (1, tdx_serial), (2, kc_serial),
                (3, case when tdx_serial is not null then upper(btrim(tdx.serial_number)) end),
                (4, case when kc_serial is not null then upper(btrim(kc.oem_serial_number)) end)
            ) as given (place, number)
            where number is not null group by number order by min(place))) as list
    ) as serials
    cross join lateral (
        select to_jsonb(array(
            select mac from (
                select 1 as system, mac, place
                from jsonb_array_elements_text(tdx.mac_addresses) with ordinality as a (mac, place)
                union all
                select 2, mac, place
                from jsonb_array_elements_text(kc.mac_addresses) with ordinality as b (mac, place)
            ) as given
            group by mac order by min(array[system, place]))) as list
    ) as macs
)
select merged.*,
    case
        when os_name ~* 'windows' then 'Windows'
        when os_name ~* 'mac ?os|os x|darwin' then 'macOS'
        when os_name ~* 'ios|ipad' then 'iOS'
        when os_name ~* 'android' then 'Android'
        when os_name ~* 'linux|ubuntu|debian|red ?hat|rhel|centos|rocky|fedora|suse' then 'Linux'
        when os_name ~* 'unix|bsd|solaris|aix' then 'Unix'
        when os_name is not null then 'Other'
        when kc_os_family ~* '^win' then 'Windows'
        when kc_os_family ~* '^mac' then 'macOS'
        when kc_os_family is not null then kc_os_family
        else 'Unknown'
    end as os_family,
    coalesce(last_seen >= silver.today() - 90, false) as has_recent_activity
from merged
