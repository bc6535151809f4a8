"""The LDAP transport against OpenLDAP: a server that nobody here wrote."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from lsats_pipeline.core.errors import ConfigurationError, IncompleteRead
from lsats_pipeline.hub.sources import ldap
from lsats_pipeline.hub.sources.ldap_ranges import RangeReader
from lsats_pipeline.hub.sources.ldap_records import RecordShape, generalized_time, text
from lsats_pipeline.hub.sources.ldap_strategies import Branch, read_whole
from lsats_pipeline_tests.hub.directories.slapd import INSTALLED, SCHEMA, serve

BASE = "ou=People,dc=test"
SIZE, LIMIT = 700, 150

pytestmark = pytest.mark.skipif(not INSTALLED, reason="OpenLDAP's slapd is not installed")

CONFIGURATION = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
include {schema}/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=test"
rootdn "cn=root,dc=test"
rootpw root-password
directory {data}
limits dn.exact="cn=hub,dc=test" size.soft={limit} size.hard={limit} size.prtotal={limit}
index uid,uidNumber,objectClass eq
"""
TOP = """
dn: dc=test
objectClass: dcObject
objectClass: organization
o: Test
dc: test

dn: ou=People,dc=test
objectClass: organizationalUnit
ou: People

dn: cn=hub,dc=test
objectClass: person
cn: hub
sn: hub
userPassword: hub-password
"""
PERSON = """
dn: uid=synth{n},ou=People,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
uid: synth{n}
uidNumber: {n}
gidNumber: 10
homeDirectory: /home/synth{n}
cn: Synthetic "{n}"
cn: Synthètic \\ {n}
sn: Person
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("slapd")
    (home / "data").mkdir()
    configuration, content = home / "slapd.conf", home / "content.ldif"
    configuration.write_text(CONFIGURATION.format(schema=SCHEMA, data=home / "data", limit=LIMIT))
    # Numbers of different length: their order is not that of their texts.
    content.write_text(TOP + "".join(PERSON.format(n=n * 37) for n in range(1, SIZE + 1)))
    with serve(configuration, content) as [port]:
        yield f"ldap://127.0.0.1:{port}"


def account(url: str, who: str, password: str | None = None) -> ldap.BindAccount:
    return ldap.BindAccount(
        title="OpenLDAP",
        url=url,
        user=f"cn={who},dc=test",
        password=SecretStr(password or f"{who}-password"),
        url_variable="T_URL",
        user_variable="T_USER",
        password_variable="T_PASSWORD",
        base_variable="T_BASE",
    )


@pytest.fixture
def limited(url: str) -> Iterator[ldap.Directory]:
    with ldap.connect(account(url, "hub")) as directory:
        yield directory


@pytest.fixture
def unlimited(url: str) -> Iterator[ldap.Directory]:
    with ldap.connect(account(url, "root")) as directory:
        yield directory


def ranges(directory: ldap.Directory, attribute: str, names: Sequence[str] = ()) -> RangeReader:
    def search(filter: str, size_limit: int):
        wanted = [attribute, *names]
        return directory.search(BASE, filter, wanted, size_limit=size_limit)

    return RangeReader("OpenLDAP", partial(search), attribute, None, None)


@pytest.mark.parametrize("page_size", [7, 100, 1000])
def test_pages(unlimited: ldap.Directory, page_size: int) -> None:
    found = [e.dn for e in unlimited.search(BASE, "(uid=*)", ["uid"], page_size=page_size)]
    assert len(found) == len(set(found)) == SIZE


def test_a_limit_truncates_with_pages_and_without(limited: ldap.Directory) -> None:
    for page_size in (0, 40):
        found = []
        with pytest.raises(ldap.Truncated, match="code 4"):
            for entry in limited.search(BASE, "(uid=*)", ["uid"], page_size=page_size):
                found.append(entry)
        assert len(found) == LIMIT


def test_ranges_find_everybody_past_the_limit(limited: ldap.Directory) -> None:
    found = [e.dn for leaf in ranges(limited, "uidNumber").leaves() for e in leaf.entries]
    assert len(found) == len(set(found)) == SIZE


def test_an_attribute_without_ordering_rule_is_noticed(limited: ldap.Directory) -> None:
    # `uid` has none in OpenLDAP's schema: (uid>=x) is undefined, and so is its negation.
    with pytest.raises(IncompleteRead, match="does not order"):
        list(ranges(limited, "uid").leaves())


def test_people_without_an_order_are_read_by_beginnings(
    limited: ldap.Directory, unlimited: ldap.Directory
) -> None:
    for directory, strategy in ((limited, "prefixes"), (unlimited, "one_search")):
        branch = Branch(directory, BASE, "people", "uid", "(&(uidNumber=*)(!(uid=*)))", ["uid"])
        left: list[Any] = []
        for memory in (None, left):
            hints = memory[0] if memory else None
            parts = list(read_whole(branch, hints, None, dt.date(2026, 3, 2), left.append))
            found = [entry.dn for part in parts for entry in part.entries]
            assert len(found) == len(set(found)) == SIZE
        assert left[0]["strategy"] == strategy
        assert left[0] == left[1]


@pytest.mark.parametrize("beginning", ["*", "(", ")", "\\", "\0", "é", "\U0001f600", "a b", " "])
def test_any_beginning_can_be_asked_for(unlimited: ldap.Directory, beginning: str) -> None:
    filter = f"(&(uid=*)(!(uid={ldap.escape(beginning.encode())}*)))"
    assert len(list(unlimited.search(BASE, filter, ["uid"]))) in (SIZE, 0)


def test_records(unlimited: ldap.Directory) -> None:
    shape = RecordShape({"uid": text, "cn": text, "createTimestamp": generalized_time})
    (entry,) = unlimited.search(BASE, f"(uid={ldap.escape(b'synth37')})", shape.names)
    record = json.loads(shape.record(entry))
    assert record["cn"] == ['Synthetic "37"', "Synthètic \\ 37"]
    assert record["createTimestamp"].endswith("Z")
    assert record["uid"] == "synth37"


def test_refusals(url: str, unlimited: ldap.Directory) -> None:
    with pytest.raises(ConfigurationError, match="T_BASE"):
        list(unlimited.search("ou=Nobody,dc=test", "(uid=*)", ["uid"]))
    with (
        pytest.raises(ConfigurationError, match="T_PASSWORD"),
        ldap.connect(account(url, "hub", "wrong")),
    ):
        pass
