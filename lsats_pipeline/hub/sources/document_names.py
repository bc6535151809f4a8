"""What arrives in the folder of documents, by name: a table of contents.

People write names as they like: case, separators, `Copy of`, `(1)` and dates do not count.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

# Tables as office programs and web pages export them; of the others only what is named so.
TABLES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".tsv")
OTHERS = (".txt", ".tab", ".htm", ".html", ".xml", ".zip", ".gz", ".pdf")

_SEPARATORS = re.compile(r"[\W_]+")
_BEFORE = re.compile(r"(copy( \d+)? of|kopie von|fwd?|re|\d+) ")


class DocumentName(NamedTuple):
    """The names of one system's exports: they begin with one of `stems`.

    `words` and `suffixes` tell whose a file with another name probably is.
    """

    system: str
    stems: tuple[str, ...]
    words: tuple[str, ...]
    suffixes: tuple[str, ...]

    @property
    def example(self) -> str:
        """How such a file is named, for people."""
        return f"{self.stems[0].replace(' ', '_')}*{self.suffixes[0]}"


KEYCONFIGURE = DocumentName(
    "key_client",
    ("keyconfigure computers", "keyconfigure computer"),
    ("keyconfigure", "keyserver", "computer"),
    (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
)
LAB_AWARDS = DocumentName(
    "lab_awards", ("lab awards", "lab award"), ("award",), (".csv", ".tsv", ".txt", ".tab")
)
DOCUMENT_NAMES = (KEYCONFIGURE, LAB_AWARDS)


def recognized(name: str) -> DocumentName | None:
    """Whose export a file is."""
    path = PurePath(name)
    if path.suffix.lower() not in (*TABLES, *OTHERS) or _is_temporary(name):
        return None
    words = _SEPARATORS.sub(" ", path.stem.lower()).strip()
    while before := _BEFORE.match(words):
        words = words[before.end() :]
    squeezed = words.replace(" ", "")
    return next(
        (
            document
            for document in DOCUMENT_NAMES
            if any(squeezed.startswith(stem.replace(" ", "")) for stem in document.stems)
        ),
        None,
    )


def misnamed(name: str) -> DocumentName | None:
    """Whose export a file probably is that is not named so; None when it is no export at all."""
    if _is_temporary(name) or recognized(name) is not None:
        return None
    lower, suffix = name.lower(), PurePath(name).suffix.lower()
    named = (d for d in DOCUMENT_NAMES if any(word in lower for word in d.words))
    if (document := next(named, None)) is not None:
        return document
    if suffix not in TABLES:
        return None
    return next((d for d in DOCUMENT_NAMES if suffix in d.suffixes), None)


def _is_temporary(name: str) -> bool:
    """Office programs lock with `~$name`, others copy to `.name.part`."""
    return name.startswith((".", "~"))
