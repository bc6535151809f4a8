"""Sources read side by side, before the steps of their streams come to it.

start ─▶ a thread a source, its streams in turn ─▶ a run begun, its spool read to the end
                                                        ├─ take: its step lands it
                                                        └─ close: given up; the spool stays

Nothing leans on it: a step that finds nothing here reads its stream itself, and goes on with the
spool that any other run has left.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import groupby

from lsats_pipeline.core.errors import Busy, TransientError
from lsats_pipeline.hub.bronze.ingest import Ingestion
from lsats_pipeline.hub.sources.source import Stream

log = logging.getLogger(__name__)
_LONGEST_END = 2.0  # seconds that the readers may take to end; a call of a source can take minutes
_Begun = tuple[Ingestion, ExitStack]


class ReadAhead:
    """The readers of one run: none, until they are started.

    `in_use`: held while a source's client is, by its system.
    """

    def __init__(self, in_use: Mapping[str, AbstractContextManager[object]]) -> None:
        self._in_use = in_use
        self._ended = threading.Event()
        self._readers: list[threading.Thread] = []
        self._reads: dict[tuple[str, dt.date], Future[_Begun | None]] = {}

    def start(
        self,
        streams: Mapping[Stream, dt.date],
        read: Callable[[Stream, dt.date], AbstractContextManager[Ingestion]],
    ) -> None:
        """Begin to read each stream for its day, once; `read` gives its run, begun and read."""
        if self._readers:
            return
        for system, group in groupby(sorted(streams, key=_system), _system):
            futures = {(s, streams[s]): Future[_Begun | None]() for s in group}
            self._reads |= {(s.name, day): future for (s, day), future in futures.items()}
            # A daemon: a call that is never answered must not keep the process from ending.
            reader = threading.Thread(
                target=self._read_all, args=(futures, read), name=f"read {system}", daemon=True
            )
            self._readers.append(reader)
            reader.start()

    def take(self, stream: Stream, day: dt.date) -> AbstractContextManager[Ingestion] | None:
        """The run of a stream once it is read; None when it is left to its step.

        Raises what its read raised. Each is given once: whoever tries again reads by himself.
        """
        future = self._reads.pop((stream.name, day), None)
        begun = future.result() if future else None
        return _held(*begun) if begun else None

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the run ends: TransientError then."""
        if self._ended.wait(seconds):
            raise TransientError(
                "the run ended before this stream landed; what was read is kept, and the next run"
                " goes on from there"
            )

    def close(self) -> None:
        """End the readers, and the runs that no step came for."""
        self._ended.set()
        deadline = time.monotonic() + _LONGEST_END
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
            if reader.is_alive():
                log.warning("%s: no answer yet, and nobody waits for it any more", reader.name)
        for future in self._reads.values():
            if future.done() and not future.exception() and (begun := future.result()):
                with suppress(TransientError), _held(*begun):
                    self.sleep(0)
        self._reads.clear()

    def _read_all(
        self,
        futures: Mapping[tuple[Stream, dt.date], Future[_Begun | None]],
        read: Callable[[Stream, dt.date], AbstractContextManager[Ingestion]],
    ) -> None:
        for (stream, day), future in futures.items():
            try:
                self.sleep(0)
                with self._in_use[stream.source_system], ExitStack() as run:
                    ingestion = run.enter_context(read(stream, day))
                    future.set_result((ingestion, run.pop_all()))
            except Busy:  # its step waits as long as it may, and says who holds it
                future.set_result(None)
            except BaseException as error:
                future.set_exception(error)


def _system(stream: Stream) -> str:
    return stream.source_system


@contextmanager
def _held(ingestion: Ingestion, run: ExitStack) -> Iterator[Ingestion]:
    with run:
        yield ingestion
