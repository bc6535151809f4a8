"""Prompts: general phrases first, then phrases of one domain (domain/world_studio.md 4).

A prompt depends on (seed, table, row) alone, so that a job can repeat the prompt of its item.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic import dictionaries
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions
from lsats_pipeline.synthetic.worlds.studio.permutations import PermutationPools, spread

SEPARATOR = ", "
GENERAL = "General"
DOMAINS = 30
LEAST_GENERAL, LEAST_OF_DOMAIN = 30, 40


class Phrases(NamedTuple):
    """The word list: phrases that suit every domain, and those of each domain."""

    general: tuple[str, ...]
    domains: dict[str, tuple[str, ...]]


@lru_cache
def phrases() -> Phrases:
    """All phrases; no phrase is in two pools, so that a prompt says which domain it is of."""
    columns = {"domain": dictionaries.text, "phrase": _phrase}
    least = LEAST_GENERAL + DOMAINS * LEAST_OF_DOMAIN
    pools: dict[str, list[str]] = {}
    for domain, phrase in dictionaries.read(__package__, "phrases", columns, least):
        pools.setdefault(domain, []).append(phrase)
    return checked(pools)


def checked(pools: dict[str, list[str]]) -> Phrases:
    """The pools as phrases; BadDeclaration says which pool is too small, which phrase in two."""
    for name, pool in pools.items():
        least = LEAST_GENERAL if name == GENERAL else LEAST_OF_DOMAIN
        if len(pool) < least:
            raise BadDeclaration(f"phrases of {name}: {len(pool)}, at least {least} are needed")
    dictionaries.different("phrases.csv", [phrase for pool in pools.values() for phrase in pool])
    domains = {name: tuple(pool) for name, pool in pools.items() if name != GENERAL}
    if GENERAL not in pools or len(domains) != DOMAINS:
        raise BadDeclaration(f"phrases of {len(domains)} domains and {GENERAL}: {DOMAINS} wanted")
    return Phrases(tuple(pools[GENERAL]), domains)


def prompts_of(options: StudioOptions, table: str, rows: Ints, total: int) -> list[str]:
    """The prompts of rows of a table of `total`; domains and lengths equally often."""
    pools, seed = _prompt_pools(options.seed), options.seed
    domains = spread(rows, total, DOMAINS, seed, table, "domain")
    general = _number(options, "general", table, rows, total)
    special = _number(options, "domain", table, rows, total)
    begins = pools.general.choices(
        np.zeros_like(rows), general, rows, seed, table, "general", trailing=True
    )
    ends = pools.domains.choices(domains, special, rows, seed, table, "phrases")
    return [begin + end for begin, end in zip(begins, ends, strict=True)]


class _PromptPools(NamedTuple):
    general: PermutationPools
    domains: PermutationPools


@lru_cache(maxsize=4)
def _prompt_pools(seed: int) -> _PromptPools:
    found = phrases()
    return _PromptPools(
        PermutationPools([found.general], SEPARATOR, seed, "general"),
        PermutationPools(list(found.domains.values()), SEPARATOR, seed, "domains"),
    )


def _number(options: StudioOptions, kind: str, table: str, rows: Ints, total: int) -> Ints:
    least = getattr(options, f"prompt_min_{kind}_phrases")
    most = getattr(options, f"prompt_max_{kind}_phrases")
    number = spread(rows, total, most - least + 1, options.seed, table, f"number of {kind}")
    number += least
    return number


def _phrase(value: str) -> str:
    if "," in value or '"' in value or "\\" in value:
        raise ValueError(f"{value!r} has a comma, a quotation mark or a backslash")
    return dictionaries.text(value)
