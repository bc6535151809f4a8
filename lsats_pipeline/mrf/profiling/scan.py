"""Every element of a file against the published schema, in parallel processes."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from lsats_pipeline.core.worker_pool import parallel_map
from lsats_pipeline.mrf.profiling.statistics import Example, SchemaFound, Violation
from lsats_pipeline.mrf.provenance.rereading import Indexed, Stretch, stretches
from lsats_pipeline.mrf.schema import published
from lsats_pipeline.mrf.schema.json_schema import json_schema, observed
from lsats_pipeline.mrf.schema.msgspec_types import conforms
from lsats_pipeline.mrf.schema.published import VERSIONS, Version
from lsats_pipeline.mrf.schema.types import Anything, Kind, ListOf, Object
from lsats_pipeline.mrf.schema.validation import Observations, SchemaFault, first_places, validate
from lsats_pipeline.mrf.text.access import Original
from lsats_pipeline.mrf.text.index import HEADER, SECTIONS, Index, LargeElement, Span
from lsats_pipeline.mrf.text.reading import Watcher

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MAX_TEXT = 200


@dataclass
class ScanResult:
    """What one pass over some spans observed, and the first place of each fault."""

    seen: Observations
    firsts: dict[SchemaFault, Example]

    def add(self, other: ScanResult) -> None:
        """Sum up; the first place is the one nearest to the beginning."""
        self.seen.add(other.seen)
        for fault, example in other.firsts.items():
            mine = self.firsts.get(fault)
            if mine is None or example.offset < mine.offset:
                self.firsts[fault] = example


@dataclass(frozen=True)
class _Job:
    original: Original
    spans: tuple[Span, ...]
    version: Version


class SchemaDifferences:
    """How pieces differ from a version; pieces that the typed decoder accepts are not scanned."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._result = ScanResult(Observations(), {})

    def add(self, stretch: Stretch) -> None:
        """One more piece."""
        if not conforms(inside(stretch.span, self._version)[0], stretch.data):
            self._result.add(_scan_piece(stretch, self._version, self._result.firsts))

    def breaking(self, index: Index) -> list[Violation]:
        """What breaks the schema in these pieces, and in all of a file that is not in pieces."""
        result = _header(index, self._version)
        for element in index.large:
            result.add(_large(element, self._version))
        result.add(self._result)
        return _breaking(_found(index, self._version, result).violations)


def breaking(texts: Sequence[bytes], section: str, version: Version) -> list[Violation]:
    """What breaks the schema in these elements."""
    kind, path, seen = published.element(section, version), f"{section}[]", Observations()
    for text in () if conforms(kind, b",".join(texts)) else texts:
        try:
            validate([msgspec.json.decode(text)], kind, path, seen)
        except _FAULTS as error:
            seen.fault(path, "not json", _message_without_offset(error), 1)
    return _breaking(_ranked(seen, {}))


def _breaking(found: list[Violation]) -> list[Violation]:
    return [violation for violation in found if violation.breaks]


def scan_schema(file: Indexed, workers: int = 1, watch: Watcher | None = None) -> SchemaFound:
    """The schema of a file as found, and against the version that fits best."""
    index = file.index
    version = fitting_version(file)
    result = _header(index, version)
    for element in index.large:
        result.add(_large(element, version))
    jobs = [_Job(file.original, spans, version) for spans in _shares(index.spans, workers)]
    for part in parallel_map(_scan_spans, jobs, watch):
        result.add(part)
    return _found(index, version, result)


def fitting_version(file: Indexed) -> Version:
    """The version with the fewest faults in the first pieces; what the file says breaks a tie.

    Stated versions are often wrong (domain/mrf.md 2.1), so the shape counts first.
    """
    index = file.index
    sample = [
        _first_piece(span)
        for section in SECTIONS
        for span in [next((s for s in index.spans if s.section == section), None)]
        if span
    ]
    text = file.original.opened()
    pieces = [(span, text.read(span.begin, span.end)) for span in sorted(sample, key=_begin)]
    text.close()
    stated = 1 if index.scalar("version").startswith(("1", "0")) else 2
    return min(VERSIONS, key=lambda v: (_faults(index, pieces, v), v != stated))


def _faults(index: Index, pieces: list[tuple[Span, bytes]], version: Version) -> int:
    result = _header(index, version)
    for span, data in pieces:
        result.add(_scan_piece(Stretch(span, span.begin, span.first, span.values, data), version))
    # Here members that a version does not know count as much as those that it misses.
    return result.seen.faults.total()


def _first_piece(span: Span) -> Span:
    begin, end, count = span.pieces[0]
    return msgspec.structs.replace(
        span, begin=begin, end=end, values=count, pieces=[(begin, end, count)]
    )


def _begin(span: Span) -> int:
    return span.begin


def _shares(spans: Sequence[Span], workers: int) -> list[tuple[Span, ...]]:
    return [tuple(spans[k::workers]) for k in range(max(1, min(workers, len(spans))))]


