"""LDAP search filters: decoded, evaluated on a record, and put into SQL as far as that goes.

    (&(objectClass=person)(uid>=k)) -> SQL `lookup >= 'k'`, not exact -> the rest in Python

A translation never loses a record; `exact` says that it lets no other through either. Texts compare
without regard to case and by code point, as caseIgnoreMatch and caseIgnoreOrderingMatch do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from psycopg import sql

from lsats_pipeline.campus.simulators import ber
from lsats_pipeline.campus.simulators.entries import Attributes, text_of, values_of

# Compared by value; everything else by text.
_NUMBERS = frozenset(
    re.findall(
        r"\w+",
        "uidnumber gidnumber useraccountcontrol usnchanged usncreated primarygroupid pwdlastset"
        " accountexpires lastlogon lastlogontimestamp lockouttime badpasswordtime badpwdcount"
        " logoncount instancetype samaccounttype",
    )
)


class FilterColumn(NamedTuple):
    """Where `campus.records` holds an attribute: `ordered` when it sorts as the attribute does."""

    name: str
    ordered: bool


Columns = Mapping[str, FilterColumn]


class Condition(NamedTuple):
    """SQL that keeps every matching record, and whether it keeps no other."""

    where: sql.Composable
    exact: bool


UNKNOWN = Condition(sql.SQL("true"), False)


Classes = frozenset[str]


class Filter(Protocol):
    """One node of a filter."""

    def possible(self, always: Classes, never: Classes) -> bool:
        """Whether entries that always and never have these classes and types may match."""

    def certain(self, always: Classes, never: Classes) -> bool:
        """Whether all of them match for certain."""

    def matches(self, attributes: Attributes) -> bool:
        """Whether a record passes."""

    def condition(self, columns: Columns) -> Condition:
        """The same as SQL, as far as the columns can tell."""


class _Leaf:
    """A condition on one attribute other than the object class: it may match or not."""

    def possible(self, always: Classes, never: Classes) -> bool:
        """Always possible."""
        return True

    def certain(self, always: Classes, never: Classes) -> bool:
        """Never certain."""
        return False


@dataclass(frozen=True)
class FilterGroup:
    """`&` or `|` over several filters."""

    all_of: bool
    members: tuple[Filter, ...]

    def possible(self, always: Classes, never: Classes) -> bool:
        """Whether all, or any, of the members may match."""
        return (all if self.all_of else any)(m.possible(always, never) for m in self.members)

    def certain(self, always: Classes, never: Classes) -> bool:
        """Whether all, or any, of the members match for certain."""
        return (all if self.all_of else any)(m.certain(always, never) for m in self.members)

    def matches(self, attributes: Attributes) -> bool:
        """Whether all, or any, of the members match."""
        return (all if self.all_of else any)(member.matches(attributes) for member in self.members)

    def condition(self, columns: Columns) -> Condition:
        """The members' conditions joined."""
        found = [member.condition(columns) for member in self.members]
        neutral = sql.SQL("true" if self.all_of else "false")
        operator = sql.SQL(" and " if self.all_of else " or ")
        where = operator.join([neutral, *(item.where for item in found)])
        return Condition(sql.SQL("({})").format(where), all(item.exact for item in found))


@dataclass(frozen=True)
class Not:
    """Everything that the inner filter does not match."""

    inner: Filter

    def possible(self, always: Classes, never: Classes) -> bool:
        """Unless the inner filter is certain to match."""
        return not self.inner.certain(always, never)

    def certain(self, always: Classes, never: Classes) -> bool:
        """When the inner filter cannot match."""
        return not self.inner.possible(always, never)

    def matches(self, attributes: Attributes) -> bool:
        """Whether the inner filter fails."""
        return not self.inner.matches(attributes)

    def condition(self, columns: Columns) -> Condition:
        """The negation, which is only safe for an exact condition."""
        where, exact = self.inner.condition(columns)
        return Condition(sql.SQL("not {}").format(where), True) if exact else UNKNOWN


@dataclass(frozen=True)
class Present(_Leaf):
    """`(attribute=*)`."""

    attribute: str

    def matches(self, attributes: Attributes) -> bool:
        """Whether there is a value."""
        return bool(values_of(attributes, self.attribute))

    def condition(self, columns: Columns) -> Condition:
        """A blank lookup is an absent attribute; a key stands there even for those without one."""
        column = columns.get(self.attribute)
        return _compare(column, "<>", "") if column and column.ordered else UNKNOWN


