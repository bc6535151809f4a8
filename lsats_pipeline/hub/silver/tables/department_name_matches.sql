-- The department that a name most resembles: that with the same words, in whatever order, else by the
-- share of three-letter groups that both have among those that either has, which is the formula of
-- pg_trgm. Up to a half is no resemblance.
--
-- names ─▶ those with the words of a department | the others ─▶ groups ─▶ who shares rare ones ─▶ the best
with worded as materialized (
    select dept_id, lower(department_name) as lower_name,
        silver.department_words(department_name) as words
    from silver.departments
    where silver.department_words(department_name) <> '{}'
),
spelled as materialized (
    select distinct on (keys.key) keys.key as name, department.dept_id
    from keys
    join worded as department on department.words = silver.department_words(keys.key)
    order by keys.key, department.lower_name = lower(keys.key) desc, department.dept_id
),
other as materialized (
    select keys.key as name, silver.trigrams(keys.key) as groups
    from keys
    where not exists (select from spelled where spelled.name = keys.key)
),
department as materialized (
    select dept_id, silver.trigrams(department_name) as groups from silver.departments
    where exists (select from other)
),
part as materialized (
    select dept_id, unnest(groups) as part from department
),
common as materialized (
    select part, count(*) as departments from part group by part
),
-- Who shares more than half of the groups of a name shares one of the rarer half: "Department of" is
-- no reason to look at three thousand departments.
rare as materialized (
    select name, part
    from (
        select own.name, own.part, cardinality(own.groups) as size,
            row_number() over (
                partition by own.name order by coalesce(common.departments, 0), own.part) as place
        from (select name, groups, unnest(groups) as part from other) as own
        left join common using (part)
    ) as ordered
    where place <= size - ceil(0.5 * size) + 1
),
likely as materialized (
    select distinct rare.name, part.dept_id from rare join part using (part)
),
best as (
    select distinct on (compared.name) compared.*
    from (
        select likely.name, likely.dept_id,
            shared.parts / (cardinality(other.groups) + cardinality(department.groups)
                - shared.parts)::float8 as similarity
        from likely
        join other using (name)
        join department using (dept_id)
        cross join lateral (
            select count(*) as parts from unnest(other.groups) as mine
            where mine = any(department.groups)
        ) as shared
    ) as compared
    where compared.similarity > 0.50
    order by compared.name, compared.similarity desc, compared.dept_id
)
select keys.key as name,
    coalesce(spelled.dept_id, best.dept_id) as dept_id,
    case when spelled.dept_id is not null then 1 else coalesce(best.similarity, 0) end as similarity
from keys
left join spelled on spelled.name = keys.key
left join best on best.name = keys.key
-- A name that nobody uses any more has no row.
where exists (select from silver.tdx_users as account where account.default_account_name = keys.key)
    or exists (
        select from silver.ad_units as unit where unit.ou_immediate_parent = keys.key)