def _scan_spans(job: _Job, watch: Watcher | None = None) -> ScanResult:
    result = ScanResult(Observations(), {})
    gc.disable()  # decoded JSON has no cycles
    try:
        for stretch in stretches(job.original.opened(watch), job.spans):
            result.add(_scan_piece(stretch, job.version, result.firsts))
    finally:
        gc.enable()
    return result


def _scan_piece(
    stretch: Stretch, version: Version, known: dict[SchemaFault, Example] | None = None
) -> ScanResult:
    kind, path = inside(stretch.span, version)
    seen = Observations()
    try:
        values = msgspec.json.decode(b"".join((b"[", stretch.data, b"]")))
    except _FAULTS:
        return _scan_values(stretch, kind, path)
    validate(values, kind, path, seen)
    new = seen.faults.keys() - (known or {}).keys()
    return ScanResult(seen, _first_examples(stretch, values, kind, path, new) if new else {})


def inside(span: Span, version: Version) -> tuple[Kind, str]:
    """What the values of a span are, and the path that leads to them."""
    kind = published.element(span.section, version)
    if span.of is None:
        return kind, f"{span.section}[]"
    inner = SECTIONS[span.section]
    member = kind.member(inner)
    assert member is not None
    assert isinstance(member.kind, ListOf)
    return member.kind.item, f"{span.section}[].{inner}[]"


def _first_examples(
    stretch: Stretch, values: list[Any], kind: Kind, path: str, wanted: set[SchemaFault]
) -> dict[SchemaFault, Example]:
    places = stretch.values()
    return {
        fault: _example(stretch, number, *places[number])
        for fault, number in first_places(values, kind, path, wanted)
        if number < len(places)
    }


def _example(stretch: Stretch, number: int, offset: int, text: bytes) -> Example:
    span = stretch.span
    return Example(
        section=span.section,
        element=stretch.first + number if span.of is None else span.of,
        offset=offset,
        text=text[:_MAX_TEXT].decode(errors="backslashreplace"),
    )


def _scan_values(stretch: Stretch, kind: Kind, path: str) -> ScanResult:
    """A piece of which some value is no strict JSON."""
    result = ScanResult(Observations(), {})
    for number, (offset, text) in enumerate(stretch.values()):
        seen, example = Observations(), _example(stretch, number, offset, text)
        try:
            validate([msgspec.json.decode(text)], kind, path, seen)
        except _FAULTS as error:
            seen.fault(path, "not json", _message_without_offset(error), 1)
        result.add(ScanResult(seen, dict.fromkeys(seen.faults, example)))
    return result


def _message_without_offset(error: Exception) -> str:
    return str(error).split(" (byte")[0] if not isinstance(error, RecursionError) else "too deep"


def _header(index: Index, version: Version) -> ScanResult:
    """The values of the top level, and whether the arrays are there."""
    file = "in-network-rates" if index.member("in_network") else "allowed-amounts"
    whole, seen = published.published(file, version), Observations()
    scalars = {
        m.key: msgspec.json.decode(m.text)
        for m in index.members
        if m.text is not None and m.key not in SECTIONS
    }
    validate([scalars], published.header(file, version), "", seen)
    for member in index.members:
        if member.key not in HEADER and member.key not in SECTIONS and member.text is None:
            seen.fault("", "unexpected", member.key, 1)
    for array in whole.members:
        if isinstance(array.kind, ListOf):
            found = index.member(array.name)
            if found is None and array.required:
                seen.fault("", "missing", array.name, 1)
            elif found and not found.elements and array.kind.at_least:
                seen.fault(array.name, "empty", "", 1)
    return ScanResult(seen, {fault: Example(offset=0) for fault in seen.faults})


def _large(element: LargeElement, version: Version) -> ScanResult:
    """An element that was cut inside: its other members. Its inner array has spans of its own."""
    kind, inner, path = (
        published.element(element.section, version),
        SECTIONS[element.section],
        f"{element.section}[]",
    )
    seen = Observations()
    rest = tuple(replace(m, kind=Anything()) if m.name == inner else m for m in kind.members)
    try:
        header: dict[str, Any] = {**msgspec.json.decode(element.header), inner: []}
        validate([header], Object(kind.name, rest, kind.rules), path, seen)
    except _FAULTS as error:
        seen.fault(path, "not json", _message_without_offset(error), 1)
    example = Example(section=element.section, element=element.number, offset=element.begin)
    return ScanResult(seen, dict.fromkeys(seen.faults, example))


def _found(index: Index, version: Version, result: ScanResult) -> SchemaFound:
    types = result.seen.types
    return SchemaFound(
        stated=index.scalar("version"),
        version=version,
        types={path: dict(found) for path, found in types.items()},
        violations=_ranked(result.seen, result.firsts),
        inferred={
            section: json_schema(observed(types, f"{section}[]"))
            for section in SECTIONS
            if f"{section}[]" in types
        },
        unknown_paths=result.seen.unknown,
    )


def _ranked(seen: Observations, firsts: dict[SchemaFault, Example]) -> list[Violation]:
    return [
        Violation(
            path=f.path, what=f.what, detail=f.detail, count=count, first=firsts.get(f, Example()),
        )
        for f, count in sorted(seen.faults.items(), key=lambda item: (-item[1], item[0]))
    ]  # fmt: skip
