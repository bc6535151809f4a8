"""The commands of `lsats`: one file a command or a group. The order here is that of the help."""

from lsats_pipeline.cli.commands import (
    bench,
    database,
    import_bronze,
    mrf,
    mrf_find,
    mrf_load,
    mrf_profile,
    mrf_split,
    new_source,
    rejects,
    run,
    seed,
    status,
    ui,
)

__all__ = [
    "bench",
    "database",
    "import_bronze",
    "mrf",
    "mrf_find",
    "mrf_load",
    "mrf_profile",
    "mrf_split",
    "new_source",
    "rejects",
    "run",
    "seed",
    "status",
    "ui",
]
