"""The commands of `lsats`: one file a command or a group. The order here is that of the help."""

from lsats_pipeline.cli.commands import (
    bench,
    database,
    dictionary,
    import_bronze,
    mrf,
    mrf_find,
    mrf_load,
    mrf_profile,
    mrf_split,
    new_source,
    rejects,
    run,
    runs,
    seed,
    status,
    ui,
)

COMMANDS = (run, status, ui, import_bronze, dictionary, seed, new_source)
COMMANDS_OF_PRICES = (mrf_find, mrf_profile, mrf_split, mrf_load)
GROUPS = {"rejects": rejects, "runs": runs, "db": database, "mrf": mrf, "bench": bench}
