"""Groups, computers and folders in the directories, and what the hub reads of them.

The records are made by hand, so that their sizes and secrets are the test's own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import ldap3
import pytest

from lsats_pipeline.core.settings import from_variables
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.hub.sources.active_directory.streams import read_organizational_units
from lsats_pipeline.hub.sources.ldap import Directory
from lsats_pipeline.hub.sources.ldap_records import LdapEntry
from lsats_pipeline.hub.sources.source import ReadRequest
from lsats_pipeline_tests.campus.simulators.conftest import DAY, CampusEditor

ROOT = "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu"
COLLEGE = f"OU=LSA,OU=Organizations,{ROOT}"
LABS = f"OU=Research and Instrumentation,{COLLEGE}"
DESKS = f"OU=Workstations,{COLLEGE}"
TEAMS = f"OU=Users and Groups,{COLLEGE}"
LISTS = "ou=User Groups,ou=Groups,dc=umich,dc=edu"
SECRETS = {
    "ms-Mcs-AdmPwd": ["Secret-Legacy-1"],
    "msLAPS-Password": ['{"n":"Administrator","p":"Secret-Laps-2"}'],
    "msLAPS-EncryptedPassword": ["Secret-Encrypted-3"],
    "msLAPS-EncryptedPasswordHistory": ["Secret-History-4", "Secret-History-5"],
    "msDS-ManagedPassword": ["Secret-Managed-6"],
    "unicodePwd": ["Secret-Unicode-7"],
    "userPassword": ["Secret-User-8"],
}

Put = tuple[str, str, dict[str, Any]]


def guid(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}"))


def directory_object(classes: str, name: str, dn: str, number: int, **more: list[str]) -> Put:
    key = guid(classes, number)
    values = {"objectClass": ["top", *classes.split()], "objectGUID": [key], "name": [name]}
    return key, name.lower(), {"dn": dn, "attributes": {**values, **more}}


def group(name: str, number: int, **more: list[str]) -> Put:
    escaped = name.replace(",", "\\,")
    return directory_object("group", name, f"CN={escaped},{TEAMS}", number, cn=[name], **more)


def computer(name: str, number: int, **more: list[str]) -> Put:
    classes = "person organizationalPerson user computer"
    return directory_object(classes, name, f"CN={name},OU=Lab,{LABS}", number, cn=[name], **more)


def folder(dn: str, number: int) -> Put:
    name = dn.split(",")[0].removeprefix("OU=")
    return directory_object("organizationalUnit", name, dn, number, ou=[name])


def people(count: int) -> list[str]:
    return [f"CN=synth{n:05d},OU=Accounts,{ROOT}" for n in range(count)]


def mailing_list(number: int, **more: list[str]) -> Put:
    name = f"List {number:04d}"
    values = {"objectClass": ["top", "umichGroup"], "cn": [name], "gidNumber": [str(number)]}
    record = {"dn": f"cn={name},{LISTS}", "attributes": {**values, **more}}
    return str(number), name.lower(), record


def values(connection: ldap3.Connection) -> dict[str, list[str]]:
    [entry] = [e for e in connection.response if e["type"] == "searchResEntry"]
    return {
        k: [v.decode(errors="replace") for v in raw] for k, raw in entry["raw_attributes"].items()
    }


class Hub:
    """The hub's own clients on the simulators."""

    def __init__(self, campus: CampusEditor, stack: ExitStack) -> None:
        self._campus, self._stack = campus, stack

    def client(self, system: str) -> Any:
        settings = from_variables(source(system).settings, self._campus.environment)
        return self._stack.enter_context(source(system).connect(settings))

    def read(self, name: str) -> list[dict[str, Any]]:
        declared = stream(name)
        pages = declared.read(self.client(declared.source_system), ReadRequest(DAY))
        return [json.loads(record) for page in pages for record in page.records]


@pytest.fixture
def hub(campus: CampusEditor) -> Iterator[Hub]:
    with ExitStack() as stack:
        yield Hub(campus, stack)


def test_a_long_list_comes_in_ranges(campus: CampusEditor, hub: Hub) -> None:
    members = people(4000)
    campus.put("active_directory", "group", group("Everyone", 1, member=members))
    directory = hub.client("active_directory")._directory

    def ask(*attributes: str) -> dict[str, list[str]]:
        """The one entry as it is on the wire; libraries put ranges together by themselves."""
        request = directory.request(TEAMS, ldap3.SUBTREE, "(cn=everyone)", attributes)
        connection = directory.connection()
        [entry], _ = connection.receive(connection.send(request))
        return {name.decode(): [v.decode() for v in found] for name, found in entry.attributes}

    assert ask("member", "cn") == {"cn": ["Everyone"], "member;range=0-1499": members[:1500]}
    assert ask("member;range=1500-*") == {"member;range=1500-2999": members[1500:3000]}
    assert ask("member;range=3000-*") == {"member;range=3000-*": members[3000:]}
    assert ask("member;range=5-9") == {"member;range=5-9": members[5:10]}


