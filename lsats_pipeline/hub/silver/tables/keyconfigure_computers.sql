-- Machines out of their cards. The card of the newest session speaks for the machine; addresses are
-- collected from all of its cards, the newest first.
with cards as (
    select card.*, row_number() over (
        partition by card.computer_id
        order by card.last_session desc nulls last, card.last_audit desc nulls last,
            card.mac_address, card.external_id
    ) as place
    from keys
    join silver.keyconfigure_cards as card on card.computer_id = keys.key
),
totals as (
    select computer_id,
        max(last_session) as last_session,
        max(last_startup) as last_startup,
        max(last_audit) as last_audit,
        min(base_audit) as base_audit,
        jsonb_agg(raw_id order by raw_id) as consolidated_raw_ids
    from cards
    group by computer_id
),
macs as (
    select computer_id, jsonb_agg(mac_address order by place) as list
    from (
        select computer_id, written.mac_address, min(array[place, nth]) as place
        from cards
        cross join lateral jsonb_array_elements_text(cards.mac_addresses)
            with ordinality as written (mac_address, nth)
        group by 1, 2
    ) as address
    group by computer_id
),
ips as (
    select computer_id, jsonb_agg(ip_address order by place) as list
    from (
        select computer_id, ip_address, min(place) as place
        from cards
        where ip_address is not null
        group by 1, 2
    ) as address
    group by computer_id
),
shared as (
    select distinct card.computer_id
    from cards as card
    join silver.keyconfigure_cards as other
        on other.mac_address = card.mac_address and other.computer_id <> card.computer_id
    where not silver.is_mac_of_many(card.mac_address)
)
select newest.computer_id,
    newest.computer_name, newest.oem_serial_number,
    macs.list ->> 0 as primary_mac_address,
    coalesce(macs.list, '[]') as mac_addresses,
    coalesce(ips.list, '[]') as ip_addresses,
    coalesce(jsonb_array_length(macs.list), 0) as nic_count,
    newest.cpu, newest.cpu_cores, newest.cpu_sockets, newest.clock_speed_mhz, newest.ram_mb,
    newest.disk_gb, newest.disk_free_gb, newest.os, newest.os_family, newest.os_version,
    newest.os_serial_number, newest.os_install_date, newest.last_user, newest.owner,
    newest.login_type,
    totals.last_session, totals.last_startup, totals.last_audit, totals.base_audit,
    newest.keyconfigure_client_version,
    totals.consolidated_raw_ids,
    jsonb_build_object('key_client', newest.raw_id) as source_raw_ids,
    shared.computer_id is not null as is_mac_shared
from cards as newest
join totals on totals.computer_id = newest.computer_id
left join macs on macs.computer_id = newest.computer_id
left join ips on ips.computer_id = newest.computer_id
left join shared on shared.computer_id = newest.computer_id
where newest.place = 1
