"""LDAP messages decoded and encoded, as far as a directory needs them (RFC 4511, RFC 2696)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.entries import Wanted
from lsats_pipeline.campus.simulators.ldap_filter import Filter, decode_filter

PAGED_RESULTS = "1.2.840.113556.1.4.319"
BASE, ONE_LEVEL = 0, 1
Controls = dict[str, tuple[bool, bytes]]  # OID to (critical, value)


class ResultCode(IntEnum):
    """Result codes (RFC 4511, appendix A)."""

    OK = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    NO_SUCH_OBJECT = 32
    INVALID_CREDENTIALS = 49
    UNWILLING_TO_PERFORM = 53


class Refused(Exception):
    """A request ends with this result code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Search(NamedTuple):
    """A search request, with its paged results control if it has one."""

    base: str
    scope: int
    size_limit: int
    types_only: bool
    filter: Filter
    wanted: Wanted
    page: tuple[int, bytes] | None


def decode_search(content: bytes, controls: Controls) -> Search:
    """Decode a search request; Refused when it asks for what is not offered."""
    base, scope, _, size_limit, _, types_only, criteria, attributes = ber.parts(content)
    for oid, (critical, _) in controls.items():
        if critical and oid != PAGED_RESULTS:
            raise Refused(
                ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, f"control {oid} is not offered"
            )
    try:
        decoded = decode_filter(*criteria)
    except ber.BadMessage as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, str(error)) from None
    return Search(
        base=base[1].decode(errors="replace"),
        scope=ber.number(scope[1]),
        size_limit=ber.number(size_limit[1]),
        types_only=types_only[1] != b"\x00",
        filter=decoded,
        wanted=_wanted([name.decode(errors="replace") for _, name in ber.parts(attributes[1])]),
        page=_page(controls),
    )


def _wanted(names: list[str]) -> Wanted:
    """The names without their options, and which values of which attribute are asked for."""
    plain, ranges = set(), {}
    for name in (name.lower() for name in names):
        attribute, _, bounds = name.partition(";range=")
        plain.add(attribute)
        if bounds:
            first, _, last = bounds.partition("-")
            try:
                ranges[attribute] = int(first), None if last in ("*", "") else int(last)
            except ValueError:
                raise Refused(ResultCode.PROTOCOL_ERROR, f"not a range: {name}") from None
    return Wanted(None if not names or "*" in names else frozenset(plain), ranges)


def controls_of(found: list[tuple[int, bytes]]) -> Controls:
    """Sort out what follows the operation in a message: its controls, if any."""
    controls: Controls = {}
    for tag, content in found:
        for _, control in ber.parts(content) if tag == 0xA0 else ():
            (_, oid), *rest = ber.parts(control)
            values = {0x01: b"\x00", ber.OCTETS: b"", **dict(rest)}
            controls[oid.decode()] = (values[0x01] != b"\x00", values[ber.OCTETS])
    return controls


def _page(controls: Controls) -> tuple[int, bytes] | None:
    if PAGED_RESULTS not in controls:
        return None
    (_, inner), *_ = ber.parts(controls[PAGED_RESULTS][1])
    (_, size), (_, cookie) = ber.parts(inner)
    return ber.number(size), cookie


def page_control(cookie: bytes) -> bytes:
    """Encode the paged results control of a reply."""
    value = ber.element(ber.SEQUENCE, ber.integer(0), ber.element(ber.OCTETS, cookie))
    oid = ber.element(ber.OCTETS, PAGED_RESULTS.encode())
    return ber.element(0xA0, ber.element(ber.SEQUENCE, oid, ber.element(ber.OCTETS, value)))