def test_a_list_that_fits_comes_as_it_is(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "group", group("Some", 1, member=people(1500)))
    active_directory.search(TEAMS, "(objectClass=group)", attributes=["member"])
    assert values(active_directory) == {"member": people(1500)}


def test_a_group_of_5000_arrives_whole(campus: CampusEditor, hub: Hub) -> None:
    members = people(5000)
    campus.put("active_directory", "group", group("Every One, all", 1, member=members))
    campus.put("active_directory", "group", group("Nobody", 2), group("One", 3, member=members[:1]))
    found = {record["cn"]: record.get("member") for record in hub.read("active_directory_group")}
    assert found == {"Every One, all": members, "Nobody": None, "One": members[0]}


def test_a_mailing_list_of_5000_arrives_whole(campus: CampusEditor, hub: Hub) -> None:
    members = [f"uid=synth{n:05d},ou=People,dc=umich,dc=edu" for n in range(5000)]
    campus.put("mcommunity_ldap", "group", mailing_list(1, member=members, owner=members[:2]))
    [record] = hub.read("mcommunity_ldap_group")
    assert (record["member"], record["owner"]) == (members, members[:2])


def test_all_groups_past_the_limit_with_and_without_members(campus: CampusEditor, hub: Hub) -> None:
    lists = [mailing_list(n, **({"member": ["x"]} if n % 3 else {})) for n in range(1000)]
    campus.put("mcommunity_ldap", "group", *lists)
    posix = {"uid": ["synth"], "gidNumber": ["1"], "cn": ["List 0001"]}
    person = {"dn": "uid=synth,ou=People,dc=umich,dc=edu", "attributes": posix}
    campus.put("mcommunity_ldap", "user", ("1", "synth", person))
    found = hub.read("mcommunity_ldap_group")
    assert sorted(int(record["gidNumber"]) for record in found) == list(range(1000))
    assert [record["uid"] for record in hub.read("mcommunity_ldap_user")] == ["synth"]


def test_kinds_do_not_mix(
    campus: CampusEditor, hub: Hub, active_directory: ldap3.Connection
) -> None:
    person = directory_object(
        "person user", "synth1", f"CN=synth1,OU=Accounts,{ROOT}", 1, cn=["synth1"]
    )
    campus.put("active_directory", "user", person)
    campus.put("active_directory", "group", group("synth1", 1))
    campus.put("active_directory", "computer", computer("synth1", 1))
    campus.put("active_directory", "organizational_unit", folder(f"OU=Lab,{LABS}", 1))
    for name, kind in {
        "user": "person user",
        "group": "group",
        "computer": "person organizationalPerson user computer",
        "organizational_unit": "organizationalUnit",
    }.items():
        [record] = hub.read(f"active_directory_{name}")
        assert record["objectGUID"] == guid(kind, 1)
    active_directory.search(ROOT, "(name=*)", attributes=["cn"], paged_size=3)
    first = [entry["dn"] for entry in active_directory.response]
    cookie = active_directory.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
    active_directory.search(ROOT, "(name=*)", attributes=["cn"], paged_size=3, paged_cookie=cookie)
    rest = [entry["dn"] for entry in active_directory.response]
    assert (len(first), len(rest), len({*first, *rest})) == (3, 1, 4)


def account(classes: str, name: str, number: int, account_type: str = "") -> Put:
    dn = f"CN={name},OU=Lab,{LABS}"
    types = {"sAMAccountType": [account_type]} if account_type else {}
    return directory_object(classes, name, dn, number, cn=[name], **types)


USER, MACHINE, TRUST = "805306368", "805306369", "805306370"
HUMAN = "person organizationalPerson"


def test_who_is_a_person_and_what_is_a_computer(campus: CampusEditor, hub: Hub) -> None:
    """Computers, contacts, trusts and accounts of services are people by their class, or nearly."""
    service = f"{HUMAN} user computer msDS-"
    campus.put(
        "active_directory",
        "user",
        account(f"{HUMAN} user", "plain", 1, USER),
        account(f"{HUMAN} user inetOrgPerson", "inet", 2, USER),
        account("", "classless", 3, USER),
        account(f"{HUMAN} user", "typeless", 4),
        account(f"{HUMAN} user", "domain$", 5, TRUST),
    )
    campus.put("active_directory", "contact", account(f"{HUMAN} contact", "outside", 6))
    campus.put(
        "active_directory",
        "computer",
        account(f"{HUMAN} user computer", "pc", 7, MACHINE),
        account("", "classless-pc", 8, MACHINE),
        account(f"{HUMAN} user computer", "typeless-pc", 9),
    )
    campus.put(
        "active_directory",
        "service_account",
        account(f"{service}GroupManagedServiceAccount", "gmsa", 10, MACHINE),
        account(f"{service}ManagedServiceAccount", "smsa", 11, MACHINE),
        account(f"{service}DelegatedManagedServiceAccount", "dmsa", 12, MACHINE),
    )
    people = {record["cn"] for record in hub.read("active_directory_user")}
    computers = {record["cn"] for record in hub.read("active_directory_computer")}
    assert people == {"plain", "inet", "classless", "typeless"}
    assert computers == {"pc", "classless-pc", "typeless-pc"}


