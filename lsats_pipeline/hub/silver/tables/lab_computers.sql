-- Which machine belongs to which lab, and how sure that is (domain/hub.md 5.10).
--
-- facts that join a machine and a lab (never every machine with every lab) ─▶ one pair each, by the
-- method that says most ─▶ what else speaks for it and against it ─▶ the best lab of each machine
with recursive machine as materialized (
    select computer.computer_id, computer.computer_name, computer.owner_uniqname as owner,
        computer.financial_owner_uniqname as payer, coalesce(past.uniqname, account.name) as user_name,
        silver.dn_key(computer.ad_distinguished_name) as dn, lower(asset.attr_function_name) as function
    from keys
    join silver.computers as computer on computer.computer_id = keys.key
    left join silver.tdx_assets as asset on asset.tdx_asset_id = computer.tdx_asset_id
    cross join lateral (select silver.account_name(computer.last_user) as name) as account
    left join silver.former_uniqnames as past
        on past.former_uniqname = account.name and past.is_latest
    where computer.is_active
),
lab as materialized (
    select lab_id, silver.dn_key(ad_ou_dn) as ou
    from silver.labs
    where is_active
),
called as materialized (
    select lab_id, name, silver.first_word(name) as word
    from lab
    join silver.lab_names using (lab_id)
),
member as materialized (
    select lab_id, member_uniqname, is_pi from silver.lab_members join lab using (lab_id)
),
-- Every container of a machine, up to the root: few, because machines share them.
above (place, container) as (
    select distinct silver.dn_parent(dn), silver.dn_parent(dn) from machine where dn is not null
    union
    select place, silver.dn_parent(container) from above where container is not null
),
fact (computer_id, lab_id, method) as (
    select machine.computer_id, lab.lab_id, 'owner_is_pi'
    from machine join lab on lab.lab_id = machine.owner
    union
    select machine.computer_id, lab.lab_id, 'fin_owner_is_pi'
    from machine join lab on lab.lab_id = machine.payer
    union
    select machine.computer_id, lab.lab_id, 'ad_ou_nested'
    from machine
    join above on above.place = silver.dn_parent(machine.dn)
    join lab on lab.ou = above.container
    union
    select named.computer_id, called.lab_id, 'name_pattern_pi'
    from (
        select computer_id, computer_name, unnest(silver.words(computer_name)) as word from machine
    ) as named
    join called using (word)
    where silver.mentions(named.computer_name, called.name)
    union
    select machine.computer_id, member.lab_id, 'owner_member'
    from machine join member on member.member_uniqname = machine.owner and not member.is_pi
    union
    select machine.computer_id, member.lab_id, 'last_user_member'
    from machine join member on member.member_uniqname = machine.user_name
),
-- Two methods of one base: the one that comes first here.
method (method, place, base, strong) as (
    values
        ('owner_is_pi', 1, 0.85, true),
        ('ad_ou_nested', 2, 0.80, true),
        ('fin_owner_is_pi', 3, 0.80, true),
        ('name_pattern_pi', 4, 0.70, true),
        ('owner_member', 5, 0.35, false),
        ('last_user_member', 6, 0.30, false)
),
pair as materialized (
    select fact.computer_id, fact.lab_id,
        jsonb_agg(fact.method order by method.place) as methods,
        min(method.place) as place
    from fact
    join method using (method)
    group by fact.computer_id, fact.lab_id
),
weighed as (
    select pair.*, method.method, method.base, method.strong, machine.function,
        pair.methods ? 'owner_is_pi' and pair.methods ? 'fin_owner_is_pi' as fully_owned,
        machine.owner is not null and machine.owner <> pair.lab_id and owner.lab_id is null
            as owner_outside,
        machine.payer is not null and machine.payer <> pair.lab_id and payer.lab_id is null
            as payer_outside
    from pair
    join method using (place)
    join machine using (computer_id)
    left join member as owner
        on owner.lab_id = pair.lab_id and owner.member_uniqname = machine.owner
    left join member as payer
        on payer.lab_id = pair.lab_id and payer.member_uniqname = machine.payer
),
detailed as (
    select weighed.*,
        jsonb_strip_nulls(jsonb_build_object(
            'fin_owner_is_pi', case when method <> 'fin_owner_is_pi' and methods ? 'fin_owner_is_pi'
                then 0.15 end,
            'owner_is_pi', case when method <> 'owner_is_pi' and methods ? 'owner_is_pi' then 0.12 end,
            'ad_ou_nested', case when method <> 'ad_ou_nested' and methods ? 'ad_ou_nested'
                then 0.10 end,
            'name_pattern_pi', case when method <> 'name_pattern_pi' and methods ? 'name_pattern_pi'
                then 0.08 end,
            'function', case
                when function is null then null
                when function = 'research' then 0.05
                when function = 'classroom' then 0.03
                when function in ('administrative', 'development') then -0.12
                else -0.05 end,
            'owner_not_affiliated', case when owner_outside then -0.10 end,
            'fin_owner_not_affiliated', case when payer_outside then -0.08 end
        )) as adjustments
    from weighed
),
scored as (
    select detailed.*,
        case when strong then least(1.00, greatest(0.70, sum.score))
            else least(0.50, greatest(0.20, sum.score)) end as confidence
    from detailed
    cross join lateral (
        select base + coalesce((select sum(value::numeric) from jsonb_each_text(adjustments)), 0) as score
    ) as sum
)
select lab_id || '/' || computer_id as lab_computer_id,
    computer_id,
    lab_id,
    method as association_method,
    methods as association_methods,
    confidence as confidence_score,
    base as base_confidence,
    adjustments as confidence_adjustments,
    row_number() over best = 1 as is_primary,
    fully_owned as is_fully_pi_owned,
    owner_outside as is_owner_not_affiliated,
    payer_outside as is_fin_owner_not_affiliated,
    function as function_name
from scored
window best as (partition by computer_id order by confidence desc, base desc, place, lab_id)
