-- Machines with their labs, and what follows for labs: places and shortcodes.

create view silver.v_computers as
select computer.*, best.lab_id as primary_lab_id, best.association_method as primary_lab_method,
    best.confidence_score as primary_lab_confidence,
    coalesce(pairs.number, 0) as lab_association_count
from silver.computers as computer
left join silver.lab_computers as best
    on best.computer_id = computer.computer_id and best.is_primary
left join (
    select computer_id, count(*) as number from silver.lab_computers group by computer_id
) as pairs on pairs.computer_id = computer.computer_id;
comment on view silver.v_computers is 'Machines with their primary lab, as it is now';

create view silver.v_lab_computers_tdx_reference as
select pair.lab_id, lab.tdx_ci_id as lab_tdx_ci_id, pair.computer_id, computer.computer_name,
    computer.tdx_asset_id, asset.tag as tdx_tag,
    asset.configuration_item_id as tdx_configuration_item_id,
    pair.association_method, pair.confidence_score, pair.is_primary
from silver.lab_computers as pair
join silver.labs as lab using (lab_id)
join silver.computers as computer using (computer_id)
join silver.tdx_assets as asset on asset.tdx_asset_id = computer.tdx_asset_id
where pair.confidence_score >= 0.65;
comment on view silver.v_lab_computers_tdx_reference is
    'Machines of labs (confidence 0.65 and more) that TDX knows, with the ids that TDX wants';

create view silver.v_lab_locations_detailed as
select pair.lab_id, lab.lab_name, asset.location_id, asset.location_name,
    asset.location_room_id, asset.location_room_name, count(*) as computer_count,
    row_number() over (
        partition by pair.lab_id
        order by count(*) desc, asset.location_id, asset.location_room_id nulls last
    ) as location_rank
from silver.lab_computers as pair
join silver.labs as lab using (lab_id)
join silver.computers as computer using (computer_id)
join silver.tdx_assets as asset on asset.tdx_asset_id = computer.tdx_asset_id
where pair.confidence_score >= 0.65 and asset.location_id is not null
group by pair.lab_id, lab.lab_name, asset.location_id, asset.location_name,
    asset.location_room_id, asset.location_room_name;
comment on view silver.v_lab_locations_detailed is
    'Where the machines of a lab are, the most frequent place first';

create view silver.v_lab_locations_tdx_reference as
select place.lab_id, lab.tdx_ci_id as lab_tdx_ci_id, place.location_id, place.location_room_id,
    place.computer_count, place.location_rank
from silver.v_lab_locations_detailed as place
join silver.labs as lab using (lab_id);
comment on view silver.v_lab_locations_tdx_reference is
    'The same with the ids that TDX wants';

create view silver.v_lab_purchase_shortcodes as
select pair.lab_id, lab.lab_name, asset.attr_purchase_shortcode as purchase_shortcode,
    count(*) as computer_count, sum(asset.purchase_cost) as purchase_cost,
    max(asset.acquisition_date) as last_acquisition
from silver.lab_computers as pair
join silver.labs as lab using (lab_id)
join silver.computers as computer using (computer_id)
join silver.tdx_assets as asset on asset.tdx_asset_id = computer.tdx_asset_id
where pair.confidence_score >= 0.65 and asset.attr_purchase_shortcode is not null
group by pair.lab_id, lab.lab_name, asset.attr_purchase_shortcode;
comment on view silver.v_lab_purchase_shortcodes is
    'What the machines of a lab were paid from';
