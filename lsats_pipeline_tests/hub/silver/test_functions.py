"""The SQL functions that silver tables share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from lsats_pipeline.hub.silver import ddl
from lsats_pipeline.warehouse.database import sql_file
from lsats_pipeline_tests.conftest import database_on, drop_database, execute

FUNCTIONS = sql_file(Path(ddl.__file__).with_name("functions.sql"))
TAIL = "OU=LSA,OU=Organizations,OU=UMICH,DC=adsroot,DC=example"
LEVELS = ("root", "type", "organization", "category", "division", "department", "subdepartment")


class Database:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def value(self, expression: str, *values: Any) -> Any:
        row = self.connection.execute(f"select {expression}".encode(), values).fetchone()
        assert row is not None
        return row[0]

    def ous(self, dn: str | None) -> list[str]:
        found: list[str] = self.value("silver.dn_ous(%s)", dn)
        return found


@pytest.fixture(scope="module")
def database(postgres: str) -> Iterator[Database]:
    name = f"lsats_{uuid.uuid4().hex[:12]}_test"
    execute(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with psycopg.connect(database_on(postgres, name), autocommit=True) as connection:
            connection.execute("create schema silver")
            connection.execute(FUNCTIONS)
            yield Database(connection)
    finally:
        drop_database(postgres, name)


@pytest.mark.parametrize(
    ("dn", "ous"),
    [
        ("CN=x,OU=People,OU=Accounts,DC=a,DC=b", ["People", "Accounts"]),
        (r"CN=Doe\, OU=Fake,OU=Real,DC=a", ["Real"]),
        (r"CN=x,OU=Arts\, Letters,DC=a", ["Arts, Letters"]),
        (r"CN=x,OU=Arts\2C Letters,DC=a", ["Arts, Letters"]),
        (r"CN=x,OU=A\\,OU=B,DC=a", ["A\\", "B"]),
        ("CN=x\\0ACNF:1,OU=People,DC=a", ["People"]),
        ("CN=x,CN=Users,DC=a", []),
        ("CN=x, ou=lower , OU = spaced,DC=a", ["lower ", "spaced"]),
        ("OU=x,DC=a", ["x"]),
        (r"OU=Caf\C3\A9,DC=a", [r"Caf\C3\A9"]),
        ("OU=cut off\\", ["cut off"]),
        ("", []),
        (None, []),
    ],
)
def test_units_of_a_distinguished_name(database: Database, dn: str | None, ous: list[str]) -> None:
    assert database.ous(dn) == ous


# PostgreSQL texts hold no NUL, and no half of a surrogate pair.
NAMES = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


def escaped(name: str) -> str:
    """RFC 4514, with more escapes than needed, which is allowed."""
    return "".join(c if c.isalnum() and not c.isspace() else f"\\{c}" for c in name)


@given(names=NAMES)
def test_every_name_survives_its_escapes(database: Database, names: list[str]) -> None:
    dn = ",".join([r"CN=Last\, First", *(f"OU={escaped(n)}" for n in names), "DC=a"])
    assert database.ous(dn) == names


@given(dn=st.text(st.sampled_from('OU=ou,\\ "+#aF0\n'), max_size=40))
def test_no_distinguished_name_is_too_odd(database: Database, dn: str) -> None:
    assert all(isinstance(ou, str) for ou in database.ous(dn))
    database.value("silver.dn_parent(%s)", dn)


@pytest.mark.parametrize(
    ("dn", "parent"),
    [
        (r"CN=Doe\, Jo,OU=People,DC=a", "OU=People,DC=a"),
        ("CN=x\\\\,OU=People", "OU=People"),
        ("DC=a", None),
        (None, None),
    ],
)
def test_parent(database: Database, dn: str | None, parent: str | None) -> None:
    assert database.value("silver.dn_parent(%s)", dn) == parent


@pytest.mark.parametrize(
    ("above", "status", "levels"),
    [
        ("", None, "UMICH Organizations LSA"),
        ("OU=Staff,", None, "UMICH Organizations LSA Staff"),
        ("OU=Physics,OU=Region,OU=Staff,", None, "UMICH Organizations LSA Staff Region Physics"),
        (
            "OU=xu-lab,OU=Physics,OU=Region,OU=Current,OU=Research,",
            "Current",
            "UMICH Organizations LSA Research Region Physics xu-lab",
        ),
        ("OU=Legacy,OU=Research,", "Legacy", "UMICH Organizations LSA Research"),
        ("OU=Current,", None, "UMICH Organizations LSA Current"),
    ],
)
def test_levels_stand_still_whether_or_not_there_is_a_status(
    database: Database, above: str, status: str | None, levels: str
) -> None:
    """The same folder gets the same level for a unit and for what is inside it (hub.md 7.2 #24)."""
    for leaf in ("", "CN=thing,"):
        ous = database.ous(leaf + above + TAIL)
        assert database.value("silver.ou_status(%s)", ous) == status
        found = [database.value("silver.ou_at(%s, %s)", ous, n + 1) for n in range(len(LEVELS))]
        assert found == [*levels.split(), *[None] * (len(LEVELS) - len(levels.split()))]


@pytest.mark.parametrize("name", ["a", "abc", "o.neill-2", "a" * 50])
def test_uniqnames(database: Database, name: str) -> None:
    assert database.value("silver.is_uniqname(%s)", name)


@pytest.mark.parametrize(
    "name", ["", "2fast", "a b", "svc_x", "Abc", "a" * 51, "abc\n", "abc\ncnf:1"]
)
def test_no_uniqnames(database: Database, name: str) -> None:
    assert not database.value("silver.is_uniqname(%s)", name)


def test_department_codes(database: Database) -> None:
    codes = ["123456", "12345", "1234567", "12345X", "１２３４５６", "123456\n", ""]
    assert [c for c in codes if database.value("silver.is_dept_code(%s)", c)] == ["123456"]


@pytest.mark.parametrize(
    ("written", "mac"),
    [
        ("aa:bb:cc:dd:ee:01", "AABBCCDDEE01"),
        (" AABB.CCDD.EE01\n", "AABBCCDDEE01"),
        ("aa-bb-cc-dd-ee-0", None),
        ("aabbccddee0g", None),
        ("aabbccddee01aabbccddee01", None),
        ("", None),
        (None, None),
    ],
)
def test_network_addresses(database: Database, written: str | None, mac: str | None) -> None:
    assert database.value("silver.mac(%s)", written) == mac


@pytest.mark.parametrize(
    ("dn", "name"),
    [
        ("uid=jdoe,ou=People,dc=x", "jdoe"),
        (r"CN=Doe\, Jo,OU=People,DC=a", "Doe, Jo"),
        (r"CN=Doe\2C Jo,OU=People,DC=a", "Doe, Jo"),
        ("CN= spaced ,OU=x", "spaced"),
        ("CN=x\\0ACNF:1,DC=a", "x\nCNF:1"),
        ("CN=a=b,DC=x", "a=b"),
        ("CN=,DC=x", None),
        ("no name", None),
        ("no,name=x", None),
        (None, None),
    ],
)
def test_names_of_distinguished_names(database: Database, dn: str | None, name: str | None) -> None:
    assert database.value("silver.dn_name(%s)", dn) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=x,OU=People,DC=a", "cn=X,ou=people,dc=A"),
        ("CN=x,OU=People,DC=a", " cn = x , ou=People ,DC=a "),
        (r"CN=Doe\, Jo,OU=x", r"cn=doe\2c jo,ou=X"),
        (r"CN=a\+b,OU=x", "CN=a+b,OU=x"),
        (r"CN=a\\b,OU=x", r"CN=a\5Cb,OU=x"),
    ],
)
def test_spellings_of_one_distinguished_name(database: Database, one: str, other: str) -> None:
    assert database.value("silver.dn_key(%s) = silver.dn_key(%s)", one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"CN=a\,OU=b,OU=x", "CN=a,OU=b,OU=x"),
        (r"CN=a\\,OU=b", r"CN=a\,OU=b"),
        ("CN=x,OU=a", "CN=x,OU=b"),
        ("CN=x", "OU=x"),
    ],
)
def test_other_distinguished_names(database: Database, one: str, other: str) -> None:
    assert database.value("silver.dn_key(%s) <> silver.dn_key(%s)", one, other)


