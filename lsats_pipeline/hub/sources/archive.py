"""Moves files to where they stay, losing none and overwriting none, whenever the power goes off.

same file system:   claim a free name ─▶ rename over it
another one:        copy next to it, flushed ─▶ rename over the claimed name ─▶ remove the source
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def archive(file: Path, folder: Path) -> Path:
    """Move a file into a folder and return where it is now.

    A name that is taken gets a number, unless the file there is this very one already (a move that
    was interrupted). OSError when the disk will not have it; then the file is still where it was.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for target in _names(file, folder):
        if not _claimed(target):
            if not filecmp.cmp(file, target, shallow=False):
                continue
            file.unlink()
            return target
        try:
            _replace(file, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
        return target
    raise AssertionError("unreachable: names do not run out")


def _names(file: Path, folder: Path) -> Iterator[Path]:
    yield folder / file.name
    number = 2
    while True:
        yield folder / f"{file.stem} ({number}){file.suffix}"
        number += 1


def _claimed(target: Path) -> bool:
    """Make the name ours; an empty file there is a claim that a killed process left behind."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return target.is_file() and target.stat().st_size == 0
    return True


def _replace(file: Path, target: Path) -> None:
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(file, target)
        file.unlink()


def _copy(file: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copy2(file, part)
        with part.open("rb") as copied:
            os.fsync(copied.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
