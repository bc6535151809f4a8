"""CSV and Parquet: a file per table, under a temporary name until all are complete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.synthetic.columns import csv_heading, parsed
from lsats_pipeline.synthetic.spec import World, WorldOptions, WorldTable
from lsats_pipeline.synthetic.targets import Rendered, WriteCounts

_READ_BYTES = 8 << 20
OPTIONS_FILE = "world.json"


class FilesTarget:
    """`folder/<table>.csv` or `.parquet`; `folder/world.json` holds the options.

    `part`: in the names, where the rows are some blocks of a table: `customers.003.csv`.
    """

    def __init__(
        self, world: World, options: WorldOptions, folder: Path, kind: str, part: str = ""
    ) -> None:
        self.name, self._part_name = kind, f".{part}" if part else ""
        self._world, self._options, self._folder = world, options, folder
        self._opener = _WRITERS[kind]
        self._open: dict[str, Any] = {}

    def open(self, tables: Sequence[WorldTable]) -> None:
        """Begin every file."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for table in tables:
                self._open[table.name] = self._opener(self._part(table.name), table.schema)
        except OSError as error:
            self.abandon()
            raise ConfigurationError(
                f"--out {self._folder}: {error.strerror or error}; choose a folder to write to"
            ) from None

    def write(self, table: WorldTable, block: Rendered) -> WriteCounts:
        """Append a block."""
        self._open[table.name].append(block.batch, block.text)
        return WriteCounts(created=block.batch.num_rows)

    def finish(self) -> dict[str, WriteCounts]:
        """Give the files their names, all or, on an error before, none."""
        self.close()
        for name in self._open:
            self._part(name).replace(self._folder / f"{name}{self._part_name}.{self.name}")
        chosen = {"world": self._world.name, "options": self._options.model_dump(mode="json")}
        # Others may be writing other tables: the file is whole whenever one of them reads it.
        begun = self._folder / f".{OPTIONS_FILE}.{'.'.join(self._open)}{self._part_name}"
        begun.write_text(json.dumps(chosen, indent=2) + "\n", "utf-8")
        begun.replace(self._folder / OPTIONS_FILE)
        return {}

    def abandon(self, *, resumable: bool = False) -> None:
        """Remove what was begun, to be made anew; files of an earlier run stay."""
        self.close()
        for name in self._open:
            self._part(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close every file."""
        for writer in self._open.values():
            writer.close()

    def _part(self, name: str) -> Path:
        return self._folder / f".{name}{self._part_name}.{self.name}.part"


class _CsvWriter:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(csv_heading(schema))

    def append(self, batch: pa.RecordBatch, text: pa.Buffer) -> None:
        self._file.write(text)

    def close(self) -> None:
        self._file.close()


class _ParquetWriter:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        relaxed = pa.schema([field.with_nullable(True) for field in schema])
        self._writer = pq.ParquetWriter(path, relaxed, compression="zstd")

    def append(self, batch: pa.RecordBatch, text: pa.Buffer) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


_WRITERS: dict[str, Callable[[Path, pa.Schema], Any]] = {
    "csv": _CsvWriter,
    "parquet": _ParquetWriter,
}


def read_files(folder: Path, table: WorldTable, kind: str) -> Iterator[pa.RecordBatch | pa.Table]:
    """A table's rows again; ConfigurationError when its file is not there."""
    path = folder / f"{table.name}.{kind}"
    if not path.is_file():
        raise ConfigurationError(f"{path} is not there: seed the world with --to {kind} first")
    return _read_parquet(path) if kind == "parquet" else _read_csv(path, table.schema)


def options_of(world: World, folder: Path) -> WorldOptions:
    """The options with which the files were made."""
    path = folder / OPTIONS_FILE
    try:
        chosen = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: {error}; seed the world into that folder first"
        ) from None
    if chosen.get("world") != world.name:
        raise ConfigurationError(f"{path}: holds world {chosen.get('world')!r}, not {world.name!r}")
    return world.options(**chosen["options"])


def _read_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    yield from pq.ParquetFile(path).iter_batches()


def _read_csv(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    with path.open("rb") as file:
        file.readline()
        for lines in _whole_records(iter(lambda: file.read(_READ_BYTES), b"")):
            yield parsed(lines, schema)


def _whole_records(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks cut where a record ends: at a line end with an even number of quotes before it."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = len(rest)
        while (end := rest.rfind(b"\n", 0, end)) >= 0 and rest.count(b'"', 0, end) % 2:
            pass
        if end >= 0:
            yield rest[: end + 1]
            rest = rest[end + 1 :]
    if rest:
        yield rest
