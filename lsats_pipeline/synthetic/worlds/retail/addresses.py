"""Street addresses: `4711 NW Acorn Lilac Rd, Wrenmoor, OH 51777` (domain/world_retail.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import (
    AcrossTables,
    ExpectedShares,
    RuleCounts,
    WorldRule,
    as_mask,
)
from lsats_pipeline.synthetic.sampling import Ints
from lsats_pipeline.synthetic.spec import Block
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.placement import placement
from lsats_pipeline.synthetic.worlds.retail.shared_rules import examples, matching
from lsats_pipeline.synthetic.worlds.retail.vocabulary import places, streets

_COMPASS = ("N", "S", "E", "W", "NE", "NW", "SE", "SW")
_TYPES = ("St", "Ave", "Blvd", "Dr", "Ln", "Rd", "Ct", "Pl", "Way", "Ter")
COMPASS_SHARE, ONE_WORD_SHARE = 0.30, 0.70
_PREFIX = f"(?:{'|'.join(_COMPASS)}) "


class HouseNumbers(Enum):
    """Lowest and highest house number, and its pattern."""

    RESIDENTIAL = (100, 9_999, r"[1-9]\d{2,3}")
    COMMERCIAL = (1_000, 99_999, r"[1-9]\d{3,4}")
    INDUSTRIAL = (1, 999, r"[1-9]\d{0,2}")


def addresses(block: Block, numbers: HouseNumbers, geography: Ints) -> Any:
    """An address in each of these geographies, counted from 0."""
    rng, size = block.rng("address"), len(block)
    least, most, _ = numbers.value
    house = pa.array(rng.integers(least, most + 1, size)).cast(pa.string())
    compass = pa.array(["", *(f"{c} " for c in _COMPASS)]).take(
        pa.array(_some(rng, COMPASS_SHARE, len(_COMPASS), size))
    )
    kind = pa.array(_TYPES).take(pa.array(rng.integers(0, len(_TYPES), size)))
    street = pc.binary_join_element_wise(compass, _words(block, rng, size), " ", "")
    ends = _ends(block.options).take(pa.array(geography))
    return pc.binary_join_element_wise(house, " ", street, kind, ends, "")


def address_rules(table: str, numbers: HouseNumbers) -> tuple[WorldRule, ...]:
    """What holds for the addresses of a table with `address` and `geography_id`."""
    pattern = (
        f"^{numbers.value[2]} (?:{_PREFIX})?[A-Z][a-z]+(?: [A-Z][a-z]+)? (?:{'|'.join(_TYPES)}), "
        r"[A-Z][A-Za-z ]+, [A-Z]{2} \d{5}(?:-\d{4})?$"
    )
    return (
        matching("address_format", "address", pattern, "house number, street, city, state, ZIP"),
        AcrossTables(
            "address_place",
            {
                "geographies": ("id", "city", "state", "zip_code"),
                table: ("address", "geography_id"),
            },
            lambda tables, _: _elsewhere(tables, table),
            about="an address ends with the city, state and ZIP code of its geography",
            weight=2,
        ),
        ExpectedShares(
            "address_compass",
            lambda rows: pc.match_substring_regex(rows.arrow("address"), rf"^\d+ {_PREFIX}"),
            lambda _: {True: COMPASS_SHARE, False: 1 - COMPASS_SHARE},
            0.02,
            about="30 % of the streets have a point of the compass before them",
        ),
        ExpectedShares(
            "address_words",
            lambda rows: pc.match_substring_regex(
                rows.arrow("address"), rf"^\d+ (?:{_PREFIX})?[A-Z][a-z]+ [A-Z][a-z]+,"
            ),
            lambda _: {True: ONE_WORD_SHARE, False: 1 - ONE_WORD_SHARE},
            0.02,
            about="70 % of the streets have a name of one word, the others of two",
        ),
    )


def _some(rng: np.random.Generator, share: float, choices: int, size: int) -> Ints:
    """One of the choices, counted from 1, for this share of the rows; 0 for the others."""
    return np.where(rng.random(size) < share, rng.integers(1, choices + 1, size), 0)


def _words(block: Block, rng: np.random.Generator, size: int) -> Any:
    words = streets(block.options.dictionaries)
    first = rng.integers(0, len(words), size)
    # A step of 1 to the number of words less one never leads back to the first word.
    step = _some(rng, 1 - ONE_WORD_SHARE, len(words) - 1, size)
    second = pa.array(np.where(step > 0, (first + step) % len(words), len(words)))
    more = pa.array(["", *(f" {word}" for word in words.to_pylist())])
    more = pa.concat_arrays([more[1:], more[:1]])
    return pc.binary_join_element_wise(words.take(pa.array(first)), more.take(second), "")


def _ends(options: RetailOptions) -> Any:
    """`, City, ST 12345` of each geography."""
    known, at = places(options.dictionaries, options.geographies), placement(options).place
    city, state, zip_code = (
        c.take(pa.array(at)) for c in (known.city, known.state, known.zip_code)
    )
    return pc.binary_join_element_wise(", ", city, ", ", state, " ", zip_code, "")


def _elsewhere(tables: Mapping[str, pa.Table], table: str) -> RuleCounts:
    known, rows = tables["geographies"].combine_chunks(), tables[table]
    end = pc.binary_join_element_wise(
        ", ", known["city"], ", ", known["state"], " ", known["zip_code"], ""
    )
    at = pc.index_in(rows["geography_id"], value_set=known["id"])
    found = pc.replace_substring_regex(rows["address"], r"^[^,]*", "")
    wrong = as_mask(pc.not_equal(found, end.take(at)), rows.num_rows)
    return RuleCounts(rows.num_rows, int(wrong.sum()), examples(rows["address"], wrong))
