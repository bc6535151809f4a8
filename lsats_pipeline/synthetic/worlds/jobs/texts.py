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


def texts_of(block: Block, company: Ints, city: Ints, minor: Ints, has: Tags) -> Texts:
    """Texts of jobs, whose companies, cities and minors are positions."""
    places = take_texts([c.name_ja for c in cities()], city)
    roles = take_texts([m.role for m in minors()], minor)
    shown_tags = _shown_tags(block, has)
    return Texts(
        _titles(block, places, roles, shown_tags),
        _descriptions(
            block, company_names(block.options.seed)[0], company, places, roles, minor, shown_tags
        ),
    )


def take_texts(values: Sequence[str] | Any, at: Ints) -> Any:
    """The texts at these positions."""
    return pa.array(values).take(pa.array(at))


def _shown_tags(block: Block, has: Tags) -> list[Ints]:
    """Three different tags of each job, drawn at random; every job has as many."""
    # The name of the purpose decides the rows: it stays.
    keys = block.rng("told").random(has.has.shape, dtype=np.float32)
    keys[~has.has] = -1
    jobs, found = np.arange(len(block)), []
    for _ in range(FEWEST):
        found.append(keys.argmax(axis=1))
        keys[jobs, found[-1]] = -1
    return found


def _titles(block: Block, places: Any, roles: Any, shown_tags: list[Ints]) -> Any:
    rng, labels = block.rng("title"), [tag.label for tag in tags()]
    second = pa.array(rng.random(len(block)) < 0.5)
    place_first = pa.array(rng.random(len(block)) < 0.7)
    ending = take_texts(_ENDINGS, rng.integers(0, len(_ENDINGS), len(block)))
    return _joined(
        "【",
        take_texts(labels, shown_tags[0]),
        pc.if_else(second, _joined("・", take_texts(labels, shown_tags[1])), ""),
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
    shown_tags: list[Ints],
) -> Any:
    rng, sentences = block.rng("description"), [tag.sentence for tag in tags()]
    openings, closings = words("openings", 10), words("closings", 8)
    return _joined(
        take_texts(openings, rng.integers(0, len(openings), len(block))),
        companies.take(pa.array(company)),
        "が",
        places,
        "で",
        roles,
        "を募集しています。",
        take_texts([m.task for m in minors()], minor),
        *(take_texts(sentences, tag) for tag in shown_tags),
        take_texts(closings, rng.integers(0, len(closings), len(block))),
    )


def _joined(*parts: Any) -> Any:
    return pc.binary_join_element_wise(*parts, "")
