"""A document changed anywhere is ingested, rejected in part or left out, never silently wrong."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import BadFile
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, ingest
from lsats_pipeline.mrf.text.cutting import Limits
from lsats_pipeline.mrf.text.index import IndexOptions
from lsats_pipeline_tests.mrf.files import SMALL, TINY, item, price, reference, text

RATES = [
    {"negotiated_prices": [price(1, service_code=["11"]), price(2)], "provider_references": [1]},
    {"negotiated_prices": [price(3)], "provider_groups": reference()["provider_groups"]},
]
WHOLE = text(
    provider_references=[reference(n) for n in range(6)],
    in_network=[item(str(n), *RATES, description='é "x": [ {') for n in range(8)],
).encode()
BITS = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\xff", b"\n", b"\0", b"\\ud800", b"NaN",
    b"null", b" ", b"},{", b"-", b"1e", b'"a":',
)  # fmt: skip
LIMITS = (TINY, SMALL, IndexOptions(span=200, limits=Limits(piece=50, largest=300)))


def changed(draw: random.Random) -> bytes:
    """The document with one to three changes."""
    data = bytearray(WHOLE)
    for _ in range(draw.choice((1, 1, 2, 3))):
        at, kind = draw.randrange(len(data)), draw.randrange(4)
        bit = draw.choice(BITS)
        if kind == 0:
            data[at:at] = bit
        elif kind == 1:
            data[at : at + len(bit)] = bit
        elif kind == 2:
            del data[at : at + draw.randrange(1, 4)]
        else:
            begin = draw.randrange(len(data))
            data[at:at] = data[begin : begin + draw.randrange(1, 200)]
    return bytes(data)


def strictly(data: bytes) -> Any:
    """The document as a strict parser has it; None when it is none, or has a key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) != len(dict(pairs)):
            raise ValueError("a key twice")
        return dict(pairs)

    def no_number(word: str) -> None:
        raise ValueError(word)

    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_document_is_never_wrong_in_silence(seed: int, tmp_path: Path) -> None:
    draw, seen = random.Random(seed), Counter[str]()
    for turn in range(20):
        data = changed(draw)
        file = tmp_path / f"{turn}.json"
        file.write_bytes(data)
        try:
            found = ingest(file, tmp_path / "mrf", IngestOptions(1, draw.choice(LIMITS))).published
        except BadFile as error:
            seen[error.code] += 1
            continue
        parsed, sums = strictly(data), found.sums
        if parsed is None:
            assert "rejects" in sums.rows or found.notes
        elif "rejects" not in sums.rows:
            rates = [rate for e in parsed["in_network"] for rate in e["negotiated_rates"]]
            prices = [p["negotiated_rate"] for rate in rates for p in rate["negotiated_prices"]]
            assert sums.rows.get("in_network", 0) == len(prices)
            assert sums.cents == sum(round(rate * 100) for rate in prices)
        seen["rejects" if "rejects" in sums.rows else "whole"] += 1
    assert len(seen) > 2
