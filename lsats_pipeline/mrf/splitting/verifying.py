"""The proof: parts are read again from the disk, and their units compared with the source's."""

from __future__ import annotations

from hashlib import blake2b

from lsats_pipeline.errors import VerificationFailed
from lsats_pipeline.mrf.profiling.walking import violations
from lsats_pipeline.mrf.schema.published import Version
from lsats_pipeline.mrf.splitting.facts import Part
from lsats_pipeline.mrf.splitting.references import SECTION as REFERENCES
from lsats_pipeline.mrf.splitting.references import References
from lsats_pipeline.mrf.splitting.routes import rates_of
from lsats_pipeline.mrf.splitting.units import (
    Digest,
    Elements,
    Item,
    Large,
    items,
    rate_unit,
)
from lsats_pipeline.mrf.splitting.writing import Written
from lsats_pipeline.mrf.text.index import SECTIONS, index_file
from lsats_pipeline.mrf.text.rereading import Indexed

ELEMENTS = tuple(section for section in SECTIONS if section != REFERENCES)


class Proof:
    """The units of a file; and apart from them, what is no JSON."""

    def __init__(self, *, rates: bool) -> None:
        self.units = Digest()
        self.references = Digest()
        self.not_json = Digest()
        self.offsets: list[int] = []
        self._rates = rates

    def read(self, file: Indexed) -> Proof:
        """All elements of a file."""
        for item in items(file.original.opened(), file.index, tuple(SECTIONS)):
            self._add(item)
        return self

    def _add(self, item: Item) -> None:
        if isinstance(item, Elements):
            section = item.stretch.span.section
            if not item.proved:
                self._set_aside(item.stretch.begin, item.values[0])
                return
            for value in item.values:
                self._element(value, section)
        elif isinstance(item, Large):
            self._large(item)
        else:
            self._set_aside(item.begin, item.head.encode())

    def _set_aside(self, offset: int, text: bytes) -> None:
        self.not_json.add(text)
        self.offsets.append(offset)

    def _element(self, value: bytes, section: str) -> None:
        if section == REFERENCES:
            self.references.add(value)
        elif self._rates and (apart := rates_of(value, section)) and apart[1]:
            for rate in apart[1]:
                self.units.add(rate_unit(apart[0], rate))
        else:
            self.units.add(value)

    def _large(self, item: Large) -> None:
        section, head = item.element.section, item.element.header.encode()
        hashed = blake2b(digest_size=16)
        for chunk in item.chunks:
            hashed.update(chunk if isinstance(chunk, bytes) else chunk.data)
            if self._rates and section != REFERENCES and not isinstance(chunk, bytes):
                for _, rate in chunk.values():
                    self.units.add(rate_unit(head, rate))
        if section == REFERENCES:
            self.references.hashed(hashed.digest())
        elif not self._rates:
            self.units.hashed(hashed.digest())


def verified(written: Written, references: References, version: Version, *, rates: bool) -> Part:
    """A part read again; VerificationFailed when it is not what was written."""
    index = index_file(written.path)
    part = Indexed.here(written.path, index)
    proof = Proof(rates=rates).read(part)
    mask = written.used(references)
    for what, found, wanted in (
        ("sha256", index.sha256, written.sha256),
        ("elements", index.elements(written.section), written.elements),
        ("units", str(proof.units), written.digest),
        ("references", proof.references.total, references.digest(mask)),
    ):
        if found != wanted:
            raise VerificationFailed(
                f"{written.path.name} has {found} for {what}, and {wanted} was written: the disk"
                " may be faulty; split again, and please report this if it stays"
            )
    broken = [found for found in violations(part, version) if found.breaks]
    return Part(
        name="",
        group=written.group,
        text=written.text,
        compressed=written.compressed,
        sha256=written.sha256,
        elements=written.elements,
        units=written.units,
        references=written.references,
        digest=written.digest,
        violations=sum(found.count for found in broken),
        first_violation=" ".join((broken[0].path, broken[0].what, broken[0].detail)).strip()
        if broken
        else "",
    )
