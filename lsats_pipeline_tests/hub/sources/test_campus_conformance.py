"""The six systems of the campus: the hub reads what they know, through their own protocols."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lsats_pipeline.campus.simulators import SYSTEMS
from lsats_pipeline.hub.sources import source
from lsats_pipeline.hub.sources.active_directory import shapes as active_directory
from lsats_pipeline.hub.sources.ldap_records import RecordShape
from lsats_pipeline.hub.sources.mcommunity import shapes as mcommunity
from lsats_pipeline.hub.sources.source import Detail, Stream
from lsats_pipeline_tests.campus.systems import DETAILS_OF_CAMPUS, STREAMS_OF_CAMPUS
from lsats_pipeline_tests.hub.sources.conftest import Client, Served, key_of, lenient, pages, read

STREAMS = [pytest.param(s, id=s.name) for s in STREAMS_OF_CAMPUS]
DETAILS = [pytest.param(d, id=d.name) for d in DETAILS_OF_CAMPUS]
LDAP = {"mcommunity_ldap", "active_directory"}
SHAPES: dict[str, RecordShape] = {
    "mcommunity_ldap_user": mcommunity.PERSON,
    "mcommunity_ldap_group": mcommunity.GROUP,
    "active_directory_user": active_directory.PERSON,
    "active_directory_group": active_directory.GROUP,
    "active_directory_computer": active_directory.COMPUTER,
    "active_directory_organizational_unit": active_directory.ORGANIZATIONAL_UNIT,
}
FILETIMES = (
    "pwdLastSet", "accountExpires", "lockoutTime", "lastLogonTimestamp",
    "ms-Mcs-AdmPwdExpirationTime", "msLAPS-PasswordExpirationTime",
)  # fmt: skip
NEVER = dict.fromkeys(FILETIMES, ("0", str(2**63 - 1)))

Connect = Callable[[str], Client]


@pytest.mark.parametrize("system", SYSTEMS)
def test_probe(system: str, connect: Connect) -> None:
    assert source(system).probe(connect(system)).startswith("answers")


@pytest.mark.parametrize("declared", STREAMS)
def test_a_read_delivers_what_the_system_knows(
    declared: Stream, connect: Connect, campus: Served
) -> None:
    records = read(declared.name, connect(declared.source_system))
    known = campus.records(declared.name)
    assert len(records) == len(known) > 0
    if declared.source_system in LDAP:
        asked_for = SHAPES[declared.name].names
        expected = {_flat(wire, asked_for) for wire in known.values()}
        assert {_comparable(record, declared) for record in records} == expected
    elif declared.documents:
        expected = {_comparable(wire, declared) for wire in known.values()}
        assert {_comparable(record, declared) for record in records} == expected
    else:
        assert set(records) == set(known.values())


@pytest.mark.parametrize("declared", STREAMS)
def test_the_key_identifies_the_records(declared: Stream, connect: Connect, campus: Served) -> None:
    records = read(declared.name, connect(declared.source_system))
    keys = [key_of(record, declared) for record in records]
    present = [key for key in keys if key is not None]
    assert len(set(present)) == len(present) >= 0.9 * len(records)
    assert set(present) <= set(campus.records(declared.name))


@pytest.mark.parametrize("declared", STREAMS)
def test_a_broken_off_read_goes_on_from_every_position(
    declared: Stream, connect: Connect, campus: Served
) -> None:
    client = connect(declared.source_system)
    before: set[bytes] = set()
    whole = pages(declared.name, client)
    everything = {record for page in whole for record in page.records}
    for page in whole:
        before |= set(page.records)
        if page.position is not None:
            rest = read(declared.name, client, resume_after=page.position)
            assert before | set(rest) == everything


@pytest.mark.parametrize("declared", DETAILS)
def test_details(declared: Detail, connect: Connect, campus: Served) -> None:
    client = connect(declared.source_system)
    expected = campus.details(declared.source_system, declared.of.entity_type)
    absent = [key for key, wire in expected.items() if wire is None][:3]
    for key in [*list(expected)[:15], *absent]:
        assert declared.fetch(client, key) == expected[key]
    assert declared.fetch(client, "00000000-0000-0000-0000-000000000000") is None


def _comparable(record: bytes, declared: Stream) -> str:
    """A record without what only the wire adds, in one spelling; empty cells are no values."""
    loaded = {k: v for k, v in lenient(record).items() if k not in declared.volatile}
    if declared.documents:
        loaded = {" ".join(k.split()): _cell(v) for k, v in loaded.items() if v not in (None, "")}
    return json.dumps(loaded, sort_keys=True)


def _cell(value: Any) -> Any:
    """A time of a spreadsheet in the spelling of the hub."""
    is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value)
    return value.replace(" ", "T") if is_time else value


def _flat(wire: bytes, asked_for: Sequence[str]) -> str:
    """The record that the hub must make of what a directory knows."""
    entry: dict[str, Any] = lenient(wire)
    record = {"dn": entry["dn"]}
    for name, values in entry["attributes"].items():
        kept = [
            _value(name, v) for v in values if name in asked_for and v not in NEVER.get(name, ())
        ]
        if kept:
            record[name] = kept if len(kept) > 1 else kept[0]
    return json.dumps(record, sort_keys=True)


def _value(name: str, value: str) -> str:
    if name == "whenCreated":
        return f"{dt.datetime.strptime(value, '%Y%m%d%H%M%S.0Z').isoformat()}Z"
    if name in FILETIMES:
        since = dt.timedelta(microseconds=int(value) / 10)
        return f"{(dt.datetime(1601, 1, 1) + since).isoformat()}Z"
    return value
