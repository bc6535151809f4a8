"""What may be chosen of any seeding, on the command line as in the launchpad. Light to import."""

from __future__ import annotations

from enum import StrEnum


class To(StrEnum):
    """Where a world goes."""

    db = "db"
    csv = "csv"
    both = "both"
    parquet = "parquet"


class OnError(StrEnum):
    """What a row that cannot be stored does to the rest."""

    abort = "abort"
    skip = "skip"


LEAST_BATCH, MOST_BATCH, BATCH = 100, 50_000, 5000  # rows that are written at once with `skip`

TO = "Where the rows go."
WORKERS = "Processes for text."
BATCH_SIZE = "Rows of a batch, with on_error skip."
ON_ERROR = "abort: all or nothing. skip: set rows aside and go on."
CLEAR = "Delete the world's rows first."
DRY_RUN = "Say what would be written; write nothing."
