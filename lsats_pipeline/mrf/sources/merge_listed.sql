-- What one source names (temporary tables of stage_listed.sql) into the catalogue.
-- Only what differs is written. Leaves `merged`: the keys that are new, changed, or unsupported.

create temporary table listed_once on commit drop as
select distinct on (address, identity) *
from listed
where address is not null
order by address, identity, n;

create temporary table merged (key text, what text) on commit drop;

insert into merged
select f.key, 'changed'
from mrf.files f
join listed_once l using (address, identity)
where f.taken_at is not null and l.mark is distinct from f.mark and l.mark is not null;

update mrf.files f
set query = l.query,
    kind = case when l.kind = 'unknown' then f.kind else l.kind end,
    description = coalesce(l.description, f.description),
    fault = l.fault,
    state = case
        when l.fault is not null and f.state in ('found', 'unsupported') then 'unsupported'
        when f.state = 'unsupported' then 'found'
        else f.state end,
    mark = coalesce(l.mark, f.mark),
    retry_at = case when l.mark is distinct from f.mark or l.query is distinct from f.query then null
        else f.retry_at end,
    last_seen = now()
from listed_once l
where f.address = l.address and f.identity = l.identity
    and (l.query is distinct from f.query
        or l.fault is distinct from f.fault
        or (l.kind <> 'unknown' and l.kind <> f.kind)
        or (l.description is not null and l.description is distinct from f.description)
        or (l.mark is not null and l.mark is distinct from f.mark)
        or f.last_seen < now() - interval '1 day');

-- The first of a stem is called that; the others have a hash of where they are behind it.
with fresh as (
    select l.*, row_number() over (partition by lower(l.stem) order by l.n) as nth
    from listed_once l
    where not exists (
        select from mrf.files f where f.address = l.address and f.identity = l.identity)
), made as (
    insert into mrf.files
        (key, address, identity, query, scheme, kind, description, fault, state, mark)
    select
        case when l.nth = 1 and not exists (select from mrf.files k where lower(k.key) = lower(l.stem))
            then l.stem
            else l.stem || '--' || left(encode(sha256(convert_to(
                l.address || chr(10) || l.identity, 'UTF8')), 'hex'), 12)
        end,
        l.address, l.identity, l.query, l.scheme, l.kind, l.description, l.fault,
        case when l.fault is null then 'found' else 'unsupported' end, l.mark
    from fresh l
    returning key, fault
)
insert into merged
select key, case when fault is null then 'new' else 'unsupported' end from made;

insert into mrf.plan_groups (plan_group, plans)
select distinct on (digest) digest, plans from listed where digest is not null
on conflict do nothing;

create temporary table listings_now on commit drop as
select distinct f.key, coalesce(p.digest, '') as plan_group
from listed l
join mrf.files f using (address, identity)
left join listed p on p.plan_group = l.plan_group and p.digest is not null;

delete from mrf.listings x
using listed_source s
where x.source = s.source
    and not exists (
        select from listings_now l where l.key = x.key and l.plan_group = x.plan_group);

-- A file that left its folder cannot be fetched; where something else lists it, that says so again.
insert into mrf.listings (source, key, plan_group)
select s.source, l.key, l.plan_group from listings_now l cross join listed_source s
on conflict do nothing;

update mrf.files f
set fault = 'missing: the file is not there any more',
    state = case when f.state = 'found' then 'unsupported' else f.state end
from listed_source s
where f.scheme = 'file' and f.fault is null and s.is_folder
    and starts_with(f.address, s.source || '/')
    and not exists (select from mrf.listings x where x.key = f.key);
