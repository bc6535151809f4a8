"""How this process treats memory that it has freed, for work that needs the same again at once."""

from __future__ import annotations

import ctypes

import pyarrow as pa

# Of <malloc.h>; the larger of the two is the most that the first takes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST = 128 << 20, 32 << 20


def keep_freed_memory() -> None:
    """Blocks of megabytes are taken from what was freed, not from the system, page by page.

    That was an eighth of the time of taking in a file. Arrow takes its memory from the same place.
    Without the GNU library there is nothing to be set, and nothing is.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST)
    mallopt(_TRIM_THRESHOLD, _KEPT)
