"""The options of a synthetic price file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lsats_pipeline.core.errors import ConfigurationError

Kind = Literal["in-network", "allowed-amounts"]
Order = Literal["references-first", "prices-first"]


@dataclass(frozen=True, kw_only=True)
class PriceFile:
    """The options of one file. Megabytes are millions of bytes of text, before compression.

    `faults` is the share of elements with an error, `defects` that of others with an implausible
    value; `large` makes one element of so many megabytes, in the middle.
    """

    megabytes: float = 8
    seed: int = 1
    kind: Kind = "in-network"
    version: Literal[1, 2] = 2
    order: Order = "references-first"
    pretty: bool = False
    faults: float = 0
    defects: float = 0
    large: float = 0

    def __post_init__(self) -> None:
        if not 0 < self.megabytes <= 1_000_000:
            raise ConfigurationError(f"a price file has 0 to 1,000,000 MB, not {self.megabytes}")
        if not 0 <= self.faults <= 1:
            raise ConfigurationError(f"a share of faults is from 0 to 1, not {self.faults}")
        if not 0 <= self.defects <= 1:
            raise ConfigurationError(f"a share of defects is from 0 to 1, not {self.defects}")
        if not 0 <= self.large < self.megabytes:
            raise ConfigurationError(
                f"an element of {self.large} MB does not fit a file of {self.megabytes} MB"
            )

    @property
    def schema_version(self) -> str:
        """The version that the file states."""
        return "2.1.0" if self.version == 2 else "1.6.2"

    @property
    def references(self) -> int:
        """Provider references: about 200 for every megabyte, as in measured files."""
        return max(5, round(self.megabytes * 200))