def test_attributes_that_change_every_day(campus: CampusEditor, hub: Hub) -> None:
    campus.put("active_directory", "group", group("One", 1))
    campus.put("active_directory", "computer", computer("pc", 1))
    for name, moving in (("group", 3), ("computer", 8)):
        [record] = hub.read(f"active_directory_{name}")
        volatile = stream(f"active_directory_{name}").volatile
        assert len(volatile & record.keys()) == len(volatile) == moving


def test_passwords_are_served_to_whom_asks(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "computer", computer("pc", 1, **SECRETS))
    for asked in (list(SECRETS), ["*"]):
        active_directory.search(COLLEGE, "(cn=pc)", attributes=asked)
        assert SECRETS.items() <= values(active_directory).items()


def _given(client: Any) -> Any:
    return client


def test_no_password_is_read_stored_or_logged(
    campus: CampusEditor, hub: Hub, warehouse: Any, hub_settings: Any, caplog: Any
) -> None:
    """The directory would tell; the hub does not ask, and would not keep it."""
    expiry = {"ms-Mcs-AdmPwdExpirationTime": ["134167968000000000"],
              "msLAPS-PasswordExpirationTime": ["0"]}  # fmt: skip
    campus.put("active_directory", "computer", computer("pc", 1, **SECRETS, **expiry))
    campus.put("active_directory", "group", group("One", 1, **SECRETS))
    campus.put("active_directory", "organizational_unit", folder(f"OU=Lab,{LABS}", 1))
    person = directory_object(
        "person user", "synth1", f"CN=synth1,{ROOT}", 1, cn=["synth1"], **SECRETS
    )
    campus.put("active_directory", "user", person)
    caplog.set_level("DEBUG")
    for name in ("computer", "group", "organizational_unit", "user"):
        client = hub.client("active_directory")
        declared = stream(f"active_directory_{name}")
        report = ingest(warehouse, hub_settings, declared, partial(_given, client), DAY)
        assert report.counts.created == 1
    [(text,)] = warehouse.query("select string_agg(raw::text, ' ') from bronze.raw_entities raw")
    for place in (text, caplog.text):
        assert "Secret" not in place
        assert not [name for name in SECRETS if f'"{name}"' in place]
    [(ends,)] = warehouse.query(
        "select raw_data->>'ms-Mcs-AdmPwdExpirationTime' from bronze.raw_entities"
        " where entity_type = 'computer'"
    )
    assert ends == "2026-03-01T00:00:00Z"


def test_a_password_sent_unasked_is_dropped(
    campus: CampusEditor, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    campus.put("active_directory", "computer", computer("pc", 1, **SECRETS))
    request = Directory.request

    def greedy(self: Any, base: str, scope: str, filter: str, names: Any, limit: int = 0) -> Any:
        return request(self, base, scope, filter, [*names, *SECRETS], limit)

    monkeypatch.setattr(Directory, "request", greedy)
    [record] = hub.read("active_directory_computer")
    assert record["cn"] == "pc"
    assert not SECRETS.keys() & record.keys()


def test_certificates_are_no_text(campus: CampusEditor, hub: Hub) -> None:
    certificate = ["0\x82\x01\ue0ff"]  # a byte that is no UTF-8 on the wire
    campus.put("active_directory", "computer", computer("pc", 1, userCertificate=certificate))
    [record] = hub.read("active_directory_computer")
    assert record["userCertificate"] == "MMKCAf8="


def test_folders_of_both_branches_once_each(campus: CampusEditor, hub: Hub) -> None:
    folders = [LABS, f"OU=abc-synth,OU=Physics\\, Applied,{LABS}", DESKS, f"OU=Desk,{DESKS}"]
    outside = [COLLEGE, f"OU=Else,OU=Elsewhere,{COLLEGE}", f"OU=Research,{ROOT}"]
    campus.put(
        "active_directory",
        "organizational_unit",
        *(folder(dn, n) for n, dn in enumerate([*folders, *outside])),
    )
    found = hub.read("active_directory_organizational_unit")
    assert sorted(record["dn"] for record in found) == sorted(folders)


def test_a_folder_moved_while_the_branches_are_read_is_one() -> None:
    class Moving:
        def entries(self, filter: str, names: Any, *, below: str) -> Iterator[LdapEntry]:
            key = uuid.UUID(guid("organizationalUnit", 1)).bytes_le
            yield LdapEntry(f"OU=Lab,{below}".encode(), [(b"objectGUID", [key])])

    pages = list(read_organizational_units(Moving(), ReadRequest(DAY)))  # type: ignore[arg-type]
    [record] = [json.loads(record) for page in pages for record in page.records]
    assert record["dn"] == "OU=Lab,OU=Workstations,OU=LSA,OU=Organizations"
