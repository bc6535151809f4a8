"""Active Directory: paged to the end, or an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsats_pipeline.core.errors import IncompleteRead, TransientError
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.active_directory import client as active_directory
from lsats_pipeline.hub.sources.active_directory import shapes
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


def test_a_connection_cut_mid_way(
    connect: Connect, campus: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_directory, "PAGE", 50)
    campus.fault("ldap_cut", directory="active_directory", after_entries=120, times=1)
    with pytest.raises(TransientError, match="Active Directory"):
        pages(STREAM, connect("active_directory"))


def test_no_password_material_is_asked_for() -> None:
    every = (shapes.PERSON, shapes.GROUP, shapes.COMPUTER, shapes.ORGANIZATIONAL_UNIT)
    names = [name.lower() for shape in every for name in shape.names]
    assert "*" not in names
    found = {name for name in names if any(word in name for word in SECRET)}
    assert found == {"ms-mcs-admpwdexpirationtime", "mslaps-passwordexpirationtime"}
