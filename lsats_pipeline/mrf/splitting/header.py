"""The top level of a part: what the source says there, and in place of its plan another one's."""

from __future__ import annotations

import msgspec

from lsats_pipeline.mrf.splitting.options import Plan
from lsats_pipeline.mrf.text.index import SECTIONS, Index


def header(index: Index, plan: Plan | None = None) -> bytes:
    """The members before the arrays, each with a comma after it, their values as in the source."""
    members = {
        m.key: m.text.encode()
        for m in index.members
        if m.text is not None and m.key not in SECTIONS
    }
    if plan is not None:
        for name in Plan.__dataclass_fields__:
            members.pop(name, None)
        members |= {k: msgspec.json.encode(v) for k, v in plan.members.items()}
    return b"".join(b"%b:%b," % (msgspec.json.encode(k), text) for k, text in members.items())


def scalars(index: Index) -> dict[str, str]:
    """The texts of the top level."""
    return {m.key: index.scalar(m.key) for m in index.members if m.text is not None}


def notes(index: Index) -> list[str]:
    """What of the top level is in no part."""
    return [
        f"{m.key!r} of the top level ({m.end - m.begin:,} bytes) is in no part"
        for m in index.members
        if m.text is None and m.key not in SECTIONS
    ]
