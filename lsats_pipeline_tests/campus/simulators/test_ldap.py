"""Both directories, through ldap3 and through a bare socket."""

from __future__ import annotations

import datetime as dt
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.protocol.formatters.formatters import format_sid

from lsats_pipeline_tests.campus.simulators.conftest import DAY, CampusEditor, connect

PEOPLE = "ou=People,dc=umich,dc=edu"
ROOT = "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu"
PAGED = "1.2.840.113556.1.4.319"
SID = "S-1-5-21-1004336348-1177238915-682003330-{}"


def member(number: int, **attributes: list[str]) -> tuple[str, str, dict[str, object]]:
    uid = f"synth{number:05d}"
    key = str(uuid.UUID(int=number * 2**96 + 7).int % 10**9)  # no order in common with the uid
    values = {"uid": [uid], "uidNumber": [key], "objectClass": ["top", "person"], **attributes}
    return key, uid, {"dn": f"uid={uid},{PEOPLE}", "attributes": values}


def account(number: int, **attributes: list[str]) -> tuple[str, str, dict[str, object]]:
    guid, cn = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))), f"synth{number:05d}"
    values = {
        "cn": [cn],
        "objectClass": ["top", "person", "user"],
        "objectGUID": [guid],
        "objectSid": [SID.format(number)],
        **attributes,
    }
    return guid, cn, {"dn": f"CN={cn},OU=Accounts,{ROOT}", "attributes": values}


def entries(connection: ldap3.Connection) -> list[dict[str, Any]]:
    return [entry for entry in connection.response if entry["type"] == "searchResEntry"]


def uids(
    connection: ldap3.Connection, criteria: str, base: str = PEOPLE, **options: Any
) -> list[str]:
    connection.search(base, criteria, **{"attributes": ["uid"], **options})
    return [entry["attributes"]["uid"][0] for entry in entries(connection)]


def paged(connection: ldap3.Connection, criteria: str, size: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cookie: bytes | None = b""
    while cookie is not None:
        connection.search(ROOT, criteria, attributes=["*"], paged_size=size, paged_cookie=cookie)
        found += entries(connection)
        cookie = connection.result["controls"][PAGED]["value"]["cookie"] or None
    return found


def test_a_search_is_cut_at_350_in_no_order(
    campus: CampusEditor, mcommunity: ldap3.Connection
) -> None:
    campus.put("mcommunity_ldap", "user", *(member(n) for n in range(400)))
    found = uids(mcommunity, "(uid=*)")
    assert mcommunity.result["description"] == "sizeLimitExceeded"
    assert len(set(found)) == 350
    assert found != sorted(found)
    assert found == uids(mcommunity, "(uid=*)")


def test_exactly_350_are_not_too_many(campus: CampusEditor, mcommunity: ldap3.Connection) -> None:
    campus.put("mcommunity_ldap", "user", *(member(n) for n in range(350)))
    assert len(uids(mcommunity, "(uid=*)")) == 350
    assert mcommunity.result["description"] == "success"


def test_pages_do_not_get_past_the_cap(campus: CampusEditor, mcommunity: ldap3.Connection) -> None:
    campus.put("mcommunity_ldap", "user", *(member(n) for n in range(400)))
    cookie, sizes = b"", []
    while True:
        sizes.append(len(uids(mcommunity, "(uid=*)", paged_size=100, paged_cookie=cookie)))
        cookie = mcommunity.result["controls"][PAGED]["value"]["cookie"]
        if not cookie:
            break
    assert sizes == [100, 100, 100, 50]
    assert mcommunity.result["description"] == "sizeLimitExceeded"


def test_ranges_of_uid_give_everybody(campus: CampusEditor, mcommunity: ldap3.Connection) -> None:
    campus.put("mcommunity_ldap", "user", *(member(n) for n in range(1000)))
    found = []
    for start in range(0, 1000, 250):
        found += uids(mcommunity, f"(&(uid>=SYNTH{start:05d})(uid<=synth{start + 249:05d}))")
        assert mcommunity.result["description"] == "success"
    assert sorted(found) == [member(n)[1] for n in range(1000)]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("(uid=*)", [1, 2, 3, 4]),
        ("(uid=synth00002)", [2]),
        ("(UID=SYNTH00002)", [2]),
        ("(uidNumber>=0)", [1, 2, 3, 4]),
        ("(uid>=synth00003)", [3, 4]),
        ("(uid<=synth00001)", [1]),
        ("(uid=synth0000*)", [1, 2, 3, 4]),
        ("(uid=*3)", [3]),
        ("(uid=s*th*4)", [4]),
        ("(uid=syn%*)", []),
        ("(!(uid=synth0000*))", []),
        ("(&(uid=*)(!(uid>=synth00002)))", [1]),
        ("(|(uid=synth00001)(sn=Probe))", [1, 3]),
        ("(sn=PROBE)", [3]),
        ("(sn=*)", [3, 4]),
        ("(!(sn=*))", [1, 2]),
        ("(&(objectClass=person)(sn=p*))", [3, 4]),
        ("(&(uid=synth*)(!(sn=pr*e)))", [1, 2, 4]),
        ("(gidNumber>=10)", [4]),
        ("(gidNumber<=9)", [2]),
        ("(ou=Alumni)", [2]),
        ("(unknown=x)", []),
    ],
)
def test_filters(
    campus: CampusEditor, mcommunity: ldap3.Connection, criteria: str, expected: list[int]
) -> None:
    campus.put(
        "mcommunity_ldap",
        "user",
        member(1),
        member(2, gidNumber=["9"], ou=["Sample Unit", "Alumni"]),
        member(3, sn=["Probe"]),
        member(4, sn=["Prüfer"], gidNumber=["10"]),
    )
    assert sorted(uids(mcommunity, criteria)) == [member(n)[1] for n in expected]


