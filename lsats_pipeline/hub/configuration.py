"""Which systems this site has set up: what a run reads, and what it leaves out by name.

variables and folders ─▶ configured | half set: wrong | not configured

With nothing set at all the campus is simulated, and nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, data_folder, load
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.settings import SIMULATED, SourceSettings
from lsats_pipeline.hub.sources.source import Source


@dataclass(frozen=True)
class SourceOverrides:
    """What one run sets for a source, over the environment.

    `values`: by field of its settings; `record_limit`: in place of MAX_RECORDS, None leaves that.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    record_limit: int | None = None

    @property
    def origin(self) -> str:
        """Where the records come from, when that is not where they usually do."""
        places = (f"{name}={value}" for name, value in self.values.items() if _is_place(name))
        return " ".join(places)


NO_OVERRIDES = SourceOverrides()


@dataclass(frozen=True)
class Configuration:
    """The state of every source, by system.

    `wrong`: what to correct, for those that are half set or malformed; `remedies`: what configures
    those that are not set at all.
    """

    configured: frozenset[str]
    wrong: Mapping[str, str]
    remedies: Mapping[str, str]

    @property
    def is_real(self) -> bool:
        """Whether anything names a real system; if not, the campus is simulated."""
        return bool(self.configured or self.wrong)

    @property
    def left_out(self) -> tuple[Source, ...]:
        """The sources of a real site that it has not configured."""
        return tuple(s for s in SOURCES if self.is_real and s.system in self.remedies)

    def lacks(self, system: str) -> bool:
        """Whether a real site has not configured the system."""
        return self.is_real and system in self.remedies

    def require(self, systems: Iterable[str]) -> None:
        """Raise ConfigurationError that names every variable of these systems to correct."""
        if wrong := dict.fromkeys(self.wrong[s] for s in systems if s in self.wrong):
            raise ConfigurationError("\n".join(wrong))

    def refuse_real(self, purpose: str) -> None:
        """Raise ConfigurationError when a real source is configured, or half; `purpose`: why."""
        self.require_real()
        if self.is_real:
            titles = ", ".join(s.title for s in SOURCES if s.system in self.configured)
            raise ConfigurationError(
                f"real sources are configured ({titles}), and {purpose}: use `lsats run` for your"
                " sources, or another place without their variables and documents:"
                " LSATS_HOME=another/folder"
            )

    def require_real(self) -> None:
        """Raise ConfigurationError for what is half set, wherever it is."""
        self.require(self.wrong)


def configuration(
    settings: HubSettings | None = None, overrides: Mapping[str, SourceOverrides] | None = None
) -> Configuration:
    """As the environment says; what a hub was opened with, and what a run sets, win over it.

    What a run sets makes no simulated campus a real site: only the environment does.
    """
    found = _configuration(settings, {})
    return _configuration(settings, overrides) if overrides and found.is_real else found


def documents_folder(settings: HubSettings) -> Path:
    """Where the documents of this hub arrive: those of a simulated campus apart from people's."""
    if configuration(settings).is_real:
        return settings.data_folder
    return data_folder(settings.simulated_home, None)


def _configuration(
    settings: HubSettings | None, overrides: Mapping[str, SourceOverrides]
) -> Configuration:
    configured, wrong, remedies = set[str](), dict[str, str](), dict[str, str]()
    for source in SOURCES:
        values = overrides.get(source.system, NO_OVERRIDES).values
        try:
            found = load_source(source.settings, settings, values)
        except ConfigurationError as error:
            wrong[source.system] = str(error)
            continue
        if found.configured:
            configured.add(source.system)
        else:
            remedies[source.system] = found.remedy
    return Configuration(frozenset(configured), wrong, remedies)


def load_source(
    cls: type[SourceSettings],
    settings: HubSettings | None,
    values: Mapping[str, Any] | None = None,
) -> SourceSettings:
    """The settings of a source; what the hub's say too comes from them, `values` win over both."""
    return load(cls, **{**(shared_with_hub(cls, settings) if settings else {}), **(values or {})})


def shared_with_hub(cls: type[SourceSettings], settings: HubSettings) -> dict[str, object]:
    """What the settings of a source have in common with the hub's, by field."""
    names = cls.model_fields.keys() & HubSettings.model_fields.keys()
    return {name: getattr(settings, name) for name in names}


def require_simulated(overrides: SourceOverrides) -> None:
    """Raise ConfigurationError for what may be a real system, set for a simulated campus.

    Nothing tells a real system from a simulated one but that a simulated one is on this machine.
    """
    for name, value in overrides.values.items():
        if name.endswith("url") and not all(map(_is_local, str(value).split())):
            raise ConfigurationError(
                f"{name} {value!r} is not on this machine, and this hub's campus is simulated: real"
                " and simulated records stay apart. A real source is configured in the environment"
            )
    folder = overrides.values.get("lsats_data_folder")
    if folder is not None and not (Path(folder) / SIMULATED).exists():
        raise ConfigurationError(
            f"{folder} was not filled by a simulated campus ({SIMULATED} is not there), and this"
            " hub's is simulated: real and simulated records stay apart"
        )


def _is_place(setting: str) -> bool:
    """Whether a setting names a place: whoever reads there reads other records."""
    return setting.endswith(("url", "base", "folder"))


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
