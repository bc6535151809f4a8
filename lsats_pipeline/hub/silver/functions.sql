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

-- The name of a machine as it is compared: in capitals, without domain, the `$` of an account, what a
-- replication conflict added, odd blanks and what nobody sees; dashes and apostrophes of every kind are
-- one. What follows a dot is a domain if no blank is in it. NetBIOS cuts names at 15 characters; that a
-- short name may be a long one is for who compares to say. An IP address is no name.
create or replace function silver.machine_name(name text) returns text
language sql immutable parallel safe
return nullif(upper(btrim(regexp_replace(regexp_replace(regexp_replace(
    case when name !~ '^\s*([0-9]{1,3}\.){3}[0-9]{1,3}\s*$' then translate(
        name, U&'\2010\2011\2012\2013\2014\2212\2018\2019\00AD\200B\200E\200F\FEFF', '------''''')
    end,
    '^.*\\(?!0A)|(\\0A|\s)*CNF:.*$|\.\S*\s*$|\$\s*$', '', 'g'),
    '\s*([-_])\s*', '\1', 'g'), '\s+', ' ', 'g'))), '');

-- Whether a machine has several of these names, which are as compared; a long one and what NetBIOS left
-- of it are one.
create or replace function silver.names_differ(names jsonb) returns boolean
language sql immutable parallel safe
return jsonb_array_length(names) > 1 and (
    select count(*) > 1
    from jsonb_array_elements_text(names) as short (name)
    where length(short.name) <> 15 or not exists (
        select from jsonb_array_elements_text(names) as long (name)
        where length(long.name) > 15 and starts_with(long.name, short.name))
);

-- Every network address in a text, as 12 capital digits, in their order: with colons, dashes, dots or
-- blanks between pairs, fours or halves, or bare; with labels; several however separated. What is too
-- long for one (IPv6, UUID, EUI-64) is none. A spreadsheet takes an address of digits for a number and
-- drops the zeros before it. Twin: sources/keyconfigure/addresses.py.
create or replace function silver.written_macs(listed text) returns text[]
language sql immutable parallel safe
return array(
    select right(mac, 12)
    from regexp_split_to_table(
        translate(
            upper(listed collate "C"),
            U&'\00A0\200B\FEFF\2010\2011\2012\2013\2014\2212', '   ------'),
        '[,;|/&+\n\r]|(?<![0-9A-Z])AND(?![0-9A-Z])'
    ) with ordinality as part (piece, place)
    cross join lateral (
        select array(
            select regexp_replace(regexp_replace(
                found[1], '(^|:)([0-9A-F])(?=:|$)', '\10\2', 'g'), '[^0-9A-F]', '', 'g')
            from regexp_matches(piece,
                '(?<![0-9A-Z])(?:'
                '[0-9A-F]{1,4}(?::[0-9A-F]{0,4}){6,}|[0-9A-F]{2}(?:-[0-9A-F]{2}){6,}'
                '|[0-9A-F]{2}(?: [0-9A-F]{2}){6,}|[0-9A-F]{4}(?:[.:-][0-9A-F]{4}){3,}'
                '|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}'
                '|((?:0X)?[0-9A-F]{12}|[0-9A-F]{6}[.:-][0-9A-F]{6}'
                '|[0-9A-F]{4}(?:(?:[.][0-9A-F]{4}){2}|(?::[0-9A-F]{4}){2}|(?:-[0-9A-F]{4}){2})'
                '|[0-9A-F]{2}(?:(?:-[0-9A-F]{2}){5}|(?:[.][0-9A-F]{2}){5}|(?: [0-9A-F]{2}){5})'
                '|[0-9A-F]{1,2}(?::[0-9A-F]{1,2}){5})'
                ')(?![0-9A-Z])', 'g') as found
            where found[1] is not null
        ) as strict, regexp_replace(piece, '[-:.\s]', '', 'g') as digits
    ) as matched
    cross join lateral unnest(case
        when strict <> '{}' then strict
        when piece ~ '^\s*[0-9]{10,11}(?:[.]0+)?\s*$' then
            array[lpad(split_part(btrim(piece, E' \t\f\v'), '.', 1), 12, '0')]
        when digits ~ '^[0-9A-F]{12}$' or (piece ~ '\s' and digits ~ '^(?:[0-9A-F]{12})+$') then
            array(select substr(digits, start, 12) from generate_series(1, length(digits), 12) as start)
    end) with ordinality as address (mac, nth)
    order by place, nth
);

-- Addresses that no machine has alone: none at all, everybody, and those that software or a chip has
-- in every machine (loopback and WAN adapters of Windows, VPN clients, hosts of virtual machines, the
-- bridge of Apple's T2).
create or replace function silver.is_mac_of_many(mac text) returns boolean
language sql immutable parallel safe
return mac in (
    '000000000000', 'FFFFFFFFFFFF', '02004C4F4F50', '204153594EFF', '505054503030', '33506F453030',
    '00059A3C7800', '00059A3C7A00', '005056C00001', '005056C00008', '0A0027000000', '001C42000008',
    '001C42000009', 'ACDE48001122'
);

-- Whether a text is one address and no more, spelled as most are: what is below takes thirty times as
-- long. (Functions without a subquery become part of the statement that calls them.)
create or replace function silver.is_plain_mac(address text) returns boolean
language sql immutable parallel safe
return address ~ '^[0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{10}|(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})$';

create or replace function silver.macs_of_odd(listed text) returns text[]
language sql immutable parallel safe
return array(
    select mac from unnest(silver.written_macs(listed)) with ordinality as address (mac, place)
    where not silver.is_mac_of_many(mac)
    group by mac
    order by min(place)
);

create or replace function silver.mac_of_odd(address text) returns text
language sql immutable parallel safe
return coalesce((silver.macs_of_odd(address))[1], (silver.written_macs(address))[1]);

-- The network addresses in a text that tell machines apart, each once, in their order.
create or replace function silver.macs(listed text) returns text[]
language sql immutable parallel safe
return case
    when silver.is_plain_mac(listed)
        and not silver.is_mac_of_many(upper(translate(listed, ':-', '')))
        then array[upper(translate(listed, ':-', ''))]
    else silver.macs_of_odd(listed)
end;

-- The address of a card, be it one that many have; NULL for anything else.
create or replace function silver.mac(address text) returns text
language sql immutable parallel safe
return case
    when silver.is_plain_mac(address) then upper(translate(address, ':-', ''))
    else silver.mac_of_odd(address)
end;

-- A number that a spreadsheet has taken for a quantity: its digits are lost.
create or replace function silver.is_damaged_serial(serial text) returns boolean
language sql immutable parallel safe
return upper(serial)
    ~ '^[\s''"]*(?:[0-9]+(?:[.,][0-9]+)?E\+[0-9]+|[0-9]+[.,][0-9]+E[0-9]+|[1-9][0-9]{0,2}0{6,}|[0-9]{15}0{2,})(?:[.]0+)?\s*$';

-- What firmware and people write instead of a serial number (domain/hub.md 4.12, 5.5).
create or replace function silver.is_placeholder_serial(serial text) returns boolean
language sql immutable parallel safe
return length(serial) < 4 or length(regexp_replace(serial, '[^0-9A-Z]', '', 'g')) < 3
    -- One character over and over; as a regular expression, `(.)\1*`, it takes fifty times as long.
    or btrim(regexp_replace(serial, '[^0-9A-Z]', '', 'g'), left(serial, 1)) = ''
    or serial ~ ('^(?:(?:NONE|NULL|UNKNOWN|UNDEFINED|UNAVAILABLE|DEFAULT|INVALID|EMPTY|MISSING|PENDING'
        '|UNSPECIFIED|UNASSIGNED|NOT ?(?:SPECIFIED|APPLICABLE|AVAILABLE|ASSIGNED|DEFINED|PRESENT)'
        '|SERIAL|CHASSIS|SYSTEM|BASE ?BOARD|MOTHERBOARD|ASSET TAG|TO BE|TOBEFILLED|FILL(?:ED)? |NOT '
        '|NO[- ]?(?:SERIAL|S/?N|NUMBER|ASSET|TAG|ID)\M|N/?A\M|O\.?E\.?M\.?\M|SEE |VIRTUAL|#).*'
        '|TRUE|FALSE|TEST|SAMPLE|QEMU|VMWARE|PARALLELS|0*123456789ABCDEF.*'
        '|(?:MB|MS|SN|SYS|BSS|BSN|EB)?[- ]?0*123456(?:7|78|789(?:0[0-9]*)?)?)$');

create or replace function silver.real_serial_of_odd(serial text) returns text
language sql immutable parallel safe
return (
    select case
        when compact ~ '^(?:VMWARE|PARALLELS)?[0-9A-F]{32}$' then case
            when right(compact, 32) ~ '^.{4}4D56' then regexp_replace(
                right(compact, 32), '^(..)(..)(..)(..)(..)(..)(..)(..)', '\4\3\2\1\6\5\8\7')
            else right(compact, 32)
        end
        when compact ~ '^[0-9]+$' then nullif(ltrim(compact, '0'), '')
        when compact ~ '^S(?:C02|C07|C17|C1M|C2V|D25|DGK|DLX|DMP|DY3|F17|F2L|F4H|F5K|FK1|FVF|FVH|FVX|G6T|G8W|GG7|H2W|W8[0-9])[0-9A-HJ-NP-Z]{8,9}$'
            then substr(compact, 2)
        when compact ~ '^1S[0-9]{2}[0-9A-Z]{8}(?:PF|PC|PB|PK|PG|MJ|MP|MZ|R9|R8|YD|YX|LR)[0-9A-Z]{6}$'
            then right(compact, 8)
        else compact
    end
    from regexp_split_to_table(
        translate(upper(normalize(serial, NFKC)), U&'\00A0\200B\FEFF', '   '),
        '[\n\r\t,;|]|(?<=[0-9A-Z]{7})\s*[ /]\s*(?=[A-Z]*[0-9])(?=[0-9A-Z]{7})|^\s*/|/\s*$'
    ) with ordinality as part (piece, place)
    cross join lateral (
        select btrim(regexp_replace(piece,
            '^[\s''"`(\[]*(?:(?:S/?N|SERIAL|SERIAL ?(?:NO|NUM|NUMBER)|SERVICE ?TAG)\.?\s*[:#=]\s*'
                '|(?:S/N|SERIAL ?(?:NO|NUM|NUMBER)|SERVICE ?TAG)\.?\s+)?|(?<=\S)\s*[(\[].*$|[])\s''"`]+$',
            '', 'g')) as bare
    ) as trimmed
    cross join lateral (
        select regexp_replace(
            regexp_replace(bare, '^([0-9]+)\.0*$', '\1'), '[^0-9A-Z]', '', 'g') as compact
    ) as joined
    where not silver.is_damaged_serial(bare) and not silver.is_placeholder_serial(bare)
    order by place
    limit 1
);

-- A serial number that may tell machines apart, the same for every spelling; NULL for none. Of several
-- in one text the first. Blanks, dashes and slashes within it do not count, nor do the zeros before a
-- number, which spreadsheets drop. A virtual machine's is the 32 digits of its UUID, in VMware's order
-- of bytes, not that of Windows. Scanners read an `S` before the numbers of Apple's labels, and `1S`
-- with the type before those of Lenovo's.
create or replace function silver.real_serial(serial text) returns text
language sql immutable parallel safe
return case
    -- Most need no more than this.
    when upper(serial) ~ '^(?![0-9]+$|1?S)[0-9A-Z]{7,20}$' then
        case when not silver.is_placeholder_serial(upper(serial)) then upper(serial) end
    else silver.real_serial_of_odd(serial)
end;

-- A serial number as an id has it: as written, in capitals, unless more than blanks, dashes and zeros
-- before a number differ from the form that is compared.
create or replace function silver.serial_in_id(serial text) returns text
language sql immutable parallel safe
return case
    when silver.real_serial(serial) in (
        regexp_replace(upper(serial), '[^0-9A-Z]', '', 'g'),
        nullif(ltrim(regexp_replace(upper(serial), '[^0-9A-Z]', '', 'g'), '0'), '')
    ) then upper(btrim(serial))
    else silver.real_serial(serial)
end;

-- The name of what a distinguished name stands for: `jdoe` of `uid=jdoe,ou=People,dc=x`.
create or replace function silver.dn_name(dn text) returns text
language sql immutable parallel safe
return nullif(btrim(case
    when strpos(dn, '\') = 0 then substring(dn from '^[^=,]+=([^,]*)')
    else silver.dn_unescaped(substring(dn from '^[^=,\\]+=((?:[^,\\]|\\.)*)'))
end), '');

-- An oddly spelled distinguished name as `dn_key` wants it.
create or replace function silver.dn_key_of_odd(dn text) returns text
language sql immutable parallel safe
return (
    select string_agg(
        lower(btrim(split_part(rdn[1], '=', 1)) || '=' || regexp_replace(
            btrim(silver.dn_unescaped(substring(rdn[1] from '=(.*)$'))), '[\\,]', '\\\&', 'g')),
        ',' order by place)
    from regexp_matches(dn, '((?:[^,\\]|\\.)+)', 'g') with ordinality as piece (rdn, place)
);

-- The same for every spelling of a distinguished name: case, blanks around its parts and the kind
-- of escapes do not matter.
create or replace function silver.dn_key(dn text) returns text
language sql immutable parallel safe
return case
    when dn !~ '\\|\s[,=]|[,=]\s|^\s|\s$' then lower(dn) else silver.dn_key_of_odd(dn)
end;

-- The runs of letters in a name, in lower case: "LSA-Chem_jdoe2" has lsa, chem and jdoe.
create or replace function silver.words(value text) returns text[]
language sql immutable parallel safe
return array(
    select distinct word[1] from regexp_matches(lower(value), '[a-z]+', 'g') as word order by 1
);

-- Whether a text contains a uniqname with no letter right before or after it (domain/hub.md 5.8).
-- Who does has the first run of letters of the uniqname among its words: that finds the few to ask.
create or replace function silver.mentions(value text, uniqname text) returns boolean
language sql immutable parallel safe
return lower(value) ~ ('(^|[^a-z])' || replace(uniqname, '.', '\.') || '([^a-z]|$)');

create or replace function silver.first_word(uniqname text) returns text
language sql immutable parallel safe
return substring(uniqname from '[a-z]+');

-- The account in "DOMAIN\name" and "name@place".
create or replace function silver.account_name(value text) returns text
language sql immutable parallel safe
return nullif(lower(btrim(regexp_replace(regexp_replace(value, '^.*\\', ''), '@.*$', ''))), '');

-- The three-letter groups of a text as pg_trgm has them: of words with two blanks before, one after.
create or replace function silver.trigrams(value text) returns text[]
language sql immutable parallel safe
return array(
    select distinct substr('  ' || word[1] || ' ', place, 3)
    from regexp_matches(lower(value), '[[:alnum:]]+', 'g') as word
    cross join generate_series(1, length(word[1]) + 1) as place
    order by 1
);

-- The words of a department's name, sorted: what is left when order, case, punctuation, `&` for "and"
-- and common abbreviations do not matter, nor words that any department may have.
create or replace function silver.department_words(name text) returns text[]
language sql immutable parallel safe
return (
    with word as (
        select distinct coalesce(abbreviation.meant, part[1]) as word
        from regexp_matches(regexp_replace(lower(name), '[''’]', '', 'g'), '[[:alnum:]]+', 'g') as part
        left join (values
            ('admin', 'administration'), ('anthro', 'anthropology'), ('assoc', 'associate'),
            ('astro', 'astronomy'), ('bio', 'biology'), ('centre', 'center'), ('chem', 'chemistry'),
            ('cntr', 'center'), ('coll', 'college'), ('comm', 'communication'), ('comp', 'computer'),
            ('ctr', 'center'), ('dept', 'department'), ('depts', 'department'),
            ('departments', 'department'), ('div', 'division'), ('dpt', 'department'),
            ('econ', 'economics'), ('ed', 'education'), ('educ', 'education'),
            ('eng', 'engineering'), ('engr', 'engineering'), ('env', 'environmental'),
            ('fac', 'facilities'), ('hist', 'history'), ('info', 'information'),
            ('inst', 'institute'), ('intl', 'international'), ('lab', 'laboratory'),
            ('labs', 'laboratories'), ('lang', 'languages'), ('lib', 'library'),
            ('math', 'mathematics'), ('maths', 'mathematics'), ('mgmt', 'management'),
            ('mgt', 'management'), ('natl', 'national'), ('ofc', 'office'), ('ops', 'operations'),
            ('phys', 'physics'), ('prog', 'program'), ('programme', 'program'),
            ('psych', 'psychology'), ('res', 'research'), ('sch', 'school'), ('sci', 'science'),
            ('soc', 'social'), ('stat', 'statistics'), ('stats', 'statistics'),
            ('stdnt', 'student'), ('stds', 'studies'), ('svc', 'service'), ('svcs', 'services'),
            ('tech', 'technology'), ('univ', 'university')
        ) as abbreviation (short, meant) on abbreviation.short = part[1]
    )
    select case when name is not null then coalesce(array_agg(word order by word), '{}') end
    from word
    where word not in ('a', 'and', 'at', 'department', 'for', 'in', 'of', 'the')
);

-- Whether two names of the department `code` mean the same: the same words, or the same letters however
-- they are cut into words. NULL without one of the names.
create or replace function silver.is_same_department(one text, other text, code text) returns boolean
language sql immutable parallel safe
return array_remove(silver.department_words(one), code)
        = array_remove(silver.department_words(other), code)
    or regexp_replace(lower(one), '[^[:alnum:]]', '', 'g')
        = regexp_replace(lower(other), '[^[:alnum:]]', '', 'g');

-- Departments that run the college: nobody there manages a lab (domain/hub.md 5.9 counts 18 of them
-- and names none, so these are ours; the test is for the whole name).
create or replace function silver.is_administrative(department_name text) returns boolean
language sql immutable parallel safe
return lower(btrim(department_name)) in (
    'academic affairs', 'administration', 'advancement', 'advising center', 'budget and finance',
    'business operations', 'communications', 'dean''s office', 'development', 'facilities',
    'facilities and operations', 'finance', 'human resources', 'information technology',
    'management information systems', 'research administration', 'shared services',
    'student services'
);

-- What a distinguished name stands for by the nearest container that tells: user, group, computer.
-- "Users and Groups" does not tell, and is NULL.
create or replace function silver.dn_kind(dn text) returns text
language sql immutable parallel safe
return case
    when dn ~* '^\s*uid\s*=' then 'user'
    else (
        select kind
        from unnest(silver.dn_ous(dn)) with ordinality as ou (name, place)
        join (values
            ('people', 'user'), ('accounts', 'user'), ('privileged', 'user'), ('contacts', 'user'),
            ('user groups', 'group'), ('groups', 'group'), ('mcommadsync', 'group'),
            ('computers', 'computer'), ('workstations', 'computer'),
            ('research and instrumentation', 'computer')
        ) as container (name, kind) on container.name = lower(btrim(ou.name))
        order by place
        limit 1
    )
end;

-- A text without what nobody sees: byte order marks, blanks of no width, marks and overrides of the
-- direction of writing, control characters; letters and accents in their composed form (NFC), blanks
-- as one. Joiners stay: emoji and some scripts are written with them. NULL when nothing is left.
create or replace function silver.visible_text(value text) returns text
language sql immutable parallel safe
return case
    when value ~ '^[!-~]+( [!-~]+)*$' then value
    else nullif(btrim(regexp_replace(
        regexp_replace(normalize(value, NFC),
            '[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]',
            '', 'g'),
        '[\s\u0001-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+', ' ', 'g')), '')
end;

-- The uniqnames in a text that is no plain one, each once, in their order: `NAME@umich.edu`,
-- `DOMAIN\name`, `Jo Doe <name@umich.edu>`, `mailto:name@umich.edu`, `uid=name,ou=People,dc=x`,
-- `name@umich.edu; other@umich.edu`. Blanks and commas only separate addresses: `Doe, Jo` is nobody.
-- Of an address outside of universities the part before the @ is no uniqname,
-- and what programs write instead of nothing is none.
create or replace function silver.uniqnames_of_odd(value text) returns text[]
language sql immutable parallel safe
return array(
    select found.name
    from (
        select lower(regexp_replace(regexp_replace(regexp_replace(normalize(value, NFKC),
            '[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g'),
            '^\s*(?:uid|cn)\s*=\s*([^,]*)(?:,.*)?$', '\1', 'i'),
            '[\s\u0001-\u001f\u007f-\u009f]+', ' ', 'g')) as written
    ) as cleaned
    cross join lateral regexp_split_to_table(written, '[;|]') with ordinality as part (one, nth)
    cross join lateral regexp_split_to_table(
        one, case when one ~ '@' then '[][,<>()"\s]+' else '$^' end
    ) with ordinality as word (piece, place)
    cross join lateral (
        select regexp_replace(
            regexp_replace(btrim(piece, ' ''".<>()'), '^(?:mailto|smtp|sip):', ''), '^.*\\', ''
        ) as bare
    ) as account
    cross join lateral (
        select regexp_replace(regexp_replace(bare, '@.*$', ''), '\+.*$', '') as name
    ) as found
    -- Around an address there may be words, which are no accounts.
    where silver.is_uniqname(found.name)
        and found.name not in ('nan', 'none', 'null', 'undefined', 'unknown')
        and (strpos(one, '@') = 0 or strpos(bare, '@') > 0)
        and (bare !~ '@.*\.' or bare ~ '\.edu$')
    group by found.name
    order by min(nth * 1000 + place)
);

-- The uniqnames that a text names.
create or replace function silver.uniqnames(value text) returns text[]
language sql immutable parallel safe
return case
    when value ~ '^[a-z][a-z0-9.-]{0,49}$' and value !~ '^(nan|none|null|un.*)$' then array[value]
    else silver.uniqnames_of_odd(value)
end;

-- The uniqname that a text means, however it is spelled; the first of several, NULL without any.
create or replace function silver.uniqname(value text) returns text
language sql immutable parallel safe
return case
    when value ~ '^[a-z][a-z0-9.-]{0,49}$' and value !~ '^(nan|none|null|un.*)$' then value
    else (silver.uniqnames_of_odd(value))[1]
end;

-- The same for a login or an address that need not be the university's: a name without a place
-- counts, and one at umich.edu or below; whoever is somebody elsewhere may be somebody else here.
create or replace function silver.own_uniqname(value text) returns text
language sql immutable parallel safe
return case
    when strpos(value, '@') = 0 or value ~* '@([a-z0-9-]+\.)*umich(\.[a-z0-9-]+)?\.edu\M'
        then silver.uniqname(value)
end;

-- A name as it is compared: capitals and kinds of apostrophes do not matter, accents do. The columns
-- are sorted byte by byte, so `lower` knows a to z only: letters are taken apart from their accents.
create or replace function silver.name_key(value text) returns text
language sql immutable parallel safe
return case
    when value ~ '^[ -~]*$' then lower(value)
    else lower(translate(normalize(value, NFKD),
        'ØŁÆŒÐÞĐАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЄҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ’‘ʼʻ´`′＇',
        'øłæœðþđабвгдежзиклмнопрстуфхцчшщъыьэюяієґαβγδεζηθικλμνξοπρστυφχψω'''''''''''''''''))
end;

-- Whether a cell of a document holds a value: spreadsheets show an error, a column that is too
-- narrow or a formula that was never worked out in its place (hub/sources/sheets.py).
create or replace function silver.has_value(cell text) returns boolean
language sql immutable parallel safe
return cell !~ '^\s*(##+|#N/A|#GETTING_DATA|#[A-Z][A-Z0-9/_]*[!?]|=\S.*)\s*$';

-- The month of a name or its first letters; NULL for others.
create or replace function silver.month_number(name text) returns integer
language sql immutable parallel safe
return (
    select number::integer
    from unnest(array[
        'january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september',
        'october', 'november', 'december'
    ]) with ordinality as month (full_name, number)
    where starts_with(full_name, lower(name))
    order by number limit 1
);

-- A time as people write it, in the order month, day, year: see written_time. Days of the week, and
-- what else stands there without meaning, are taken off first.
create or replace function silver.handwritten_time(written text) returns text
language sql immutable parallel safe
return (
    select format('%s-%s-%s%s', year, month, day, clock)
    from (
        select
            case
                when length(form.year) = 4 then form.year
                when form.year > '68' then '19' || form.year
                else '20' || form.year
            end as year,
            form.month,
            form.day,
            regexp_replace(form.rest, '^[t\s]\s*', ' ') as clock
        from (
            select regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
                lower(btrim(translate(written, e'\u00a0\u2009\u202f', '   '), e' \t\r\n')),
                '^(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s+', ''),
                '^([a-z]+\.?\s*)?(\d{1,2})(st|nd|rd|th)\y', '\1\2'),
                '(\d),\s+(\d{1,2}:)', '\1 \2'),
                '([ap])\.\s?m\y\.?', '\1m'),
                '\s*(utc|gmt)$', 'z') as text
        ) as given
        cross join lateral (
            select part[4] as year, part[1] as month, part[3] as day, part[5] as rest
            from regexp_match(
                text, '^(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})([t\s].*)?$') as part
            union all
            select part[1], part[3], part[4], part[5]
            from regexp_match(
                text, '^(\d{4})([/-])(\d{1,2})\2(\d{1,2})([t\s].*)?$') as part
            union all
            select part[3], silver.month_number(part[2])::text, part[1], part[4]
            from regexp_match(
                text,
                '^(\d{1,2})[\s-]*([a-z]{3,9})\.?[\s,-]*(\d{4}|\d{2})([t\s].*)?$') as part
            union all
            select part[3], silver.month_number(part[1])::text, part[2], part[4]
            from regexp_match(
                text, '^([a-z]{3,9})\.?\s*(\d{1,2})[\s,]+(\d{4})([t\s].*)?$') as part
        ) as form
        where form.year is not null and form.month is not null
    ) as found
    where clock is null or clock ~ (
        '^ (([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?'
        || '|(0?[1-9]|1[0-2]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?\s*[ap]m)'
        || '(z|[+-]\d\d(:?\d\d)?)?$')
    limit 1
);

