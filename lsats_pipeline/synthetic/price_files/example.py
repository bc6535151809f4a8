"""A price file to look at: made once, and kept with its account."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.synthetic.price_files.document import write_price_file
from lsats_pipeline.synthetic.price_files.manifest import FileFault, Manifest
from lsats_pipeline.synthetic.price_files.parameters import PriceFile


def kept_price_file(path: Path, options: PriceFile) -> Manifest:
    """The account of the file at this path, which is made unless it is there, and of these options.

    PermanentError when it cannot be written.
    """
    if (known := _kept(path, options)) and path.exists():
        return known
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        account(path).unlink(missing_ok=True)
        temporary = path.with_name(f".{path.name}")
        manifest = write_price_file(temporary, options)
        temporary.rename(path)
        of = {"options": asdict(options), **manifest.as_json()}
        account(path).write_text(json.dumps(of, indent=1))
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}") from None
    return manifest


def account(path: Path) -> Path:
    """Where the account of a file is."""
    return path.with_name(f"{path.name}.manifest.json")


def _kept(path: Path, options: PriceFile) -> Manifest | None:
    try:
        told = json.loads(account(path).read_text())
    except (OSError, ValueError):
        return None
    if told.pop("options", None) != asdict(options):
        return None
    try:
        faults = [FileFault(**fault) for fault in told.pop("faults")]
        return Manifest(**told, faults=faults)
    except (KeyError, TypeError):  # of another make
        return None
