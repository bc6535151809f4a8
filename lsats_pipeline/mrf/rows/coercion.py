"""Numbers in quotes to numbers, numbers without quotes to texts, where the schema wants them so.

Nothing is guessed: what is in the quotes has to be a JSON number, digit for digit, and it stays as
it is written. Everything else is left alone (domain/mrf.md 6.2).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from lsats_pipeline.mrf.schema.published import element
from lsats_pipeline.mrf.schema.types import Kind, ListOf, Number, Object, StringType

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_STEP = re.compile(r"(\w+)\[\d+\]")


def coerced(text: bytes, section: str, path: str) -> bytes:
    """A value of an array (or of what a path leads to in it), its numbers and texts as wanted.

    MsgspecError when it is no strict JSON.
    """
    kind = _kind_at(section, path)
    value = msgspec.json.decode(text)
    changed = _changed(value, kind)
    return text if changed is value else msgspec.json.encode(changed)


def _kind_at(section: str, path: str) -> Kind:
    # Version 1 knows every member that both have, and groups written out.
    kind: Kind = element(section, 1)
    for name in _STEP.findall(path):
        assert isinstance(kind, Object)
        member = kind.member(name)
        assert member is not None
        assert isinstance(member.kind, ListOf)
        kind = member.kind.item
    return kind


def _changed(value: Any, kind: Kind) -> Any:
    """The same object when there is nothing to change."""
    if isinstance(kind, Number) and isinstance(value, str):
        form = _WHOLE if kind.whole else _NUMBER
        return msgspec.Raw(value.encode()) if form.fullmatch(value) else value
    if isinstance(kind, StringType) and type(value) is int:
        return str(value)
    if isinstance(kind, ListOf) and isinstance(value, list):
        made = [_changed(item, kind.item) for item in value]
        return made if any(a is not b for a, b in zip(made, value, strict=True)) else value
    if isinstance(kind, Object) and isinstance(value, dict):
        kinds = {member.name: member.kind for member in kind.members}
        members = {k: _changed(v, kinds[k]) if k in kinds else v for k, v in value.items()}
        return members if any(members[k] is not value[k] for k in value) else value
    return value
