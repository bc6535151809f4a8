"""The simulated Active Directory, filled by the records of a campus with nobody else in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ldap3
import psycopg

from lsats_pipeline.campus.simulators.process import start_simulators
from lsats_pipeline_tests.campus.simulators.conftest import CAMPUS, DAY, NEW_WORLD
from lsats_pipeline_tests.hub.directories.entries import Entry, Values, member_of
from lsats_pipeline_tests.hub.directories.server import DirectoryServer, renamed

ENTITIES = {
    "unit": "organizational_unit", "person": "user", "contact": "contact", "computer": "computer",
    "service": "service_account", "group": "group",
}  # fmt: skip
_PUT = """
insert into campus.records (system, entity, record_key, lookup, valid_from, payload, fault)
values ('active_directory', %s, %s, %s, %s, %s, '')
"""
_MOVE = "update campus.records set lookup = %s, payload = %s where record_key = %s"
_DELETE = "delete from campus.records where record_key = %s"


class Simulator(DirectoryServer):
    """The simulators serve a database; whoever changes its records changes the directory."""

    name = "simulator"

    def __init__(self, database_url: str, variables: dict[str, str]) -> None:
        self._url, self.variables = database_url, variables
        self._held: dict[str, Values] = {}

    @contextmanager
    def administrator(self) -> Iterator[Any]:
        """Reads as the hub does: nobody may write over LDAP."""
        server = ldap3.Server(self.variables["AD_LDAP_URL"], get_info=ldap3.NONE)
        user, password = self.variables["AD_USER"], self.variables["AD_PASSWORD"]
        connection = ldap3.Connection(server, user, password, auto_bind=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def fill(self, entries: list[Entry]) -> None:
        """Put the entries there; what a domain controller would add is added."""
        groups = member_of(entries)
        rows = []
        for entry in entries:
            member = {"memberOf": groups[entry.dn]} if entry.dn in groups else {}
            self._held[entry.identity] = {**entry.made, **entry.given, **member}
            rows.append((ENTITIES[entry.kind], *self._row(entry, entry.name, entry.dn)))
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            cursor.executemany(_PUT, [(entity, *row[:2], DAY, row[2]) for entity, *row in rows])

    def _row(self, entry: Entry, name: str, dn: str) -> tuple[str, str, str]:
        payload = json.dumps({"dn": dn, "attributes": self._held[entry.identity]})
        return entry.made["objectGUID"][0], name.lower(), payload

    def delete(self, entry: Entry) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(_DELETE, entry.made["objectGUID"])

    def rename(self, entry: Entry, name: str) -> None:
        dn = f"CN={name},{entry.parent}"
        self._held[entry.identity] |= renamed(name) | {"distinguishedName": [dn]}
        key, lookup, payload = self._row(entry, name, dn)
        with psycopg.connect(self._url) as connection:
            connection.execute(_MOVE, (lookup, payload, key))


@contextmanager
def start(database_url: str) -> Iterator[Simulator]:
    """Make the campus without records in an empty database, and serve it."""
    with psycopg.connect(database_url) as connection:
        connection.execute(CAMPUS.encode())
        connection.execute(NEW_WORLD.encode(), {"day": DAY})
    with start_simulators(database_url) as process:
        yield Simulator(database_url, process.environment)
