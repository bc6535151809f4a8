"""`lsats`: every command is one call into the packages below, and a table or JSON of what it gave.

app       the commands put together, exit codes, errors in one line
running   demo, run            looking   status, doctor, history      rejects   list, show, replay
serving   ui, simulate         database  db url, migrate, shell, backup, stop
prices    mrf run, plan, status, generate, demo
output    tables and JSON      inputs    options that several commands have

Whatever is slow to load (Dagster, the sources) is imported inside the command that needs it.
"""

from __future__ import annotations


def main() -> None:
    """Run the command that was typed; imported here, for worker processes load this as well."""
    from lsats_pipeline.cli.app import main as run

    run()
