-- The uniqnames of an identifier, where there have been several.
--
-- keys (kind/value) ─▶ version (of the record, present and past) ─▶ named (each name once)
--     ─▶ latest (the present one) ─▶ rows
with wanted as materialized (
    select key as evidence, split_part(key, '/', 1) as kind,
        substr(key, strpos(key, '/') + 1) as value
    from keys
),
version as (
    select wanted.evidence, item.uniqname, item.valid_from, item.valid_to,
        item.ingestion_run_id as came_by, item.closed_by
    from wanted
    join silver.ad_users_history as item on item.external_id = wanted.value
    where wanted.kind = 'ad_object_guid'
    union all
    select wanted.evidence, item.uniqname, item.updated_at, null, item.ingestion_run_id, null
    from wanted
    join silver.ad_users as item on item.external_id = wanted.value
    where wanted.kind = 'ad_object_guid'
    union all
    select wanted.evidence, item.uniqname, item.valid_from, item.valid_to, item.ingestion_run_id,
        item.closed_by
    from wanted
    join silver.tdx_users_history as item on item.external_id = wanted.value
    where wanted.kind = 'tdx_user_uid'
    union all
    select wanted.evidence, item.uniqname, item.updated_at, null, item.ingestion_run_id, null
    from wanted
    join silver.tdx_users as item on item.external_id = wanted.value
    where wanted.kind = 'tdx_user_uid'
    union all
    -- Appointments come and go, each with a record of its own (`<empl_id>-<empl_rcd>`).
    select wanted.evidence, item.uniqname, item.valid_from, item.valid_to, item.ingestion_run_id,
        item.closed_by
    from wanted
    join silver.umapi_employees_history as item
        on item.external_id >= wanted.value || '-' and item.external_id < wanted.value || '.'
    where wanted.kind = 'umich_empl_id' and item.empl_id = wanted.value
    union all
    select wanted.evidence, item.uniqname, item.updated_at, null, item.ingestion_run_id, null
    from wanted
    join silver.umapi_employees as item on item.empl_id = wanted.value
    where wanted.kind = 'umich_empl_id'
    union all
    select wanted.evidence, item.uniqname, item.valid_from, item.valid_to, item.ingestion_run_id,
        item.closed_by
    from wanted
    join silver.mcommunity_users_history as item on item.external_id = wanted.value
    where wanted.kind = 'ldap_uid_number'
    union all
    select wanted.evidence, item.uniqname, item.updated_at, null, item.ingestion_run_id, null
    from wanted
    join silver.mcommunity_users as item on item.external_id = wanted.value
    where wanted.kind = 'ldap_uid_number'
),
named as (
    select evidence, uniqname,
        min(valid_from) as known_from,
        case when bool_and(valid_to is not null) then max(valid_to) end as known_until,
        min(came_by::text)::uuid as first_run,
        max(came_by::text)::uuid as last_run,
        case when bool_and(valid_to is not null) then max(closed_by::text)::uuid end as left_run
    from version
    where silver.is_uniqname(uniqname)
    group by evidence, uniqname
),
latest as (
    select distinct on (evidence) evidence, uniqname, known_from, first_run
    from named
    order by evidence, known_until desc nulls first, last_run desc, uniqname
),
switched as (
    select named.evidence,
        coalesce(max(named.known_until), max(latest.known_from)) as switched_at,
        coalesce(max(named.left_run::text), max(latest.first_run::text))::uuid as switch_run
    from named
    join latest using (evidence)
    where named.uniqname <> latest.uniqname
    group by named.evidence
)
select named.evidence || '/' || named.uniqname as evidence_id,
    named.evidence,
    split_part(named.evidence, '/', 1) as kind,
    named.uniqname,
    latest.uniqname as latest_uniqname,
    named.known_from,
    case when named.uniqname = latest.uniqname then switched.switched_at
        else coalesce(named.known_until, switched.switched_at) end as left_at,
    named.first_run,
    case when named.uniqname = latest.uniqname then switched.switch_run
        else coalesce(named.left_run, switched.switch_run) end as left_run
from named
join latest using (evidence)
join switched using (evidence)
