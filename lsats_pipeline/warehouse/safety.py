"""Keeps invented data out of databases that hold real data."""

from __future__ import annotations

from lsats_pipeline.core.errors import ConfigurationError

SYNTHETIC_SUFFIXES = ("_demo", "_test")


def require_synthetic_database(name: str) -> None:
    """Raise ConfigurationError unless the database name ends in `_demo` or `_test`."""
    if not name.endswith(SYNTHETIC_SUFFIXES):
        raise ConfigurationError(
            f"database {name!r}: synthetic data is written only to databases whose name ends in "
            "_demo or _test; point DATABASE_URL at such a database"
        )
