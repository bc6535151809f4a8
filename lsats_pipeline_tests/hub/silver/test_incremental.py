"""Whatever is edited in whichever order: the incremental tables equal a full rebuild.

Small key spaces make people share uniqnames, move between departments, lose keys, leave and return.
"""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest

from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.enrichment import enrich
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.spec import StagingTable
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Page

UIDS = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(1, 8)]
NAMES = ["adam", "beth", "carl", "dora", None, "", "not a name"]
CODES = ["100001", "100002", "100003", None, "ABC"]
TEXTS = ["x", "y", "z", None, ""]
TITLES = ["Lab Manager", "Senior Research Fellow", "Professor"]
ROLES = ["UM Principal Investigator", "Co-Principal Investigator", "Key Personnel", None]
PLACES = ["Chemistry", "Dept of Chemistry", "100002 Physics", None]


def tdx_department(random: Random, n: int):
    return {
        "ID": n,
        "Code": random.choice(CODES),
        "Name": random.choice([*TEXTS, *PLACES]),
        "IsActive": random.choice([True, False, None]),
        "ParentID": random.choice([0, 1, 2, 3, None]),
        "ModifiedDate": "2026-01-01T00:00:00Z",
    }


def tdx_user(random: Random, n: int):
    return {
        "UID": UIDS[n],
        "AlternateID": random.choice(NAMES),
        "FirstName": random.choice(TEXTS),
        "LastName": random.choice(TEXTS),
        "PrimaryEmail": random.choice(TEXTS),
        "IsActive": random.choice([True, False]),
        "DefaultAccountID": random.choice([1, 2, 3, None]),
        "DefaultAccountName": random.choice(PLACES),
        "ReportsToUID": random.choice([*UIDS, None]),
        "EndDate": random.choice(["0001-01-01T00:00:00Z", "soon", "2026-05-05T00:00:00Z"]),
    }


def gateway_department(random: Random, n: int):
    return {
        "DeptId": CODES[n % 3],
        "DeptDescription": random.choice(TEXTS),
        "DeptGroupCampusDescr": random.choice(TEXTS),
    }


