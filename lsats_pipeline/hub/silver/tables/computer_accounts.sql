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
    part.claim * case when known.value <> seen.name then 0.01 else 1 end as claim,
    known.quality - case when known.value <> seen.name then 0.05 else 0 end as quality,
    -- That of a former record, or cut: it makes no second witness.
    coalesce(known.place = 2 and known.value <> seen.name, false) as is_aside
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
    account.id as right_id, own.value as shared_name, own.is_aside,
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
        max(score) + case when count(*) filter (where not is_aside) = 2 then 0.05 else 0 end as score
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

-- Accounts left behind when a machine was set up anew or renamed: an account that no machine has, under
-- a name that one machine alone has or had, which has another account now; and nobody uses it any more.
create temp table former_account on commit drop as
select distinct on (left_behind.id)
    left_behind.id, left_behind.value as name, own.id as machine_id, own.place, own.record_id,
    present.right_id as root_id
from (
    select id, value, place, record_id, count(*) over (partition by value) as holders
    from (
        select distinct on (id, value) id, value, place, record_id from inventoried_name
        order by id, value, place, record_id
    ) as each_once
) as own
join account_match as present on present.left_id = own.id
join computer_fact as left_behind
    on left_behind.place = 3 and left_behind.kind = 'name' and left_behind.value = own.value
    and left_behind.quality = 1.0
join computer_record as record on record.place = 3 and record.id = left_behind.id and record.claim = 1
join silver.ad_computers as before on before.object_guid = left_behind.id::uuid
join silver.ad_computers as now on now.object_guid = present.right_id::uuid
where own.holders = 1
    and not exists (select from account_match as taken where taken.right_id = left_behind.id)
    and (not before.is_enabled
        or before.last_logon_timestamp < coalesce(
            now.when_created, now.last_logon_timestamp - interval '90 days'))
order by left_behind.id, own.id;
analyze former_account;