@dataclass(frozen=True)
class Compare:
    """`=`, `>=` or `<=` with a value."""

    attribute: str
    operator: str
    value: str

    def possible(self, always: Classes, never: Classes) -> bool:
        """Unless it asks for a class, or a type, that none has."""
        return not (self._asks_for_kind() and self.value.lower() in never)

    def certain(self, always: Classes, never: Classes) -> bool:
        """When it asks for a class that all have."""
        return self._asks_for_kind() and self.value.lower() in always

    def _asks_for_kind(self) -> bool:
        return self.attribute in ("objectclass", "samaccounttype") and self.operator == "="

    def matches(self, attributes: Attributes) -> bool:
        """Whether some value compares so."""
        wanted = _orderable(self.attribute, self.value)
        test = _OPERATORS[self.operator]
        values = values_of(attributes, self.attribute)
        return any(test(_orderable(self.attribute, value), wanted) for value in values)

    def condition(self, columns: Columns) -> Condition:
        """The comparison, if the column sorts as the attribute does; blanks never match."""
        column = columns.get(self.attribute)
        if column is None or not (column.ordered or self.operator == "="):
            return UNKNOWN
        compared = _compare(column, self.operator, self.value.lower())
        if self.value and self.operator != "<=":
            # A blank is neither equal to a value nor after it. Said plainly, so that the negation
            # is a bound too, and a range finds its few records by the index.
            return compared
        present = _compare(column, "<>", "").where
        return Condition(sql.SQL("({} and {})").format(compared.where, present), True)


@dataclass(frozen=True)
class Substrings(_Leaf):
    """`(attribute=initial*any*final)`; an empty end is open."""

    attribute: str
    pieces: tuple[str, ...]

    def matches(self, attributes: Attributes) -> bool:
        """Whether some value holds the pieces in their order."""
        pattern = re.compile(".*".join(map(re.escape, self.pieces)), re.IGNORECASE | re.DOTALL)
        return any(pattern.fullmatch(value) for value in values_of(attributes, self.attribute))

    def condition(self, columns: Columns) -> Condition:
        """A range for the initial piece (which an index can serve) and a LIKE for the rest."""
        column, initial = columns.get(self.attribute), self.pieces[0].lower()
        if column is None:
            return UNKNOWN
        like = "%".join(re.sub(r"([\\%_])", r"\\\1", piece.lower()) for piece in self.pieces)
        conditions = [_compare(column, "like", like).where, _compare(column, "<>", "").where]
        if initial:
            conditions.append(_compare(column, ">=", initial).where)
            conditions.append(_compare(column, "<", initial + "\U0010ffff").where)
        return Condition(sql.SQL("({})").format(sql.SQL(" and ").join(conditions)), True)


def without_rules(criteria: Filter, missing: Collection[str], wanted: bool = True) -> Filter:
    """The filter on a server whose attributes have no `ordering` or no `substring` rule.

    What needs the rule is undefined there, and so is its negation: neither half matches (RFC 4511,
    4.5.1.7). `wanted`: whether a match is looked for or its contrary.
    """
    match criteria:
        case FilterGroup(all_of, members):
            inner = tuple(without_rules(member, missing, wanted) for member in members)
            return FilterGroup(all_of == wanted, inner)
        case Not(member):
            return without_rules(member, missing, not wanted)
        case Compare(_, ">=" | "<=", _) if "ordering" in missing:
            return FilterGroup(False, ())
        case Substrings() if "substring" in missing:
            return FilterGroup(False, ())
    return criteria if wanted else Not(criteria)


def decode_filter(tag: int, content: bytes) -> Filter:
    """The filter in a search request (RFC 4511 4.5.1)."""
    if tag in (0xA0, 0xA1):
        return FilterGroup(tag == 0xA0, tuple(decode_filter(*part) for part in ber.parts(content)))
    if tag == 0xA2:
        return Not(decode_filter(*ber.parts(content)[0]))
    if tag == 0x87:
        return Present(content.decode(errors="replace").lower())
    if tag == 0xA4:
        return _substrings(content)
    if tag in _COMPARISONS:
        (_, name), (_, value) = ber.parts(content)
        attribute = name.decode(errors="replace").lower()
        return Compare(attribute, _COMPARISONS[tag], text_of(attribute, value))
    raise ber.BadMessage(f"filter type {tag:#x} is not supported")


def _substrings(content: bytes) -> Substrings:
    (_, name), (_, inner) = ber.parts(content)
    pieces = [(tag, value.decode(errors="replace")) for tag, value in ber.parts(inner)]
    initial = "".join(value for tag, value in pieces if tag == 0x80)
    final = "".join(value for tag, value in pieces if tag == 0x82)
    middle = [value for tag, value in pieces if tag == 0x81]
    return Substrings(name.decode(errors="replace").lower(), (initial, *middle, final))


def _compare(column: FilterColumn, operator: str, value: str) -> Condition:
    # The C collation is code point order, and that of the index.
    template = sql.SQL('{} collate "C" {} {}')
    where = template.format(sql.Identifier(column.name), sql.SQL(operator), sql.Literal(value))
    return Condition(where, True)


def _orderable(attribute: str, value: str) -> tuple[int, str]:
    if attribute in _NUMBERS and value.lstrip("-").isdecimal():
        return int(value), ""
    return 0, value.lower()


_COMPARISONS = {0xA3: "=", 0xA5: ">=", 0xA6: "<=", 0xA8: "="}  # the last: approxMatch
_OPERATORS: dict[str, Callable[[tuple[int, str], tuple[int, str]], bool]] = {
    "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