@given(names=NAMES)
def test_escapes_do_not_change_what_is_named(database: Database, names: list[str]) -> None:
    """Only what has to be escaped, or everything: the same object, unless it is a blank's place."""
    bare = [n for n in names if n.strip() == n and not set(n) & set('\\,+"<>;=#\n\r\t')]
    one = ",".join(["CN=x", *(f"OU={n}" for n in bare)])
    other = ",".join(["cn=X", *(f"ou={escaped(n)}" for n in bare)])
    assert database.value("silver.dn_key(%s) = silver.dn_key(%s)", one, other)


@given(dn=st.text(st.sampled_from('OU=ou,\\ "+#aF0\n'), max_size=40))
def test_keys_of_odd_names_never_fail(database: Database, dn: str) -> None:
    for function in ("dn_key", "dn_name", "dn_kind"):
        database.value(f"silver.{function}(%s)", dn)


@pytest.mark.parametrize(
    ("dn", "kind"),
    [
        ("uid=x,ou=Somewhere,dc=y", "user"),
        ("CN=x,OU=People,OU=Accounts,DC=a", "user"),
        ("CN=x,OU=Privileged,DC=a", "user"),
        ("cn=x,ou=User Groups,ou=Groups,dc=a", "group"),
        ("CN=x,OU=MCommADSync,OU=Users and Groups,DC=a", "group"),
        ("CN=x,OU=Workstations,DC=a", "computer"),
        ("CN=x,OU=Users and Groups,DC=a", None),
        ("CN=People,OU=x,DC=a", None),
        ("x", None),
        (None, None),
    ],
)
def test_kinds_by_container(database: Database, dn: str | None, kind: str | None) -> None:
    assert database.value("silver.dn_kind(%s)", dn) == kind


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("ada", ["ada"]),
        (" ADA ", ["ada"]),
        ("ada@umich.edu", ["ada"]),
        ("Ada@Med.UMICH.edu", ["ada"]),
        ("ada@x", ["ada"]),
        ("UMROOT\\ada", ["ada"]),
        ("UMROOT\\\\ada", ["ada"]),
        ("mailto:ada@umich.edu", ["ada"]),
        ("SMTP:Ada@umich.edu", ["ada"]),
        ("<ada@umich.edu>", ["ada"]),
        ("Ada Quill <ada@umich.edu>", ["ada"]),
        ('"Quill, Ada" <ada@umich.edu>', ["ada"]),
        ("ada+tdx@umich.edu", ["ada"]),
        ("uid=ada,ou=People,dc=x", ["ada"]),
        ("CN=Ada", ["ada"]),
        ("ada@x.edu; bea@x.edu", ["ada", "bea"]),
        ("ada@x.edu,bea@x.edu ada@y.edu", ["ada", "bea"]),
        ("ada;bea", ["ada", "bea"]),
        ("ada; jo@example.com", ["ada"]),
        ("ada@umich.edu; jo@example.com", ["ada"]),
        ("a.d-a2", ["a.d-a2"]),
        ("ａｄａ", ["ada"]),
        ("\ufeffada\u200e\u200d", ["ada"]),
        ("ada\u00a0", ["ada"]),
        ("ada\t\n", ["ada"]),
        ("ada@example.com", []),
        ("Doe, Jo", []),
        ("Jo Doe", []),
        ("o'brien", []),
        ("svc_ada", []),
        ("12345678", []),
        ("N/A", []),
        ("none", []),
        ("NULL", []),
        ("unknown", []),
        ("undine", ["undine"]),
        ("@umich.edu", []),
        ("\\", []),
        ("a" * 51, []),
        ("😀", []),
        ("", []),
        (None, []),
    ],
)
def test_whose_a_text_is(database: Database, written: str | None, names: list[str]) -> None:
    assert (database.value("silver.uniqnames(%s::text)", written) or []) == names
    assert database.value("silver.uniqname(%s::text)", written) == next(iter(names), None)


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("ada", "ada"),
        ("UMROOT\\ada", "ada"),
        ("ada@umich.edu", "ada"),
        ("Ada@UMICH.EDU", "ada"),
        ("ada@med.umich.edu", "ada"),
        ("ada@umich.example.edu", "ada"),
        ("ada@other.edu", None),
        ("ada@notumich.edu", None),
        ("ada@umich.edu.example.com", None),
        (None, None),
    ],
)
def test_a_login_counts_where_it_is_the_universitys(
    database: Database, login: str | None, name: str | None
) -> None:
    assert database.value("silver.own_uniqname(%s::text)", login) == name


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Ada", "Ada"),
        ("  Ada   Quill ", "Ada Quill"),
        ("\u202eיוסף\u202c", "יוסף"),
        ("Jose\u0301", "José"),
        ("O\u2019Brien", "O\u2019Brien"),
        ("Zo\u00eb 🎓", "Zoë 🎓"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("Ada\u00ad\ufeff", "Ada"),
        ("Ada\x01\tQuill", "Ada Quill"),
        ("\u200b\u200e", None),
        ("x" * 5000, "x" * 5000),
        ("", None),
        (None, None),
    ],
)
def test_what_is_seen_of_a_name(database: Database, written: str | None, seen: str | None) -> None:
    assert database.value("silver.visible_text(%s::text)", written) == seen


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("O'BRIEN", "O\u2019Brien", True),
        ("ÑUÑEZ", "Ñun\u0303ez", True),
        ("Østergård", "ØSTERGÅRD", True),
        ("ИВАНОВ", "Иванов", True),
        ("Núñez", "Nunez", False),
        ("Quill", "Quil", False),
    ],
)
def test_how_names_are_compared(database: Database, one: str, other: str, same: bool) -> None:
    keys = [database.value("silver.name_key(%s::text)", name) for name in (one, other)]
    assert (keys[0] == keys[1]) is same


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_no_text_makes_the_functions_of_people_fail(database: Database, text: str) -> None:
    seen = database.value("silver.visible_text(%s::text)", text)
    assert seen is None or (seen == seen.strip() and seen)
    name = database.value("silver.uniqname(%s::text)", text)
    assert name is None or database.value("silver.is_uniqname(%s)", name)
