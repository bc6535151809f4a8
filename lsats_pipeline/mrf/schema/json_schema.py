"""Types as JSON Schema (draft 7), types from observed values, and a validator of such schemas.

`accepts` understands what `json_schema` writes, and nothing else. It is slow and simple: tests
compare `validation` with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lsats_pipeline.mrf.schema.types import (
    Anything,
    Conditional,
    Either,
    Kind,
    ListOf,
    Number,
    Object,
    ObjectMember,
    OneOf,
    Rule,
    StringType,
)

Schema = dict[str, Any]
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def json_schema(kind: Kind) -> Schema:
    """The type as JSON Schema."""
    match kind:
        case StringType():
            return _text(kind)
        case Number():
            return _number(kind)
        case ListOf():
            return _list(kind)
        case Object():
            return _object_schema(kind)
        case Either():
            return {"anyOf": [json_schema(one) for one in kind.kinds]}
        case Anything():
            return {"type": kind.only} if kind.only else {}


def _text(kind: StringType) -> Schema:
    return {
        "type": "string",
        **({"enum": sorted(kind.one_of)} if kind.one_of else {}),
        **({"pattern": f"^(?:{kind.form})$"} if kind.form else {}),
        **({"minLength": 1} if kind.filled else {}),
    }


def _number(kind: Number) -> Schema:
    low, high = 10 ** (kind.digits - 1) if kind.digits else kind.at_least, 10**kind.digits - 1
    return {
        "type": "integer" if kind.whole else "number",
        **({"exclusiveMinimum": kind.above} if kind.above is not None else {}),
        **({"minimum": low} if low is not None else {}),
        **({"maximum": high} if kind.digits else {}),
    }


def _list(kind: ListOf) -> Schema:
    least = {"minItems": kind.at_least} if kind.at_least else {}
    usual: Schema = {"type": "array", "items": json_schema(kind.item), **least}
    return usual if kind.or_else is None else {"anyOf": [usual, {"const": list(kind.or_else)}]}


def _object_schema(kind: Object) -> Schema:
    rules = [_rule(rule) for rule in kind.rules]
    return {
        "type": "object",
        "properties": {member.name: json_schema(member.kind) for member in kind.members},
        "required": [member.name for member in kind.members if member.required],
        **({"additionalProperties": False} if kind.closed else {}),
        **({"allOf": rules} if rules else {}),
    }


def _rule(rule: Rule) -> Schema:
    if isinstance(rule, Conditional):
        has = {"properties": {rule.member: {"const": rule.value}}, "required": [rule.member]}
        return {"if": has, "then": {"required": [rule.needs]}}
    if isinstance(rule, OneOf):
        return {"oneOf" if rule.only_one else "anyOf": [{"required": [m]} for m in rule.members]}
    return {
        "dependencies": {
            name: [other for other in rule.members if other != name] for name in rule.members
        }
    }


def observed(types: Mapping[str, Counter[str]], path: str) -> Kind:
    """The type of the values observed at a path, and nothing wider."""
    names = set(types.get(path, ()))
    if "number" in names:
        names.discard("integer")  # a number too
    kinds = tuple(_observed(types, path, name) for name in sorted(names))
    return kinds[0] if len(kinds) == 1 else Either(kinds)


def _observed(types: Mapping[str, Counter[str]], path: str, name: str) -> Kind:
    if name == "string":
        return StringType()
    if name in ("integer", "number"):
        return Number(whole=name == "integer")
    if name == "array":
        inside = observed(types, f"{path}[]") if f"{path}[]" in types else Anything()
        return ListOf(inside)
    if name == "object":
        return _observed_object(types, path)
    return Anything(only=name)


def _observed_object(types: Mapping[str, Counter[str]], path: str) -> Object:
    begin = f"{path}." if path else ""
    names = [
        found.removeprefix(begin)
        for found in types
        if found != path
        and found.startswith(begin)
        and not re.search(r"[.\[]", found[len(begin) :])
    ]
    objects = types[path]["object"]
    return Object(
        path,
        tuple(
            ObjectMember(
                name,
                observed(types, begin + name),
                required=sum(types[begin + name].values()) == objects,
            )
            for name in names
        ),
        closed=True,
    )


def accepts(schema: Schema, value: Any) -> bool:
    """Whether a value is as the schema says."""
    return all(
        check(schema[word], value, schema) for word, check in _KEYWORDS.items() if word in schema
    )


def _all_of(values: Mapping[str, Any], schemas: Mapping[str, Schema]) -> bool:
    return all(accepts(schemas[name], value) for name, value in values.items() if name in schemas)


_KEYWORDS: dict[str, Callable[[Any, Any, Schema], bool]] = {
    "type": lambda w, v, _: _TYPES[w](v),
    "enum": lambda w, v, _: v in w,
    "const": lambda w, v, _: v == w,
    # In JSON Schema `$` is the very end; here a line break might follow it.
    "pattern": lambda w, v, _: (
        not isinstance(v, str) or re.search(w.removesuffix("$") + r"\Z", v) is not None
    ),
    "minLength": lambda w, v, _: not isinstance(v, str) or len(v) >= w,
    "minimum": lambda w, v, _: not _TYPES["number"](v) or v >= w,
    "maximum": lambda w, v, _: not _TYPES["number"](v) or v <= w,
    "exclusiveMinimum": lambda w, v, _: not _TYPES["number"](v) or v > w,
    "items": lambda w, v, _: not isinstance(v, list) or all(accepts(w, item) for item in v),
    "minItems": lambda w, v, _: not isinstance(v, list) or len(v) >= w,
    "properties": lambda w, v, _: not isinstance(v, dict) or _all_of(v, w),
    "required": lambda w, v, _: not isinstance(v, dict) or all(name in v for name in w),
    "additionalProperties": lambda w, v, s: (
        not isinstance(v, dict) or w or v.keys() <= s["properties"].keys()
    ),
    "dependencies": lambda w, v, _: all(
        all(other in v for other in needed) for name, needed in w.items() if name in v
    ),
    "allOf": lambda w, v, _: all(accepts(one, v) for one in w),
    "anyOf": lambda w, v, _: any(accepts(one, v) for one in w),
    "oneOf": lambda w, v, _: sum(accepts(one, v) for one in w) == 1,
    "if": lambda w, v, s: not accepts(w, v) or accepts(s["then"], v),
}
