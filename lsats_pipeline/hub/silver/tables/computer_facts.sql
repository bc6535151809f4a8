create temp table computer_fact on commit drop as
with -- Other names of one object: of its account, of its address, and those that it had before.
alias as (
    select 1 as place, asset.tdx_asset_id::text as id, silver.machine_name(asset.name) as name
    from silver.tdx_assets_history as asset
    union
    select 3, account.object_guid::text, silver.machine_name(other.name)
    from (
        select object_guid, dns_hostname, sam_account_name, computer_name from silver.ad_computers
        union
        select object_guid, dns_hostname, sam_account_name, computer_name
        from silver.ad_computers_history
    ) as account
    cross join lateral (
        values (account.computer_name), (account.dns_hostname), (account.sam_account_name)
    ) as other (name)
    union
    -- As NetBIOS cuts it.
    select place, id, left(name, 15) from computer_record where length(name) > 15
    union
    -- Of the machine before it was set up anew.
    select 2, root_id, name from installation where is_former
),
fact as (
    select place, id, 'serial' as kind, serial as value, claim, 1.0 as quality
    from computer_record
    union all
    select place, id, 'mac', jsonb_array_elements_text(macs), claim, 1.0 from computer_record
    union all
    select 2, root_id, 'mac', jsonb_array_elements_text(macs), 0.1, 0.9 from installation
    where is_former
    union all
    select place, id, 'name', name, claim, 1.0 from computer_record
    union all
    select alias.place, alias.id, 'name', alias.name, record.claim * 0.4, 0.9
    from alias
    join computer_record as record using (place, id)
    where alias.name <> record.name
)
select place, id, kind, value, quality, count(*) over same as holders,
    round(quality * claim / sum(claim) over same, 4) as strength
from (
    select distinct on (place, id, kind, value) * from fact
    where value is not null
    order by place, id, kind, value, claim desc, quality desc
) as each_once
window same as (partition by place, kind, value);
analyze computer_fact;

create temp table shared_facts on commit drop as
with -- What more than 20 records of a system claim says nothing of any of them.
telling as (
    select * from computer_fact where holders <= 20
)
select left_place, left_id, right_place, right_id,
    max(strength) filter (where kind = 'serial') as serial,
    max(strength) filter (where kind = 'mac') as mac,
    max(strength) filter (where kind = 'name') as name,
    min(value) filter (where kind = 'serial') as shared_serial,
    min(value) filter (where kind = 'mac') as shared_mac,
    min(value) filter (where kind = 'name') as shared_name
from (
    select distinct on (one.place, one.id, other.place, other.id, kind)
        one.place as left_place, one.id as left_id, other.place as right_place,
        other.id as right_id, kind, value, least(one.strength, other.strength) as strength
    from telling as one
    join telling as other using (kind, value)
    where one.place < other.place
    order by one.place, one.id, other.place, other.id, kind,
        least(one.strength, other.strength) desc, value
) as best
group by left_place, left_id, right_place, right_id;
analyze shared_facts;
