"""What a long run requires, checked before it begins: errors name numbers and the remedy."""

from __future__ import annotations

import psutil

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.mrf.ingest.file_ingest import MEMORY_OF_A_WORKER
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import connect

_ANSWER_SECONDS = 4
# Less than this, and one worker alone would be killed in the middle of its work.
MEMORY_FLOOR = MEMORY_OF_A_WORKER // 2


def database_answers(warehouse: Warehouse) -> None:
    """Unreachable when the database does not answer at once: nothing is downloaded for nothing."""
    with connect(warehouse.url, seconds=_ANSWER_SECONDS) as connection:
        connection.execute("select 1")


def workers(wanted: int) -> int:
    """As many workers as memory allows now, at most those wanted.

    PermanentError when it does not allow one.
    """
    available = psutil.virtual_memory().available
    if available < MEMORY_FLOOR:
        raise PermanentError(
            f"{available:,} bytes of memory are available, and ingesting a file needs"
            f" {MEMORY_FLOOR:,} at least: end other programs, or use another machine"
        )
    return max(1, min(wanted, available // MEMORY_OF_A_WORKER))
