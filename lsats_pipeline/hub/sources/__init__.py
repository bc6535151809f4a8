"""The systems the hub reads. `SOURCES` is the table of contents: one folder and one line each.

`source.py` says what a source declares; `core/http.py`, `ldap.py` and `files.py` carry the
protocols, with `json_records.py`, `ldap_*.py`, `spreadsheets.py` and `archive.py` to help them. Of
documents: `document_names.py` says what arrives, `workbooks.py`, `binary_workbooks.py` and
`text_tables.py` read it, `row_identity.py` says what a row is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.hub.sources import (
    active_directory,
    keyconfigure,
    lab_awards,
    mcommunity,
    tdx,
    umich_api,
)
from lsats_pipeline.hub.sources.source import Detail, Source, Stream

T = TypeVar("T")

SOURCES: tuple[Source, ...] = (
    tdx.SOURCE,
    umich_api.SOURCE,
    mcommunity.SOURCE,
    active_directory.SOURCE,
    keyconfigure.SOURCE,
    lab_awards.SOURCE,
)


def source(system: str) -> Source:
    """The source of a system such as `tdx`; ConfigurationError lists the known ones."""
    return _known("source", system, {s.system: s for s in SOURCES})


def stream(name: str) -> Stream:
    """The stream of a name such as `tdx_user`; ConfigurationError lists the known ones."""
    return _known("stream", name, {s.name: s for source in SOURCES for s in source.streams})


def detail(name: str) -> Detail:
    """The detail of a name such as `tdx_user_detail`; ConfigurationError lists the known ones."""
    return _known("detail", name, {d.name: d for source in SOURCES for d in source.details})


def _known(kind: str, name: str, members: Mapping[str, T]) -> T:
    if name not in members:
        near = get_close_matches(name, members, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ConfigurationError(f"no {kind} {name!r}{hint}; known: {', '.join(sorted(members))}")
    return members[name]
