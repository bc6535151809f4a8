"""From LDAP entries on the wire to records: a small BER reader and one decoder per kind of value.

    searchResEntry ──▶ read_entry ──▶ Entry ──▶ RecordShape.record ──▶ {"dn": "...", "uid": "x"}

Texts are never decoded: they go from the wire into the record byte by byte, so one with invalid
UTF-8 makes its record a reject and nothing else.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

# A value as JSON text; None leaves it out.
Decode = Callable[[bytes], bytes | None]

RANGE = b";range="
_ODD = re.compile(rb'[\x00-\x1f"\\]')
_WINDOWS_EPOCH = dt.datetime(1601, 1, 1)
_NEVER = (0, 2**63 - 1)  # how FILETIME says "never" (domain/hub.md 1.4)


class LdapEntry(NamedTuple):
    """One entry as the server sent it; attribute names as spelled by the server.

    `has_ranges`: some attribute may have been sent in part only (`memberOf;range=0-1499`).
    """

    dn: bytes
    attributes: Iterable[tuple[bytes, list[bytes]]]
    has_ranges: bool = False


def read_header(data: bytes, at: int) -> tuple[int, int]:
    """Return where the contents of the element at `at` begin and end (BER, definite lengths)."""
    size = data[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    start = at + 2 + (size & 0x7F)
    return start, start + int.from_bytes(data[at + 2 : start], "big")


def read_entry(data: bytes, at: int) -> LdapEntry:
    """Read the SearchResultEntry (RFC 4511, 4.5.2) whose contents begin at `at`."""
    start, end = read_header(data, at)
    return LdapEntry(data[start:end], _Attributes(data, *read_header(data, end)), RANGE in data)


def values_of(entry: LdapEntry, name: str) -> list[bytes]:
    """The values of an attribute in any spelling, with those of its options (`cn;lang-ja`)."""
    wanted = name.lower().encode()
    found: list[bytes] = []
    for spelled, values in entry.attributes:
        if spelled.lower().partition(b";")[0] == wanted:
            found += values
    return found


def identity_of(entry: LdapEntry, name: str) -> bytes:
    """The value of an attribute that is an entry's own for ever; its DN where there is none."""
    wanted = name.encode()
    if isinstance(entry.attributes, _Attributes) and not entry.attributes.may_have(wanted):
        return entry.dn
    for spelled, values in entry.attributes:
        if spelled == wanted and values:
            return values[0]
    return entry.dn


class _Attributes:
    """The attributes of an entry, taken from its message whenever they are asked for.

    Made into lists in advance, those of a page would keep the garbage collector busy.
    """

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data, self._start, self._stop = data, start, stop

    def may_have(self, name: bytes) -> bool:
        """False when the message does not even mention the name, in this spelling."""
        return name in self._data

    def __iter__(self) -> Iterator[tuple[bytes, list[bytes]]]:
        data, at, stop = self._data, self._start, self._stop
        while at < stop:
            if (size := data[at + 1]) < 0x80:  # then everything inside is short as well
                start, at = at + 4, at + 2 + size
                end = start + data[start - 1]
                values = end + 2
                if values < at and values + 2 + data[end + 3] == at:  # one value: the commonest
                    yield data[start:end], [data[end + 4 : at]]
                    continue
            else:
                inner, at = read_header(data, at)
                start, end = read_header(data, inner)
                values, _ = read_header(data, end)
            yield data[start:end], _strings(data, values, at)


def _strings(data: bytes, at: int, stop: int) -> list[bytes]:
    values = []
    while at < stop:
        start, at = read_header(data, at)
        values.append(data[start:at])
    return values


class RecordShape:
    """The declared attributes of a stream and how each is written.

    Attributes that were not declared are dropped, so what a server sends unasked (password material
    among it) never reaches the record.
    """

    def __init__(self, attributes: Mapping[str, Decode]) -> None:
        self.names = tuple(attributes)
        self._declared = {
            spelling: (b'"' + name.encode() + b'":', decode)
            for name, decode in attributes.items()
            for spelling in (name.lower().encode(), name.encode())
        }

    def record(self, entry: LdapEntry) -> bytes:
        """Return the entry as one flat JSON object: one value a scalar, several a list, as sent."""
        parts = [b'{"dn":' + text(entry.dn)]
        for name, values in entry.attributes:
            declared = self._declared.get(name) or self._declared.get(name.lower())
            if declared is None:
                continue
            label, decode = declared
            written = [item for value in values if (item := decode(value)) is not None]
            if len(written) == 1:
                parts.append(label + written[0])
            elif written:
                parts.append(label + b"[" + b",".join(written) + b"]")
        return b",".join(parts) + b"}"


def text(value: bytes) -> bytes:
    """Text exactly as sent, invalid UTF-8 included."""
    if _ODD.search(value):
        value = _ODD.sub(_escaped, value)
    return b'"' + value + b'"'


def _escaped(odd: re.Match[bytes]) -> bytes:
    return b"\\" + odd[0] if odd[0] in b'"\\' else b"\\u%04x" % odd[0][0]


def base64_text(value: bytes) -> bytes:
    """What is no text at all, as Base64: a certificate, a security descriptor."""
    return b'"' + b64encode(value) + b'"'


def guid(value: bytes) -> bytes:
    """A Microsoft GUID as lower-case UUID text without braces."""
    if len(value) != 16:
        return text(value)
    h = value.hex()
    return (
        f'"{h[6:8]}{h[4:6]}{h[2:4]}{h[0:2]}-{h[10:12]}{h[8:10]}-{h[14:16]}{h[12:14]}'
        f'-{h[16:20]}-{h[20:]}"'
    ).encode()


def sid(value: bytes) -> bytes:
    """A security identifier as S-1-5-21-... text."""
    if len(value) < 8 or len(value) != 8 + 4 * value[1]:
        return text(value)
    parts = struct.unpack(f"<{value[1]}I", value[8:])
    return '"{}"'.format(
        "-".join(map(str, ("S", value[0], int.from_bytes(value[2:8]), *parts)))
    ).encode()


def generalized_time(value: bytes) -> bytes | None:
    """`20260102030405.0Z` as ISO 8601 in UTC; the year 1601 stands for never."""
    moment, _, fraction = value[:-1].replace(b",", b".").partition(b".")
    if len(moment) != 14 or not value.endswith(b"Z") or not (moment + fraction).isdigit():
        return text(value)
    if moment.startswith(b"16010101"):
        return None
    day, time = moment[:8], moment[8:]
    return b'"%b-%b-%bT%b:%b:%b%b"' % (
        day[:4],
        day[4:6],
        day[6:],
        time[:2],
        time[2:4],
        time[4:],
        _ending(fraction),
    )


def filetime(value: bytes) -> bytes | None:
    """100-nanosecond steps since 1601 as ISO 8601 in UTC; 0 and 2^63-1 stand for never."""
    try:
        seconds, steps = divmod(int(value), 10_000_000)
        if int(value) in _NEVER:
            return None
        moment = _WINDOWS_EPOCH + dt.timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return text(value)
    return b'"' + moment.isoformat().encode() + _ending(b"%07d" % steps) + b'"'


def _ending(fraction: bytes) -> bytes:
    digits = fraction.rstrip(b"0")
    return b".%bZ" % digits if digits else b"Z"
