-- Tables and views that the queries use. Everything is exact; what does not fit the
-- memory goes to disk, which is why nothing here uses median() or count(distinct).

-- Luhn, with the prefix 80840 that all of them share (it adds 24).
create macro twice(digit) as (2 * digit) % 10 + (2 * digit) // 10;
create macro digit_of(npi, place) as (npi // place) % 10;
create macro npi_holds(npi) as (
    24
    + twice(digit_of(npi, 1000000000)) + digit_of(npi, 100000000)
    + twice(digit_of(npi, 10000000)) + digit_of(npi, 1000000)
    + twice(digit_of(npi, 100000)) + digit_of(npi, 10000)
    + twice(digit_of(npi, 1000)) + digit_of(npi, 100)
    + twice(digit_of(npi, 10)) + digit_of(npi, 1)
) % 10 = 0;

create view groups_of_npis as
select case when inline then 'in_network' else 'provider_references' end as section, element, npi
from listed
union all
select 'out_of_network', p.element, charge.unnest.npi
from payments as p, unnest(p.providers) as charge;

create view npis as
select section, element, unnest(npi) as npi, len(npi) = 1 as alone from groups_of_npis;

create view providers as
select case when inline then 'in_network' else 'provider_references' end as section, element,
       tin_type, tin_value
from listed
union all
select 'out_of_network', element, tin_type, tin_value from payments;

create view priced as
select 'in_network' as section, element, billing_code_type, billing_code, negotiated_type as kind,
       negotiated_rate as amount
from prices
union all
select 'out_of_network', element, billing_code_type, billing_code, 'allowed amount', allowed_amount
from payments;

-- How often each amount occurs, by code: all of the distributions come from this.
create temp table code_amounts as
select billing_code_type, billing_code, kind, amount, count(*) as rows
from priced group by all;

create temp table amounts as
select kind, amount, sum(rows)::bigint as rows from code_amounts group by all;

-- The price of a code is outlying when it is both a hundred times its median (or a hundredth), and
-- beyond the far fences: three times the distance of the quartiles, all on the logarithm.
create temp table code_bounds as
with ranked as (
    select billing_code_type, billing_code, kind, ln(amount) as amount,
           sum(rows) over (code order by amount) as upto, sum(rows) over code as total
    from code_amounts where amount > 0
    window code as (partition by billing_code_type, billing_code, kind)
),
quartiles as (
    select billing_code_type, billing_code, kind,
           min(amount) filter (upto >= 0.25 * total) as low,
           min(amount) filter (upto >= 0.50 * total) as middle,
           min(amount) filter (upto >= 0.75 * total) as high
    from ranked group by all having any_value(total) >= 10
)
select billing_code_type, billing_code, kind, exp(middle) as median,
       exp(least(low - 3 * (high - low), middle - ln(100))) as least,
       exp(greatest(high + 3 * (high - low), middle + ln(100))) as most
from quartiles;

create temp table outlying as
select a.*, b.median from code_amounts as a
join code_bounds as b using (billing_code_type, billing_code, kind)
-- What another finding reports (huge, a percentage as a fraction) is not reported again.
where a.amount > 0 and a.amount < 1e7 and not (a.kind = 'percentage' and a.amount < 1)
  and (a.amount < b.least or a.amount > b.most);

-- References: which are used, which there are, and whether those of one number say the same.
create temp table used as
select 'in_network' as section, reference, min(element) as element
from (select element, unnest(provider_references) as reference from prices) group by all;

create temp table defined as
select case when inline then 'in_network' else 'provider_references' end as section,
       provider_group_id as reference, element,
       sum(hash(npi, tin_type, tin_value, business_name, network_name, location)) as content
from listed group by all;

create temp table once_each as
select any_value(section) as section, reference, min(element) as element, count(*) as times,
       min(content) = max(content) as agree
from defined group by reference;

-- Rows that are alike in all but their place: found by a hash, then compared whole.
create temp table suspects as
select alike from (select hash(alike_row) as alike from alike_rows) group by alike having count(*) > 1;

create temp table duplicates as
select count(*) as rows, min(element) as element, any_value(alike_row.negotiated_rate) as amount
from alike_rows where hash(alike_row) in (select alike from suspects)
group by alike_row having count(*) > 1;
