"""MCommunity on the simulator, and on slapd with what servers of its kind limit.

    simulator       350 entries a search, orders uid           ranges
    unlimited       all entries in one search                  one search
    pages           few entries a search, more in pages        pages
    limited         few entries a search, pages or not         beginnings, for uid has no order

`uid` and `cn` have no ordering rule in OpenLDAP's own schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ldap3
import psycopg

from lsats_pipeline.campus.simulators.process import start_simulators
from lsats_pipeline.hub.sources.mcommunity import shapes
from lsats_pipeline_tests.campus.simulators.conftest import CAMPUS, DAY, NEW_WORLD
from lsats_pipeline_tests.hub.directories.people import BASE, PublicEntry
from lsats_pipeline_tests.hub.directories.slapd import includes, ldif, schema, serve

NAMES = sorted({*shapes.PERSON.names, *shapes.GROUP.names})
PASSWORD = "public-password"
LIMIT = 90
# Which entries a reader gets at once, with pages and without.
READERS = {
    "unlimited": "size=unlimited",
    "pages": f"size.soft={LIMIT} size.hard={LIMIT} size.prtotal=unlimited",
    "limited": f"size.soft={LIMIT} size.hard={LIMIT} size.prtotal={LIMIT}",
}
_STANDARD = ("core", "cosine", "inetorgperson", "nis")
_CLASSES = (("umichPerson", "top", "AUXILIARY"), ("umichGroup", "top", "STRUCTURAL"))
_ADMINISTRATOR = f"cn=root,{BASE}"
_CONFIGURATION = """
{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 268435456
sizelimit unlimited
suffix "{base}"
rootdn "{administrator}"
rootpw {password}
directory {home}/data
index objectClass,uid,cn,gidNumber eq
{limits}
"""
_TOP = (
    (BASE, {"objectClass": ["dcObject", "organization"], "o": ["Test"], "dc": ["umich"]}),
    *(
        (f"ou={name},{above}", {"objectClass": ["organizationalUnit"], "ou": [name]})
        for name, above in (
            ("People", BASE), ("Groups", BASE), ("User Groups", f"ou=Groups,{BASE}")
        )
    ),
    *(
        (f"cn={name},{BASE}", {"objectClass": ["person"], "sn": ["-"], "userPassword": [PASSWORD]})
        for name in READERS
    ),
)  # fmt: skip


class PublicServer(NamedTuple):
    """A directory like MCommunity; `administrator` and `password` see everything."""

    variables: dict[str, str]
    administrator: str
    password: str

    def held(self, below: str) -> dict[str, dict[str, list[str]]]:
        """What is there by distinguished name, as ldap3 reads it."""
        server = ldap3.Server(self.variables["MCOMMUNITY_LDAP_URL"], get_info=ldap3.NONE)
        connection = ldap3.Connection(server, self.administrator, self.password, auto_bind=True)
        try:
            connection.search(below, "(gidNumber=*)", ldap3.SUBTREE, attributes=NAMES)
            found = [entry for entry in connection.response if entry["type"] == "searchResEntry"]
        finally:
            connection.unbind()
        return {entry["raw_dn"].decode(): _texts(entry["raw_attributes"]) for entry in found}


def _texts(raw: dict[str, list[bytes]]) -> dict[str, list[str]]:
    return {name: [value.decode() for value in values] for name, values in raw.items() if values}


@contextmanager
def on_slapd(home: Path, entries: list[PublicEntry]) -> Iterator[dict[str, PublicServer]]:
    """One slapd, by how much its readers get."""
    (home / "data").mkdir(parents=True)
    (home / "directory.schema").write_text(schema(_STANDARD, NAMES, _CLASSES))
    configuration, content = home / "slapd.conf", home / "content.ldif"
    limits = (f'limits dn.exact="cn={name},{BASE}" {limit}' for name, limit in READERS.items())
    configuration.write_text(
        _CONFIGURATION.format(
            schemas=includes(home, _STANDARD),
            home=home,
            base=BASE,
            administrator=_ADMINISTRATOR,
            password=PASSWORD,
            limits="\n".join(limits),
        )
    )
    everything = [*_TOP, *((entry.dn, entry.values) for entry in entries)]
    content.write_text("".join(ldif(dn, _bytes(values)) for dn, values in everything))
    with serve(configuration, content) as [port]:
        url = f"ldap://127.0.0.1:{port}"
        yield {
            name: PublicServer(_variables(url, f"cn={name},{BASE}"), _ADMINISTRATOR, PASSWORD)
            for name in READERS
        }


def _bytes(values: dict[str, list[str]]) -> dict[str, list[bytes]]:
    return {name: [text.encode() for text in texts] for name, texts in values.items()}


def _variables(url: str, user: str) -> dict[str, str]:
    return {
        "MCOMMUNITY_LDAP_URL": url,
        "MCOMMUNITY_LDAP_USER": user,
        "MCOMMUNITY_LDAP_PASSWORD": PASSWORD,
        "MCOMMUNITY_LDAP_BASE": BASE,
    }


@contextmanager
def on_simulator(database_url: str, entries: list[PublicEntry]) -> Iterator[PublicServer]:
    """The simulated MCommunity, in an empty database."""
    with psycopg.connect(database_url) as connection:
        connection.execute(CAMPUS.encode())
        connection.execute(NEW_WORLD.encode(), {"day": DAY})
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into campus.records"
                " (system, entity, record_key, lookup, valid_from, payload, fault)"
                " values ('mcommunity_ldap', %s, %s, %s, %s, %s, '')",
                [_row(number, entry) for number, entry in enumerate(entries)],
            )
    with start_simulators(database_url) as process:
        given = process.environment
        yield PublicServer(given, given["MCOMMUNITY_LDAP_USER"], given["MCOMMUNITY_LDAP_PASSWORD"])


def _row(number: int, entry: PublicEntry) -> tuple[Any, ...]:
    lookup = entry.values["uid" if entry.kind == "user" else "cn"][0].lower()
    payload = json.dumps({"dn": entry.dn, "attributes": entry.values})
    # Two people may have one number, which is for the hub to find out.
    return entry.kind, f"{entry.number}/{number}", lookup, DAY, payload
