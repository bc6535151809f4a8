"""Synthetic names of companies and stations; no known name is among them or in them."""

from __future__ import annotations

import itertools
import re
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.sampling import Floats, Ints, chosen, generator, shuffled
from lsats_pipeline.synthetic.worlds.jobs.employers import COMPANIES
from lsats_pipeline.synthetic.worlds.jobs.facts import cities, company_kinds, words

LEGAL_FORMS = {"株式会社": 0.80, "合同会社": 0.10, "有限会社": 0.10}
_STATIONS_OF_A_CITY = 8
_SHORT = 2  # characters; such known names are found alone only, not within others


def known(names: Any) -> Any:
    """A mask of the names that are known ones, or have one of three characters or more in them."""
    unique = pc.unique(names.drop_null())
    plain = pc.replace_substring_regex(unique, f"^({'|'.join(LEGAL_FORMS)})|駅$", "")
    alone, within = _known()
    hit = pc.or_(pc.is_in(plain, value_set=alone), pc.match_substring_regex(plain, within))
    return pc.is_in(names, value_set=unique.filter(hit))


@lru_cache
def company_names(seed: int) -> tuple[Any, Any]:
    """Name and reading of each company, all different."""
    names, readings = _companies()
    at = shuffled(np.arange(COMPANIES), len(names), seed, "jobs", "companies", "name")
    rng = generator(seed, "jobs", "companies", "legal form")
    form = chosen(rng, list(LEGAL_FORMS.values()), COMPANIES)
    forms = pa.array(list(LEGAL_FORMS)).take(pa.array(form))
    return pc.binary_join_element_wise(forms, names.take(pa.array(at)), ""), readings.take(
        pa.array(at)
    )


def station_of(city: Ints, uniform: Floats) -> Any:
    """The name of one of the stations of each city, which is a position."""
    number = (uniform * _STATIONS_OF_A_CITY).astype(np.int64)
    # A step prime to their number gives neighbours in the list of cities other stations.
    at = (city * 53 + number * 11) % len(_stations())
    return _stations().take(pa.array(at))


@cache
def _companies() -> tuple[Any, Any]:
    stems = itertools.product(words("company_heads", 30), words("company_tails", 30))
    pairs = itertools.product(map("".join, stems), company_kinds())
    made = [(stem + kind, stem + kana) for stem, (kind, kana) in pairs]
    names, readings = (pa.array(column) for column in zip(*made, strict=True))
    fine = pc.invert(pc.or_(known(names), known(readings)))
    if pc.sum(fine).as_py() < COMPANIES:
        raise BadDeclaration(f"the dictionaries give under {COMPANIES:,} names of companies")
    return names.filter(fine), readings.filter(fine)


@cache
def _stations() -> Any:
    made = itertools.product(words("station_heads", 30), words("station_tails", 10))
    names = pa.array([f"{head}{tail}駅" for head, tail in made])
    fine = names.filter(pc.invert(known(names)))
    if len(fine) < len(cities()):
        raise BadDeclaration(f"the dictionaries give {len(fine)} stations for {len(cities())}")
    return fine


@cache
def _known() -> tuple[Any, str]:
    names = words("known_names", 300)
    within = "|".join(re.escape(name) for name in names if len(name) > _SHORT)
    return pa.array(names), within
