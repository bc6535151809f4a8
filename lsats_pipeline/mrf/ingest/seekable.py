"""A seek index for a file that is published, or indexed and not ingested yet."""

from __future__ import annotations

import logging

from lsats_pipeline.core.errors import Busy, ConfigurationError, PermanentError
from lsats_pipeline.mrf.provenance.rereading import Indexed, indexed
from lsats_pipeline.mrf.text import seeking
from lsats_pipeline.mrf.text.seeking import SeekIndex, SeekProgress
from lsats_pipeline.mrf.workspace import Workspace

log = logging.getLogger(__name__)
# Bytes of a file from which on one is made unasked: below, reading from the beginning takes less
# than half a second.
LARGE = 64 << 20


def make_seekable(workspace: Workspace, progress: SeekProgress | None = None) -> SeekIndex:
    """The seek index of a file; made now if there is none that fits.

    ConfigurationError when the file is neither published nor indexed, BadFile when it changed, Busy
    while another run works on it.
    """
    if known := _existing_index(_indexed_file(workspace)):
        return known
    try:
        with workspace.locked():
            file = _indexed_file(workspace)
            assert file.original.folder is not None
            return seeking.build(
                file.original.path, file.index.sha256, file.original.folder, progress
            )
    except OSError as error:
        raise PermanentError(
            f"{workspace.file} gets no seek index: {error.strerror or error}"
            f" ({error.filename or 'while writing'}): fix that and run the same command again"
        ) from error


def seekable_if_large(workspace: Workspace, progress: SeekProgress | None = None) -> None:
    """The same for a large file, unasked: the reason is logged when it cannot be made."""
    if indexed(workspace).index.compressed < LARGE:
        return
    try:
        make_seekable(workspace, progress)
    except (Busy, PermanentError) as why:
        log.warning("⚠️ %s: without a seek index it is read from the beginning: %s",
                    workspace.file, why)  # fmt: skip


def _indexed_file(workspace: Workspace) -> Indexed:
    """The file that is being ingested, else the published one."""
    if work := workspace.work:
        if not work.source.is_still(work.index.sha256):
            raise ConfigurationError(
                f"{work.source.path} is not what it was when it was indexed: `lsats mrf run` it"
            )
        return Indexed.of(work, workspace.folder)
    return indexed(workspace)


def _existing_index(file: Indexed) -> SeekIndex | None:
    original = file.original
    assert original.folder is not None
    try:
        places = seeking.load(original.path, original.sha256, original.folder)
    except seeking.Unfit as why:
        log.warning("⚠️ %s: the seek index is made anew: %s", original.path, why)
        return None
    return places.index if places else None
