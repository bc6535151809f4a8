"""All values of a list against a type, one member at a time.

Most of the time is spent in loops in C: `Counter(map(tuple, objects))` gives the members of a
million objects without a Python loop. So every element of a file of any size can be checked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from lsats_pipeline.mrf.schema.types import (
    AllOrNone,
    Anything,
    Conditional,
    Either,
    Kind,
    ListOf,
    Number,
    Object,
    OneOf,
    Rule,
    StringType,
)

# Files with made-up keys (an id as a key) must not fill the memory.
_MOST_PATHS, _MOST_DETAILS = 1000, 20
_LONGEST = 60
_NAMES = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null",
    list: "array", dict: "object",
}  # fmt: skip


class SchemaFault(NamedTuple):
    """One way in which values differ from the schema; `detail` is the member, type or value."""

    path: str
    what: str
    detail: str


@dataclass
class Observations:
    """JSON types with their counts at each path, and the faults."""

    types: dict[str, Counter[str]] = field(default_factory=dict)
    faults: Counter[SchemaFault] = field(default_factory=Counter)
    unknown: int = 0

    def add(self, other: Observations) -> None:
        """Sum up."""
        for path, types in other.types.items():
            self.types.setdefault(path, Counter()).update(types)
        self.faults.update(other.faults)
        self.unknown += other.unknown

    def fault(self, path: str, what: str, detail: object, count: int) -> None:
        """Count a fault; the rarer ones of many at one place are put together."""
        text = str(detail)
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        fault = SchemaFault(path, what, text)
        if fault not in self.faults and (
            sum(f.path == path and f.what == what for f in self.faults) >= _MOST_DETAILS
        ):
            fault = SchemaFault(path, what, "(others)")
        self.faults[fault] += count


def validate(values: Sequence[Any], kind: Kind, path: str, seen: Observations) -> None:
    """Count the types of these values, and where they differ from `kind`."""
    if not values:
        return
    types = Counter(map(type, values))
    if path not in seen.types and len(seen.types) >= _MOST_PATHS:
        seen.unknown += len(values)
        return
    named = seen.types.setdefault(path, Counter())
    for found, count in types.items():
        named[_NAMES[found]] += count
    parts = _parts(_ANY if isinstance(kind, Anything) else kind)
    for wanted, take in parts:
        fitting = values if types.keys() <= take else [v for v in values if type(v) in take]
        if fitting and (validator := _VALIDATORS.get(type(wanted))):
            validator(fitting, wanted, path, seen)
    if isinstance(kind, Anything):
        return
    for found in types.keys() - frozenset(chain.from_iterable(take for _, take in parts)):
        seen.fault(path, "wrong type", _NAMES[found], types[found])


@cache
def _parts(kind: Kind) -> tuple[tuple[Kind, frozenset[type]], ...]:
    """The types that a value may have, and the Python types of each."""
    if isinstance(kind, Either):
        return tuple(chain.from_iterable(map(_parts, kind.kinds)))
    if isinstance(kind, Number):
        return ((kind, frozenset((int,) if kind.whole else (int, float))),)
    if isinstance(kind, Anything):
        return ((kind, frozenset(t for t, name in _NAMES.items() if name == kind.only)),)
    return ((kind, frozenset((_TYPES[type(kind)],))),)


_TYPES: dict[type, type] = {StringType: str, ListOf: list, Object: dict}


def _texts(values: Sequence[str], kind: StringType, path: str, seen: Observations) -> None:
    if kind.filled and (empty := values.count("")):
        seen.fault(path, "empty", "", empty)
    if not kind.one_of and not kind.form:
        return
    bad = {value for value in set(values) if not _allowed(kind, value)} - (
        {""} if kind.filled else set()
    )
    if bad:
        for value, count in Counter(v for v in values if v in bad).items():
            seen.fault(path, "not allowed", repr(value), count)


def _allowed(kind: StringType, value: str) -> bool:
    if kind.one_of:
        return value in kind.one_of
    return re.fullmatch(kind.form, value) is not None


def _numbers(values: Sequence[float], kind: Number, path: str, seen: Observations) -> None:
    least = min(values)
    if kind.above is not None and least <= kind.above:
        seen.fault(path, "range", f"not above {kind.above:g}", sum(v <= kind.above for v in values))
    if kind.at_least is not None and least < kind.at_least:
        seen.fault(
            path, "range", f"below {kind.at_least:g}", sum(v < kind.at_least for v in values)
        )
    if kind.digits:
        low, high = 10 ** (kind.digits - 1), 10**kind.digits
        if least < low or max(values) >= high:
            bad = sum(not low <= v < high for v in values)
            seen.fault(path, "not allowed", f"not {kind.digits} digits", bad)


def _lists(values: Sequence[list[Any]], kind: ListOf, path: str, seen: Observations) -> None:
    if kind.at_least and (empty := values.count([])):
        seen.fault(path, "empty", "", empty)
    if kind.or_else is not None:
        excused = list(kind.or_else)
        values = [value for value in values if value != excused]
    validate(list(chain.from_iterable(values)), kind.item, f"{path}[]", seen)


def _objects(values: Sequence[dict[str, Any]], kind: Object, path: str, seen: Observations) -> None:
    shapes = Counter(map(tuple, values))
    total = len(values)
    present: Counter[str] = Counter()
    for shape, count in shapes.items():
        for name in shape:
            present[name] += count
    known = {member.name: member for member in kind.members}
    for member in kind.members:
        if member.required and (missing := total - present[member.name]):
            seen.fault(path, "missing", member.name, missing)
    for name, count in present.items():
        if name not in known and kind is not _ANY_OBJECT:
            seen.fault(path, "unexpected", name, count)
        inner = known[name].kind if name in known else Anything()
        validate(_members(values, name, count), inner, f"{path}.{name}" if path else name, seen)
    for rule in kind.rules:
        if violations := _rule_violations(rule, values, shapes):
            seen.fault(path, "rule", describe_rule(rule), violations)


def _members(values: Sequence[dict[str, Any]], name: str, count: int) -> list[Any]:
    if count == len(values):
        return list(map(itemgetter(name), values))
    return [value[name] for value in values if name in value]


def _rule_violations(
    rule: Rule, values: Sequence[dict[str, Any]], shapes: Counter[tuple[str, ...]]
) -> int:
    """How many objects break a rule. Most rules are about which members there are."""
    if isinstance(rule, Conditional):
        if all(rule.needs in shape for shape in shapes):
            return 0
        return sum(v.get(rule.member) == rule.value and rule.needs not in v for v in values)
    return sum(count for shape, count in shapes.items() if not _holds(rule, shape))


def _holds(rule: AllOrNone | OneOf, shape: tuple[str, ...]) -> bool:
    found = sum(name in shape for name in rule.members)
    if isinstance(rule, AllOrNone):
        return found in (0, len(rule.members))
    return found == 1 if rule.only_one else found >= 1


def describe_rule(rule: Rule) -> str:
    """A rule as a short text."""
    if isinstance(rule, Conditional):
        return f"{rule.value} needs {rule.needs}"
    how = "all or none" if isinstance(rule, AllOrNone) else "one"
    return f"{how} of {', '.join(rule.members)}"


def faults_of(value: Any, kind: Kind, path: str = "") -> list[SchemaFault]:
    """The faults of a single value."""
    seen = Observations()
    validate([value], kind, path, seen)
    return list(seen.faults)


def first_places(
    values: Sequence[Any], kind: Kind, path: str, wanted: set[SchemaFault]
) -> Iterator[tuple[SchemaFault, int]]:
    """For each of these faults, the position of the first value that has it."""
    left = set(wanted)
    for number, value in enumerate(values):
        if not left:
            return
        for fault in left & set(faults_of(value, kind, path)):
            left.discard(fault)
            yield fault, number


_ANY_OBJECT = Object("anything", ())
_ANY = Either((StringType(), Number(), ListOf(Anything()), _ANY_OBJECT))
_VALIDATORS: dict[type, Callable[[Any, Any, str, Observations], None]] = {
    StringType: _texts,
    Number: _numbers,
    ListOf: _lists,
    Object: _objects,
}
