"""MCommunity: everybody, past the limit of 350 entries per search."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.hub.sources import source
from lsats_pipeline.hub.sources.ldap import Directory
from lsats_pipeline_tests.clocks import Waits
from lsats_pipeline_tests.hub.sources.conftest import Client, Served, field, pages, read

STREAM = "mcommunity_ldap_user"
Connect = Callable[..., Client]


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The filters of every search that is made."""
    made: list[str] = []
    search = Directory.search

    def noted(self: Directory, base: str, filter: str, *rest: Any, **options: Any) -> Any:
        made.append(filter)
        return search(self, base, filter, *rest, **options)

    monkeypatch.setattr(Directory, "search", noted)
    return made


def test_everybody_past_the_limit(connect: Connect, campus: Served) -> None:
    known = campus.records(STREAM)
    assert len(known) > 350
    records = read(STREAM, connect("mcommunity_ldap"))
    assert len(records) == len(known)
    assert len({field(record, "uid") for record in records}) == len(known)


def test_the_second_read_knows_where_to_cut(
    connect: Connect, campus: Served, searches: list[str]
) -> None:
    left: list[Any] = []
    client = connect("mcommunity_ldap")
    first = read(STREAM, client, leave_hints=left.append)
    (hints,) = left
    searches.clear()
    assert sorted(read(STREAM, client, hints=hints)) == sorted(first)
    # Three ranges, two to try the order, one for those without uid.
    assert len(searches) == len(hints["boundaries"]) + 1 + 3


def test_a_smaller_limit_only_costs_more(connect: Connect, campus: Served) -> None:
    campus.fault("ldap_size_limit", directory="mcommunity_ldap", entries=20)
    assert len(read(STREAM, connect("mcommunity_ldap"))) == len(campus.records(STREAM))


def test_a_limit_too_small_to_read_anything(connect: Connect, campus: Served) -> None:
    campus.fault("ldap_size_limit", directory="mcommunity_ldap", entries=1)
    campus.fault("ldap_no_rule", directory="mcommunity_ldap", rules=["substring"])
    left: list[Any] = []
    with pytest.raises(IncompleteRead, match="MCommunity"):
        pages(STREAM, connect("mcommunity_ldap"), leave_hints=left.append)
    assert left == []


NO_ORDER = {"rules": ["ordering"]}
STRATEGIES: list[tuple[dict[str, dict[str, Any]], str]] = [
    ({"ldap_size_limit": {"entries": 0}}, "in one search"),
    ({"ldap_size_limit": {"entries": 100, "pages": True}}, "in pages"),
    ({}, "in ranges"),
    ({"ldap_no_paging": {"code": 53}}, "in ranges"),
    ({"ldap_no_rule": NO_ORDER}, "by beginnings"),
    ({"ldap_no_rule": NO_ORDER, "ldap_no_paging": {}}, "by beginnings"),
]


@pytest.mark.parametrize(("faults", "title"), STRATEGIES)
def test_every_temper_of_a_server(
    faults: dict[str, dict[str, Any]], title: str, connect: Connect, campus: Served, waits: Waits
) -> None:
    """The probe says how it is read; cut ten times on the way, everybody comes once."""
    for name, setting in faults.items():
        campus.fault(name, directory="mcommunity_ldap", **setting)
    client = connect("mcommunity_ldap", clock=waits.clock)
    assert f"people are read {title}" in source("mcommunity_ldap").probe(client)
    for number, place in enumerate(random.Random(5).sample(range(100), 10)):
        cut = {"after_entries": place, "bytes": number * 7, "times": 1}
        campus.fault(f"ldap_cut:{number}", directory="mcommunity_ldap", **cut)
    records = read(STREAM, client)
    assert len(waits.slept) == 10
    assert len(records) == len(campus.records(STREAM))
    assert len({field(record, "uid") for record in records}) == len(records)


def test_the_probe_fails_as_a_read_does(connect: Connect, campus: Served) -> None:
    campus.fault("ldap_no_rule", directory="mcommunity_ldap", rules=["ordering", "substring"])
    client = connect("mcommunity_ldap")
    with pytest.raises(IncompleteRead, match="MCOMMUNITY_LDAP_USER") as read:
        pages(STREAM, client)
    with pytest.raises(IncompleteRead) as probed:
        source("mcommunity_ldap").probe(client)
    assert str(probed.value) == str(read.value)


def test_a_connection_cut_ten_times_costs_nothing(
    connect: Connect, campus: Served, waits: Waits
) -> None:
    for number, place in enumerate(random.Random(5).sample(range(200), 10)):
        cut = {"after_entries": place, "bytes": number * 7, "times": 1}
        campus.fault(f"ldap_cut:{number}", directory="mcommunity_ldap", **cut)
    records = read(STREAM, connect("mcommunity_ldap", clock=waits.clock))
    assert len(records) == len(campus.records(STREAM))
    assert len({field(record, "uid") for record in records}) == len(records)
    assert len(waits.slept) == 10
