"""Directory entries: from a record's JSON to the bytes of a SearchResultEntry.

    {"dn": ..., "attributes": {name: [text, ...]}} + volatile attributes -> selection -> BER

GUIDs and SIDs are text in the record and binary on the wire.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.record_store import BROKEN_BYTE, has_broken_byte

Attributes = dict[str, list[str]]


class _Record(msgspec.Struct):
    dn: str
    attributes: Attributes


_DECODER = msgspec.json.Decoder(_Record)
_BROKEN = BROKEN_BYTE.encode()
_SID = re.compile(r"S-1-\d+(-\d+){1,15}")


def values_of(attributes: Attributes, name: str) -> list[str]:
    """The values of an attribute given in lower case."""
    return next((values for key, values in attributes.items() if _NAMES[key][1] == name), [])


def guid_bytes(text: str) -> bytes:
    """A GUID as Active Directory stores it: the first three fields little-endian."""
    return uuid.UUID(text).bytes_le


def sid_bytes(text: str) -> bytes:
    """`S-1-5-21-...` in its binary form: big-endian authority, little-endian sub-authorities."""
    authority, *rest = (int(part) for part in text.split("-")[2:])
    start = bytes((1, len(rest))) + authority.to_bytes(6, "big")
    return start + b"".join(number.to_bytes(4, "little") for number in rest)


def sid_text(data: bytes) -> str:
    """The inverse of `sid_bytes`."""
    rest = (int.from_bytes(data[at : at + 4], "little") for at in range(8, len(data), 4))
    return "-".join(map(str, ("S-1", int.from_bytes(data[2:8], "big"), *rest)))


def _guid_value(text: str) -> bytes:
    try:
        return guid_bytes(text)
    except ValueError:
        return _broken_value(text)


def _sid_value(text: str) -> bytes:
    return sid_bytes(text) if _SID.fullmatch(text) else _broken_value(text)


def _broken_value(text: str) -> bytes:
    return text.encode().replace(_BROKEN, b"\xff")


_BINARY: dict[str, Callable[[str], bytes]] = {
    "objectguid": _guid_value,
    "objectsid": _sid_value,
    "sidhistory": _sid_value,
}


def text_of(attribute: str, value: bytes) -> str:
    """A value from a filter in the form that records hold."""
    if attribute == "objectguid" and len(value) == 16:
        return str(uuid.UUID(bytes_le=value))
    if attribute in ("objectsid", "sidhistory") and value[:1] == b"\x01":
        return sid_text(value)
    return value.decode(errors="replace")


class ServedEntry(NamedTuple):
    """A record as the directory knows it."""

    dn: str
    attributes: Attributes
    broken: bool = False


def decode_entry(payload: bytes) -> ServedEntry:
    """A record's JSON as an entry."""
    record = _DECODER.decode(payload)
    return ServedEntry(record.dn, record.attributes, has_broken_byte(payload))


class Wanted(NamedTuple):
    """What a search asks for: names in lower case (None: all), and ranges of values by name."""

    names: frozenset[str] | None
    ranges: dict[str, tuple[int, int | None]]


def encode_entry(
    message_id: bytes, entry: ServedEntry, wanted: Wanted, types_only: bool, most_values: int = 0
) -> bytes:
    """The SearchResultEntry message; `most_values` of an attribute at once, the rest by range."""
    names, ranges = wanted
    to_bytes = _broken_value if entry.broken else str.encode
    pieces: list[bytes] = []
    # Nine tenths of the time of a directory goes by in this loop, hence no call within it.
    for name, values in entry.attributes.items():
        label, lower_name, convert = _NAMES[name]
        if names is not None and lower_name not in names:
            continue
        encode = convert or to_bytes
        if len(values) == 1 and not types_only:
            value = encode(values[0])
            size = len(value)
            if size + len(label) < len(_SHORT):
                pieces += _SHORT_HEAD[size + len(label)], label, _SHORT[size], value
                continue
        if lower_name in ranges or 0 < most_values < len(values):
            label, values = _in_range(name, values, ranges.get(lower_name, (0, None)), most_values)
        listed = ber.octets_set([] if types_only else [encode(value) for value in values])
        pieces += ber.head(ber.SEQUENCE, len(label) + len(listed)), label, listed
    dn = ber.element(ber.OCTETS, to_bytes(entry.dn))
    entry_content = ber.element(0x64, dn, ber.element(ber.SEQUENCE, *pieces))
    return ber.element(ber.SEQUENCE, message_id, entry_content)


def _in_range(
    name: str, values: list[str], asked: tuple[int, int | None], most: int
) -> tuple[bytes, list[str]]:
    """The label and values of a part (MS-ADTS 3.1.1.3.1.3.3): `member;range=1500-2999`."""
    first, last = asked
    ends = (
        [len(values)] + ([last + 1] if last is not None else []) + ([first + most] if most else [])
    )
    end = min(ends)
    bound = "*" if end == len(values) else str(end - 1)
    label = ber.element(ber.OCTETS, f"{name};range={first}-{bound}".encode())
    return label, values[first:end]


class _Names(dict[str, tuple[bytes, str, Callable[[str], bytes] | None]]):
    """Attribute names as spelled in records: encoded, in lower case, and how to convert values."""

    def __missing__(self, name: str) -> tuple[bytes, str, Callable[[str], bytes] | None]:
        lower = name.lower()
        self[name] = (ber.element(ber.OCTETS, name.encode()), lower, _BINARY.get(lower))
        return self[name]


_NAMES = _Names()
# Heads of the commonest shape, made in advance: SEQUENCE {label, SET {OCTETS of one short value}}.
_SHORT = [bytes((ber.SET, n + 2, ber.OCTETS, n)) for n in range(0x80 - 4)]
_SHORT_HEAD = [bytes((ber.SEQUENCE, n + 4)) for n in range(0x80 - 4)]
