"""The data dictionary, from the declarations: a page of Markdown for every stream and table.

stream, detail ─▶ what it is, what identifies it, who reads it
silver table   ─▶ its columns, what they mean and are made of; its flags and what they cost
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lsats_pipeline.hub.bronze.views import COLUMNS, streams_of, summary
from lsats_pipeline.hub.silver.build import producers
from lsats_pipeline.hub.silver.glossary import described
from lsats_pipeline.hub.silver.lineage import SourceColumn, lineage
from lsats_pipeline.hub.silver.spec import Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.source import Detail, Source, Stream

_MOST_ORIGINS = 6


def dictionary() -> dict[str, str]:
    """The text of each page by its name, `silver.users`, in the order of building."""
    pages: dict[str, str] = {}
    for source, stream in streams_of(SOURCES):
        pages[_name(stream)] = "\n".join(_stream(source, stream))
    for table in SILVER_TABLES:
        pages[f"silver.{table.name}"] = "\n".join(_table(table))
    return pages


def contents(pages: Mapping[str, str]) -> str:
    """A page that leads to the others, each with its first sentence."""
    rows = [[f"[{name}]({name}.md)", text.split("\n")[2]] for name, text in pages.items()]
    return "\n".join(["# Data dictionary", "", *_in_rows(["what", "about"], rows), ""])


def _name(stream: Stream | Detail) -> str:
    if isinstance(stream, Detail):
        return f"enrichment.{stream.of.name}"
    return f"bronze.{stream.name}"


def _stream(source: Source, stream: Stream | Detail) -> Iterator[str]:
    name = _name(stream)
    yield from (f"# {name}", "", summary(source, stream), "")
    yield from (f"Identified by {'-'.join(stream.key)}.", "")
    readers = [f"silver.{t.name}" for t in SILVER_TABLES if name.split(".") in map(list, _above(t))]
    yield from (f"Read by {', '.join(readers) or 'nothing yet'}.", "")
    columns = [[f"`{c.name}`", c.sql_type, c.about] for c in COLUMNS]
    yield from (*_in_rows(["column", "type", "meaning"], columns), "")


def _table(table: Table) -> Iterator[str]:
    yield from (f"# silver.{table.name}", "", table.about, "")
    yield from (f"Made of {', '.join('.'.join(path) for path in _above(table))}.", "")
    origins = lineage(table)
    columns = [
        [
            f"`{field.name}`",
            f"{field.sql_type}{', personal' if field.personal else ''}",
            field.about,
            _origins(origins.get(field.name, [])),
        ]
        for field in described(table)
    ]
    yield from (*_in_rows(["column", "type", "meaning", "made of"], columns), "")
    if table.rules:
        rules = [
            [f"`{rule.name}`", f"−{rule.cost:.2f}" if rule.cost else "note", rule.about]
            for rule in table.rules
        ]
        yield from ("## Flags", "", *_in_rows(["flag", "score", "when"], rules), "")


def _above(table: Table) -> Iterable[tuple[str, ...]]:
    return (tuple(path) for path in producers(table))


def _origins(origins: Sequence[SourceColumn]) -> str:
    named = [f"{o.layer}.{o.entity}.{o.column}" for o in origins[:_MOST_ORIGINS]]
    left = len(origins) - len(named)
    return ", ".join([*named, *([f"and {left} more"] if left else [])])


def _in_rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(' '.join(cell.split()).replace('|', '&#124;') for cell in line)} |"
