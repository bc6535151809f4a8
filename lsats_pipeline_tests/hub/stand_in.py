"""A source whose records a test holds in its hands: change the dictionary, ingest, look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lsats_pipeline.core.report import Report
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.sources.source import Page, ReadRequest, Stream
from lsats_pipeline.warehouse import Warehouse

PAGE = 7


class Pretend:
    """Records by name; `stream` reads them in pages. Values may be raw bytes."""

    def __init__(
        self,
        system: str = "tdx",
        entity: str = "user",
        key: tuple[str, ...] = ("id",),
        **options: Any,
    ) -> None:
        self.records: dict[Any, dict[str, Any] | bytes] = {}
        self.stream = Stream(system, entity, key, self.read, **options)
        self.pages_read = 0

    def read(self, client: Any, request: ReadRequest) -> Iterator[Page]:
        payloads = [
            r if isinstance(r, bytes) else json.dumps(r).encode() for r in self.records.values()
        ]
        start = int(request.resume_after or 0)
        for at in range(start, len(payloads), PAGE):
            self.pages_read += 1
            yield Page(payloads[at : at + PAGE], str(at + PAGE))

    def ingest(self, warehouse: Warehouse, settings: HubSettings, **options: Any) -> Report:
        day = options.pop("day", settings.today())
        return ingest(warehouse, settings, self.stream, lambda: self, day, **options)
