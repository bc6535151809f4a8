"""An example price file: generated once, and kept with its manifest."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from lsats_pipeline.core.errors import PermanentError
from lsats_pipeline.synthetic.price_files.document import write_price_file
from lsats_pipeline.synthetic.price_files.manifest import FileDefect, FileFault, Manifest
from lsats_pipeline.synthetic.price_files.parameters import PriceFile


def cached_price_file(path: Path, options: PriceFile) -> Manifest:
    """The manifest of the file at this path, generated unless it exists with these options.

    PermanentError when it cannot be written.
    """
    if (known := _cached(path, options)) and path.exists():
        return known
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        manifest_path(path).unlink(missing_ok=True)
        temporary = path.with_name(f".{path.name}")
        manifest = write_price_file(temporary, options)
        temporary.rename(path)
        of = {"options": asdict(options), **manifest.as_json()}
        manifest_path(path).write_text(json.dumps(of, indent=1))
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}") from None
    return manifest


def manifest_path(path: Path) -> Path:
    """The path of a file's manifest."""
    return path.with_name(f"{path.name}.manifest.json")


def _cached(path: Path, options: PriceFile) -> Manifest | None:
    try:
        manifest = json.loads(manifest_path(path).read_text())
    except (OSError, ValueError):
        return None
    if manifest.pop("options", None) != asdict(options):
        return None
    try:
        faults = [FileFault(**fault) for fault in manifest.pop("faults")]
        defects = [FileDefect(**defect) for defect in manifest.pop("defects")]
        return Manifest(**manifest, faults=faults, defects=defects)
    except (KeyError, TypeError):  # of another version
        return None
