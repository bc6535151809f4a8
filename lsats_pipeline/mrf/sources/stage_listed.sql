-- Where the entries of one source wait to be merged. A row without an address has the plans of a group.

drop table if exists listed, listed_source, listed_once, listings_now, merged;

create temporary table listed (
    n bigint generated always as identity,
    address text,
    identity text,
    query text,
    scheme text,
    stem text,
    kind text,
    description text,
    fault text,
    mark text,
    plan_group bigint,
    digest text,
    plans jsonb
) on commit drop;

create temporary table listed_source (source text, is_folder boolean) on commit drop;
