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

comment on table mrf.in_network_items is
    'one row per element of in_network (or stretch of it), numbered within its shard';
comment on table mrf.in_network_rates is 'one row per rate of an element: the groups it is for';
comment on table mrf.in_network_terms is
    'one row per combination of what is said beside an amount, numbered within its shard';
comment on table mrf.in_network_prices is 'one row per negotiated price';
comment on table mrf.provider_references is 'one row per provider group';
comment on table mrf.provider_files is
    'one row per provider group of a file that a provider reference names in place of groups';
comment on table mrf.allowed_amounts is 'one row per payment out of network';
comment on table mrf.rejects is 'what of the files is in no other table, with its reason and text';

-- Shards are numbered in the database, so that their rows can be numbered beside each other.
create sequence if not exists mrf.shards as integer;
alter sequence mrf.shards owner to lsats_etl;

-- Rates and terms are joined so that a query which wants nothing of them does not read them.
create view mrf.in_network as
select
    item.file,
    item.span,
    item.element,
    item.negotiation_arrangement,
    item.name,
    item.billing_code_type,
    item.billing_code_type_version,
    item.billing_code,
    item.description,
    item.severity_of_illness,
    item.bundled_codes,
    item.covered_services,
    price.rate::bigint as rate,
    rate.provider_references,
    terms.negotiated_type,
    price.negotiated_rate,
    terms.expiration_date,
    terms.billing_class,
    terms.setting,
    terms.service_code,
    terms.billing_code_modifier,
    terms.additional_information
from mrf.in_network_items item
join mrf.in_network_prices price on price.shard = item.shard and price.item = item.item
left join mrf.in_network_rates rate
    on rate.shard = price.shard and rate.item = price.item and rate.rate = price.rate
left join mrf.in_network_terms terms
    on terms.shard = price.shard and terms.terms = price.terms;
comment on view mrf.in_network is 'one row per negotiated price, with all that is said of it';
alter view mrf.in_network owner to lsats_etl;
grant select on mrf.in_network to lsats_reader;

-- Ask it with a billing code, or a file and an element: by provider alone it reads every price.
create or replace view mrf.prices_with_providers as
select
    price.*,
    reference.provider_group_id,
    provider.network_name,
    provider.location,
    coalesce(fetched.npi, provider.npi) as npi,
    coalesce(fetched.tin_type, provider.tin_type) as tin_type,
    coalesce(fetched.tin_value, provider.tin_value) as tin_value,
    coalesce(fetched.business_name, provider.business_name) as business_name
from mrf.in_network price
left join lateral unnest(price.provider_references) reference (provider_group_id) on true
left join mrf.provider_references provider
    on provider.file = price.file
    and provider.provider_group_id = reference.provider_group_id
-- A reference that names a file instead of groups has the groups of that file, if it was fetched.
left join mrf.provider_files fetched
    on provider.location is not null
    and fetched.file = provider.file
    and fetched.provider_group_id = provider.provider_group_id;
comment on view mrf.prices_with_providers is
    'each price once for every provider group it is for; without provider when the file defines none';
alter view mrf.prices_with_providers owner to lsats_etl;
grant select on mrf.prices_with_providers to lsats_reader;
