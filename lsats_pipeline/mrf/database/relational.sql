-- What the tables hold, and what people ask them.

create table if not exists mrf.loaded (
    file text primary key,
    content text not null,
    sha256 text not null,
    version text not null,
    reporting_entity text not null,
    last_updated_on text not null,
    row_counts jsonb not null,
    nul_substituted bigint not null,
    loaded_at timestamptz not null default now()
);
comment on table mrf.loaded is 'which content of which price file the tables of this schema hold';
comment on column mrf.loaded.content is
    'hash of the source''s sha256 and of what was made of it; the same is not loaded again';
comment on column mrf.loaded.nul_substituted is
    'values with a NUL character, which PostgreSQL does not store: it stands as U+2400 in them';
alter table mrf.loaded owner to lsats_etl;
grant select on mrf.loaded to lsats_reader;

comment on table mrf.in_network is 'one row per negotiated price';
comment on table mrf.provider_references is 'one row per provider group';
comment on table mrf.allowed_amounts is 'one row per payment out of network';
comment on table mrf.rejects is 'what of the files is in no other table, with its reason and text';

-- Ask it with a billing code, or a file and an element: by provider alone it reads every price.
create or replace view mrf.prices_with_providers as
select
    price.*,
    reference.provider_group_id,
    provider.network_name,
    provider.location,
    provider.npi,
    provider.tin_type,
    provider.tin_value,
    provider.business_name
from mrf.in_network price
left join lateral unnest(price.provider_references) reference (provider_group_id) on true
left join mrf.provider_references provider
    on provider.file = price.file
    and provider.provider_group_id = reference.provider_group_id;
comment on view mrf.prices_with_providers is
    'each price once for every provider group it is for; without provider when the file defines none';
alter view mrf.prices_with_providers owner to lsats_etl;
grant select on mrf.prices_with_providers to lsats_reader;
