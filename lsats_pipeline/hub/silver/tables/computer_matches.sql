-- Which records of TeamDynamix (1), KeyConfigure (2) and Active Directory (3) are one machine, and why.
--
-- records ─▶ former ones of the inventory set aside ─▶ facts (serial, MAC, names) ─▶ shared facts ─▶ scored pairs ─▶ TDX and KeyConfigure, one to
-- one ─▶ what that gives and Active Directory, one to one ─▶ every pair with its reason
--
-- A fact counts by its share: one that two records of a system claim says half as much of either. The
-- best pair goes first, ties by id, so the order of rows never matters.
with whole as (
    select machine.tdx_id, machine.kc_id, joined.right_id as ad_id
    from inventoried as machine
    left join account_match as joined on joined.left_id = machine.id
),
accepted as (
    select 1 as left_place, tdx_id as left_id, 2 as right_place, kc_id as right_id from whole
    where tdx_id is not null and kc_id is not null
    union all
    select 1, tdx_id, 3, ad_id from whole where tdx_id is not null and ad_id is not null
    union all
    select 2, kc_id, 3, ad_id from whole where kc_id is not null and ad_id is not null
),
explained as (
    select left_place, left_id, right_place, right_id, score, different_points,
        to_jsonb(array_remove(array[
            case when serial is not null then jsonb_build_object(
                'kind', case when serial_points is null then 'crossed serials' else 'serial' end,
                'value', shared_serial, 'points', round(coalesce(serial_points, 0), 3)) end,
            case when mac is not null then jsonb_build_object(
                'kind', 'mac', 'value', shared_mac, 'points', round(mac_points, 3)) end,
            case when name is not null then jsonb_build_object(
                'kind', 'name', 'value', shared_name, 'points', round(name_points, 3)) end,
            case when link is not null then jsonb_build_object(
                'kind', 'names of one account', 'value', linked_by, 'points', round(link_points, 3)) end,
            case when different is not null then jsonb_build_object(
                'kind', 'different serials', 'value', concat_ws(' / ', left_serial, right_serial),
                'points', round(coalesce(different_points, 0), 3)) end,
            case when elsewhere then jsonb_build_object(
                'kind', 'name elsewhere', 'value', concat_ws(' / ', left_name, right_name),
                'points', elsewhere_points) end,
            case when other_macs then jsonb_build_object(
                'kind', 'different MACs', 'points', other_macs_points) end
        ], null)) as evidence
    from inventory_pair
),
scored as (
    select left_place, left_id, right_place, right_id, score, different_points, evidence
    from explained
    union all
    select left_place, left_id, 3, right_id, score, null, jsonb_build_array(
        jsonb_build_object('kind', 'name', 'value', shared_name, 'points', score))
    from account_pair
),
-- Two records of one system: the machine before it was set up anew, or another one.
repeated as (
    select 2 as place, coalesce(root_id, newer_id) as left_id, coalesce(root_name, newer_name) as left_name,
        id as right_id, name as right_name, is_former,
        case when is_former then 'former record of the same machine' else 'in use at the same time' end
            as reason,
        0.60 + case when shared_mac is not null then 0.50 else 0 end as score,
        to_jsonb(array_remove(array[
            jsonb_build_object('kind', 'serial', 'value', serial, 'points', 0.60),
            case when shared_mac is not null then
                jsonb_build_object('kind', 'mac', 'value', shared_mac, 'points', 0.50) end,
            case when ended_before then
                jsonb_build_object('kind', 'last seen before the other was first seen', 'points', 0) end
        ], null)) as evidence
    from (
        select id, name, serial, newer_id, newer_name, shared_mac, ended_before, is_former,
            case when is_former then root_id end as root_id,
            case when is_former then root_name end as root_name
        from installation
        where newer_id is not null
    ) as pair
    union all
    select 3, root_id, present.name, former.id, former.name, true,
        'former record of the same machine', 0.45, jsonb_build_array(
            jsonb_build_object('kind', 'name', 'value', former.name, 'points', 0.45))
    from former_account as former
    join computer_record as present on present.place = 3 and present.id = former.root_id
)
select concat_ws('|', system.names[one.place] || ':' || one.id,
        system.names[other.place] || ':' || other.id) as match_id,
    system.names[one.place] as left_system, one.id as left_id, one.name as left_name,
    system.names[other.place] as right_system, other.id as right_id, other.name as right_name,
    score,
    case when accepted.left_id is not null then 'accepted' else 'rejected' end as decision,
    case
        when accepted.left_id is not null and score is null then 'through the third record'
        when accepted.left_id is not null and score < 0.35 then 'through the third record as well'
        when accepted.left_id is not null then 'best for both'
        when score < 0.35 and different_points is not null then 'different serial numbers'
        when score < 0.35 then 'too little in common'
        else 'one of them matches another record better'
    end as reason,
    case when accepted.left_id is null and score >= 0.35 then
        coalesce(left_rival.right_id, right_rival.left_id)
    end as rival_id,
    coalesce(evidence, '[]') as evidence
from scored
full join accepted using (left_place, left_id, right_place, right_id)
cross join (select array['tdx', 'keyconfigure', 'ad'] as names) as system
join computer_record as one on one.place = left_place and one.id = left_id
join computer_record as other on other.place = right_place and other.id = right_id
left join accepted as left_rival
    on left_rival.left_place = scored.left_place and left_rival.left_id = scored.left_id
    and left_rival.right_place = scored.right_place
left join accepted as right_rival
    on right_rival.right_place = scored.right_place and right_rival.right_id = scored.right_id
    and right_rival.left_place = scored.left_place
union all
select concat_ws('|', system.names[place] || ':' || left_id, system.names[place] || ':' || right_id),
    system.names[place], left_id, left_name, system.names[place], right_id, right_name, score,
    case when is_former then 'accepted' else 'rejected' end, reason, null, evidence
from repeated
cross join (select array['tdx', 'keyconfigure', 'ad'] as names) as system
