"""Cuts a JSON answer into its records without decoding them.

A record with invalid UTF-8, a bare control character or half a surrogate pair in a text must not
spoil the page it came in: it is cut out like the others, and bronze rejects it alone. So is one
that is nested too deep for the decoder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TypeVar

import msgspec

from lsats_pipeline.hub.sources.nesting import flattened

T = TypeVar("T")

PIECE = 1 << 20  # bytes read from a file at once
LARGEST = 64 << 20  # characters of one element; more than that is no record

_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")
_SCAN = json.JSONDecoder(strict=False).raw_decode
_BLANKED = bytes(max(byte, 0x20) for byte in range(256))


def cut(body: bytes, *path: str) -> list[memoryview]:
    """Return the elements of the array at `path`, as views of the body.

    A lone object counts as an array of one (some gateways send it so), null or nothing as an empty
    one, except that the first name of the path must be there. Raises ValueError when the document
    is cut off or has another shape.
    """
    try:
        return [memoryview(element) for element in _elements(body, path)]
    except (msgspec.DecodeError, RecursionError):
        masked = _masked(body)
    try:
        elements = _elements(masked, path)
    except RecursionError:
        masked = flattened(masked)
        elements = _elements(masked, path)
    return list(_located(body, masked, elements))


def cut_file(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the elements of a JSON array that may be larger than memory, each as it stands there.

    ValueError when the array ends early, or when it is none.
    """
    # Bytes that are no UTF-8, or cut in two by a piece, pass through text and back unharmed.
    text = file.read(PIECE).decode("utf-8", "surrogateescape").lstrip()
    if not text.startswith("["):
        raise ValueError("not an array")
    at = 1
    while True:
        at += len(_BETWEEN.match(text, at)[0])  # type: ignore[index]  # matches nothing, too
        if text.startswith("]", at):
            return
        end = _end_of_value(text, at)
        if end is None:
            piece = file.read(PIECE)
            if not piece or len(text) - at > LARGEST:
                raise ValueError("the array ends early")
            text, at = text[at:] + piece.decode("utf-8", "surrogateescape"), 0
        else:
            yield text[at:end].encode("utf-8", "surrogateescape")
            at = end


def _end_of_value(text: str, at: int) -> int | None:
    """Where the value at `at` ends; None while that is unknown."""
    try:
        end = _SCAN(text, at)[1]
    except ValueError:
        return None
    except RecursionError:
        # One byte for each character, whatever it is: only brackets count.
        flat = flattened(text[at:].encode("ascii", "replace")).decode("ascii")
        length = _end_of_value(flat, 0)
        return None if length is None else at + length
    return end if end < len(text) else None


def in_portions(records: Sequence[memoryview], size: int = 1000) -> Iterator[list[bytes]]:
    """Copy the records out of their body, some at a time; one empty portion when there are none."""
    for start in range(0, max(len(records), 1), size):
        yield [bytes(record) for record in records[start : start + size]]


def _elements(body: bytes, path: tuple[str, ...]) -> list[msgspec.Raw]:
    inner = msgspec.json.decode(body, type=msgspec.Raw)
    for depth, name in enumerate(path):
        envelope = msgspec.json.decode(inner, type=dict[str, msgspec.Raw] | None) or {}
        if depth == 0 and name not in envelope:
            raise ValueError(f"no {name!r} in the answer")
        inner = envelope.get(name, msgspec.Raw(b"null"))
    if path and bytes(memoryview(inner)[:1]) == b"{":
        return [inner]
    return msgspec.json.decode(inner, type=list[msgspec.Raw] | None) or []


def _masked(body: bytes) -> bytes:
    """A body of the same length without what decoders stumble over in its texts."""
    return _ESCAPE.sub(lambda escape: b"x" * len(escape[0]), body).translate(_BLANKED)


def _located(body: bytes, masked: bytes, elements: Iterable[msgspec.Raw]) -> Iterator[memoryview]:
    """The parts of the body that stand where the elements of its masked twin do."""
    view, at = memoryview(body), 0
    for element in elements:
        text = bytes(element)
        at = masked.index(text, at)
        yield view[at : at + len(text)]
        at += len(text)


def whole(body: bytes) -> bytes | None:
    """Return the one object the answer consists of, None for null; ValueError when cut off."""
    found = cut(b"[" + body + b"]")
    if len(found) != 1:
        raise ValueError("not one JSON value")
    record = bytes(found[0])
    return None if record == b"null" else record


def read_as(record: bytes | memoryview, shape: type[T]) -> T | None:
    """Read the fields that `shape` names, whatever the others hold; None when they do not fit."""
    text = bytes(record)
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:
        masked = _masked(text)
        return None if masked == text else read_as(masked, shape)
    except RecursionError:
        return read_as(flattened(text), shape)
