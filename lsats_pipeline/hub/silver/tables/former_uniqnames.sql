-- Former uniqnames: whose each was, what says so, and which records still go by it.
--
-- keys (names) ─▶ walk (along what identifiers were called next) ─▶ pair (former and present name)
--     ─▶ record (what goes by either name now) ─▶ conflicts ─▶ judged ─▶ inherited (awards, units)
--     ─▶ rows
--
-- A name may have had several tenants, one after the other. Who was there at the same time is one
-- person: at the same time means that silver.users was built in between.
with recursive evidence as not materialized (
    select item.*, array_position(
        array['ad_object_guid', 'tdx_user_uid', 'umich_empl_id', 'ldap_uid_number'], item.kind
    ) as rank
    from silver.uniqname_evidence as item
),
build as materialized (
    select run_id from meta.ingestion_runs
    where layer = 'silver' and entity = 'users' and status = 'completed'
),
-- What an identifier was called and is not any more. Where another one knows that the name it has
-- now is a former name, too, that one is ahead; back to the old name counts with better evidence.
step as not materialized (
    select item.*
    from evidence as item
    where item.uniqname <> item.latest_uniqname and not exists (
        select from evidence as ahead
        join evidence as there on there.evidence = ahead.evidence
        where ahead.uniqname = item.latest_uniqname and there.uniqname = item.uniqname
            and ahead.evidence <> item.evidence
            and ahead.latest_uniqname <> item.latest_uniqname
            and (ahead.latest_uniqname <> item.uniqname or ahead.rank < item.rank)
            and there.first_run < item.left_run and item.first_run < there.left_run)
),
walk (former_uniqname, evidence, rank, kind, known_from, left_at, first_run, left_run, at, arrived)
as (
    select keys.key, step.evidence, step.rank, step.kind, step.known_from, step.left_at,
        step.first_run, step.left_run, step.latest_uniqname, step.left_run
    from keys
    join step on step.uniqname = keys.key
    union
    select walk.former_uniqname, walk.evidence, walk.rank, walk.kind, walk.known_from,
        walk.left_at, walk.first_run, walk.left_run, step.latest_uniqname, step.left_run
    from walk
    join step on step.uniqname = walk.at
    where step.latest_uniqname <> walk.former_uniqname and step.left_run > walk.arrived
),
pair as materialized (
    select former_uniqname, at as uniqname,
        jsonb_agg(distinct jsonb_build_array(rank, kind)) as kinds,
        array_agg(distinct evidence) as evidences,
        min(known_from) as known_from,
        min(left_at) as left_at,
        min(first_run::text)::uuid as first_run,
        min(left_run::text)::uuid as left_run
    from walk
    where not exists (
        select from step
        where step.uniqname = walk.at and step.latest_uniqname <> walk.former_uniqname
            and step.left_run > walk.arrived)
    group by former_uniqname, at
),
-- Identifiers of the person: those, and whichever gave up a name that one of them had then, too.
kin as materialized (
    select distinct pair.former_uniqname, pair.uniqname, other.evidence
    from pair
    cross join lateral unnest(pair.evidences) as one (evidence)
    join evidence as mine on mine.evidence = one.evidence
    join evidence as other on other.uniqname = mine.uniqname
    where other.evidence = mine.evidence
        or (mine.uniqname <> mine.latest_uniqname and other.uniqname <> other.latest_uniqname
            and mine.first_run < other.left_run and other.first_run < mine.left_run)
),
name as materialized (
    select former_uniqname as uniqname from pair union select uniqname from pair
),
-- `ids`: what identifies the person in this record, by which records of two systems are seen to be
-- of one person.
record as materialized (
    select 'ad_users' as table_name, item.external_id, item.uniqname,
        'ad_object_guid/' || item.external_id as evidence,
        array['ad_object_guid/' || item.external_id, 'ldap_uid_number/' || item.uid_number] as ids,
        coalesce((
            select min(past.ingestion_run_id::text) from silver.ad_users_history as past
            where past.external_id = item.external_id and past.uniqname = item.uniqname
        )::uuid, item.ingestion_run_id) as first_run
    from name
    join silver.ad_users as item using (uniqname)
    union all
    select 'tdx_users', item.external_id, item.uniqname, 'tdx_user_uid/' || item.external_id,
        array['tdx_user_uid/' || item.external_id, 'umich_empl_id/' || item.tdx_external_id],
        coalesce((
            select min(past.ingestion_run_id::text) from silver.tdx_users_history as past
            where past.external_id = item.external_id and past.uniqname = item.uniqname
        )::uuid, item.ingestion_run_id)
    from name
    join silver.tdx_users as item using (uniqname)
    union all
    select 'umapi_employees', item.external_id, item.uniqname, 'umich_empl_id/' || item.empl_id,
        array['umich_empl_id/' || item.empl_id],
        coalesce((
            select min(past.ingestion_run_id::text) from silver.umapi_employees_history as past
            where past.external_id = item.external_id and past.uniqname = item.uniqname
        )::uuid, item.ingestion_run_id)
    from name
    join silver.umapi_employees as item using (uniqname)
    union all
    select 'mcommunity_users', item.external_id, item.uniqname,
        'ldap_uid_number/' || item.external_id, array['ldap_uid_number/' || item.external_id],
        coalesce((
            select min(past.ingestion_run_id::text) from silver.mcommunity_users_history as past
            where past.external_id = item.external_id and past.uniqname = item.uniqname
        )::uuid, item.ingestion_run_id)
    from name
    join silver.mcommunity_users as item using (uniqname)
),
-- What still goes by the former name: of the person, or of somebody who got the name afterwards.
left_over as materialized (
    select pair.former_uniqname, pair.uniqname, record.table_name, record.external_id, record.ids,
        record.first_run, kin.evidence is not null or exists (
            select from build
            where build.run_id > record.first_run and build.run_id < pair.left_run
        ) as is_theirs
    from pair
    join record on record.uniqname = pair.former_uniqname
    left join kin on kin.former_uniqname = pair.former_uniqname
        and kin.uniqname = pair.uniqname and kin.evidence = record.evidence
),
-- What goes by the present name without ever having had the former one.
newcomer as materialized (
    select pair.former_uniqname, pair.uniqname, record.table_name, record.ids,
        exists (
            select from build
            where build.run_id > record.first_run and build.run_id < pair.left_run
        ) as was_there
    from pair
    join record on record.uniqname = pair.uniqname
    where not exists (
        select from kin
        where kin.former_uniqname = pair.former_uniqname and kin.uniqname = pair.uniqname
            and kin.evidence = record.evidence)
),
-- Ids of the person, by what came along from the former name and what is still there.
own as materialized (
    select kin.former_uniqname, kin.uniqname, array_agg(distinct one.id) as ids
    from kin
    join record on record.uniqname = kin.uniqname and record.evidence = kin.evidence
    cross join lateral unnest(record.ids) as one (id)
    where one.id is not null
    group by kin.former_uniqname, kin.uniqname
),
contradicted as (
    -- The present name is somebody else's: they had it before, or both have a record in one system.
    select newcomer.former_uniqname, newcomer.uniqname
    from newcomer
    left join own using (former_uniqname, uniqname)
    left join left_over using (former_uniqname, uniqname)
    where not coalesce(newcomer.ids && own.ids, false)
        and not coalesce(newcomer.ids && left_over.ids and left_over.is_theirs, false)
    group by newcomer.former_uniqname, newcomer.uniqname
    having bool_or(newcomer.was_there)
        or bool_or(left_over.is_theirs and left_over.table_name = newcomer.table_name)
    union
    -- Two identifiers that were one person's say that this person is two by now.
    select one.former_uniqname, one.uniqname
    from pair as one
    join pair as other
        on other.former_uniqname = one.former_uniqname and other.uniqname <> one.uniqname
    where one.first_run < other.left_run and other.first_run < one.left_run
),
judged as materialized (
    select pair.*,
        contradicted.uniqname is not null as is_conflict,
        coalesce(rest.is_reused, false) as is_reused,
        rest.reused_run,
        pair.left_run = max(pair.left_run::text) over (partition by former_uniqname)::uuid as is_last,
        case when contradicted.uniqname is null then rest.records end as records
    from pair
    left join contradicted using (former_uniqname, uniqname)
    left join (
        select former_uniqname, uniqname, bool_or(not is_theirs) as is_reused,
            (min(first_run::text) filter (where not is_theirs))::uuid as reused_run,
            jsonb_agg(table_name || '/' || external_id order by table_name, external_id)
                filter (where is_theirs) as records
        from left_over
        group by former_uniqname, uniqname
    ) as rest using (former_uniqname, uniqname)
),
-- Awards and units have nothing but the name.
thing as materialized (
    select name.former_uniqname, 'lab_awards' as table_name, item.external_id,
        coalesce((
            select min(past.ingestion_run_id::text) from silver.lab_awards_history as past
            where past.external_id = item.external_id
                and past.person_uniqname = item.person_uniqname
        )::uuid, item.ingestion_run_id) as first_run
    from (select distinct former_uniqname from judged) as name
    join silver.lab_awards as item on item.person_uniqname = name.former_uniqname
    union all
    select name.former_uniqname, 'ad_units', item.external_id,
        coalesce((
            select min(past.ingestion_run_id::text) from silver.ad_units_history as past
            where past.external_id = item.external_id
                and past.extracted_uniqname = item.extracted_uniqname
        )::uuid, item.ingestion_run_id)
    from (select distinct former_uniqname from judged) as name
    join silver.ad_units as item on item.extracted_uniqname = name.former_uniqname
),
-- Each is of whoever had the name when it came, or had had it last and nobody else since.
inherited as (
    select distinct on (thing.table_name, thing.external_id)
        judged.former_uniqname, judged.uniqname, thing.table_name || '/' || thing.external_id as record
    from thing
    join judged using (former_uniqname)
    cross join lateral (
        select case when judged.is_last then judged.reused_run else judged.left_run end as run_id
    ) as until
    where not judged.is_conflict and (until.run_id is null or exists (
        select from build
        where build.run_id > thing.first_run and build.run_id < until.run_id))
    order by thing.table_name, thing.external_id, judged.left_run, judged.uniqname
)
select former_uniqname || '/' || uniqname as former_uniqname_id,
    former_uniqname,
    uniqname,
    (
        select jsonb_agg(kind ->> 1 order by kind ->> 0)
        from jsonb_array_elements(judged.kinds) as kind
    ) as evidence,
    judged.known_from,
    judged.left_at,
    judged.is_conflict,
    judged.is_reused,
    judged.is_last and not judged.is_conflict and not judged.is_reused as is_latest,
    judged.records is not null as is_under_way,
    coalesce(judged.records, '[]') || coalesce(things.records, '[]') as records
from judged
left join (
    select former_uniqname, uniqname, jsonb_agg(record order by record) as records
    from inherited
    group by former_uniqname, uniqname
) as things using (former_uniqname, uniqname)
