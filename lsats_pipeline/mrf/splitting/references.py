"""The provider references of a file, put aside so that each part can have those it needs.

Their texts go to a file on disk; in memory is where each stands, 40 bytes for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from lsats_pipeline.mrf.provenance.rereading import Indexed
from lsats_pipeline.mrf.splitting.units import Elements, Item, LargeUnit, hash_of, items, summed

SECTION = "provider_references"
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Numbered(msgspec.Struct, gc=False):
    """A reference, as far as its number goes."""

    provider_group_id: int


_NUMBERED = msgspec.json.Decoder(Numbered)
_NO_NUMBER = -(2**63)
# Numbers this many times further apart than there are references are not looked up in a table.
_SPARSE = 16


@dataclass
class ReferenceLists:
    """All references of a file in its order: number, place in the spill, hash of the text.

    `ranked` are positions by number; several may have the same. `labels` is what `label` said of
    each, for splitting by provider. `faults` counts how each breaks the schema.
    """

    spill: Path
    numbers: Numbers
    begins: Numbers
    sizes: Numbers
    hashes: NDArray[np.uint8]
    labels: Numbers
    faults: Numbers
    ranked: Numbers

    def __post_init__(self) -> None:
        self._ordered = self.numbers[self.ranked]
        self._places = _places(self._ordered)

    def __len__(self) -> int:
        return len(self.numbers)

    def none(self) -> Mask:
        """No reference, to be added to."""
        return np.zeros(len(self), np.bool_)

    def positions(self, wanted: Numbers) -> Numbers:
        """Where the references with these numbers are; numbers that are not there give nothing."""
        if not len(self):
            return np.empty(0, np.int64)
        if len(self._places):
            least, most = self._ordered[0], self._ordered[-1]
            ranks: Numbers = self._places[wanted[(wanted >= least) & (wanted <= most)] - least]
            found: Numbers = self.ranked[ranks[ranks >= 0]]
            return found
        wanted = np.unique(wanted)
        low = np.searchsorted(self._ordered, wanted, "left")
        high = np.searchsorted(self._ordered, wanted, "right")
        if (high - low <= 1).all():
            return self.ranked[low[high > low]]
        return np.concatenate([self.ranked[a:b] for a, b in zip(low, high, strict=True)])

    def texts(self, mask: Mask) -> Iterator[bytes]:
        """The texts of these references, in the order of the file."""
        with self.spill.open("rb") as file:
            at = 0
            for begin, size in zip(
                self.begins[mask].tolist(), self.sizes[mask].tolist(), strict=True
            ):
                if begin != at:
                    file.seek(begin)
                yield file.read(size)
                at = begin + size

    def digest(self, mask: Mask) -> int:
        """The sum of their hashes, mod 2^128."""
        return summed(self.hashes[mask])


def _places(ordered: Numbers) -> Numbers:
    """The rank of each number from the least to the most; empty if they are far apart, or twice."""
    count = len(ordered)
    if not count or int(ordered[-1]) - int(ordered[0]) > _SPARSE * count:
        return np.empty(0, np.int64)
    if (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, np.int64)
    places = np.full(int(ordered[-1] - ordered[0]) + 1, -1, np.int64)
    places[ordered - ordered[0]] = np.arange(count)
    return places


def put_aside(
    file: Indexed,
    folder: Path,
    label: Callable[[bytes], int] | None = None,
    faults: Callable[[list[bytes]], int] | None = None,
) -> ReferenceLists:
    """Read the references of a file. What is no JSON is none; the proof of the file counts it."""
    spill = folder / "references.bin"
    rows: list[tuple[int, int, int, int, int]] = []
    hashes, at = bytearray(), 0
    with spill.open("wb") as aside:
        for texts in _texts(items(file.original.opened(), file.index, [SECTION])):
            doubtful = faults is not None and faults(texts) > 0
            for text in texts:
                aside.write(text)
                hashes += hash_of(text)
                broken = faults([text]) if faults and doubtful else 0
                rows.append((_number(text), at, len(text), label(text) if label else 0, broken))
                at += len(text)
    table = np.asarray(rows, np.int64).reshape(-1, 5)
    numbers, begins, sizes, labels, counts = (np.ascontiguousarray(column) for column in table.T)
    return ReferenceLists(
        spill, numbers, begins, sizes, np.frombuffer(bytes(hashes), np.uint8).reshape(-1, 16),
        labels, counts, np.argsort(numbers, kind="stable"),
    )  # fmt: skip


def _texts(found: Iterator[Item]) -> Iterator[list[bytes]]:
    """References, some at a time."""
    for item in found:
        if isinstance(item, LargeUnit):
            yield [b"".join(c if isinstance(c, bytes) else c.data for c in item.chunks)]
        elif isinstance(item, Elements) and item.proved:
            yield list(map(bytes, item.values))


def _number(text: bytes) -> int:
    try:
        number = _NUMBERED.decode(text).provider_group_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _NO_NUMBER
    return number if -(2**63) < number < 2**63 else _NO_NUMBER


def saved(references: ReferenceLists, folder: Path) -> Path:
    """Keep the arrays where other processes find them."""
    place = folder / "references.npz"
    arrays: dict[str, Any] = {
        field.name: getattr(references, field.name)
        for field in fields(references)
        if field.name != "spill"
    }
    np.savez(place, **arrays)
    return place


def loaded(place: Path) -> ReferenceLists:
    """The same in another process."""
    with np.load(place) as arrays:
        return ReferenceLists(
            place.with_name("references.bin"), **{k: arrays[k] for k in arrays.files}
        )
