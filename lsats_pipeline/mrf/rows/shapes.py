"""The elements of price files as Arrow types, made from their one declaration in `elements`.

A required member is a field that may not be null, so that whoever reads into the type refuses
what lacks it.
"""

from __future__ import annotations

import types
import typing
from functools import cache

import msgspec
import pyarrow as pa

_PLAIN: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
}


@cache
def type_of(kind: type[msgspec.Struct]) -> pa.StructType:
    """The type of a structure; members that may be left out are nullable."""
    hints = typing.get_type_hints(kind)
    return pa.struct(
        [pa.field(f.name, _of(hints[f.name]), nullable=not f.required)
         for f in msgspec.structs.fields(kind)]
    )  # fmt: skip


def list_of(value: pa.DataType) -> pa.ListType:
    """The type of lists of it in which nothing is null."""
    return pa.list_(pa.field("item", value, nullable=False))


def _of(hint: typing.Any) -> pa.DataType:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (only,) = (a for a in arguments if a is not types.NoneType)
        return _of(only)
    if origin in (list, tuple):
        return list_of(_of(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return type_of(hint)
    return _PLAIN[hint]


def widened(known: pa.DataType, found: pa.DataType) -> pa.DataType:
    """A type with the members that are found besides the known ones, which stay as they are."""
    if pa.types.is_list(known) and pa.types.is_list(found):
        return list_of(widened(known.value_type, found.value_type))
    if not pa.types.is_struct(known) or not pa.types.is_struct(found):
        return known
    others = {field.name: field for field in found}
    mine = [
        field.with_type(widened(field.type, others.pop(field.name).type))
        if field.name in others
        else field
        for field in known
    ]
    return pa.struct(
        [*mine, *(field.with_type(_null_as_string(field.type)) for field in others.values())]
    )


def _null_as_string(found: pa.DataType) -> pa.DataType:
    """A type in which what was only seen null is a text."""
    if pa.types.is_list(found):
        return pa.list_(found.value_field.with_type(_null_as_string(found.value_type)))
    if pa.types.is_struct(found):
        return pa.struct([field.with_type(_null_as_string(field.type)) for field in found])
    return pa.string() if pa.types.is_null(found) else found


def narrowed(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The members of the type alone; nothing is copied."""
    if array.type == wanted:
        return array
    if pa.types.is_list(wanted):
        values = narrowed(array.values, wanted.value_type)
        mask = array.is_null() if array.null_count else None
        return pa.ListArray.from_arrays(array.offsets, values, type=wanted, mask=mask)
    members = [narrowed(array.field(field.name), field.type) for field in wanted]
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(members, fields=list(wanted), mask=mask)
