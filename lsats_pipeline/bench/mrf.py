"""The figures of price files: one generated file, ingested, and compared with floors.

file ─▶ floors: inflated, cut, proved
     ─▶ index ─▶ Parquet by one worker, by two ─▶ PostgreSQL, against a bare COPY
slice of it ─▶ DuckDB, ijson

Each is measured in a process of its own. What was counted has to equal the manifest of the file
(or of the slice) to the cent, or there is no figure.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lsats_pipeline.bench.figures import Figure
from lsats_pipeline.bench.processes import Cost, cost_of_work
from lsats_pipeline.bench.scratch import scratch_database
from lsats_pipeline.core.errors import ConfigurationError, VerificationFailed
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.mrf.database.loading import loaded_files, unload_file
from lsats_pipeline.synthetic.price_files import PriceFile, write_price_file
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.migrations import migrate

# Megabytes of text a second: what two processors can do (domain/mrf.md 5), and of memory.
_GOAL, _MEMORY = 250, 512
# Into PostgreSQL from Parquet; against one COPY of the same rows as text (domain/mrf.md 7, 5.1c).
_LOAD_GOAL, _COPY_GOAL = 150, 0.6
# Half of what was measured on a quiet machine (domain/mrf.md 4): below that it is not one.
_FLOORS = {"inflated": 1000, "cut": 600, "indexed": 300}
_PROVED = 600
_WORK = "lsats_pipeline.bench.price_work"


def figures(settings: HubSettings, megabytes: int, seed: int) -> Iterator[Figure]:
    """Measure everything on one file, which is made unless it is there."""
    _assert_others_are_there()
    folder = settings.lsats_home / "bench" / "mrf"
    folder.mkdir(parents=True, exist_ok=True)
    file, manifest = _made(folder, PriceFile(megabytes=megabytes, seed=seed))
    bench = _Bench(file, folder / "work", manifest)
    try:
        with scratch_database(settings) as url:
            migrate(url)
            yield from _figures(bench, url)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


def _figures(bench: _Bench, url: str) -> Iterator[Figure]:
    for what, goal in _FLOORS.items():
        floor = bench.whole(what)
        yield Figure(f"{what} alone, MB/s", floor.speed, goal, True, floor.line)
    parts = {workers: bench.with_index(f"ingested by {workers}") for workers in (1, 2)}
    one, two = (bench.whole(f"ingested by {workers}") for workers in (1, 2))
    load, everything, copy = _into_postgres(bench, url)
    for workers, measured in parts.items():
        name = f"to Parquet by {workers}, indexed before, MB/s"
        yield Figure(name, measured.speed, workers * _GOAL / 2, True, measured.line)
    for workers, measured in ((1, one), (2, two)):
        name = f"to Parquet by {workers}, index and all, MB/s"
        yield Figure(name, measured.speed, workers * _GOAL / 2, True, measured.line)
    detail = f"one {one.cost.wall:.1f} s, two {two.cost.wall:.1f} s"
    yield Figure("two workers against one, times", two.speed / one.speed, 1.7, True, detail)
    name = "Parquet to PostgreSQL, MB/s"
    yield Figure(name, load.speed, _LOAD_GOAL, True, load.line)
    name, both = "file to PostgreSQL, index and all, MB/s", 1 / (1 / _GOAL + 1 / _LOAD_GOAL)
    yield Figure(name, everything.speed, round(both), True, everything.line)
    name, copied = "Parquet to PostgreSQL against a bare COPY, times", copy.cost.output["prices"]
    detail = f"{copy.speed:.0f} MB/s of {copied:,} prices as text, one connection, no index"
    yield Figure(name, load.speed / copy.speed, _COPY_GOAL, True, f"{detail}; {copy.cost.line}")
    peak = max(m.cost.megabytes for m in (one, two, load, everything, *parts.values()))
    yield Figure("peak MB of a process", peak, _MEMORY, detail="the largest of all runs of ours")
    yield from _others(bench, two)


def _into_postgres(bench: _Bench, url: str) -> tuple[_Measured, _Measured, _Measured]:
    """What was ingested before, into PostgreSQL; then all of it; then a COPY and nothing else."""
    load = bench.exact("loaded", url)
    _assert_stored(bench, url)
    with Warehouse(url) as warehouse:
        for file in loaded_files(warehouse):
            unload_file(warehouse, file)
    everything = bench.whole("ingested and loaded", url)
    _assert_stored(bench, url)
    bench.run("rendered")
    return load, everything, bench.part("bare COPY", url)


def _assert_stored(bench: _Bench, url: str) -> None:
    """The tables have every price, to the cent, and every provider group."""
    with Warehouse(url) as warehouse:
        ((prices, cents),) = warehouse.query(
            "select count(*), sum(round(negotiated_rate * 100)::bigint) from mrf.in_network"
        )
        ((groups, npis),) = warehouse.query(
            "select count(*), sum(cardinality(npi)) from mrf.provider_references"
        )
    found = {"prices": prices, "cents": int(cents), "groups": groups, "npis": npis}
    _assert_equal("in PostgreSQL", bench.manifest, found, tuple(found))


def _others(bench: _Bench, two: _Measured) -> Iterator[Figure]:
    """The same work by others, on a slice."""
    wanted = bench.sliced()
    proved = bench.run("proved")
    speed = wanted["text"] / proved.cost.output["microseconds"]
    detail = f"{wanted['text'] / 1e6:.0f} MB in memory, each element by itself"
    yield Figure("proved alone, MB/s", speed, _PROVED, True, detail)
    for name, goal in (("DuckDB", 1), ("ijson", 8)):
        found = bench.run(name)
        _assert_equal(name, wanted, found.cost.output, ("prices", "cents"))
        detail = (
            f"{found.speed_of(wanted['text']):.0f} MB/s on a slice of {wanted['text'] / 1e6:.0f} MB"
            f" ({found.cost.line}); two workers {two.speed:.0f} MB/s on the whole"
        )
        ratio = two.speed / found.speed_of(wanted["text"])
        yield Figure(f"to Parquet by 2 against {name}, times", ratio, goal, True, detail)


class _Measured:
    """A work that was done, and what of."""

    def __init__(self, cost: Cost, text: int) -> None:
        self.cost = cost
        self.text = text

    @property
    def speed(self) -> float:
        """Megabytes of text a second."""
        return self.speed_of(self.text)

    def speed_of(self, text: int) -> float:
        """The same for so many bytes."""
        seconds: float = self.cost.output["seconds"]
        return text / 1e6 / seconds

    @property
    def line(self) -> str:
        """Cost and speed in one line."""
        per_second = self.text / 1e6 / self.cost.processor
        return f"{self.cost.line}; {per_second:.0f} MB a CPU second, start of Python included"


class _Bench:
    """The file, the folder of the work on it, and its manifest."""

    def __init__(self, file: Path, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self._file = file
        self.manifest = {
            "text": manifest["text"],
            "in_network": manifest["elements"]["in_network"],
            "prices": manifest["prices"],
            "cents": manifest["cents"],
            "groups": manifest["groups"],
            "npis": manifest["npis"],
            "rejects": len(manifest["faults"]),
        }

    def whole(self, name: str, url: str = "") -> _Measured:
        """A work on the whole file, from nothing."""
        self._clear()
        return self.exact(name, url)

    def with_index(self, name: str) -> _Measured:
        """A work that goes on from an index, which is made before and does not count."""
        self._clear()
        self.run("prepared")
        return self.exact(name)

    def exact(self, name: str, url: str = "") -> _Measured:
        """A work that goes on from what is there; all that it counted has to be as it was made."""
        measured = self.run(name, url)
        counted = [key for key in self.manifest if key in measured.cost.output]
        _assert_equal(name, self.manifest, measured.cost.output, counted)
        return measured

    def part(self, name: str, url: str) -> _Measured:
        """A work on some of the prices, which counts as their share of the text."""
        cost = self.run(name, url).cost
        return _Measured(
            cost, self.manifest["text"] * cost.output["prices"] // self.manifest["prices"]
        )

    def sliced(self) -> dict[str, int]:
        """Write the slice; returns what is in it."""
        self._clear()
        found: dict[str, int] = self.run("slice").cost.output
        return found

    def run(self, name: str, url: str = "") -> _Measured:
        """A work in a process of its own; `url` is of the database it works on."""
        self.folder.mkdir(exist_ok=True)
        arguments = [name, str(self._file), str(self.folder), *filter(None, [url])]
        return _Measured(cost_of_work(_WORK, arguments, url), self.manifest["text"])

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _assert_equal(
    name: str, wanted: dict[str, int], found: dict[str, int], keys: list[str] | tuple[str, ...]
) -> None:
    wrong = [
        f"{key} {wanted[key]:,}, not {found[key]:,}" for key in keys if wanted[key] != found[key]
    ]
    if wrong:
        raise VerificationFailed(f"{name}: the file has {', '.join(wrong)}")


def _made(folder: Path, options: PriceFile) -> tuple[Path, dict[str, Any]]:
    """The file of these options and its manifest; made unless it is there whole."""
    file = folder / f"prices-{options.megabytes:g}-{options.seed}.json.gz"
    path = file.with_name(f"{file.name}.manifest.json")
    if not path.exists():
        manifest = write_price_file(file, options)
        path.write_text(json.dumps(asdict(manifest)))
    found: dict[str, Any] = json.loads(path.read_text())
    return file, found


def _assert_others_are_there() -> None:
    if importlib.util.find_spec("ijson") is None:
        raise ConfigurationError(
            "lsats bench mrf compares with ijson, which is not installed: pip install"
            " 'lsats-pipeline[bench]', or make setup in a checkout"
        )
