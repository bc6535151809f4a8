-- The engines' own tables. Silver tables follow from their declarations (silver/ddl.py).

create schema meta;
create schema bronze;
create schema enrichment;
create schema silver;

comment on schema meta is 'Runs, who consumed them, rejects: the engines'' memory';
comment on schema bronze is 'What every source said, unchanged and for ever';
comment on schema enrichment is 'Which single-record calls were made, and when';
comment on schema silver is 'Typed, merged, scored and linked';

-- Roles belong to the server, not to the database: another hub may have made them, even now.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['lsats_etl', 'lsats_reader'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;
    if not pg_has_role(current_user, 'lsats_etl', 'member') then
        execute format('grant lsats_etl to %I', current_user);
    end if;
end $$;

-- Ids that sort by time of birth. PostgreSQL has them from 18 on; before that, RFC 9562 by hand.
do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        execute 'create function meta.new_id() returns uuid language sql volatile
                 return uuidv7()';
    else
        execute $f$
            create function meta.new_id() returns uuid language sql volatile
            return encode(
                set_bit(set_bit(
                    overlay(uuid_send(gen_random_uuid())
                            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                            from 1 for 6),
                    52, 1), 53, 1), 'hex')::uuid
        $f$;
    end if;
end $$;

-- One row; tells this hub from a copy or a neighbour.
create table meta.hub (
    hub_id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now()
);
insert into meta.hub default values;

create table meta.ingestion_runs (
    run_id uuid primary key default meta.new_id(),
    layer text not null check (layer in ('bronze', 'enrichment', 'silver')),
    source_system text not null,
    entity_type text not null,
    entity text not null,
    partition_key date,
    status text not null default 'running' check (status in ('running', 'completed', 'failed')),
    started_at timestamptz not null default clock_timestamp(),
    completed_at timestamptz,
    records_processed bigint not null default 0,
    records_created bigint not null default 0,
    records_updated bigint not null default 0,
    records_skipped bigint not null default 0,
    records_rejected bigint not null default 0,
    records_removed bigint not null default 0,
    error_message text,
    who text not null,
    dagster_run_id text,
    metadata jsonb not null default '{}'
);
comment on column meta.ingestion_runs.entity is 'name of the stream or table; layer/entity is the Dagster asset';
create index ingestion_runs_by_entity on meta.ingestion_runs (layer, entity, started_at desc);

create table meta.consumed_runs (
    consumer text not null,
    run_id uuid not null references meta.ingestion_runs on delete cascade,
    consumed_by uuid not null,
    primary key (consumer, run_id)
);
comment on table meta.consumed_runs is 'which silver table has used which run; replaces clocks';

create table meta.rejects (
    reject_id uuid primary key default meta.new_id(),
    layer text not null,
    entity text not null,
    external_id text,
    reason text not null,
    detail text not null,
    payload bytea,
    fingerprint bytea not null,
    raw_id uuid,
    partition_key date,
    run_id uuid not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    attempts int not null default 1,
    resolution text not null default 'open' check (resolution in ('open', 'replayed', 'mended')),
    resolved_at timestamptz,
    unique (layer, entity, fingerprint)
);
comment on table meta.rejects is 'what could not be used, byte for byte, and what became of it';

create table meta.declarations (
    name text primary key,
    fingerprint text not null,
    declared_at timestamptz not null default now()
);
comment on table meta.declarations is 'what the database was last built from; a difference means rebuild';

create table meta.stream_hints (
    stream text primary key,
    hints jsonb not null
);
comment on table meta.stream_hints is 'what a complete read left to make the next one cheaper';

create table meta.quality (
    table_name text primary key,
    run_id uuid not null,
    fingerprint text not null,
    row_count bigint not null,
    mean_score numeric,
    score_counts jsonb not null,
    flag_counts jsonb not null
);
comment on table meta.quality is 'running totals per silver table, moved by what each run changed';
comment on column meta.quality.fingerprint is 'the declaration that the table''s rows follow';

create table bronze.raw_entities (
    raw_id uuid primary key default meta.new_id(),
    source_system text not null,
    entity_type text not null,
    external_id text collate "C" not null,
    raw_data jsonb,
    content_hash bytea,
    is_removed boolean not null default false,
    partition_key date not null,
    ingested_at timestamptz not null,
    ingestion_run_id uuid not null,
    ingestion_metadata jsonb,
    check (is_removed or (raw_data is not null and content_hash is not null))
);
comment on table bronze.raw_entities is 'append-only; a tombstone has is_removed and no data';
-- what a run brought: consumers ask for it
create index raw_entities_by_run on bronze.raw_entities (ingestion_run_id);
-- all versions of one thing: `lsats history`, and people who ask why
create index raw_entities_by_identity on bronze.raw_entities (external_id, entity_type, source_system);

create table bronze.heads (
    source_system text not null,
    entity_type text not null,
    external_id text collate "C" not null,
    raw_id uuid not null,
    content_hash bytea,
    is_removed boolean not null,
    run_id uuid not null,
    primary key (source_system, entity_type, external_id)
);
comment on table bronze.heads is 'the newest version of every identity; the only thing a load compares with';
comment on column bronze.heads.run_id is 'the run that brought this version';

create table enrichment.fetches (
    source_system text not null,
    entity_type text not null,
    external_id text collate "C" not null,
    list_hash bytea not null,
    fetched_at timestamptz not null,
    primary key (source_system, entity_type, external_id)
);
comment on table enrichment.fetches is 'when a detail was last asked for, and for which version of the list record';

-- A load can multiply a table within a second, long before autovacuum looks at it, and the next
-- statement is planned on what it was. Only the owner may analyze, hence the definer's rights; only
-- the hub's own tables can be named.
create function meta.analyze_if_grown(schema_name text, table_name text, changed bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    known real;
begin
    select c.reltuples into known
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = schema_name and c.relname = table_name
        and n.nspname in ('meta', 'bronze', 'enrichment', 'silver');
    if changed > 100 and changed > 0.1 * known then
        execute format('analyze %I.%I', schema_name, table_name);
    end if;
end $$;

grant usage on schema meta, bronze, enrichment, silver to lsats_etl;
grant select, insert, update on all tables in schema meta, bronze, enrichment to lsats_etl;
revoke insert, update on meta.hub, meta.declarations from lsats_etl;
revoke update on bronze.raw_entities from lsats_etl;
grant execute on all functions in schema meta to lsats_etl;
do $$ begin execute format('grant temporary on database %I to lsats_etl', current_database()); end $$;

grant usage on schema meta, silver to lsats_reader;
grant select on meta.ingestion_runs, meta.quality to lsats_reader;