def employee(random: Random, n: int):
    return {
        "EmplId": str(n // 2),
        "EmplRcd": n % 2,
        "UniqName": random.choice(NAMES),
        "LastName": random.choice(TEXTS),
        "DepartmentId": random.choice(CODES),
        "SupervisorId": random.choice(["0", "1", "2", None]),
        "UniversityJobTitle": random.choice([*TEXTS, *TITLES]),
        "Jobcode": random.choice(["102945", "102909", None]),
    }


def directory_person(random: Random, n: int):
    return {
        "dn": f"uid={n}",
        "uidNumber": str(n),
        "uid": random.choice(NAMES[:5]),
        "ou": random.choice(["Alumni", ["Alumni", "Unit - Staff"], None]),
        "mail": random.choice(["a@x.example", ["a@x.example", "b@x.example"], None]),
    }


def account(random: Random, n: int):
    return {
        "dn": f"CN={n},OU=People,DC=x",
        "objectGUID": UIDS[n],
        "distinguishedName": random.choice([f"CN={n},OU=People,DC=x", DNS[6]]),
        "cn": random.choice(["adam", "Beth", "carl", "x\nCNF:1", str(n)]),
        "userAccountControl": random.choice(["512", "514", None]),
        "sn": random.choice(TEXTS),
    }


DNS = [
    *(f"CN={n},OU=People,DC=x" for n in range(3)),
    *(f"uid={name},ou=People,dc=y" for name in ("adam", "beth", "zoe")),
    "cn=Beth,ou=People,dc=x",
    *(f"CN=g{n},OU=Users and Groups,DC=x" for n in range(3)),
    *(f"cn=G{n},ou=User Groups,dc=y" for n in range(3)),
    *(f"CN=PC{n},OU=U{n % 3},DC=x" for n in range(3)),
    "CN=Zed,OU=Groups,DC=x",
    "cn=zed,ou=groups,dc=x",
    "nowhere",
]
MACS = ["aa-bb-cc-dd-ee-01", "AABBCCDDEE01", "aa:bb:cc:dd:ee:02", "AABB.CCDD.EE03"]


def some(random: Random, values: list[str]):
    chosen = random.sample(values, random.choice([0, 1, 1, 3, 5]))
    return chosen[0] if len(chosen) == 1 else chosen


def asset(random: Random, n: int):
    return {
        "ID": n + 1,
        "Name": random.choice([*TEXTS, "PC1", "None"]),
        "SerialNumber": random.choice(["SN0001", "None", None]),
        "OwningCustomerID": random.choice([*UIDS, None]),
        "OwningDepartmentID": random.choice([0, 1, 2, 3]),
        "FormName": "Computer Form",
        "MAC": random.choice([*MACS, f"{MACS[0]}, {MACS[2]}", "none"]),
        "AcquisitionDate": random.choice(["0001-01-01T00:00:00Z", "soon", "2026-05-05T00:00:00Z"]),
    }


def directory_group(random: Random, n: int):
    name = f"g{n % 3}" if n < 5 else f"g1\nCNF:{n}"
    return {
        "dn": f"CN={name},OU={random.choice(['Users and Groups', 'Carl'])},DC=x",
        "objectGUID": UIDS[n],
        "cn": random.choice([name, name.title(), "lsa-adam-share", "LSA-Beth"]),
        "member": some(random, DNS),
        "managedBy": random.choice([*DNS, None]),
        "description": random.choice(TEXTS),
    }


def mailing_group(random: Random, n: int):
    people = some(random, DNS)
    return {
        "dn": f"cn=G{n},ou=User Groups,dc=y",
        "gidNumber": str(n),
        "cn": random.choice([f"G{n % 4}", [f"G{n}", "other"], None]),
        "member": people,
        "umichDirectMember": people if random.random() < 0.5 else [],
        "umichDirectGroupMember": some(random, DNS),
        "owner": some(random, DNS),
    }


def domain_computer(random: Random, n: int):
    unit = random.randrange(3)
    return {
        "dn": f"CN=PC{n},OU=U{unit},DC=x",
        "objectGUID": UIDS[n],
        "cn": f"PC{n}",
        "memberOf": some(random, DNS),
        "userAccountControl": random.choice(["4096", "4098", "x", None]),
    }


def unit(random: Random, n: int):
    above = random.choice(["", "OU=U0,", "OU=U1,"])
    return {
        "dn": f"OU=U{n},{above}DC=x",
        "objectGUID": UIDS[n],
        "ou": random.choice([f"U{n}", "adam-lab", "bio-beth"]),
    }


def card(random: Random, n: int):
    return {
        "MAC": MACS[n % 4],
        "Name": f"pc{n // 2}",
        "OEM SN": random.choice(["SN0001", "NONE"]) if n > 4 else None,
        "Last Session": random.choice(["2026-01-01T00:00:00", "2026-02-01T00:00:00", None]),
        "Last Addr": random.choice(["10.0.0.1", "10.0.0.2", None]),
        "RAM": random.choice([1024, 2048.0, "much"]),
    }


def award(random: Random, n: int):
    return {
        "Award Id": f"AWD{n // 3}",
        "Person Uniqname": ["Adam", "beth", "carl"][n % 3],
        "Person Role": random.choice(ROLES),
        "Person Appt Department Id": random.choice(["100001.0", "100002", ""]),
        "Award Total Dollars": random.choice(["$1,000", "lots", None]),
        "Award Project End Date": random.choice(["3/1/2026", "3/9/2026", "never", None]),
    }


MAKERS = {
    "tdx_department": tdx_department,
    "tdx_user": tdx_user,
    "umich_api_department": gateway_department,
    "umich_api_user": employee,
    "mcommunity_ldap_user": directory_person,
    "active_directory_user": account,
    "tdx_asset": asset,
    "active_directory_group": directory_group,
    "active_directory_computer": domain_computer,
    "active_directory_organizational_unit": unit,
    "mcommunity_ldap_group": mailing_group,
    "key_client_computer": card,
    "lab_awards_lab_award": award,
}


def attributes(record):
    return [record, {"Name": "MAC Address(es)", "Value": record.get("MAC")}]


class Sources:
    """Every stream of the registry, answered from dictionaries."""

    def __init__(self, warehouse, settings):
        self.warehouse, self.settings = warehouse, settings
        self.records: dict[str, dict[int, dict]] = {name: {} for name in MAKERS}

    def edit(self, random: Random):
        for name, maker in MAKERS.items():
            for _ in range(random.choice([0, 0, 1, 2, 4])):
                n = random.randrange(7)
                if random.random() < 0.25:
                    self.records[name].pop(n, None)
                else:
                    self.records[name][n] = maker(random, n)

    def take_in(self):
        for source in SOURCES:
            for stream in source.streams:
                self._ingest(stream)
            for detail in source.details:
                self._enrich(detail)

    def _ingest(self, stream):
        known = self.records.get(stream.name, {})
        payloads = [json.dumps(r).encode() for r in known.values()]
        fake = replace(stream, read=lambda client, request: iter([Page(payloads)]))
        ingest(
            self.warehouse, self.settings, fake, lambda: None, self.settings.today(),
            accept_removals=True,
        )  # fmt: skip

    def _enrich(self, detail):
        known = {
            str(r[detail.key[0]]): {**r, "Attributes": attributes(r), "City": r.get("Name")}
            for r in self.records.get(detail.of.name, {}).values()
        }
        fake = replace(
            detail,
            fetch=lambda client, key: json.dumps(known[key]).encode() if key in known else None,
        )
        enrich(self.warehouse, self.settings, fake, lambda: None, self.settings.today())

    def build(self, **options):
        return {table.name: self._build(table, **options) for table in SILVER_TABLES}

    def build_some(self, random: Random):
        """The others will see two days at once, and tables of which some are ahead."""
        for table in SILVER_TABLES:
            if random.random() < 0.5:
                self._build(table)

    def _build(self, table, **options):
        return build(
            self.warehouse, self.settings, table, self.settings.today(),
            accept_removals=True, **options,
        )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_incremental_equals_full_rebuild(warehouse, hub_settings, seed):
    with warehouse.owner() as connection:
        declare_tables(connection, SILVER_TABLES)
    random = Random(seed)
    sources = Sources(warehouse, hub_settings)
    for _ in range(5):
        sources.edit(random)
        sources.take_in()
        if random.random() < 0.5:
            sources.build_some(random)
            sources.edit(random)
            sources.take_in()
        sources.build()
        full = sources.build(full=True)
        differing = {name: r.counts for name, r in full.items() if r.counts.changed}
        assert not differing
        again = sources.build()
        assert not [r.note for r in again.values() if r.note != "nothing new upstream"]
    totals = warehouse.query("select table_name, row_count, score_counts from meta.quality")
    for name, rows, scores in totals:
        measured = warehouse.query(
            f"select data_quality_score::text, count(*) from silver.{name} group by 1"
        )
        assert dict(measured) == scores
        assert rows == sum(scores.values())


def test_every_stream_has_a_maker():
    """A stream that silver reads must take part in the test above."""
    read = {t.stream.name for t in SILVER_TABLES if isinstance(t, StagingTable)}
    assert read == set(MAKERS)
