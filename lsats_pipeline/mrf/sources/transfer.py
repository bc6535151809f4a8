"""One address to one file on this disk, whole or not at all.

 asking ─┬▶ 200 from the beginning ─┬▶ write, hash ─▶ length right ─▶ done
   ▲     ├▶ 206 from where it was ──┘      │ cut off, stalled
   │     ├▶ wait as asked ─────────────┐   ▼
   └─────┴▶ wait, longer each time ◀───┴───┘

What has come is in `download.part`, with a note of what it is part of: the next try, of whichever
process, asks for the rest only, if the server can tell that it is still the same file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from lsats_pipeline.core.errors import BadFile, PermanentError, TransientError, Unreachable
from lsats_pipeline.mrf.sources.hosts import PATIENCE
from lsats_pipeline.mrf.sources.locations import Location, redacted
from lsats_pipeline.mrf.sources.request import Asking, Way
from lsats_pipeline.mrf.sources.resume import Hold, PartialDownload
from lsats_pipeline.mrf.sources.transport import Answer, Passing, TransferPace
from lsats_pipeline.mrf.text.index import BOM
from lsats_pipeline.mrf.text.reading import GZIP, ZIP
from lsats_pipeline.mrf.workspace import write

log = logging.getLogger(__name__)

Kind = Literal["gzip", "zip", "json"]
Watch = Callable[[int, int], None]
"""Called with bytes received and their total (0: the server does not say)."""
_BASE, _LONGEST_WAIT = 1.0, 60.0
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")
# Another try is another chance only as long as it gets further.
_PROGRESS = 1 << 20
_HEAD = 4096
_BLOCK = 1 << 20
# What is left free for everything else on the disk.
_SPARE = 64 << 20


@dataclass(frozen=True)
class Received:
    """A whole file, still under its temporary name."""

    path: Path
    sha256: str
    size: int
    kind: Kind
    mark: str


class Downloads(Way):
    """Downloads under one policy."""

    def download(
        self,
        location: Location,
        folder: Path,
        known: str = "",
        watch: Watch | None = None,
        *,
        text: bool = False,
    ) -> Received | None:
        """Fetch a file into a folder of its own; None when it still has the `known` mark.

        `text` takes whatever it is; else what is no JSON, gzip or zip by its first bytes is told.
        BadFile with a code for what will not get better, TransientError and Unreachable for what
        may, ConfigurationError for what the settings forbid.
        """
        hold = Hold(folder, time.monotonic() + self.settings.total_hours * 3600)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    return _Try(self, location, known, hold, watch, text).take()
                except Passing as error:
                    self._wait(location, hold, error)
        except OSError as error:
            raise PermanentError(
                f"{folder}: {error.strerror or error}: make room there or set LSATS_HOME to a"
                " larger disk; what has come is kept, and the next run goes on from there"
            ) from error

    def _wait(self, location: Location, hold: Hold, error: Passing) -> None:
        """Wait for the next try; raises when there have been enough."""
        if error.wait is not None:
            hold.waited += error.wait
            if hold.waited > PATIENCE:
                raise TransientError(
                    f"{location.address}: the host asks to wait {error.wait:,.0f} s"
                )
            self.clock.sleep(error.wait)
            return
        size = hold.part.stat().st_size if hold.part.exists() else 0
        hold.failures = 1 if size > hold.furthest + _PROGRESS else hold.failures + 1
        hold.furthest = max(hold.furthest, size)
        if hold.failures >= self.settings.tries:
            kind = Unreachable if error.unreachable else TransientError
            raise kind(
                f"{location.address}: {redacted(str(error))}; tried {hold.failures} times, and"
                f" {size:,} bytes are kept for the next run"
            )
        wait = delay(hold.failures, self.clock.jitter())
        log.warning("%s: %s; next try in %.1f s", location.address, redacted(str(error)), wait)
        self.clock.sleep(wait)


def delay(failures: int, jitter: float) -> float:
    """Seconds before the next try: growing, up to a quarter more or less, with a limit."""
    return float(min(_BASE * 2 ** (failures - 1), _LONGEST_WAIT) * (0.75 + jitter / 2))


@dataclass(frozen=True)
class _Try(Asking[Received]):
    """One try, through its redirects."""

    hold: Hold
    watch: Watch | None
    text: bool

    def take(self) -> Received | None:
        settings = self.way.settings
        left = self.hold.ends - time.monotonic()
        return self.run(TransferPace(settings.min_speed, settings.stall_seconds, left))

    def conditions(self) -> dict[str, str]:
        if resumable := self.hold.resumable(self.location):
            part, size = resumable
            return {"Range": f"bytes={size}-", "If-Range": part.validator}
        return super().conditions()

    def brought(self, answer: Answer) -> Received:
        return self._go_on(answer) if answer.status == 206 else self._from_the_beginning(answer)

    def out_of_range(self) -> None:
        self.hold.drop()

    def _from_the_beginning(self, answer: Answer) -> Received:
        self.hold.drop()
        part = self._noted(answer, answer.length or 0)
        return self._written(answer, part, 0)

    def _go_on(self, answer: Answer) -> Received:
        """Append, if it is the rest of the same file; Passing, with nothing kept, if it is not."""
        resumable = self.hold.resumable(self.location)
        told = _RANGE.match(answer.headers.get("content-range", ""))
        if resumable and told and int(told[1]) == resumable[1]:
            part, size = resumable
            etag = answer.headers.get("etag", part.etag)
            total = int(told[3]) if told[3] != "*" else part.total
            if etag == part.etag and total == (part.total or total):
                part.total = total
                return self._written(answer, part, size)
        self.hold.drop()
        raise Passing("the server sent another range, or another file's")

    def _noted(self, answer: Answer, total: int) -> PartialDownload:
        part = PartialDownload(
            address=self.location.address,
            identity=self.location.identity,
            etag=answer.headers.get("etag", ""),
            modified=answer.headers.get("last-modified", ""),
            total=total,
        )
        write(self.hold.note, part)
        return part

    def _written(self, answer: Answer, part: PartialDownload, have: int) -> Received:
        """Write what comes; the hash covers what was there before."""
        self._fits(part.total, have)
        digest = hashlib.sha256()
        with self.hold.part.open("r+b" if have else "wb") as file:
            file.truncate(have)
            head = _hashed(file, digest)
            size = have
            for chunk in answer.chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                if len(head) < _HEAD:
                    head += chunk[:_HEAD]
                    self._is_a_file(head)
                if size > self.way.settings.max_bytes:
                    self._too_large(size)
                if self.watch:
                    self.watch(size, part.total)
            file.flush()
            os.fsync(file.fileno())
        return self._whole(part, size, head, digest.hexdigest())

    def _whole(self, part: PartialDownload, size: int, head: bytes, sha256: str) -> Received:
        if part.total and size != part.total:
            if size > part.total:
                self.hold.drop()
            raise Passing(f"cut off: {size:,} bytes came of {part.total:,}")
        if size == 0:
            self.hold.drop()
            raise BadFile("empty", f"{self.location.address}: the server sent nothing")
        self._is_a_file(head, whole=True)
        return Received(self.hold.part, sha256, size, kind_of(head) or "json", part.mark)

    def _is_a_file(self, head: bytes, *, whole: bool = False) -> None:
        """BadFile as soon as what comes is no price file: a page that says `denied`, mostly."""
        text = head.removeprefix(BOM).lstrip()
        too_soon = not whole and len(text) < 4 and len(head) < _HEAD
        if self.text or kind_of(head) or too_soon:
            return
        self.hold.drop()
        raise BadFile(
            "not_json",
            f"{self.location.address}: what came is no JSON, gzip or zip; it begins with"
            f" {redacted(text[:40].decode(errors='replace'))!r}",
        )

    def _fits(self, total: int, have: int) -> None:
        """Room for the rest of it, and for what is made of it (ingest asks that again)."""
        if total > self.way.settings.max_bytes:
            self._too_large(total)
        free = shutil.disk_usage(self.hold.folder).free
        needed = total - have + 2 * total + _SPARE
        if free < needed:
            raise FullDisk(
                f"{self.hold.folder} has {free:,} bytes free, and {self.location.address}"
                f" ({total:,} bytes) needs {needed:,} with what is made of it: make room there, or"
                " set LSATS_HOME to a larger disk"
            )

    def _too_large(self, size: int) -> None:
        self.hold.drop()
        raise BadFile(
            "too_large",
            f"{self.location.address}: {size:,} bytes or more; LSATS_MRF_MAX_GB allows"
            f" {self.way.settings.max_bytes:,}",
        )


class FullDisk(PermanentError):
    """There is no room for a file."""


def kind_of(head: bytes) -> Kind | None:
    """What a file is by its first bytes, whatever it is called; None when it is no price file."""
    if head.startswith(GZIP):
        return "gzip"
    if head.startswith(ZIP):
        return "zip"
    return "json" if head.removeprefix(BOM).lstrip()[:1] == b"{" else None


def _hashed(file: BinaryIO, digest: hashlib._Hash) -> bytes:
    """Put what is there into the hash; the file is at its end then. Returns how it begins."""
    head = b""
    while file.readable() and (block := file.read(_BLOCK)):
        head = head or block[:_HEAD]
        digest.update(block)
    return head
