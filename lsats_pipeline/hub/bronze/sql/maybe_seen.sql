-- Records that a rejected one may be, whose key could not be read in full: it does not prove that
-- they are gone. Where the first part is known this is a join, not all compared with all.
with pattern as (
    select pattern, regexp_replace(split_part(pattern, '|', 1), '\\(.)', '\1', 'g') as first
    from unnest(%(patterns)s::text[]) as pattern
)
delete from absent
where external_id in (
    select other.external_id
    from pattern
    join absent as other on split_part(other.external_id, '|', 1) = pattern.first
    where other.external_id like pattern.pattern
    union all
    select other.external_id
    from pattern
    cross join absent as other
    where pattern.first = '%%' and other.external_id like pattern.pattern
)
