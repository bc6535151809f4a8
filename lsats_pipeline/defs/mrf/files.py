"""Price files in Dagster: a partition for each, the run options, the example file.

A run without a partition is one of the example: a generated file under the key `mrf_demo`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, load
from lsats_pipeline.defs.default_partition import has_default
from lsats_pipeline.defs.failures import as_refusal
from lsats_pipeline.defs.run_start import choose_default
from lsats_pipeline.mrf import health
from lsats_pipeline.mrf.database.loading import server_folder
from lsats_pipeline.mrf.ingest.file_ingest import IngestOptions, workers_for_this_machine
from lsats_pipeline.mrf.profiling import ProfileOptions
from lsats_pipeline.mrf.settings import MrfSettings
from lsats_pipeline.mrf.sources import discovery
from lsats_pipeline.mrf.splitting import By, SplitOptions, codes_of, providers_of
from lsats_pipeline.mrf.text.index import IndexOptions
from lsats_pipeline.synthetic.price_files import PriceFile
from lsats_pipeline.synthetic.price_files.example import cached_price_file
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate
from lsats_pipeline.warehouse.safety import require_synthetic_database

MRF_FILES = dg.DynamicPartitionsDefinition(name="mrf_files")
EXAMPLE = "mrf_demo"
# The only step that is not one of a file.
FILE_LIST = dg.AssetKey(["mrf", "file_list"])
# A step of hours should not look dead, nor fill the log.
_LOG_SECONDS = 20.0
# The least and the most of options. Not in their fields: what those refuse is shown with frames.
_LIMITS = {
    "workers": (0, 64),
    "span_mb": (1, 1024),
    "max_ratio": (2, 1100),
    "connections": (1, 16),
    "profile_mb": (64, 1 << 20),
    "split_mb": (0.001, 1 << 20),
    "split_buckets": (0, 1_000_000),
    "example_mb": (0.001, 1 << 20),
}


class PriceFilesResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """How price files are ingested, and the database of their catalogue, opened when needed."""

    workers: int = Field(default=0, description="parallel processes; 0: as fits here")
    span_mb: int = Field(default=32, description="megabytes of text in a unit of work")
    max_ratio: int = Field(default=400, description="text over file size that is refused")
    to_postgres: bool = Field(default=False, description="also load the tables into PostgreSQL")
    connections: int = Field(default=3, description="connections of that load")
    profile_mb: int = Field(default=300, description="megabytes for the queries of the profile")
    split_by: str = Field(
        default="size", description="size, codes, provider, plan; empty: no parts"
    )
    split_mb: float = Field(default=512, description="megabytes of text in a part")
    split_codes: str = Field(
        default="", description="by codes: CPT:99201-99215,MS-DRG; empty: by system"
    )
    split_providers: str = Field(
        default="", description="by provider: TINs and NPIs, comma-separated"
    )
    split_buckets: int = Field(default=0, description="by provider: so many groups of TINs")
    example_mb: float = Field(
        default=8, description="megabytes of the example, when it is the file"
    )
    example_seed: int = Field(default=1, description="its seed")

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _warehouse: Warehouse | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[PriceFilesResource]:
        """Open as long as the run lasts; a run without a partition is one of the example.

        What its options cannot be is refused before any step.
        """
        with self._open:
            choose_default(context)
            with as_refusal(context):
                self._check_options()
            if has_default(context):
                self._make_example(context)
            yield self

    @property
    def settings(self) -> HubSettings:
        """The hub's."""
        return load(HubSettings)

    @property
    def exports(self) -> Path:
        """Where files are published."""
        return self.settings.lsats_home / "exports" / "mrf"

    @property
    def server(self) -> Path | None:
        """Where the database's files are, if that is on this machine."""
        return server_folder(self.settings)

    def warehouse(self) -> Warehouse:
        """The hub's database, brought to the schema that the code knows."""
        if self._warehouse is None:
            url = self._open.enter_context(hub_url(self.settings))
            opened = self._open.enter_context(Warehouse(url))
            health.database_answers(opened)
            migrate(url)
            self._warehouse = opened
        return self._warehouse

    def options(self) -> IngestOptions:
        """How a file is indexed and ingested."""
        index = IndexOptions(span=self.span_mb << 20, max_ratio=self.max_ratio)
        return IngestOptions(self._workers(), index)

    def profile_options(self) -> ProfileOptions:
        """How it is profiled."""
        return ProfileOptions(self._workers(), self.profile_mb)

    def split_options(self) -> SplitOptions | None:
        """How it is split; None when it is not to be."""
        by: dict[str, By] = {b: b for b in ("size", "codes", "provider", "plan")}
        if not self.split_by:
            return None
        if self.split_by not in by:
            raise ConfigurationError(f"split_by is {', '.join(by)} or empty, not {self.split_by!r}")
        return SplitOptions(
            by[self.split_by],
            self.split_mb,
            codes=codes_of(self.split_codes),
            providers=providers_of(self.split_providers) if self.split_providers else frozenset(),
            buckets=self.split_buckets,
            workers=self._workers(),
        )

    def example(self) -> str:
        """Make the example file, and enter it in the catalogue; its key."""
        warehouse = self.warehouse()
        require_synthetic_database(warehouse.name)
        path = example_path(self.settings)
        cached_price_file(path, example_options(self.example_mb, self.example_seed))
        with warehouse.writer("mrf/find", wait=60) as connection:
            return discovery.add(connection, str(path))

    def _workers(self) -> int:
        return health.workers(self.workers or workers_for_this_machine())

    def _check_options(self) -> None:
        for name, (least, most) in _LIMITS.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise ConfigurationError(
                    f"price_files.{name} {value}: must be from {least:,} to {most:,}"
                )
        self.split_options()

    def _make_example(self, context: dg.InitResourceContext) -> None:
        with as_refusal(context):
            if load(MrfSettings).source_list:
                raise ConfigurationError(
                    "no price file was chosen: name one of the partitions `mrf_files` (its key, see"
                    " `lsats mrf status`), or let the sensor `mrf_files_sensor` start the runs"
                )
            key = self.example()
        assert context.instance is not None, "runs have one"
        context.instance.add_dynamic_partitions(str(MRF_FILES.name), [key])


def example_path(settings: HubSettings) -> Path:
    """Where the example file is."""
    return settings.lsats_home / "mrf" / "example" / f"{EXAMPLE}.json.gz"


def example_options(megabytes: float, seed: int) -> PriceFile:
    """What it is like: one element in a hundred has something wrong in it."""
    return PriceFile(megabytes=megabytes, seed=seed, faults=0.01)


def progress(context: dg.AssetExecutionContext) -> Callable[[str, int, int], None]:
    """Log to the run how far a step is, at intervals."""
    begun = logged = time.monotonic()

    def watch(stage: str, done: int, total: int) -> None:
        nonlocal logged
        now = time.monotonic()
        if now - logged >= _LOG_SECONDS and total:
            logged = now
            context.log.info(
                f"{stage}: {100 * done / total:.0f} % of {total / 1e6:,.0f} MB after"
                f" {now - begun:,.0f} s"
            )

    return watch


@dg.definitions
def defs() -> dg.Definitions:
    """The resource."""
    return dg.Definitions(resources={"price_files": PriceFilesResource()})