def test_a_person_without_a_uid_is_absent_from_uid_searches(
    campus: CampusEditor, mcommunity: ldap3.Connection
) -> None:
    nameless = {"dn": f"cn=x,{PEOPLE}", "attributes": {"cn": ["x"]}}
    campus.put("mcommunity_ldap", "user", member(1), ("5", "", nameless))
    assert uids(mcommunity, "(uid=*)") == uids(mcommunity, "(uid<=t)") == [member(1)[1]]
    assert mcommunity.search(PEOPLE, "(cn=x)")


def test_attributes_are_chosen(campus: CampusEditor, mcommunity: ldap3.Connection) -> None:
    campus.put("mcommunity_ldap", "user", member(1, ou=["Alumni", "Sample Unit"]))
    for wanted, expected in {
        ("ou", "DN"): {"ou"},
        ("*",): {"ou", "uid", "uidNumber", "objectClass"},
        ("1.1",): set(),
    }.items():
        mcommunity.search(PEOPLE, "(uid=*)", attributes=list(wanted))
        raw = entries(mcommunity)[0]["raw_attributes"]
        assert {name for name in raw if raw[name]} == expected
    mcommunity.search(PEOPLE, "(uid=*)", attributes=["OU"])
    assert entries(mcommunity)[0]["raw_attributes"]["ou"] == [b"Alumni", b"Sample Unit"]


@pytest.mark.parametrize(
    ("base", "scope", "found"),
    [
        ("dc=umich,dc=edu", ldap3.SUBTREE, 2),
        ("DC=umich,DC=edu", ldap3.SUBTREE, 2),
        ("dc=umich,dc=edu", ldap3.LEVEL, 0),
        (PEOPLE, ldap3.LEVEL, 2),
        (f"uid=synth00001,{PEOPLE}", ldap3.BASE, 1),
        (f"uid=SYNTH00001,{PEOPLE}", ldap3.SUBTREE, 1),
        ("ou=Groups,dc=umich,dc=edu", ldap3.SUBTREE, 0),
    ],
)
def test_scopes(
    campus: CampusEditor, mcommunity: ldap3.Connection, base: str, scope: str, found: int
) -> None:
    campus.put("mcommunity_ldap", "user", member(1), member(2))
    assert len(uids(mcommunity, "(uid=*)", base, search_scope=scope)) == found


