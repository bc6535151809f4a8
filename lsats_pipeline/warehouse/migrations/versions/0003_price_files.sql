-- Price files: what lists name, what was received of it, and how the hosts behave (decision 19).

create schema mrf;
comment on schema mrf is 'price files of insurers: which there are, and what became of them';

create table mrf.sources (
    source text collate "C" primary key,
    query text,
    kind text not null,
    mark text,
    policy text,
    asked_at timestamptz,
    read_at timestamptz,
    entries bigint not null default 0,
    malformed bigint not null default 0
);
comment on table mrf.sources is 'the lists that were read, by path or address';
comment on column mrf.sources.query is 'SECRET: may be a signature; never shown';
comment on column mrf.sources.policy is 'a hash of the settings that said what of it may be fetched';
comment on column mrf.sources.mark is 'what the list looked like when it was read; unchanged, it is not read again';

create table mrf.files (
    key text collate "C" primary key check (key ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$'),
    address text collate "C" not null,
    identity text collate "C" not null default '',
    query text,
    scheme text not null check (scheme in ('https', 'http', 'file', '')),
    kind text not null default 'unknown' check (kind in ('in_network', 'allowed_amounts', 'unknown')),
    description text,
    fault text,
    state text not null default 'found' check (state in
        ('found', 'unsupported', 'fetching', 'fetched', 'failed', 'rejected', 'abandoned')),
    code text,
    reason text,
    mark text,
    taken_mark text,
    taken_at timestamptz,
    asked_at timestamptz,
    attempts int not null default 0,
    retry_at timestamptz,
    changed_at timestamptz not null default clock_timestamp(),
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    unique (address, identity)
);
comment on table mrf.files is 'every file that a list names, under the key of its partition';
comment on column mrf.files.address is 'path or address, without its query';
comment on column mrf.files.identity is 'what tells files of one address apart; empty for most';
comment on column mrf.files.query is 'SECRET: may be a signature; never shown';
comment on column mrf.files.fault is 'why it cannot be fetched';
comment on column mrf.files.mark is 'what it looks like (etag, length, date; or size, time, inode)';
comment on column mrf.files.taken_mark is 'what it looked like when it was received; another mark: it is due';
comment on column mrf.files.asked_at is 'when its server was last asked whether it looks different';
comment on column mrf.files.last_seen is 'when a list last named it, to the day';
-- the next key for a stem asks whether it is taken, in whatever case
create unique index files_by_key_in_any_case on mrf.files (lower(key));
-- what a tick asks for
create index files_due on mrf.files (key)
    where fault is null and (taken_at is null or mark is distinct from taken_mark);
-- local files of an unchanged list are looked at all the same
create index files_of_this_machine on mrf.files (key) where scheme = 'file';
-- what was fetched is looked at again, what was asked for longest ago first
create index files_to_look_at on mrf.files (coalesce(asked_at, taken_at))
    where scheme in ('https', 'http') and taken_at is not null;
create index files_at_work on mrf.files (key) where state = 'fetching';

create table mrf.plan_groups (
    plan_group text collate "C" primary key,
    plans jsonb not null
);
comment on table mrf.plan_groups is 'plans that share their files; the key is a hash of them';

create table mrf.listings (
    source text collate "C" not null references mrf.sources,
    key text collate "C" not null references mrf.files,
    plan_group text collate "C" not null default '',
    primary key (key, source, plan_group)
);
comment on table mrf.listings is 'which list names a file, and for which plans';

create table mrf.versions (
    key text collate "C" not null references mrf.files,
    version int not null,
    sha256 text not null,
    size bigint not null,
    path text not null,
    received_at timestamptz not null default clock_timestamp(),
    mark text,
    state text not null default 'received' check (state in
        ('received', 'ingesting', 'published', 'same', 'rejected', 'failed', 'abandoned')),
    code text,
    reason text,
    same_as_key text,
    same_as_version int,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (key, version),
    foreign key (same_as_key, same_as_version) references mrf.versions
);
comment on table mrf.versions is 'every content that was received under a key, and what became of it';
comment on column mrf.versions.same_as_key is 'lineage: the same bytes are published under this key';
create index versions_by_content on mrf.versions (sha256);
create index versions_at_work on mrf.versions (key) where state = 'ingesting';

create table mrf.hosts (
    host text primary key,
    next_at timestamptz not null default '-infinity',
    failures int not null default 0,
    open_until timestamptz,
    probing_until timestamptz,
    last_error text,
    changed_at timestamptz not null default clock_timestamp()
);
comment on table mrf.hosts is 'how hosts behave: the next free turn, failures in a row, closed until when';

grant usage on schema mrf to lsats_etl;
grant select, insert, update, delete on all tables in schema mrf to lsats_etl;
