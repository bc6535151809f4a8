"""Titles and descriptions, put together from the dictionaries (domain/world_jobs.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.jobs.facts import cities, minors, tags, words
from lsats_pipeline.synthetic.worlds.jobs.features import FEWEST, Tags
from lsats_pipeline.synthetic.worlds.jobs.names import company_names

SHORTEST_TITLE, LONGEST_TITLE = 10, 120
SHORTEST_TEXT, LONGEST_TEXT = 80, 400
_ENDINGS = ("募集", "を募集中", "大募集", "の求人", "を募集します")


class Texts(NamedTuple):
    """Title and description of each job, as Arrow arrays."""

    title: Any
    description: Any


def written(block: Block, company: Ints, city: Ints, minor: Ints, has: Tags) -> Texts:
    """Texts of jobs, whose companies, cities and minors are positions."""
    places = taken([c.name_ja for c in cities()], city)
    roles = taken([m.role for m in minors()], minor)
    told = _told(block, has)
    return Texts(
        _titles(block, places, roles, told),
        _descriptions(
            block, company_names(block.options.seed)[0], company, places, roles, minor, told
        ),
    )


def taken(values: Sequence[str] | Any, at: Ints) -> Any:
    """The texts at these positions."""
    return pa.array(values).take(pa.array(at))


def _told(block: Block, has: Tags) -> list[Ints]:
    """Three different tags of each job, by chance; every job has as many."""
    keys = block.draws("told").random(has.has.shape, dtype=np.float32)
    keys[~has.has] = -1
    jobs, found = np.arange(len(block)), []
    for _ in range(FEWEST):
        found.append(keys.argmax(axis=1))
        keys[jobs, found[-1]] = -1
    return found


def _titles(block: Block, places: Any, roles: Any, told: list[Ints]) -> Any:
    draws, labels = block.draws("title"), [tag.label for tag in tags()]
    second = pa.array(draws.random(len(block)) < 0.5)
    place_first = pa.array(draws.random(len(block)) < 0.7)
    ending = taken(_ENDINGS, draws.integers(0, len(_ENDINGS), len(block)))
    return _joined(
        "【",
        taken(labels, told[0]),
        pc.if_else(second, _joined("・", taken(labels, told[1])), ""),
        "】",
        pc.if_else(place_first, _joined(places, "の", roles), _joined(roles, "(", places, ")")),
        ending,
    )


def _descriptions(
    block: Block,
    companies: Any,
    company: Ints,
    places: Any,
    roles: Any,
    minor: Ints,
    told: list[Ints],
) -> Any:
    draws, sentences = block.draws("description"), [tag.sentence for tag in tags()]
    openings, closings = words("openings", 10), words("closings", 8)
    return _joined(
        taken(openings, draws.integers(0, len(openings), len(block))),
        companies.take(pa.array(company)),
        "が",
        places,
        "で",
        roles,
        "を募集しています。",
        taken([m.task for m in minors()], minor),
        *(taken(sentences, tag) for tag in told),
        taken(closings, draws.integers(0, len(closings), len(block))),
    )


def _joined(*parts: Any) -> Any:
    return pc.binary_join_element_wise(*parts, "")
