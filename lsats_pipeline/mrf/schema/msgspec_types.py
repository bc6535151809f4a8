"""A schema type as msgspec types: native code confirms that whole pieces are valid.

A yes is always right. After a no, `validation` finds what is wrong, if anything is: the exception
that a list allows (`or_else`) is not known here, and some rules cannot be expressed as types.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

from lsats_pipeline.mrf.schema.types import (
    SERVICE_CODE,
    Conditional,
    Kind,
    ListOf,
    Number,
    Object,
    StringType,
)

# Forms that few texts have: a look into a table is ten times as fast as a regular expression.
_FEW = {SERVICE_CODE: (*(f"{number:02}" for number in range(100)), "CSTM-00")}
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _NotExpressible(Exception):
    """A rule that msgspec types cannot express."""


def conforms(kind: Kind, values: bytes) -> bool:
    """Whether `a,b,c` are all certainly of the type."""
    decoder = _decoder(kind)
    if decoder is None:
        return False
    try:
        decoder.decode(b"".join((b"[", values, b"]")))
    except _FAULTS:
        return False
    return True


@cache
def _decoder(kind: Kind) -> msgspec.json.Decoder[Any] | None:
    try:
        return msgspec.json.Decoder(list[_type(kind)])  # type: ignore[misc]
    except _NotExpressible:
        return None


def _type(kind: Kind) -> Any:
    match kind:
        case StringType() if kind.one_of:
            return Literal[tuple(sorted(kind.one_of))]
        case StringType() if kind.form in _FEW:
            return Literal[_FEW[kind.form]]
        case StringType():
            form = rf"^(?:{kind.form})\Z" if kind.form else None
            return Annotated[str, Meta(pattern=form, min_length=1 if kind.filled else None)]
        case Number():
            return _number(kind)
        case ListOf():
            return Annotated[list[_type(kind.item)], Meta(min_length=kind.at_least or None)]  # type: ignore[misc]
        case Object():
            return _object_type(kind)
    raise _NotExpressible(kind)


def _number(kind: Number) -> Any:
    if kind.digits:
        return Annotated[int, Meta(ge=10 ** (kind.digits - 1), le=10**kind.digits - 1)]
    least = Meta(ge=kind.at_least) if kind.above is None else Meta(gt=kind.above)
    return Annotated[int if kind.whole else float, least]


def _object_type(kind: Object) -> Any:
    if not kind.rules:
        return msgspec.defstruct(kind.name, list(_members(kind)), gc=False)
    rule = kind.rules[0]
    tagged = kind.member(rule.member) if isinstance(rule, Conditional) else None
    if len(kind.rules) > 1 or tagged is None or not isinstance(tagged.kind, StringType):
        raise _NotExpressible(kind.rules)
    assert isinstance(rule, Conditional)
    # What an object needs when a member has a value: a type for each value of that member.
    choices = tuple(
        msgspec.defstruct(
            f"{kind.name} {value}",
            list(_members(kind, rule.member, rule.needs if value == rule.value else "")),
            tag_field=rule.member,
            tag=value,
            gc=False,
        )
        for value in sorted(tagged.kind.one_of)
    )
    return Union[choices]  # noqa: UP007 - of types that are made here


def _members(kind: Object, tag: str = "", needs: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The members, those that have to be there first; `...` has no default."""
    required = [m for m in kind.members if m.required or m.name == needs]
    for member in required:
        if member.name != tag:
            yield member.name, _type(member.kind), msgspec.NODEFAULT
    for member in kind.members:
        if member not in required and member.name != tag:
            yield member.name, _type(member.kind) | UnsetType, UNSET
