"""Reads a directory past its size limit by what values begin with, with nothing missing.

    (uid=*) ──truncated──▶ (uid=a*), (uid=b*), ... and (&(uid=*)(!(|(uid=a*)(uid=b*)...)))
                              └─truncated──▶ (uid=aa*), (uid=ab*), ... and what is left of (uid=a*)

Proof of completeness. What begins with p is what begins with one of p1 ... pn, each longer than p,
and what begins with p and with none of them: the complement, whatever bytes, case or script it
is written in. All of these searches end with success, or are divided in the same way. The longer
beginnings are taken from entries that were seen, so they only decide how even the parts are.

What the proof needs is that the server gives (uid=a*) a truth value at all. One without a rule for
substrings answers "undefined", and so it does for a beginning that it cannot read; the entry is
in neither part then. So a beginning is left out of a complement only once it has found an entry.

This asks for an entry more often than ranges do (`ldap_ranges`), and needs no order of values.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import msgspec

from lsats_pipeline.core.errors import IncompleteRead
from lsats_pipeline.hub.sources.ldap import escape
from lsats_pipeline.hub.sources.ldap_ranges import Search, all_of
from lsats_pipeline.hub.sources.ldap_records import LdapEntry, values_of

_SPACES = re.compile(r"\s+")
_SAMPLE = 20  # entries, of whose beginnings the server has to know one


class Beginnings(msgspec.Struct):
    """Beginnings, and the longer ones that each was divided into."""

    splits: dict[str, list[str]] = {}


class PrefixReader:
    """One read of the entries that have `attribute`.

    `after`: which beginnings an earlier, broken-off read was done with, as in the position of a
    part; `hints` is what `hints_for_next` of an earlier read returned.
    """

    def __init__(self, title: str, search: Search, attribute: str, hints: Any, after: Any) -> None:
        self._title, self._search, self._attribute = title, search, attribute
        self._splits = _usable(hints).splits
        # Of every beginning that is being divided: the parts that were read, and found something.
        self._done: dict[str, list[str]] = _usable({"splits": after}).splits

    def prove(self) -> None:
        """IncompleteRead when the server does not compare beginnings; tried on a live entry."""
        sample, _ = all_of(self._search(f"({self._attribute}=*)", _SAMPLE))
        values = {
            value.decode("utf-8", "ignore")[:1]: value
            for entry in sample
            for value in values_of(entry, self._attribute)
        }
        values.pop("", None)
        for beginning, value in values.items():
            same = f"({self._attribute}={escape(value)}){self._begins(beginning)}"
            if all_of(self._search(f"(&{same})", 0))[0]:
                return
        if values:
            raise IncompleteRead(
                f"{self._title}: the server does not compare beginnings of {self._attribute}, "
                "so entries cannot be read by them"
            )

    def parts(self) -> Iterator[tuple[list[LdapEntry], dict[str, list[str]]]]:
        """Yield part after part, with the position after it; IncompleteRead: one is not whole."""
        self.prove()
        yield from self._read("", None)

    def hints_for_next(self) -> dict[str, Any]:
        """How beginnings were divided, as plain JSON values."""
        return {"splits": self._splits}

    def _read(
        self, prefix: str, parent: str | None
    ) -> Generator[tuple[list[LdapEntry], dict[str, list[str]]], None, bool]:
        """The parts of what begins with `prefix`; whether there was anything."""
        divided = [*self._done.get(prefix, []), *self._splits.get(prefix, [])]
        entries, whole = all_of(self._search(self._begins(prefix), 1 if divided else 0))
        if whole:
            yield entries, self._after(prefix, parent if entries else None)
            return bool(entries)
        tried = set(self._done.get(prefix, ()))
        longer = divided or self._longer(prefix, entries, tried)
        while longer:
            for beginning in longer:
                if beginning not in tried:
                    tried.add(beginning)
                    yield from self._read(beginning, prefix)
            entries, whole = all_of(self._search(self._rest(prefix), 0))
            if whole:
                self._splits[prefix] = self._done.get(prefix, [])
                yield entries, self._after(prefix, parent)
                return True
            longer = self._longer(prefix, entries, tried)
        raise IncompleteRead(
            f"{self._title}: more than {len(entries)} entries whose {self._attribute} begins with "
            f"{prefix!r} and does not go on in different ways: a limit of the server hides some "
            "of them"
        )

    def _after(self, prefix: str, parent: str | None) -> dict[str, list[str]]:
        """The position once a beginning is read; `parent` None: nothing was found, or it is all."""
        if parent is not None:
            self._done.setdefault(parent, []).append(prefix)
            self._done.pop(prefix, None)
        return {key: list(done) for key, done in self._done.items()}

    def _begins(self, prefix: str) -> str:
        return f"({self._attribute}={escape(prefix.encode())}*)"

    def _rest(self, prefix: str) -> str:
        """What begins with it and with none of the parts that were read."""
        read = "".join(self._begins(longer) for longer in self._done.get(prefix, ()))
        return f"(&{self._begins(prefix)}(!(|{read})))" if read else self._begins(prefix)

    def _longer(self, prefix: str, entries: Sequence[LdapEntry], tried: set[str]) -> list[str]:
        """Beginnings that are longer than `prefix`, of the entries, and were not tried."""
        values = [
            value.decode("utf-8", "replace")
            for entry in entries
            for value in values_of(entry, self._attribute)
        ]
        # Most servers ignore case; the values as they are written are for those that do not.
        for spelled in (map(_folded, values), values):
            going_on: dict[str, list[str]] = defaultdict(list)
            for value in spelled:
                if value.startswith(prefix) and len(value) > len(prefix):
                    going_on[value[: len(prefix) + 1]].append(value)
            # Names that all begin alike are not taken apart letter by letter.
            found = sorted(
                os.path.commonprefix(group) if len(going_on) == 1 else beginning  # noqa: RUF071
                for beginning, group in going_on.items()
            )
            if fresh := [b for b in found if b not in tried and "\ufffd" not in b]:
                return fresh
        return []


def _folded(value: str) -> str:
    """As directories compare (RFC 4518), about: without case and with single blanks."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", value).casefold()).lstrip()


def _usable(hints: Any) -> Beginnings:
    try:
        return msgspec.convert(hints or {}, Beginnings)
    except msgspec.ValidationError:
        return Beginnings()
