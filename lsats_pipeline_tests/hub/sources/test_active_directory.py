"""Active Directory: paged to the end, or an error."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from lsats_pipeline.core.errors import IncompleteRead, TransientError
from lsats_pipeline.hub.sources import source, stream
from lsats_pipeline.hub.sources.active_directory import client as active_directory
from lsats_pipeline.hub.sources.active_directory import shapes
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.sources.conftest import Client, Served, field, pages, read

STREAM = "active_directory_user"
SECRET = ("unicodepwd", "userpassword", "mslaps", "ms-laps", "admpwd", "managedpassword")
Connect = Callable[..., Client]


def test_every_page(connect: Connect, campus: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_directory, "PAGE", 50)
    records = read(STREAM, connect("active_directory"))
    known = campus.records(STREAM)
    assert len(records) == len(known) > 50
    assert {field(record, "objectGUID") for record in records} == set(known)


def test_what_moves_without_meaning_is_there_but_volatile(connect: Connect) -> None:
    record = read(STREAM, connect("active_directory"))[0]
    moving = [name for name in stream(STREAM).volatile if field(record, name) is not None]
    assert len(moving) > 5
    assert "lastLogonTimestamp" not in stream(STREAM).volatile


@pytest.mark.parametrize("entries", [10, 120])
def test_a_size_limit_is_an_incomplete_read(
    entries: int, connect: Connect, campus: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_directory, "PAGE", 50)
    campus.fault("ldap_size_limit", directory="active_directory", entries=entries)
    with pytest.raises(IncompleteRead, match=r"Active Directory.*sizeLimitExceeded"):
        pages(STREAM, connect("active_directory"))


@pytest.mark.parametrize("bytes_of_the_next", [0, 9])
def test_a_connection_cut_ten_times_costs_nothing(
    bytes_of_the_next: int,
    connect: Connect,
    campus: Served,
    monkeypatch: pytest.MonkeyPatch,
    waits: Waits,
) -> None:
    """Cookies die with the connection: the search begins again, and nobody comes twice."""
    monkeypatch.setattr(active_directory, "PAGE", 50)
    places = random.Random(5).sample(range(len(campus.records(STREAM))), 10)
    for number, place in enumerate(places):
        cut = {"after_entries": place, "bytes": bytes_of_the_next, "times": 1}
        campus.fault(f"ldap_cut:{number}", directory="active_directory", **cut)
    records = read(STREAM, connect("active_directory", clock=waits.clock))
    found = [field(record, "objectGUID") for record in records]
    assert sorted(found) == sorted(campus.records(STREAM))
    assert len(waits.slept) == 10


def test_a_connection_that_is_always_cut_ends_the_read(
    connect: Connect, campus: Served, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    monkeypatch.setattr(active_directory, "PAGE", 50)
    campus.fault("ldap_cut", directory="active_directory", after_entries=120)
    with pytest.raises(TransientError, match=r"lost.*12 times in a row after .* 120 entries"):
        pages(STREAM, connect("active_directory", clock=waits.clock))
    assert len(waits.slept) == 11


@pytest.mark.parametrize("code", [2, 12, 53])
def test_a_cookie_that_the_server_forgot(
    code: int, connect: Connect, campus: Served, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    monkeypatch.setattr(active_directory, "PAGE", 50)
    campus.fault("ldap_cookie_gone", directory="active_directory", code=code, times=3)
    records = read(STREAM, connect("active_directory", clock=waits.clock))
    assert len(records) == len(campus.records(STREAM))
    assert len(waits.slept) == 3


@pytest.mark.parametrize("code", [2, 12, 53])
def test_a_server_without_pages(code: int, connect: Connect, campus: Served) -> None:
    campus.fault("ldap_no_paging", directory="active_directory", code=code)
    client = connect("active_directory")
    records = read(STREAM, client)
    assert len(records) == len(campus.records(STREAM))
    said = source("active_directory").probe(client)
    assert said == f"answers; {len(records):,} accounts, read in one search"


def test_the_probe_fails_as_a_read_does(connect: Connect, campus: Served) -> None:
    client = connect("active_directory")
    known = len(campus.records(STREAM))
    probe = source("active_directory").probe
    assert probe(client) == f"answers; {known:,} accounts, read in pages"
    campus.fault("ldap_size_limit", directory="active_directory", entries=100)
    with pytest.raises(IncompleteRead) as probed:
        probe(client)
    with pytest.raises(IncompleteRead) as read:
        pages(STREAM, client)
    assert str(probed.value) == str(read.value)


def test_no_password_material_is_asked_for() -> None:
    every = (shapes.PERSON, shapes.GROUP, shapes.COMPUTER, shapes.ORGANIZATIONAL_UNIT)
    names = [name.lower() for shape in every for name in shape.names]
    assert "*" not in names
    found = {name for name in names if any(word in name for word in SECRET)}
    assert found == {"ms-mcs-admpwdexpirationtime", "mslaps-passwordexpirationtime"}
