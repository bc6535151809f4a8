"""What must hold of prompts, wherever they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lsats_pipeline.synthetic.rules import RowRule, Rows
from lsats_pipeline.synthetic.worlds.studio.parsed_columns import Bools, Prompts

PromptsOf = Callable[[Rows], Prompts]
MaskOfRows = Callable[[Rows, Bools], Any]


def prompt_rules(
    prompts_of: PromptsOf, mask_of_rows: MaskOfRows = lambda rows, mask: mask
) -> tuple[RowRule, ...]:
    """B9: limits, one domain, general phrases first, none twice, all known.

    `mask_of_rows` makes a mask of the rows from one of the prompts checked.
    """

    def rule(id: str, broken: Callable[[Prompts, Any], Bools], about: str) -> RowRule:
        def mask(rows: Rows) -> Any:
            return mask_of_rows(rows, broken(prompts_of(rows), rows.options))

        return RowRule(id, mask, about=about)

    return (
        rule("B9_known_phrases", lambda p, o: p.unknown, "every phrase is of the word list"),
        rule("B9_general_count", _general_off, "as many general phrases as asked for"),
        rule("B9_domain_count", _special_off, "as many phrases of the domain as asked for"),
        rule("B9_one_domain", lambda p, o: p.mixed, "a prompt is of one domain"),
        rule("B9_general_first", lambda p, o: ~p.general_first, "general phrases come first"),
        rule("B9_no_repeat", lambda p, o: p.repeats, "no phrase stands twice in a prompt"),
    )


def _general_off(prompts: Prompts, options: Any) -> Bools:
    return _outside(prompts.general, options, "general")


def _special_off(prompts: Prompts, options: Any) -> Bools:
    return _outside(prompts.special, options, "domain")


def _outside(counts: Any, options: Any, kind: str) -> Bools:
    least = getattr(options, f"prompt_min_{kind}_phrases")
    most = getattr(options, f"prompt_max_{kind}_phrases")
    return np.asarray((counts < least) | (counts > most))
