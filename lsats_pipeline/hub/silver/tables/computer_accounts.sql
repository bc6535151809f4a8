-- What is one machine so far, and how strong its claim to a name is. Seen in the inventory lately: it
-- has that name. Only written down in TeamDynamix: likely. Retired, or not seen for long: it had the
-- name, and its successor may have it now.
create temp table inventoried on commit drop as
select concat_ws(':', coalesce(tdx.place, kc.place), coalesce(tdx.id, kc.id)) as id,
    tdx.id as tdx_id, kc.id as kc_id,
    case
        when tdx.claim < 1 or (tdx.id is null and kc.claim < 1) then 0.01
        when kc.id is null or kc.claim < 1 then 0.1
        else 1.0
    end as claim
from (select * from computer_record where place = 1) as tdx
left join inventory_match as bound on bound.left_id = tdx.id
full join (select * from computer_record where place = 2) as kc on kc.id = bound.right_id;
analyze inventoried;

create temp table inventoried_name on commit drop as
with machine_part as (
    select 1 as place, tdx_id as id, id as machine_id, kc_id, claim from inventoried
    where tdx_id is not null
    union all
    select 2, kc_id, id, kc_id, claim from inventoried where kc_id is not null
)
select part.machine_id as id, known.place, known.id as record_id, known.value,
    -- Of two names, that in KeyConfigure was seen on the machine itself, and the other may long be
    -- that of another machine.
    part.claim * case when known.place = 1 and known.value <> seen.name then 0.01 else 1 end as claim,
    known.quality - case
        when known.place = 1 and known.value <> seen.name then 0.05 else 0
    end as quality
from machine_part as part
join computer_fact as known using (place, id)
left join computer_record as seen on seen.place = 2 and seen.id = part.kc_id
where known.kind = 'name';
analyze inventoried_name;

create temp table account_pair on commit drop as
with machine_share as (
    select id, value, claim / sum(claim) over (partition by value) as share,
        count(*) over (partition by value) as holders
    from (
        select id, value, max(claim) as claim from inventoried_name group by id, value
    ) as each_once
)
select distinct on (own.place, own.record_id, account.id)
    own.id as machine_id, own.place as left_place, own.record_id as left_id,
    account.id as right_id, own.value as shared_name,
    round(0.45 * own.quality * least(machine_share.share, account.strength), 3) as score
from inventoried_name as own
join machine_share using (id, value)
join computer_fact as account on account.place = 3 and account.value = own.value
where machine_share.holders <= 20 and account.holders <= 20
order by own.place, own.record_id, account.id,
    own.quality * least(machine_share.share, account.strength) desc, own.value;
analyze account_pair;

create temp table account_match on commit drop as
with recursive claimed as (
    select machine_id as left_id, right_id,
        max(score) + case count(*) when 2 then 0.05 else 0 end as score
    from account_pair
    group by machine_id, right_id
),
joined as (
    select left_id, right_id, score, 'open' as state
    from claimed
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
        from joined
        where state = 'open'
    ) as ranked
)
select left_id, right_id from joined where state = 'taken';
analyze account_match;
