"""One address to one file on this disk, whole or not at all.

 GET ─┬▶ 200 from the beginning ─┬▶ write, hash ─▶ length right ─▶ done
  ▲   ├▶ 206 from where it was ──┘      │ cut off, stalled
  │   └▶ 429, 5xx ────────────────┐     ▼
  └──── wait (`core/retry.py`) ◀──┴─────┘

What has come is in `download.part`, with a note of what it is part of: the next try, of whichever
process, asks for the rest only, if the server can tell that it is still the same file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import httpx

from lsats_pipeline.core.addresses import redacted
from lsats_pipeline.core.errors import BadFile, PermanentError, TransientError, Unreachable
from lsats_pipeline.core.retry import Retries, TransientFailure
from lsats_pipeline.core.transport import TransferPace, content_length
from lsats_pipeline.mrf.sources.locations import Location
from lsats_pipeline.mrf.sources.request import FILE_RETRIES, FetchContext, FileRequest
from lsats_pipeline.mrf.sources.resume import PartFile, PartialDownload
from lsats_pipeline.mrf.text.index import BOM
from lsats_pipeline.mrf.text.reading import GZIP, ZIP
from lsats_pipeline.mrf.workspace import write

Kind = Literal["gzip", "zip", "json"]
Watch = Callable[[int, int], None]
"""Called with bytes received and their total (0: the server does not say)."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")
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


class Downloads(FetchContext):
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

        `text` takes whatever it is; else what is no JSON, gzip or zip by its first bytes is
        refused. BadFile with a code for what will not get better, TransientError and Unreachable
        for what may, ConfigurationError for what the settings forbid.
        """
        part_file = PartFile(folder)
        ends = time.monotonic() + self.settings.total_hours * 3600
        request = _TransferRequest(self, location, known, part_file, watch, text)
        policy = replace(FILE_RETRIES, attempts=self.settings.tries)
        retries = Retries(policy, self.clock, location.address, part_file.progressed)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return retries.run(lambda: request.run(self._pace(ends)))
        except TransientFailure as error:
            kind = Unreachable if error.unreachable else TransientError
            raise kind(
                f"{location.address}: {error}; tried {retries.failures} times, and"
                f" {part_file.size:,} bytes are kept for the next run"
            ) from None
        except OSError as error:
            raise PermanentError(
                f"{folder}: {error.strerror or error}: make room there or set LSATS_HOME to a"
                " larger disk; what has come is kept, and the next run goes on from there"
            ) from error

    def _pace(self, ends: float) -> TransferPace:
        left = ends - time.monotonic()
        return TransferPace(self.settings.min_speed, self.settings.stall_seconds, left)


@dataclass(frozen=True)
class _TransferRequest(FileRequest[Received]):
    """One try, through its redirects."""

    part_file: PartFile
    watch: Watch | None
    text: bool

    def conditions(self) -> dict[str, str]:
        if resumable := self.part_file.resumable(self.location):
            part, size = resumable
            return {"Range": f"bytes={size}-", "If-Range": part.validator}
        return super().conditions()

    def received(self, answer: httpx.Response) -> Received:
        return (
            self._go_on(answer) if answer.status_code == 206 else self._from_the_beginning(answer)
        )

    def out_of_range(self) -> None:
        self.part_file.drop()

    def _from_the_beginning(self, answer: httpx.Response) -> Received:
        self.part_file.drop()
        part = PartialDownload(
            address=self.location.address,
            identity=self.location.identity,
            etag=answer.headers.get("etag", ""),
            modified=answer.headers.get("last-modified", ""),
            total=content_length(answer) or 0,
        )
        write(self.part_file.note, part)
        return self._written(answer, part, 0)

    def _go_on(self, answer: httpx.Response) -> Received:
        """Append what is the rest of the same file; else keep nothing, and TransientFailure."""
        resumable = self.part_file.resumable(self.location)
        sent = _RANGE.match(answer.headers.get("content-range", ""))
        if resumable and sent and int(sent[1]) == resumable[1]:
            part, size = resumable
            etag = answer.headers.get("etag", part.etag)
            total = int(sent[3]) if sent[3] != "*" else part.total
            if etag == part.etag and total == (part.total or total):
                part.total = total
                return self._written(answer, part, size)
        self.part_file.drop()
        raise TransientFailure("the server sent another range, or another file's")

    def _written(self, answer: httpx.Response, part: PartialDownload, have: int) -> Received:
        """Write what comes; the hash covers what was there before."""
        self._fits(part.total, have)
        digest = hashlib.sha256()
        with self.part_file.part.open("r+b" if have else "wb") as file:
            file.truncate(have)
            head = _hashed(file, digest)
            size = have
            for chunk in answer.iter_raw():
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                if len(head) < _HEAD:
                    head += chunk[:_HEAD]
                    self._is_a_file(head)
                if size > self.context.settings.max_bytes:
                    self._too_large(size)
                if self.watch:
                    self.watch(size, part.total)
            file.flush()
            os.fsync(file.fileno())
        return self._whole(part, size, head, digest.hexdigest())

    def _whole(self, part: PartialDownload, size: int, head: bytes, sha256: str) -> Received:
        if part.total and size != part.total:
            if size > part.total:
                self.part_file.drop()
            raise TransientFailure(f"cut off: {size:,} bytes came of {part.total:,}")
        if size == 0:
            self.part_file.drop()
            raise BadFile("empty", f"{self.location.address}: the server sent nothing")
        self._is_a_file(head, whole=True)
        return Received(self.part_file.part, sha256, size, kind_of(head) or "json", part.mark)

    def _is_a_file(self, head: bytes, *, whole: bool = False) -> None:
        """BadFile as soon as what comes is no price file: a page that says `denied`, mostly."""
        text = head.removeprefix(BOM).lstrip()
        too_soon = not whole and len(text) < 4 and len(head) < _HEAD
        if self.text or kind_of(head) or too_soon:
            return
        self.part_file.drop()
        raise BadFile(
            "not_json",
            f"{self.location.address}: what came is no JSON, gzip or zip; it begins with"
            f" {redacted(text[:40].decode(errors='replace'))!r}",
        )

    def _fits(self, total: int, have: int) -> None:
        """Room for the rest of it, and for what is made of it (ingest asks that again)."""
        if total > self.context.settings.max_bytes:
            self._too_large(total)
        free = shutil.disk_usage(self.part_file.folder).free
        needed = total - have + 2 * total + _SPARE
        if free < needed:
            raise FullDisk(
                f"{self.part_file.folder} has {free:,} bytes free, and {self.location.address}"
                f" ({total:,} bytes) needs {needed:,} with what is made of it: make room there, or"
                " set LSATS_HOME to a larger disk"
            )

    def _too_large(self, size: int) -> None:
        self.part_file.drop()
        raise BadFile(
            "too_large",
            f"{self.location.address}: {size:,} bytes or more; LSATS_MRF_MAX_GB allows"
            f" {self.context.settings.max_bytes:,}",
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
