"""Price files in Dagster: a partition for each, what a run may be told, the example file.

A run without a partition is one of the example: a generated file of 8 MB under the key `mrf_demo`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from lsats_pipeline.defs.partitions import is_chosen, choose_key
from lsats_pipeline.errors import FixConfiguration, LsatsError
from lsats_pipeline.mrf import finding
from lsats_pipeline.mrf.index import IndexOptions
from lsats_pipeline.mrf.ingest import Options, workers_for_this_machine
from lsats_pipeline.mrf.splitting import By, SplitOptions, codes_of, providers_of
from lsats_pipeline.settings import HubSettings, MrfSettings, load
from lsats_pipeline.synthetic.price_files import PriceFile
from lsats_pipeline.synthetic.price_files.example import kept_price_file
from lsats_pipeline.synthetic.safety import require_synthetic_database
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline.warehouse.location import hub_url
from lsats_pipeline.warehouse.migrations import migrate

MRF_FILES = dg.DynamicPartitionsDefinition(name="mrf_files")
EXAMPLE = "mrf_demo"
# A run of hours should not look dead, nor fill the log.
_TELL_SECONDS = 20.0
