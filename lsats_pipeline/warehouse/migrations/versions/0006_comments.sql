-- What the columns of the engines' own tables mean. Silver tables, views and worlds have the words of
-- their declarations.

comment on table public.lsats_schema_version is 'the step of the schema that the database is at';
comment on column public.lsats_schema_version.version_num is 'name of the last step that was applied';

comment on table meta.hub is 'one row: tells this hub from a copy or a neighbour';
comment on column meta.hub.hub_id is 'id of the hub, made with its database';
comment on column meta.hub.created_at is 'when the database was made';

comment on table meta.ingestion_runs is 'every run of every stream and table: who, when, how much';
comment on column meta.ingestion_runs.run_id is 'id of the run; sorts by the time of its start';
comment on column meta.ingestion_runs.layer is 'bronze, enrichment or silver';
comment on column meta.ingestion_runs.source_system is 'the system that was read; silver for tables';
comment on column meta.ingestion_runs.entity_type is 'kind of record, or name of the table';
comment on column meta.ingestion_runs.partition_key is 'the day that the run is for';
comment on column meta.ingestion_runs.status is 'running, completed or failed';
comment on column meta.ingestion_runs.started_at is 'when it began';
comment on column meta.ingestion_runs.completed_at is 'when it ended, whether well or not';
comment on column meta.ingestion_runs.records_processed is 'records read, or rows worked out';
comment on column meta.ingestion_runs.records_created is 'of these, new';
comment on column meta.ingestion_runs.records_updated is 'of these, changed';
comment on column meta.ingestion_runs.records_skipped is 'of these, as they were';
comment on column meta.ingestion_runs.records_rejected is 'of these, not usable: they are in meta.rejects';
comment on column meta.ingestion_runs.records_removed is 'what was there and is gone';
comment on column meta.ingestion_runs.error_message is 'why it failed';
comment on column meta.ingestion_runs.who is 'login, machine and process that ran it';
comment on column meta.ingestion_runs.dagster_run_id is 'the run of Dagster that it was a step of';
comment on column meta.ingestion_runs.metadata is 'further numbers and notes of the run';

comment on column meta.consumed_runs.consumer is 'asset that used the run: silver/users';
comment on column meta.consumed_runs.run_id is 'the run that was used';
comment on column meta.consumed_runs.consumed_by is 'the run of the consumer that used it';

comment on column meta.rejects.reject_id is 'id of the reject; sorts by the time it was first seen';
comment on column meta.rejects.layer is 'bronze, enrichment or silver';
comment on column meta.rejects.entity is 'name of the stream or table that could not use it';
comment on column meta.rejects.external_id is 'identity in the source, where there is one';
comment on column meta.rejects.reason is 'code of the reason';
comment on column meta.rejects.detail is 'the reason in words';
comment on column meta.rejects.payload is 'PERSONAL: the record as its bytes came';
comment on column meta.rejects.fingerprint is 'a hash by which the same reject is known again';
comment on column meta.rejects.raw_id is 'the bronze row, of a reject of silver';
comment on column meta.rejects.partition_key is 'the day it was observed';
comment on column meta.rejects.run_id is 'the last run that met it';
comment on column meta.rejects.first_seen is 'when it was first met';
comment on column meta.rejects.last_seen is 'when it was last met';
comment on column meta.rejects.attempts is 'how often it was met';
comment on column meta.rejects.resolution is 'open; replayed: used after all; mended: the source gave a good one';
comment on column meta.rejects.resolved_at is 'when it was resolved';

comment on column meta.declarations.name is 'what was declared: a silver table, the views, a schema';
comment on column meta.declarations.fingerprint is 'a hash of the declaration';
comment on column meta.declarations.declared_at is 'when the database was brought to it';

comment on column meta.stream_hints.stream is 'name of the stream';
comment on column meta.stream_hints.hints is 'what its source said for the next read';

comment on column meta.quality.table_name is 'the silver table';
comment on column meta.quality.run_id is 'the last run that moved the totals';
comment on column meta.quality.row_count is 'rows of the table';
comment on column meta.quality.mean_score is 'mean of data_quality_score, from 0 to 1';
comment on column meta.quality.score_counts is 'rows by score';
comment on column meta.quality.flag_counts is 'rows by quality flag';