@pytest.mark.parametrize("base", ["dc=elsewhere", f"uid=nobody,{PEOPLE}"])
def test_there_is_nothing_elsewhere(mcommunity: ldap3.Connection, base: str) -> None:
    mcommunity.search(base, "(uid=*)", ldap3.BASE)
    assert mcommunity.result["description"] == "noSuchObject"


def test_the_tree_can_be_probed(mcommunity: ldap3.Connection) -> None:
    assert mcommunity.search("dc=umich,dc=edu", "(objectClass=*)", ldap3.BASE)
    mcommunity.search("", "(objectClass=*)", ldap3.BASE, attributes=["*"])
    assert entries(mcommunity)[0]["raw_attributes"]["supportedControl"] == [PAGED.encode()]


def test_a_clients_own_limit_is_kept(campus: CampusEditor, mcommunity: ldap3.Connection) -> None:
    campus.put("mcommunity_ldap", "user", *(member(n) for n in range(10)))
    assert len(uids(mcommunity, "(uid=*)", size_limit=3)) == 3
    assert mcommunity.result["description"] == "sizeLimitExceeded"


@pytest.mark.parametrize("prefix", ["MCOMMUNITY_LDAP_", "AD_"])
def test_wrong_passwords_and_strangers(campus: CampusEditor, prefix: str) -> None:
    url = prefix.removesuffix("LDAP_") + "LDAP_URL"
    env = campus.environment
    with connect(env, url, prefix, password="wrong", auto_bind=False) as wrong:
        assert not wrong.bind()
        assert wrong.result["result"] == 49
    with connect(env, url, prefix, user=None, password=None, auto_bind=False) as stranger:
        assert stranger.bind()
        assert not stranger.search(PEOPLE if "LDAP" in prefix else ROOT, "(cn=*)")
        assert stranger.result["result"] == {"MCOMMUNITY_LDAP_": 50, "AD_": 1}[prefix]


def test_pages_lead_to_the_end(campus: CampusEditor, active_directory: ldap3.Connection) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(2500)))
    found = paged(active_directory, "(&(objectClass=person)(cn=*))", 1000)
    assert sorted(e["attributes"]["cn"][0] for e in found) == [account(n)[1] for n in range(2500)]
    assert active_directory.result["description"] == "success"


def test_the_last_page_may_be_full(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(20)))
    assert len(paged(active_directory, "(cn=*)", 10)) == 20


def test_more_than_a_thousand_need_pages(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(1001)))
    active_directory.search(ROOT, "(cn=*)")
    assert active_directory.result["description"] == "sizeLimitExceeded"
    assert len(entries(active_directory)) == 1000


def test_a_cookie_belongs_to_its_connection(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(20)))
    active_directory.search(ROOT, "(cn=*)", paged_size=5)
    cookie = active_directory.result["controls"][PAGED]["value"]["cookie"]
    with connect(campus.environment, "AD_LDAP_URL", "AD_") as other:
        assert not other.search(ROOT, "(cn=*)", paged_size=5, paged_cookie=cookie)
        assert other.result["description"] == "unwillingToPerform"


def test_identifiers_are_binary(campus: CampusEditor, active_directory: ldap3.Connection) -> None:
    guid, _, record = account(1, sIDHistory=[SID.format(8), SID.format(9)])
    campus.put("active_directory", "user", (guid, "synth00001", record), account(2))
    octets = "".join(f"\\{byte:02x}" for byte in uuid.UUID(guid).bytes_le)
    active_directory.search(ROOT, f"(objectGUID={octets})", attributes=["*"])
    (entry,) = entries(active_directory)
    raw = entry["raw_attributes"]
    assert uuid.UUID(bytes_le=raw["objectGUID"][0]) == uuid.UUID(guid)
    assert format_sid(raw["objectSid"][0]) == SID.format(1)
    assert [format_sid(sid) for sid in raw["sIDHistory"]] == [SID.format(8), SID.format(9)]


