"""`lsats`: every command is one call into the packages below, and a table or JSON of what it gave.

app       the commands put together, exit codes, errors in one line
commands  one file a command or group, in the order of the help
runner    a Dagster job in this process      webserver  Dagster's web server and daemon
demo      the demonstration                  progress   bars on a terminal
output    tables and JSON                    options    options that several commands have

Whatever is slow to load (Dagster, the sources) is imported inside the command that needs it.
"""

from __future__ import annotations


def main() -> None:
    """Run the command that was typed; imported here, for worker processes load this as well."""
    from lsats_pipeline.cli.app import main as run

    run()
