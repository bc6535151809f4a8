-- One row per declared stream, detail stream and silver table: its last run, its last good one, what
-- waits for it, what it could not use, how good it is.
with asset as (
    select schemaname as layer, viewname as entity from pg_views
    where schemaname in ('bronze', 'enrichment')
    union
    select 'silver', substr(name, length('silver.') + 1) from meta.declarations
    where name like 'silver.%%'
    union
    select layer, entity from meta.ingestion_runs
),
held_locks as (
    select (classid::bigint << 32) | objid::bigint as key from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())
),
latest as (
    select distinct on (layer, entity) * from meta.ingestion_runs
    order by layer, entity, started_at desc
),
completed as (
    select distinct on (layer, entity) * from meta.ingestion_runs
    where status = 'completed' and not metadata ? 'replay'
    order by layer, entity, partition_key desc, started_at desc
),
producer as (
    select distinct used.consumer, run.layer, run.entity
    from meta.consumed_runs used
    join meta.ingestion_runs run using (run_id)
),
waiting as (
    select producer.consumer, count(*) as runs
    from producer
    join meta.ingestion_runs run using (layer, entity)
    where run.status = 'completed'
        and run.records_created + run.records_updated + run.records_removed > 0
        and not exists (
            select from meta.consumed_runs used
            where used.consumer = producer.consumer and used.run_id = run.run_id)
    group by producer.consumer
),
reject as (
    select layer, entity, count(*) as open from meta.rejects where resolution = 'open'
    group by layer, entity
)
select
    asset.layer,
    asset.entity,
    case
        when latest.run_id is null then 'never'
        when latest.status = 'running' and not exists (
            select from held_locks
            where key = hashtextextended('lsats:' || asset.layer || '/' || asset.entity, 0))
            then 'died'
        else latest.status
    end as status,
    latest.started_at,
    extract(epoch from coalesce(latest.completed_at, clock_timestamp()) - latest.started_at)::float8
        as seconds,
    latest.error_message as error,
    completed.partition_key as day,
    completed.records_processed as processed,
    completed.records_created as created,
    completed.records_updated as updated,
    completed.records_skipped as skipped,
    completed.records_removed as removed,
    completed.records_rejected as rejected,
    coalesce((completed.metadata ->> 'held')::bigint, 0) as held,
    coalesce(completed.metadata -> 'set_aside', '{}') as set_aside,
    coalesce((completed.metadata ->> 'lost')::bigint, 0) as lost,
    coalesce(completed.metadata -> 'lost_examples', '[]') as lost_examples,
    coalesce(waiting.runs, 0) as waiting,
    coalesce(reject.open, 0) as open_rejects,
    quality.row_count as rows,
    round(quality.mean_score, 3)::float8 as mean_quality
from asset
left join latest using (layer, entity)
left join completed using (layer, entity)
left join waiting on waiting.consumer = asset.layer || '/' || asset.entity
left join reject using (layer, entity)
left join meta.quality quality on asset.layer = 'silver' and quality.table_name = asset.entity
order by array_position(array['bronze', 'enrichment', 'silver'], asset.layer), asset.entity
