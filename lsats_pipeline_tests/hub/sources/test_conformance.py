"""Every member of the registry, held to what a source promises.

A source is read here from the answers recorded in its folder, over HTTP and by its own client: no
system, no simulator. The six of the campus are compared with it in test_campus_conformance.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lsats_pipeline.campus.simulators import SYSTEMS
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import CHECKOUT, HubSettings, load
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.sources import SOURCES, detail, source, stream
from lsats_pipeline.hub.sources.recorded import Recording, recording, served
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.source import Detail, Source, Stream
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.sources.conftest import Client, key_of, pages, read

RECORDINGS: dict[str, Recording] = {
    member.system: kept for member in SOURCES if (kept := recording(member)) is not None
}
RECORDED = [pytest.param(s, id=s) for s in RECORDINGS]
DECLARED: list[Stream | Detail] = [
    *(stream for member in SOURCES for stream in member.streams),
    *(detail for member in SOURCES for detail in member.details),
]
KEYS = {
    d.name: RECORDINGS[d.source_system].keys[d.entity_type]
    for d in DECLARED
    if d.source_system in RECORDINGS and d.entity_type in RECORDINGS[d.source_system].keys
}
STREAMS = [pytest.param(d, id=d.name) for d in DECLARED if isinstance(d, Stream) and d.name in KEYS]
DETAILS = [pytest.param(d, id=d.name) for d in DECLARED if isinstance(d, Detail) and d.name in KEYS]
EVERY_SOURCE = pytest.mark.parametrize("member", SOURCES, ids=lambda member: member.system)

Connect = Callable[[str], Client]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connects to what is recorded of a system as the hub would to the system."""
    with ExitStack() as stack:

        def to(system: str) -> Client:
            for name, value in stack.enter_context(served(RECORDINGS[system])).items():
                monkeypatch.setenv(name, value)
            return stack.enter_context(source(system).connect(load(source(system).settings)))

        yield to


def variable(member: Source, field: str) -> str:
    return f"{member.settings.model_config.get('env_prefix', '')}{field}".upper()


# ── what is declared ──────────────────────────────────────────────────────────────────────────────


def test_every_folder_is_registered() -> None:
    folder = CHECKOUT / "lsats_pipeline" / "hub" / "sources"
    folders = {path.parent.name for path in folder.glob("*/streams.py")}
    assert folders == {member.connect.__module__.split(".")[-2] for member in SOURCES}
    for name in folders:
        assert {path.name for path in (folder / name).glob("*.py")} >= {
            "__init__.py",
            "client.py",
            "settings.py",
        }


def test_names_are_unique_and_found() -> None:
    streams = [s for member in SOURCES for s in member.streams]
    details = [d for member in SOURCES for d in member.details]
    assert all(stream(s.name) is s for s in streams)
    assert all(detail(d.name) is d for d in details)
    assert all(source(member.system) is member for member in SOURCES)
    names = [*(s.name for s in streams), *(d.name for d in details)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("look_up", [source, stream, detail])
def test_an_unknown_name_is_answered_with_the_known_ones(look_up: Callable[[str], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"known: .*tdx"):
        look_up("tdy_user")


@EVERY_SOURCE
def test_people_can_read_what_it_is(member: Source) -> None:
    """Titles, docstrings and descriptions become what the UI and `lsats doctor` show."""
    assert member.title
    assert all(s.read.__doc__ for s in member.streams)
    assert all(field.description for field in member.settings.model_fields.values())


def test_no_two_sources_have_a_variable_in_common() -> None:
    own = [m for m in SOURCES if not issubclass(m.settings, DocumentSettings)]
    names = Counter(variable(m, field) for m in own for field in m.settings.model_fields)
    assert [name for name, times in names.items() if times > 1] == []


@EVERY_SOURCE
def test_settings_are_there_as_a_whole_or_not_at_all(
    member: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not load(member.settings).configured
    required = [variable(member, field) for field in member.settings.required]
    assert all(name in load(member.settings).remedy for name in required)
    for name in required if len(required) > 1 else ():
        with monkeypatch.context() as patch, pytest.raises(ConfigurationError) as refused:
            patch.setenv(name, "http://127.0.0.1:9")
            load(member.settings)
        assert all(other in str(refused.value) for other in required if other != name)


# ── what is recorded ──────────────────────────────────────────────────────────────────────────────


@EVERY_SOURCE
def test_every_stream_can_be_tried(member: Source) -> None:
    """On the campus, or on what is recorded in `recorded/<entity type>.json`."""
    simulated = SYSTEMS.get(member.system, frozenset())
    lacking = {s.name for s in member.streams if s.entity_type not in simulated} - KEYS.keys()
    lacking |= {d.name for d in member.details if d.of.entity_type not in simulated} - KEYS.keys()
    assert lacking == set(), "record a page of it"


@pytest.mark.parametrize("system", RECORDED)
def test_what_is_recorded_is_declared(system: str) -> None:
    member, recorded = source(system), RECORDINGS[system]
    declared = {d.entity_type for d in DECLARED if d.source_system == member.system}
    assert recorded.keys.keys() <= declared
    assert recorded.variables.keys() <= {variable(member, f) for f in member.settings.model_fields}
    assert all(recorded.keys.values()), "an empty recording proves nothing"


@pytest.mark.parametrize("system", RECORDED)
def test_probe(system: str, connect: Connect) -> None:
    assert source(system).probe(connect(system)).startswith("answers")


@pytest.mark.parametrize("declared", STREAMS)
def test_a_read_delivers_the_recorded_records_as_they_came(
    declared: Stream, connect: Connect
) -> None:
    records = read(declared.name, connect(declared.source_system))
    keys = [key_of(record, declared) for record in records]
    assert sorted(map(str, keys)) == sorted(KEYS[declared.name])
    answers = [exchange.answer for exchange in RECORDINGS[declared.source_system].exchanges]
    assert all(any(record in answer for answer in answers) for record in records)


@pytest.mark.parametrize("declared", STREAMS)
def test_a_broken_off_read_goes_on_from_every_position(declared: Stream, connect: Connect) -> None:
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
def test_details(declared: Detail, connect: Connect) -> None:
    client = connect(declared.source_system)
    for key in KEYS[declared.name]:
        record = declared.fetch(client, key)
        assert record is not None
        assert key_of(record, declared) == key
    assert declared.fetch(client, "00000000-0000-0000-0000-000000000000") is None


@pytest.mark.parametrize("declared", STREAMS)
def test_bronze_takes_the_recorded_records_in_once(
    declared: Stream, connect: Connect, warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    client = connect(declared.source_system)
    first, second = (
        ingest(warehouse, hub_settings, declared, lambda: client, hub_settings.today())
        for _ in range(2)
    )
    expected = len(KEYS[declared.name])
    assert (first.counts.created, first.counts.rejected) == (expected, 0)
    assert (second.counts.changed, second.counts.skipped) == (0, expected)
