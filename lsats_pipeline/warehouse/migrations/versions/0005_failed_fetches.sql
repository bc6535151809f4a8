-- Details that could not be read are asked for again, less and less often.
alter table enrichment.fetches
    add column failures int not null default 0,
    add column retry_on date;
comment on column enrichment.fetches.failures is 'how often in a row it could not be read; 0: it was, or the source has none';
comment on column enrichment.fetches.retry_on is 'the day from which it is asked for again, after failures';
