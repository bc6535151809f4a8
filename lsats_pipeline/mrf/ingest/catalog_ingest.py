"""Ingest of a version of a file of the catalogue; its state there is kept up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lsats_pipeline.core.errors import BadFile, ConfigurationError
from lsats_pipeline.mrf.ingest.file_ingest import (
    IngestOptions,
    IngestOutcome,
    Progress,
    ingest,
    prepare,
)
from lsats_pipeline.mrf.sources import catalog
from lsats_pipeline.mrf.sources.catalog import FileVersion
from lsats_pipeline.mrf.workspace import Work
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.database import Connection


def newest(warehouse: Warehouse, key: str) -> FileVersion:
    """The newest version of a file; ConfigurationError when it was never fetched."""
    with warehouse.connection() as connection:
        version = catalog.latest(connection, key)
    if version is None:
        raise ConfigurationError(f"{key} was not fetched yet: `lsats mrf fetch {key}`")
    return version


def file_of(version: FileVersion) -> str:
    """The name under which a version is published: another key's if that has the same bytes."""
    return (version.state == "same" and version.same_as_key) or version.key


def index_version(
    warehouse: Warehouse,
    version: FileVersion,
    exports: Path,
    options: IngestOptions,
    progress: Progress | None = None,
) -> Work:
    """The index of a version, kept for its ingest."""
    with warehouse.connection() as connection:
        older = _older(connection, version)
    return prepare(Path(version.path), exports, options, file_of(version), progress, older=older)


def ingest_version(
    warehouse: Warehouse,
    version: FileVersion,
    exports: Path,
    options: IngestOptions,
    progress: Progress | None = None,
) -> IngestOutcome:
    """Ingest a version; the same bytes under another key are not read again."""
    path, file = Path(version.path), file_of(version)
    if file != version.key:
        return ingest(path, exports, options, file, progress)
    with catalog.locked(warehouse, version.key) as connection, _recorded(connection, version):
        older = _older(connection, version)
        return ingest(path, exports, options, file, progress, older=older)


def _older(connection: Connection, version: FileVersion) -> list[str]:
    return [one.path for one in catalog.versions(connection, version.key)]


@contextmanager
def _recorded(connection: Connection, version: FileVersion) -> Iterator[None]:
    if version.state == "ingesting":  # of a process that died: the lock is ours
        version = catalog.move_version(connection, version, "abandoned")
    version = catalog.move_version(connection, version, "ingesting")
    try:
        yield
    except BadFile as error:
        catalog.move_version(connection, version, "rejected", code=error.code, reason=str(error))
        raise
    except BaseException as error:
        reason = str(error) or type(error).__name__
        catalog.move_version(connection, version, "failed", reason=reason)
        raise
    catalog.move_version(connection, version, "published")
