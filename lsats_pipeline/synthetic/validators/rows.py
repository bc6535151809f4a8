"""Validators of each row alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc

from lsats_pipeline.synthetic.rules import Rows, as_mask
from lsats_pipeline.synthetic.validators.validator import Batch, MaskValidator


class RowRuleValidator(MaskValidator):
    """A mask that the world declares."""

    def broken(self, rows: Batch) -> Any:
        return as_mask(self.rule.broken(Rows(rows, self.options)), rows.num_rows)


class NotNullValidator(MaskValidator):
    """Required columns."""

    def broken(self, rows: Batch) -> Any:
        empty = [name for name in self.rule.columns if rows[name].null_count]
        masks = [as_mask(pc.is_null(rows[name]), rows.num_rows) for name in empty]
        return np.logical_or.reduce(masks) if masks else np.zeros(rows.num_rows, dtype=bool)


class FitsValidator(MaskValidator):
    """Lengths of texts."""

    def broken(self, rows: Batch) -> Any:
        masks = [
            as_mask(pc.greater(pc.utf8_length(rows[name]), length), rows.num_rows)
            for name, length in self.rule.lengths.items()
        ]
        return np.logical_or.reduce(masks)
