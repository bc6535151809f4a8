-- What several silver tables say in the same words. Immutable, and nothing here can raise.

create or replace function silver.is_uniqname(name text) returns boolean
language sql immutable parallel safe
return name ~ '^[a-z][a-z0-9.-]{0,49}$';

-- Department codes have six digits (domain/hub.md 1.1.4).
create or replace function silver.is_dept_code(code text) returns boolean
language sql immutable parallel safe
return code ~ '^[0-9]{6}$';

-- The distinguished name of the container: what follows the first comma that is not escaped.
create or replace function silver.dn_parent(dn text) returns text
language sql immutable parallel safe
return substring(dn from '^(?:[^,\\]|\\.)*,(.*)$');

-- A value of a distinguished name without its escapes (RFC 4514): `\,` and `\2C` are a comma.
-- Escaped bytes outside ASCII stay as they are: a single one of them is no character.
create or replace function silver.dn_unescaped(value text) returns text
language sql immutable parallel safe
return case
    when strpos(value, '\') = 0 then value
    else (
        select string_agg(coalesce(chr(('x' || part[1])::bit(8)::integer), part[2], part[3]), '' order by place)
        from regexp_matches(
            value, '\\(0[1-9a-f]|[1-7][0-9a-f])|\\(.)|(\\[89a-f][0-9a-f]|[^\\]+)', 'gi'
        ) with ordinality as piece (part, place)
    )
end;

-- The names of the organizational units in a distinguished name, leaf first. Containers (CN=) and
-- domains (DC=) are none. Without a distinguished name: none at all.
create or replace function silver.dn_ous(dn text) returns text[]
language sql immutable parallel safe
return array(
    select silver.dn_unescaped(substring(rdn[1] from '(?i)^\s*ou\s*=\s*(.*)$'))
    from regexp_matches(dn, '((?:[^,\\]|\\.)+)', 'g') with ordinality as piece (rdn, place)
    where rdn[1] ~* '^\s*ou\s*='
    order by place
);

-- The fifth level from the root is a status in some branches, in the others it is the division
-- (domain/hub.md 4.8, 4.11).
create or replace function silver.ou_status(ous text[]) returns text
language sql immutable parallel safe
return case
    when ous[cardinality(ous) - 4] in ('Current', 'Legacy', 'Staging') then ous[cardinality(ous) - 4]
end;

-- The unit at a level, counted from 1 at the root and without the status: 1 root, 2 organization
-- type, 3 organization, 4 category, 5 division, 6 department, 7 subdepartment.
create or replace function silver.ou_at(ous text[], level integer) returns text
language sql immutable parallel safe
return ous[
    cardinality(ous) + 1 - level
    - case when level > 4 and silver.ou_status(ous) is not null then 1 else 0 end
];

-- Principal investigators, but not those beside them ("Co-Principal Investigator").
create or replace function silver.is_pi_role(role text) returns boolean
language sql immutable parallel safe
return role ~* '\mprincipal\s+investigator\M'
    and role !~* '\m(co|sub|associate|assistant|deputy|former|key)\M[-\s]*principal\s+investigator';

-- The hub's day (LSATS_TODAY moves it while tables are built); for whoever else looks, the real one.
create or replace function silver.today() returns date
language sql stable parallel safe
return coalesce(nullif(current_setting('lsats.today', true), '')::date, current_date);