def test_volatile_attributes_move_with_the_day(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "user", account(1))

    def now() -> dict[str, Any]:
        active_directory.search(ROOT, "(cn=*)", attributes=["*"])
        return dict(entries(active_directory)[0]["raw_attributes"])

    first, again = now(), now()
    campus.serve(DAY + dt.timedelta(days=1))
    later = now()
    moved = {name for name in first if first[name] != later[name]}
    assert first == again
    assert moved == {
        "whenChanged",
        "uSNChanged",
        "lastLogon",
        "lastLogoff",
        "badPasswordTime",
        "badPwdCount",
        "logonCount",
        "dSCorePropagationData",
    }
    assert active_directory.search(ROOT, f"(whenChanged>={DAY:%Y%m%d}000000.0Z)")
    assert not active_directory.search(ROOT, "(whenChanged>=20300101000000.0Z)")


def test_values_arrive_as_stored(campus: CampusEditor, active_directory: ldap3.Connection) -> None:
    record = account(1, description=["caf\ue0ff"], sn=["a\0b"], title=["x" * 611, "Prüfer"])
    campus.put("active_directory", "user", record)
    active_directory.search(ROOT, "(cn=*)", attributes=["description", "sn", "title"])
    raw = entries(active_directory)[0]["raw_attributes"]
    assert raw["description"] == [b"caf\xff"]
    assert raw["sn"] == [b"a\0b"]
    assert raw["title"] == [b"x" * 611, "Prüfer".encode()]


def test_a_cut_by_size_spares_no_pages(
    campus: CampusEditor, active_directory: ldap3.Connection
) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(30)))
    campus.fault("ldap_size_limit", directory="active_directory", entries=25)
    assert len(paged(active_directory, "(cn=*)", 10)) == 25
    assert active_directory.result["description"] == "sizeLimitExceeded"


def test_a_connection_is_dropped_on_request(campus: CampusEditor) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(30)))
    campus.fault("ldap_cut", directory="active_directory", after_entries=25, times=1)
    lost = pytest.raises(LDAPExceptionError)
    with connect(campus.environment, "AD_LDAP_URL", "AD_") as broken, lost:
        paged(broken, "(cn=*)", 10)
    with connect(campus.environment, "AD_LDAP_URL", "AD_") as connection:
        assert len(paged(connection, "(cn=*)", 10)) == 30


def test_many_may_read_at_once(campus: CampusEditor) -> None:
    campus.put("active_directory", "user", *(account(n) for n in range(300)))

    def count(_: int) -> int:
        with connect(campus.environment, "AD_LDAP_URL", "AD_") as connection:
            return len(paged(connection, "(cn=*)", 50))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(count, range(12))) == [300] * 12


def test_other_requests_are_declined(mcommunity: ldap3.Connection) -> None:
    assert not mcommunity.delete(f"uid=synth00001,{PEOPLE}")
    assert mcommunity.result["description"] == "protocolError"
    assert mcommunity.search("dc=umich,dc=edu", "(objectClass=*)", ldap3.BASE)


def test_messages_may_come_in_pieces(campus: CampusEditor) -> None:
    host, port = campus.environment["AD_LDAP_URL"].removeprefix("ldap://").split(":")
    bind = bytes.fromhex("300c020101600702010304008000")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        for byte in bind:
            client.sendall(bytes((byte,)))
        assert client.recv(100) == bytes.fromhex("300c02010161070a010004000400")


def test_nonsense_ends_the_connection(campus: CampusEditor) -> None:
    host, port = campus.environment["AD_LDAP_URL"].removeprefix("ldap://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""