comment on column bronze.raw_entities.raw_id is 'id of this version; sorts by the time it was landed';
comment on column bronze.raw_entities.source_system is 'the system it is from';
comment on column bronze.raw_entities.entity_type is 'kind of record in that system';
comment on column bronze.raw_entities.external_id is 'identity in the source';
comment on column bronze.raw_entities.raw_data is 'PERSONAL: the record as the source gave it';
comment on column bronze.raw_entities.content_hash is 'hash of the record without what moves by itself; the same is not landed again';
comment on column bronze.raw_entities.is_removed is 'true: the source has it no more';
comment on column bronze.raw_entities.partition_key is 'the day it was observed';
comment on column bronze.raw_entities.ingested_at is 'when it was observed';
comment on column bronze.raw_entities.ingestion_run_id is 'the run that brought it';
comment on column bronze.raw_entities.ingestion_metadata is 'file, sheet and row of what came in a document';

comment on column bronze.heads.source_system is 'the system it is from';
comment on column bronze.heads.entity_type is 'kind of record in that system';
comment on column bronze.heads.external_id is 'identity in the source';
comment on column bronze.heads.raw_id is 'its newest version in bronze.raw_entities';
comment on column bronze.heads.content_hash is 'content hash of that version';
comment on column bronze.heads.is_removed is 'whether the source has it no more';

comment on column enrichment.fetches.source_system is 'the system that was asked';
comment on column enrichment.fetches.entity_type is 'kind of the detail';
comment on column enrichment.fetches.external_id is 'identity in the source';
comment on column enrichment.fetches.list_hash is 'content hash of the list record that the detail answers';
comment on column enrichment.fetches.fetched_at is 'when it was asked for';

comment on column mrf.sources.source is 'path or address of the list, without its query';
comment on column mrf.sources.kind is 'what kind of list it is';
comment on column mrf.sources.asked_at is 'when its server was last asked whether it looks different';
comment on column mrf.sources.read_at is 'when it was last read to its end';
comment on column mrf.sources.entries is 'files that it names';
comment on column mrf.sources.malformed is 'entries that name no file';

comment on column mrf.files.key is 'key of the file: its partition in Dagster, its folder in exports';
comment on column mrf.files.scheme is 'https, http, file; empty: none that can be fetched';
comment on column mrf.files.kind is 'in_network, allowed_amounts or unknown';
comment on column mrf.files.description is 'what the list says of it';
comment on column mrf.files.state is 'what became of it: found, fetched, failed ...';
comment on column mrf.files.code is 'code of the reason for that state';
comment on column mrf.files.reason is 'the reason in words';
comment on column mrf.files.taken_at is 'when it was last received';
comment on column mrf.files.attempts is 'attempts to fetch it since it was last received';
comment on column mrf.files.retry_at is 'not to be fetched before';
comment on column mrf.files.changed_at is 'when its state last changed';
comment on column mrf.files.first_seen is 'when a list first named it';

comment on column mrf.plan_groups.plan_group is 'hash of the plans';
comment on column mrf.plan_groups.plans is 'the plans: name, id, market';

comment on column mrf.listings.source is 'the list';
comment on column mrf.listings.key is 'the file that it names';
comment on column mrf.listings.plan_group is 'the plans that it names the file for; empty: none';

comment on column mrf.versions.key is 'the file';
comment on column mrf.versions.version is 'number of the content under that key, from 1';
comment on column mrf.versions.sha256 is 'hash of its bytes as they were received';
comment on column mrf.versions.size is 'its bytes as they were received';
comment on column mrf.versions.path is 'where it is kept';
comment on column mrf.versions.received_at is 'when it was received';
comment on column mrf.versions.mark is 'what the file looked like at its server';
comment on column mrf.versions.state is 'what became of it: received, ingesting, published ...';
comment on column mrf.versions.code is 'code of the reason for that state';
comment on column mrf.versions.reason is 'the reason in words';
comment on column mrf.versions.same_as_version is 'and this version';
comment on column mrf.versions.changed_at is 'when its state last changed';

comment on column mrf.hosts.host is 'name of the host';
comment on column mrf.hosts.next_at is 'when the next request may go out';
comment on column mrf.hosts.failures is 'failures in a row';
comment on column mrf.hosts.open_until is 'no requests before: it failed too often';
comment on column mrf.hosts.probing_until is 'until then one request tries whether it is well again';
comment on column mrf.hosts.last_error is 'what it last failed with';
comment on column mrf.hosts.changed_at is 'when this last changed';
