"""The definitions of Dagster: what its servers load. No rules about data.

hub/      an asset for each stream, detail and silver table; one factory a layer; its resources
mrf/      price files: a partition a file, an asset a step
worlds/   synthetic worlds: an asset a table, a partition a block

Each has a `definitions.py` that lists what it holds; a command loads only those that it needs.

What they share: partitions.py, failures.py (errors, retries), logs.py, check_results.py, drawing.py
and markdown.py (what pages show), storage/ (where Dagster keeps its own records).
"""

import warnings

# Dagster's remarks on parameters that may change, one for every asset and check: its version is
# pinned and tested.
warnings.filterwarnings("ignore", message=r".* is currently in (beta|preview)")
