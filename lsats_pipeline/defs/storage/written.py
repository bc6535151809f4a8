"""What this process has written of its current run, for whoever asks at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import dagster as dg
from dagster import AssetRecordsFilter, DagsterEventType, EventLogEntry, EventLogRecord

# A range of days has one for each asset and day; who asks, asks for the last.
_KEPT = 1000


class Written:
    """The last materializations of one run, by asset and partition; forgotten when it ends."""

    def __init__(self) -> None:
        self._run = ""
        self._latest: OrderedDict[tuple[dg.AssetKey, str], EventLogRecord] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, event: EventLogEntry, number: int) -> None:
        """Remember a materialization by the number that it was stored under."""
        made = event.dagster_event
        with self._lock:
            if event.run_id != self._run or (made and made.is_job_event):
                self._latest.clear()
                self._run = event.run_id
            if made is None or made.event_type is not DagsterEventType.ASSET_MATERIALIZATION:
                return
            if made.asset_key is None or made.partition is None:
                return
            self._latest[made.asset_key, made.partition] = EventLogRecord(number, event)
            if len(self._latest) > _KEPT:
                self._latest.popitem(last=False)

    def forget(self, made: dg.DagsterEvent) -> None:
        """The asset is made anew: until that is written, what is known of it is too old."""
        if made.asset_key is not None and made.partition is not None:
            with self._lock:
                self._latest.pop((made.asset_key, made.partition), None)

    def materialization(self, wanted: AssetRecordsFilter) -> dg.EventRecordsResult | None:
        """The latest of one partition, if this run made it and nothing else is asked."""
        plain = AssetRecordsFilter(wanted.asset_key, wanted.asset_partitions)
        if wanted != plain or len(wanted.asset_partitions or ()) != 1:
            return None
        (partition,) = wanted.asset_partitions or ()
        with self._lock:
            found = self._latest.get((wanted.asset_key, partition))
        if found is None:
            return None
        return dg.EventRecordsResult([found], cursor="", has_more=False)

    def tags(
        self,
        asset: dg.AssetKey,
        kind: DagsterEventType,
        names: Sequence[str],
        partitions: Sequence[str],
    ) -> Mapping[str, Mapping[str, str]] | None:
        """These tags of the latest of each partition, if this run made all of them."""
        if kind is not DagsterEventType.ASSET_MATERIALIZATION:
            return None
        with self._lock:
            found = {p: self._latest.get((asset, p)) for p in partitions}
        tags: dict[str, Mapping[str, str]] = {}
        for partition, record in found.items():
            if record is None or record.asset_materialization is None:
                return None
            of_all = record.asset_materialization.tags or {}
            tags[partition] = {name: of_all[name] for name in names if name in of_all}
        return tags
