"""From bytes on the wire to records."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.entries import sid_bytes
from lsats_pipeline.hub.sources import ldap_records
from lsats_pipeline.hub.sources.ldap_records import (
    RANGE,
    LdapEntry,
    RecordShape,
    filetime,
    generalized_time,
    guid,
    read_entry,
    sid,
    text,
)


def encoded(dn: bytes, attributes: list[tuple[bytes, list[bytes]]]) -> bytes:
    listed = [
        ber.element(ber.SEQUENCE, ber.element(ber.OCTETS, name), ber.octets_set(values))
        for name, values in attributes
    ]
    return ber.element(ber.OCTETS, dn) + ber.element(ber.SEQUENCE, *listed)


VALUE = st.binary(max_size=40) | st.integers(100, 70_000).map(bytes)
NAME = st.sampled_from([b"cn", b"ou", b"description", b"x" * 130])


@given(st.binary(max_size=200), st.lists(st.tuples(NAME, st.lists(VALUE, max_size=5)), max_size=6))
def test_entries_are_read_as_they_were_written(
    dn: bytes, attributes: list[tuple[bytes, list[bytes]]]
) -> None:
    entry = read_entry(encoded(dn, attributes), 0)
    assert entry.dn == dn
    assert list(entry.attributes) == attributes
    assert list(entry.attributes) == attributes  # a second time as well


@given(st.text())
def test_any_text_survives(value: str) -> None:
    assert json.loads(text(value.encode("utf-8", "surrogatepass"))) == value if _valid(value) else 1


def _valid(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def test_a_bad_byte_stays_in_its_text() -> None:
    assert text(b"a\xffb") == b'"a\xffb"'
    assert text(b"a\x00b") == b'"a\\u0000b"'


def test_shape_of_a_record() -> None:
    shape = RecordShape({"cn": text, "ou": text, "mail": text, "objectGUID": guid})
    entry = LdapEntry(
        b"uid=a,dc=b",
        [
            (b"CN", [b"one"]),
            (b"ou", [b"b", b"a"]),
            (b"mail", []),
            (b"unicodePwd", [b"secret"]),
            (b"objectGUID", [bytes(range(16))]),
        ],
    )
    assert json.loads(shape.record(entry)) == {
        "dn": "uid=a,dc=b",
        "cn": "one",
        "ou": ["b", "a"],
        "objectGUID": "03020100-0504-0706-0809-0a0b0c0d0e0f",
    }


@pytest.mark.parametrize(
    "dn",
    [
        "CN=twin\\0ACNF:5f1c0a44-0000-4000-8000-000000000001,OU=x",  # a conflict of replication
        "CN=gone\\0ADEL:5f1c0a44-0000-4000-8000-000000000002,CN=Deleted Objects,DC=x",
        "CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,DC=x",
        'CN=a\\, b \\+ \\"c\\"\nd\t😀,OU=é',
    ],
)
def test_distinguished_names_stay_as_they_are(dn: str) -> None:
    shape = RecordShape({"member": text, "name": text})
    name = "twin\nCNF:5f1c0a44-0000-4000-8000-000000000001"
    entry = LdapEntry(dn.encode(), [(b"member", [dn.encode()] * 2), (b"name", [name.encode()])])
    assert json.loads(shape.record(entry)) == {"dn": dn, "member": [dn, dn], "name": name}


@given(st.uuids())
def test_guid(value: uuid.UUID) -> None:
    assert json.loads(guid(value.bytes_le) or b"") == str(value)


def test_sid() -> None:
    known = "S-1-5-21-1004336348-1177238915-682003330-4294967295"
    assert json.loads(sid(sid_bytes(known)) or b"") == known


def test_times() -> None:
    assert generalized_time(b"20260102030405.0Z") == b'"2026-01-02T03:04:05Z"'
    assert generalized_time(b"20260102030405Z") == b'"2026-01-02T03:04:05Z"'
    assert generalized_time(b"20260102030405.120Z") == b'"2026-01-02T03:04:05.12Z"'
    assert generalized_time(b"16010101000000.0Z") is None
    assert filetime(b"134117966450000000") == b'"2026-01-02T03:04:05Z"'
    assert filetime(b"134117966450000001") == b'"2026-01-02T03:04:05.0000001Z"'
    assert filetime(b"0") is None
    assert filetime(str(2**63 - 1).encode()) is None


@given(st.datetimes(dt.datetime(1601, 1, 2), dt.datetime(9999, 1, 1)))
def test_filetimes_are_exact(moment: dt.datetime) -> None:
    steps = (moment - dt.datetime(1601, 1, 1)) // dt.timedelta(microseconds=1) * 10
    written = json.loads(filetime(str(steps).encode()) or b"")
    assert dt.datetime.fromisoformat(written) == moment.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("decode", [guid, sid, generalized_time, filetime])
@pytest.mark.parametrize("value", [b"", b"x", b"\xff\xfe", b"99999999999999999999", b"-"])
def test_values_of_another_kind_stay_as_sent(decode: ldap_records.Decode, value: bytes) -> None:
    assert decode(value) == text(value)


def test_partial_attributes_are_noticed() -> None:
    entry = read_entry(encoded(b"cn=a", [(b"memberOf" + RANGE + b"0-1", [b"a", b"b"])]), 0)
    assert entry.has_ranges
    assert not read_entry(encoded(b"cn=a", [(b"memberOf", [b"a"])]), 0).has_ranges
