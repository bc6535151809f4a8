"""The variables of price files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from lsats_pipeline.core.diagnosis import Finding, misconfigured, ok
from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import Settings, environment, load


class MrfSettings(Settings):
    """Price files of insurers: where they are listed, who may be asked for them, and the limits."""

    model_config = environment("LSATS_MRF_")

    sources: str = Field(
        "", description="tables of contents, folders, lists, files; separated by commas"
    )
    hosts: str = Field("", description="hosts that files may be fetched from; empty: none")
    plain_http: bool = Field(False, description="allow http:// besides https://")
    roots: str = Field("", description="folders in which listed file: addresses may be")
    max_gb: float = Field(100, gt=0, description="largest file that is fetched, in GB")
    rate: float = Field(2.0, gt=0, le=1000, description="requests a second to one host")
    min_speed: int = Field(10_000, ge=1, description="bytes a second under which a host stalls")
    stall_seconds: float = Field(60.0, gt=0, description="how long it may be slower than that")
    total_hours: float = Field(24.0, gt=0, description="how long one file may take")
    tries: int = Field(4, ge=1, le=20, description="tries of a request that may yet succeed")
    ask_minutes: float = Field(60.0, ge=0, description="how often a list is asked for by address")
    recheck_days: float = Field(
        7.0, ge=0, description="how often a fetched file is looked at again; 0: never"
    )

    @property
    def source_list(self) -> list[str]:
        """Each source by itself."""
        return _separated(self.sources)

    @property
    def host_list(self) -> list[str]:
        """Each pattern by itself, in small letters."""
        return [host.lower() for host in _separated(self.hosts)]

    @property
    def root_list(self) -> list[Path]:
        """Each folder by itself, absolute, links resolved."""
        return [Path(root).expanduser().resolve() for root in _separated(self.roots)]

    @property
    def max_bytes(self) -> int:
        """The largest file that is fetched."""
        return int(self.max_gb * 10**9)


def _separated(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def settings_findings() -> Iterator[Finding]:
    """Where price files are looked for, and whether they could be fetched."""
    try:
        settings = load(MrfSettings)
    except ConfigurationError as error:
        yield from misconfigured("price files", error)
        return
    if not settings.source_list:
        yield Finding("settings", "price files", "note", "not configured: set LSATS_MRF_SOURCES")
        return
    hosts = ", ".join(settings.host_list)
    message = f"sources: {len(settings.source_list)}; hosts that may be asked: {hosts or 'none'}"
    if not hosts and any("://" in source for source in settings.source_list):
        remedy = "name the hosts of your sources, and of the files they list, in LSATS_MRF_HOSTS"
        yield Finding("settings", "price files", "note", message, remedy)
    else:
        yield ok("settings", "price files", message)
