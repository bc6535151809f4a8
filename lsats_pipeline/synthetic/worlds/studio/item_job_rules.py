"""What must hold of jobs (domain/world_studio.md 4, 10)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import (
    BLOCKING,
    AcrossTables,
    ExpectedShares,
    Matches,
    RowRule,
    Rows,
    RuleCounts,
    Total,
    WorldRule,
)
from lsats_pipeline.synthetic.worlds.studio.moment_rules import after_sign_up, inside_window
from lsats_pipeline.synthetic.worlds.studio.parsed_columns import (
    Bools,
    metadata,
    unlinked,
    unlinked_prompts,
)
from lsats_pipeline.synthetic.worlds.studio.prompt_rules import prompt_rules
from lsats_pipeline.synthetic.worlds.studio.prompts import phrases

_SHARES = {"completed": 0.98, "pending": 0.009, "error": 0.01, "canceled": 0.001}
_LINKS = {"content_items": "result_content_id", "content_items_auto": "result_content_auto_id"}
_REPEATED = 0.001  # B10: 99.9 % are different


def _links(table: str, link: str) -> tuple[WorldRule, ...]:
    """One job per item of a table (the link is unique), which repeats the item."""
    return (
        Total(
            f"G3_every_one_of_{table}",
            lambda rows: len(rows) - rows.arrow(link).null_count,
            lambda options: int(getattr(options, table)),
            about=f"every row of {table} has its job",
            weight=BLOCKING,
        ),
        Matches(
            f"G3_user_of_{table}",
            link,
            {"user_id": "creator_id"},
            about="a job is of its item's user",
            weight=BLOCKING,
        ),
        Matches(
            f"G3_prompt_of_{table}",
            link,
            {"prompt": lambda rows: metadata(rows).prompt},
            about="a job has its item's prompt",
            weight=BLOCKING,
        ),
        Matches(
            f"G5_end_of_{table}",
            link,
            {"completed_at": "created_at"},
            about="a job is completed when its item is made",
        ),
    )


def _link_broken(rows: Rows) -> Any:
    """Completed jobs have one link, others none."""
    links = sum(
        pc.is_valid(rows.arrow(link)).cast(pa.int8()).to_numpy() for link in _LINKS.values()
    )
    return links != pc.equal(rows.arrow("status"), "completed").cast(pa.int8()).to_numpy()


def _order_broken(rows: Rows) -> Any:
    """In order, as far as known; nothing is later than the last change."""
    created, started, completed, updated = (
        rows.arrow(name) for name in ("created_at", "started_at", "completed_at", "updated_at")
    )
    pairs = (
        *((created, started), (started, completed), (created, completed)),
        *((created, updated), (started, updated), (completed, updated)),
    )
    return reduce(pc.or_kleene, (pc.greater(before, after) for before, after in pairs))


def _times_broken(rows: Rows) -> Any:
    """Jobs that ran have a start, completed ones an end, others neither."""
    status = rows.arrow("status")
    ran = pc.is_in(status, value_set=pa.array(["completed", "error"]))
    return pc.or_(
        pc.xor(ran, pc.is_valid(rows.arrow("started_at"))),
        pc.xor(pc.equal(status, "completed"), pc.is_valid(rows.arrow("completed_at"))),
    )


def _constants_broken(rows: Rows) -> Any:
    return reduce(
        pc.or_kleene,
        (
            pc.not_equal(rows.arrow("job_type"), "image"),
            pc.not_equal(rows.arrow("parameters"), "{}"),
            pc.is_valid(rows.arrow("error_message")),
        ),
    )


def _different(tables: Mapping[str, pa.Table], options: Any) -> RuleCounts:
    """Short prompts repeat at random; as many more repeats are allowed as are expected."""
    prompts = tables["generation_jobs"]["prompt"]
    total = len(prompts)
    repeated = total - len(pc.unique(prompts))
    expected = expected_repeats(options, total)
    allowed = int(_REPEATED * total + expected + 4 * math.sqrt(expected))
    detail = f"at most {allowed:,} repeated wanted, {repeated:,} found"
    return RuleCounts(total, max(0, repeated - allowed), detail=detail)


def expected_repeats(options: Any, total: int) -> float:
    """How many of `total` prompts repeat another when all phrases are drawn independently."""
    general, domains = phrases()
    sizes = list(
        product(
            range(options.prompt_min_general_phrases, options.prompt_max_general_phrases + 1),
            range(options.prompt_min_domain_phrases, options.prompt_max_domain_phrases + 1),
        )
    )
    drawn = total / len(sizes)
    pool = min(len(pool) for pool in domains.values())
    possible = (
        len(domains) * math.perm(len(general), few) * math.perm(pool, many) for few, many in sizes
    )
    return sum(drawn + n * math.expm1(-drawn / n) for n in possible)


def _at_unlinked(rows: Rows, mask: Bools) -> Bools:
    whole = np.zeros(len(rows), dtype=np.bool_)
    whole[np.flatnonzero(unlinked(rows).to_numpy(zero_copy_only=False))] = mask
    return whole


RULES: tuple[WorldRule, ...] = (
    ExpectedShares(
        "G2_status",
        lambda rows: rows.arrow("status"),
        lambda options: _SHARES,
        0.001,
        rows=20_000,
        about="98 % of all jobs are completed, 0.9 % pending, 1 % failed, 0.1 % canceled",
        weight=BLOCKING,
    ),
    RowRule(
        "G2_known_status",
        lambda rows: pc.invert(pc.is_in(rows.arrow("status"), value_set=pa.array(list(_SHARES)))),
        about="a status is one of the four",
    ),
    RowRule(
        "G3_link",
        _link_broken,
        about="a completed job points to exactly one item, another to none",
        weight=BLOCKING,
    ),
    *(rule for table, link in _LINKS.items() for rule in _links(table, link)),
    inside_window("created_at", "updated_at", "started_at", "completed_at"),
    RowRule("G5_order", _order_broken, about="created, started, completed: in this order"),
    RowRule("G5_times", _times_broken, about="what ran has a start, what is completed an end"),
    after_sign_up("generation_jobs", "user_id"),
    RowRule("constants", _constants_broken, about="images, without parameters and errors"),
    *prompt_rules(unlinked_prompts, _at_unlinked),
    AcrossTables(
        "B10_different",
        {"generation_jobs": ("prompt",)},
        _different,
        about="99.9 % of the prompts are different",
    ),
)
