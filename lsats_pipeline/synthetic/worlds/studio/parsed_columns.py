"""JSON and prompts taken apart for rules, once per batch, without asking how they were made."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lsats_pipeline.synthetic.rules import Rows
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.worlds.studio.prompts import SEPARATOR, phrases
from lsats_pipeline.synthetic.worlds.studio.tags import all_tags

T = TypeVar("T")
Bools = NDArray[np.bool_]
_PREFERENCES = '{"favorite_tags": '


def once_per_batch(function: Callable[[Rows], T]) -> Callable[[Rows], T]:
    """Several rules ask the same of a batch, one after the other: keep the last answer."""
    last: list[tuple[weakref.ref[Any], T]] = []

    @wraps(function)
    def kept(rows: Rows) -> T:
        if not last or last[0][0]() is not rows.data:
            last[:] = [(weakref.ref(rows.data), function(rows))]
        return last[0][1]

    return kept


class Metadata(NamedTuple):
    """Items' metadata, column by column; null where they are not as declared."""

    valid: Bools
    tags: list[bytes | None]
    style: pa.Array
    prompt: pa.Array
    resolution: pa.Array


class TagLists(NamedTuple):
    """Of each list of tags: whether it is one, its size, repeats, unknown tags."""

    valid: Bools
    sizes: Ints
    repeats: Bools
    unknown: Bools


class Prompts(NamedTuple):
    """Of each prompt: what its phrases are. `domain` is -1 where there is not exactly one."""

    general: Ints
    special: Ints
    domain: Ints
    unknown: Bools
    mixed: Bools
    repeats: Bools
    general_first: Bools


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    """What an item's metadata has, all of it and nothing else (domain/world_studio.md 2)."""

    tags: msgspec.Raw
    style: str
    prompt: str
    resolution: str


@once_per_batch
def metadata(rows: Rows) -> Metadata:
    """Each item's metadata."""
    decode = msgspec.json.Decoder(_Metadata).decode
    found = [_or_none(decode, text) for text in rows.arrow("item_metadata").to_pylist()]
    return Metadata(
        np.array([one is not None for one in found], dtype=np.bool_),
        [one and bytes(one.tags) for one in found],
        pa.array([one and one.style for one in found], pa.string()),
        pa.array([one and one.prompt for one in found], pa.string()),
        pa.array([one and one.resolution for one in found], pa.string()),
    )


@once_per_batch
def tag_lists(rows: Rows) -> TagLists:
    """Each item's tags."""
    return parsed_tags(rows.arrow("tags"))


@once_per_batch
def favorite_tags(rows: Rows) -> TagLists:
    """Each user's favourite tags, which are all that preferences have."""
    texts = rows.arrow("preferences")
    begins = pc.and_(pc.starts_with(texts, _PREFERENCES), pc.ends_with(texts, "}"))
    inner = pc.utf8_slice_codeunits(texts, len(_PREFERENCES), -1)
    return parsed_tags(pc.if_else(begins, inner, None))


@once_per_batch
def item_prompts(rows: Rows) -> Prompts:
    """Each item's prompt, from its metadata."""
    return parsed_prompts(metadata(rows).prompt)


@once_per_batch
def unlinked_prompts(rows: Rows) -> Prompts:
    """The prompts of jobs without item; those of items are compared with the item's own."""
    return parsed_prompts(rows.arrow("prompt").filter(unlinked(rows)))


def unlinked(rows: Rows) -> pa.Array:
    """Whether each job has no item."""
    return pc.and_(
        pc.is_null(rows.arrow("result_content_id")),
        pc.is_null(rows.arrow("result_content_auto_id")),
    )


def _or_none(decode: Callable[[str], Any], text: str | None) -> Any:
    try:
        return None if text is None else decode(text)
    except msgspec.DecodeError:
        return None


def parsed_tags(texts: pa.Array) -> TagLists:
    """Lists of tags against the pool, as JSON in the form in which PostgreSQL writes it."""
    bracketed = pc.and_(pc.starts_with(texts, '["'), pc.ends_with(texts, '"]'))
    valid = pc.or_(bracketed, pc.equal(texts, "[]")).fill_null(False)
    inner = pc.if_else(valid, pc.utf8_slice_codeunits(texts, 1, -1), "")
    at, row = _positions(pc.split_pattern(inner, SEPARATOR), _quoted_tags())
    # An empty list is split into one empty text.
    empty = pc.equal(inner, "").to_numpy(zero_copy_only=False)
    sizes, known = np.bincount(row, minlength=len(texts)) - empty, at >= 0
    return TagLists(
        valid.to_numpy(zero_copy_only=False),
        sizes,
        _repeated(at[known], row[known], len(texts), len(_quoted_tags())),
        np.bincount(row[~known], minlength=len(texts)) - empty > 0,
    )


def parsed_prompts(prompts: pa.Array) -> Prompts:
    """Prompts taken apart at the commas; null has no phrases."""
    pools, size = _pools(), len(prompts)
    at, row = _positions(pc.split_pattern(prompts.fill_null(""), SEPARATOR), pools.phrases)
    pool = np.where(at < 0, -1, pools.pool_of[at])
    known, of_domain = at >= 0, pool > 0
    highest, lowest = np.full(size, -1), np.full(size, len(pools.pool_of))
    np.maximum.at(highest, row[of_domain], pool[of_domain])
    np.minimum.at(lowest, row[of_domain], pool[of_domain])
    follows = (row[1:] == row[:-1]) & (pool[1:] == 0) & (pool[:-1] > 0)
    return Prompts(
        general=np.bincount(row[pool == 0], minlength=size),
        special=np.bincount(row[of_domain], minlength=size),
        domain=np.where(highest == lowest, highest - 1, -1),
        unknown=np.bincount(row[~known], minlength=size) > 0,
        mixed=(highest != lowest) & (highest >= 0),
        repeats=_repeated(at[known], row[known], size, len(pools.pool_of)),
        general_first=np.bincount(row[1:][follows], minlength=size) == 0,
    )


def _positions(parts: pa.ListArray, known: pa.Array) -> tuple[Ints, Ints]:
    """For each part its position among the known, -1 where it is none, and its row."""
    at = pc.index_in(parts.flatten(), value_set=known).fill_null(-1)
    row = np.repeat(np.arange(len(parts)), parts.value_lengths().to_numpy(zero_copy_only=False))
    return at.to_numpy(), row


def _repeated(at: Ints, row: Ints, rows: int, known: int) -> Bools:
    """Whether a row has the same twice."""
    seen = np.zeros(rows * known, dtype=np.bool_)
    seen[row * known + at] = True
    different = np.count_nonzero(seen.reshape(rows, known), axis=1)
    fewer: Bools = different < np.bincount(row, minlength=rows)
    return fewer


@lru_cache
def _quoted_tags() -> pa.Array:
    return pa.array([f'"{tag}"' for tag in all_tags()])


class _Pools(NamedTuple):
    phrases: pa.Array
    pool_of: Ints


@lru_cache
def _pools() -> _Pools:
    """Every phrase, and its pool: 0 general, from 1 on the domains."""
    found = phrases()
    pools = [found.general, *found.domains.values()]
    numbers = np.repeat(np.arange(len(pools)), [len(pool) for pool in pools])
    return _Pools(pa.array([phrase for pool in pools for phrase in pool]), numbers)