-- A time as documents have it, in the order month, day, year, as ISO 8601 that may still name no
-- day of the calendar; NULL for any other form. `hub/sources/written_times.py` says the same.
-- The forms that programs write need no subquery, so PostgreSQL puts them in place of the call.
create or replace function silver.written_time(written text) returns text
language sql immutable parallel safe
return case
    when written ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?)?$' then written
    when written ~ '^\s*[1-9]\d{4}(\.\d+)?\s*$' then to_char(
        timestamp '1899-12-30'
            + round(written::numeric * 86400000)::float8 * interval '1 millisecond',
        'YYYY-MM-DD"T"HH24:MI:SS.MS')
    else silver.handwritten_time(written)
end;

-- An amount as documents have it, as a number: `$1,234.50`, `US$5`, `(5)` and `5-` for less than
-- nothing, a dash alone for nothing (so spreadsheets show it in accounts). NULL for any other form:
-- `1,5` and `1.234,50` may mean this or that.
create or replace function silver.written_amount(written text) returns text
language sql immutable parallel safe
return case
    when written ~* '^\s*[-+]?\d+(\.\d*)?(e[-+]?\d{1,2})?\s*$' then btrim(written)
    when written ~* '^\s*(us)?\$?\s*[-–—]\s*$' then '0'
    when written ~* '^\s*\(?\s*-?\s*(us\s*\$|usd|\$)?\s*[-(]?\s*'
            '((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)\s*%?\s*(usd)?\s*-?\s*\)?\s*$'
        and (strpos(written, '(') > 0) = (strpos(written, ')') > 0)
        then case when written ~ '[(-]' then '-' else '' end
            || regexp_replace(written, '[^0-9.]', '', 'g')
end;
