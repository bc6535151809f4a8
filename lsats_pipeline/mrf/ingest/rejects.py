"""Rejects of a published file: the list, and each as a small element of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.provenance.rereading import Indexed, stretches
from lsats_pipeline.mrf.rows.coercion import coerced
from lsats_pipeline.mrf.rows.decoding import RowReject
from lsats_pipeline.mrf.text.index import LargeElement
from lsats_pipeline.mrf.workspace import Workspace

# A step of a path: negotiated_rates[3]
STEP = re.compile(r"(\w+)\[(\d+)\]")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, IndexError)


class PublishedReject(RowReject, kw_only=True, frozen=True):
    """A reject of a published file; `number` is its row."""

    number: int
    span: int


def rejects_of(workspace: Workspace) -> list[PublishedReject]:
    """The rejects of a published file, in the order of the table."""
    if workspace.published is None:
        raise ConfigurationError(
            f"no price file {workspace.file} is published: `lsats mrf status` lists them"
        )
    found: list[PublishedReject] = []
    names = [name for name in PublishedReject.__struct_fields__ if name != "number"]
    for part in sorted((workspace.final / "rejects").glob("*.parquet")):
        for row in pq.read_table(part, columns=names).to_pylist():
            found.append(PublishedReject(number=len(found), **row))
    return found


def assembled(
    file: Indexed,
    rejects: Sequence[PublishedReject],
    *,
    coerce: bool,
    corrections: Mapping[int, bytes],
) -> list[tuple[PublishedReject, bytes]]:
    """The rejects that can be tried, each as an element that holds nothing else."""
    found: list[tuple[PublishedReject, bytes]] = []
    for reject, offset, value, large in _values_around(file, rejects):
        begin = reject.offset - offset
        text = corrections.get(reject.number, value[begin : begin + reject.length])
        try:
            inside = coerced(text, reject.section, reject.path) if coerce else text
            _LIST.decode(b"[%b]" % inside)  # one value, or an error
            found.append((reject, _around(value, large, reject.path, inside)))
        except _FAULTS as error:
            if reject.number in corrections:
                raise ConfigurationError(
                    f"what was given for reject {reject.number} cannot be used: {error}"
                ) from None
    return found


def _values_around(
    file: Indexed, rejects: Sequence[PublishedReject]
) -> Iterator[tuple[PublishedReject, int, bytes, LargeElement | None]]:
    """Each reject with the value of a span that it is in, in one pass over the file.

    Some have no text of their own (parts of a large element that cannot be used), or too much.
    """
    large = {(element.section, element.number): element for element in file.index.large}
    waiting: dict[tuple[int, int], list[PublishedReject]] = {}
    for reject in rejects:
        inside = (reject.section, reject.element) in large
        first = STEP.match(reject.path) if inside else None
        value = int(first[2]) if first else reject.element
        if reject.length and reject.span >= 0:
            waiting.setdefault((reject.span, value), []).append(reject)
    spans = [span for span in file.index.spans if any(s == span.number for s, _ in waiting)]
    for stretch in stretches(file.original.opened(), sorted(spans, key=lambda s: s.begin)):
        span, values = stretch.span, range(stretch.first, stretch.first + stretch.count)
        if not any((span.number, value) in waiting for value in values):
            continue
        of = large.get((span.section, span.of)) if span.of is not None else None
        for value, (offset, text) in enumerate(stretch.values(), stretch.first):
            for reject in waiting.get((span.number, value), ()):
                yield reject, offset, text, of


def _around(value: bytes, large: LargeElement | None, path: str, text: bytes) -> bytes:
    """The element with this text as the only item of its lists."""
    steps = STEP.findall(path)
    if large is None:
        return _inside(value, steps, text)
    members = _OBJECT.decode(large.header)
    members[steps[0][0]] = msgspec.Raw(b"[%b]" % _inside(value, steps[1:], text))
    return msgspec.json.encode(members)


def _inside(value: bytes, steps: Sequence[tuple[str, str]], text: bytes) -> bytes:
    if not steps:
        return text
    (name, number), *deeper = steps
    members = _OBJECT.decode(value)
    inner = bytes(_LIST.decode(members[name])[int(number)]) if deeper else b""
    members[name] = msgspec.Raw(b"[%b]" % _inside(inner, deeper, text))
    return msgspec.json.encode(members)
