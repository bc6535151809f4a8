-- Units with what is directly in them: computers and further units.
select
    unit.*,
    computers.number as direct_computer_count,
    computers.number > 0 as has_computer_children,
    units.number as child_ou_count,
    units.number > 0 as has_child_ous,
    jsonb_build_object('active_directory', unit.raw_id) as source_raw_ids
from keys
join silver.ad_units as unit on unit.external_id = keys.key
cross join lateral (
    select count(*) as number from silver.ad_computers as item
    where item.parent_dn_key = unit.dn_key
) as computers
cross join lateral (
    select count(*) as number from silver.ad_units as item
    where item.parent_dn_key = unit.dn_key
) as units
