"""A published file cut into smaller ones, each a valid price file, together the same elements.

options     by size, codes, provider or plan     units             elements again, and their hash
references  provider references, kept apart      router            the group of an element or a rate
sizes       parts of equal size                  partition_writer  from the source to the parts
header      the top level of a part              writer            one part, one gzip member
planner     the work of one process              proof             parts read again and compared
split       all of it, published in one step     parts_account     parts.json
"""

from lsats_pipeline.mrf.splitting.options import (
    By,
    Codes,
    Plan,
    SplitOptions,
    codes_of,
    providers_of,
)
from lsats_pipeline.mrf.splitting.parts_account import Left, Split, SplitPart
from lsats_pipeline.mrf.splitting.split import Planned, folder_of, planned, split

__all__ = [
    "By",
    "Codes",
    "Left",
    "Plan",
    "Planned",
    "Split",
    "SplitOptions",
    "SplitPart",
    "codes_of",
    "folder_of",
    "planned",
    "providers_of",
    "split",
]
