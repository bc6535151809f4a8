"""Users: who they are. The admin is row 0."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lsats_pipeline.synthetic import dictionaries
from lsats_pipeline.synthetic.sampling import Ints, hashed, picked, shuffled, uuids
from lsats_pipeline.synthetic.worlds.studio.moments import between, window
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions, admin_id

TABLE = "users"
ADMIN_NAME = "admin"
LEAST_WORDS = 100
# Reserved for examples (RFC 2606): no mail ever arrives.
MAIL_DOMAINS = ("example.com", "example.net", "example.org")
_NUMBERS = 1000


class Handles(NamedTuple):
    """The two halves of user names."""

    first: tuple[str, ...]
    second: tuple[str, ...]


@lru_cache
def handles() -> Handles:
    """The word list."""
    columns = {"part": dictionaries.one_of(*Handles._fields), "word": dictionaries.text}
    rows = dictionaries.read(__package__, "handles", columns, 2 * LEAST_WORDS)
    halves = ([word for part, word in rows if part == half] for half in Handles._fields)
    return Handles(*(dictionaries.different("handles.csv", half) for half in halves))


@lru_cache(maxsize=4)
def ids(options: StudioOptions) -> pa.Array:
    """The id of every user, by row."""
    others = uuids(options.seed, np.arange(1, options.users, dtype=np.int64), TABLE, "id")
    return pa.array([admin_id(options), *others], pa.string())


@lru_cache(maxsize=4)
def sign_ups(options: StudioOptions) -> Ints:
    """When every user came, by row: nobody makes anything before. The admin was there first."""
    first, last = window(options)
    rows = np.arange(options.users, dtype=np.int64)
    came = between(first, last, hashed(rows, options.seed, TABLE, "created_at") ** 2)
    came[0] = first
    return came


def names(options: StudioOptions, rows: Ints) -> list[str]:
    """User names: no two alike, for no two rows have one number of words and digits."""
    words = handles()
    firsts, seconds = len(words.first), len(words.second)
    number = shuffled(rows, firsts * seconds * _NUMBERS, options.seed, TABLE, "username")
    halves = zip(
        picked(words.first, number // (_NUMBERS * seconds)).tolist(),
        picked(words.second, number // _NUMBERS % seconds).tolist(),
        (number % _NUMBERS).tolist(),
        rows.tolist(),
        strict=True,
    )
    return [f"{one}_{two}{digits:03d}" if row else ADMIN_NAME for one, two, digits, row in halves]


def mail_addresses(options: StudioOptions, rows: Ints, usernames: list[str]) -> list[str]:
    """Addresses: as different as the names."""
    domain = hashed(rows, options.seed, TABLE, "email") * len(MAIL_DOMAINS)
    hosts = picked(MAIL_DOMAINS, domain.astype(np.int64)).tolist()
    return [f"{name}@{host}" for name, host in zip(usernames, hosts, strict=True)]
