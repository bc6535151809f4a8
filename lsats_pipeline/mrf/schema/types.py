"""What a schema is made of: data only. `validation` and `json_schema` interpret it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

SERVICE_CODE = r"\d\d|CSTM-00"


@dataclass(frozen=True)
class StringType:
    """A string: one of a few, of a form (a regular expression for all of it), or not empty."""

    one_of: frozenset[str] = frozenset()
    form: str = ""
    filled: bool = False


@dataclass(frozen=True)
class Number:
    """A number; `digits` says how many a whole one has."""

    whole: bool = False
    above: float | None = None
    at_least: float | None = None
    digits: int = 0


@dataclass(frozen=True)
class ListOf:
    """A list of one kind with so many at least; `or_else` is a list that is allowed besides."""

    item: Kind
    at_least: int = 0
    or_else: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Anything:
    """A value of which nothing is known; `only` names the JSON type of a scalar one, if it does."""

    only: str = ""


@dataclass(frozen=True)
class Either:
    """A value of one of several JSON types; of a type there is one kind at most."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Conditional:
    """Objects whose `member` has this value need another one (`if`/`then`)."""

    member: str
    value: str
    needs: str


@dataclass(frozen=True)
class AllOrNone:
    """All of these members, or none."""

    members: tuple[str, ...]


@dataclass(frozen=True)
class OneOf:
    """At least one of these members; with `only_one` exactly one."""

    members: tuple[str, ...]
    only_one: bool = False


Rule: TypeAlias = Conditional | AllOrNone | OneOf


@dataclass(frozen=True)
class ObjectMember:
    """A member of an object."""

    name: str
    kind: Kind
    required: bool = True


@dataclass(frozen=True)
class Object:
    """An object. Unknown members are no fault in the schema, but they are counted as unexpected."""

    name: str
    members: tuple[ObjectMember, ...]
    rules: tuple[Rule, ...] = ()
    closed: bool = field(default=False)

    def member(self, name: str) -> ObjectMember | None:
        """The member of this name."""
        return next((member for member in self.members if member.name == name), None)


Kind: TypeAlias = StringType | Number | ListOf | Object | Anything | Either
