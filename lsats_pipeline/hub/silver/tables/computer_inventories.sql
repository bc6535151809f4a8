create temp table inventory_pair on commit drop as
with -- Two records that have no name in common may both have a name of one directory object.
linked as (
    select asset.left_id, known.left_id as right_id, max(least(asset.name, known.name)) as link,
        min(asset.right_id) as linked_by
    from shared_facts as asset
    join shared_facts as known on known.right_id = asset.right_id
    where asset.left_place = 1 and asset.right_place = 3
        and known.left_place = 2 and known.right_place = 3
    group by asset.left_id, known.left_id
),
candidate as (
    select 1 as left_place, left_id, 2 as right_place, right_id, serial, mac, name, shared_serial, shared_mac, shared_name,
        case when name is null then link end as link, linked_by
    from (select * from shared_facts where right_place = 2) as direct
    full join linked using (left_id, right_id)
),
identified as (
    select record.*, weighed.strength as share
    from computer_record as record
    left join computer_fact as weighed
        on weighed.place = record.place and weighed.id = record.id and weighed.kind = 'serial'
),
named as (
    select distinct place, name from computer_record where name is not null
),
-- Pairs with what speaks against them. `elsewhere`: a name of one is that of another record there.
judged as (
    select pair.*, one.name as left_name, other.name as right_name,
        case when one.serial <> other.serial then least(one.share, other.share) end as different,
        one.serial as left_serial, other.serial as right_serial,
        pair.mac is null and one.macs <> '[]' and other.macs <> '[]' as other_macs,
        one.name <> other.name and (there.name is not null or here.name is not null) as elsewhere
    from candidate as pair
    join identified as one on one.place = pair.left_place and one.id = pair.left_id
    join identified as other on other.place = pair.right_place and other.id = pair.right_id
    left join named as there
        on there.place = pair.right_place and there.name = one.name
    left join named as here
        on here.place = pair.left_place and here.name = other.name
),
-- Serials typed the wrong way round: two assets and two machines whose names say one thing and whose
-- serials the other. Then serials say nothing.
crossed as (
    select one.left_id, one.right_id, other.right_id as instead
    from judged as one
    join judged as other on other.left_name = one.right_name and other.right_name = one.left_name
    where one.serial is not null and one.mac is null
        and other.serial is not null and other.mac is null
        and one.left_name <> one.right_name
),
weighted as (
    select judged.*,
        case when void.left_id is null then 0.60 * serial end as serial_points,
        0.50 * mac as mac_points,
        0.45 * name as name_points,
        0.45 * link as link_points,
        case when cleared.left_id is null then -0.50 * different end as different_points,
        case when elsewhere then -0.10 end as elsewhere_points,
        case when other_macs then -0.05 end as other_macs_points
    from judged
    left join (select distinct left_id, right_id from crossed) as void using (left_id, right_id)
    left join (select distinct left_id, instead as right_id from crossed) as cleared
        using (left_id, right_id)
)
select weighted.*,
    round(coalesce(serial_points, 0) + coalesce(mac_points, 0) + coalesce(name_points, 0)
        + coalesce(link_points, 0) + coalesce(different_points, 0)
        + coalesce(elsewhere_points, 0) + coalesce(other_macs_points, 0), 3) as score
from weighted;
analyze inventory_pair;

-- Round by round: the pairs that are best for both sides are taken, their rivals are out.
create temp table inventory_match on commit drop as
with recursive bound as (
    select left_id, right_id, score, 'open' as state
    from inventory_pair
    where score >= 0.35
    union all
    select left_id, right_id, score,
        case
            when best then 'taken'
            when bool_or(best) over (partition by left_id) then 'lost'
            when bool_or(best) over (partition by right_id) then 'lost'
            else 'open'
        end
    from (
        select left_id, right_id, score,
            row_number() over (partition by left_id order by score desc, right_id) = 1
            and row_number() over (partition by right_id order by score desc, left_id) = 1 as best
        from bound
        where state = 'open'
    ) as ranked
)
select left_id, right_id from bound where state = 'taken';
analyze inventory_match;
