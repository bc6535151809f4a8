-- Flags of one silver table against the campus's labels of a day: rightly raised, missed, false.
with labels as (
    select flag, subject, valid_from <= %(day)s and (valid_to is null or valid_to > %(day)s) as holds
    from campus.labels
    where table_name = %(table)s
),
placed as (
    select flag, subject from labels where holds
),
raised as (
    select flag, item.{subject}::text as subject
    from {silver} as item, jsonb_array_elements_text(item.quality_flags) as flag
    where flag in (select flag from labels)
)
select
    count(*) filter (where placed.flag is not null and raised.flag is not null),
    count(*) filter (where raised.flag is null),
    count(*) filter (where placed.flag is null)
from placed
full join raised on (raised.flag, raised.subject) = (placed.flag, placed.subject)
