"""Every environment variable the hub reads, typed, with its default and meaning. Read nowhere else.

`.env` in the working directory is read too; the real environment wins. Values that must not be seen
are `SecretStr` and print as asterisks.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from lsats_pipeline.core.errors import FixConfiguration

CHECKOUT = Path(__file__).resolve().parents[2]
S = TypeVar("S", bound=BaseSettings)


def _environment(prefix: str = "") -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=prefix, env_file=".env", extra="ignore", env_ignore_empty=True
    )


class HubSettings(BaseSettings):
    """The hub itself: where its state lives, what day it is, how much to take in."""

    model_config = _environment()

    database_url: SecretStr | None = Field(
        None, description="the hub's PostgreSQL; unset: embedded"
    )
    lsats_home: Path = Field(Path(".lsats"), description="state folder")
    lsats_data_folder: Path | None = Field(None, description="where exported files arrive")
    dagster_home: Path = Field(CHECKOUT / "dagster_home", description="Dagster's settings folder")
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's own database; unset: `<hub>_dagster` beside the hub"
    )
    lsats_timezone: str = Field("America/Detroit", description="time zone in which days begin")
    lsats_first_day: dt.date = Field(dt.date(2025, 1, 1), description="the first daily partition")
    lsats_today: dt.date | None = Field(None, description="the day to take for today, for trials")
    max_records: int = Field(
        0, ge=0, description="stop every stream after so many records; 0 = all"
    )
    batch_size: int = Field(2000, ge=1, le=100_000, description="records per step of a load")
    lsats_hold_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="a sweep that removes more than this share is held for a person",
    )
    lsats_reject_share: float = Field(
        0.05, ge=0, le=1, description="more rejected records than this share block what follows"
    )
    lsats_lock_wait: float = Field(0.0, ge=0, description="seconds to wait for another writer")
    lsats_detail_minutes: float = Field(60.0, gt=0, description="time budget of one enrichment run")
    lsats_demo_people: int = Field(
        2000,
        ge=200,
        le=1_000_000,
        description="people of the simulated campus made when none exists",
    )
    lsats_demo_seed: int = Field(1, description="seed of that campus")

    @field_validator("lsats_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        ZoneInfo(value)
        return value

    @field_validator("lsats_home", "dagster_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def data_folder(self) -> Path:
        """Where exported files arrive."""
        return data_folder(self.lsats_home, self.lsats_data_folder)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days begin."""
        return ZoneInfo(self.lsats_timezone)

    def now(self) -> dt.datetime:
        """The time of observation: the clock, moved to `LSATS_TODAY` when that is set."""
        now = dt.datetime.now(self.zone)
        if self.lsats_today is None:
            return now
        return dt.datetime.combine(self.lsats_today, now.timetz())

    def today(self) -> dt.date:
        """The day being observed."""
        return self.now().date()


class LogSettings(BaseSettings):
    """How the command line speaks; apart from the hub so that a mistake there can still be told."""

    model_config = _environment()

    lsats_home: Path = Field(Path(".lsats"), description="state folder; logs go to logs/ in it")
    lsats_log_format: Literal["text", "json"] = Field(
        "text", description="text for people, or json"
    )
    lsats_debug: bool = Field(False, description="tell more, and show tracebacks")

    @field_validator("lsats_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


class MrfSettings(BaseSettings):
    """Price files of insurers: where they are listed, who may be asked for them, and the limits."""

    model_config = _environment("LSATS_MRF_")

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


class SourceSettings(BaseSettings):
    """Shared by all sources: entirely unset means "not configured", half set is a mistake."""

    model_config = _environment()
    # Enough to tell a configured source from an absent one.
    required: ClassVar[tuple[str, ...]] = ()

    @property
    def configured(self) -> bool:
        """Whether any of the required variables is set."""
        return any(getattr(self, name) for name in self.required)

    @property
    def remedy(self) -> str:
        """What configures it, for people: `set TDX_BASE_URL`."""
        prefix = self.model_config.get("env_prefix", "")
        return "set " + ", ".join(f"{prefix}{name}".upper() for name in self.required)

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        missing = [name for name in self.required if not getattr(self, name)]
        if missing and len(missing) < len(self.required):
            prefix = self.model_config.get("env_prefix", "")
            raise ValueError("also needs " + ", ".join(f"{prefix}{n}".upper() for n in missing))
        return self


class TdxSettings(SourceSettings):
    """TeamDynamix (domain/hub.md 1.1.1)."""

    model_config = _environment("TDX_")
    required: ClassVar[tuple[str, ...]] = ("base_url",)

    base_url: str = Field("", description="for example https://campus.example.edu/TDWebApi/api")
    app_id: str = Field("", description="application id for calls that belong to one")
    beid: SecretStr | None = Field(None, description="admin service account: BEID")
    web_services_key: SecretStr | None = Field(None, description="admin service account: key")
    username: str = Field("", description="or a user name")
    password: SecretStr | None = Field(None, description="and password")
    api_token: SecretStr | None = Field(None, description="or a pasted bearer token")
    calls_per_minute: int = Field(60, ge=1, description="rate limit of single-record calls")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (
            self.beid and self.web_services_key,
            self.username and self.password,
            self.api_token,
        )
        if self.base_url and not any(ways):
            raise ValueError(
                "also needs TDX_BEID and TDX_WEB_SERVICES_KEY, or TDX_USERNAME and TDX_PASSWORD, "
                "or TDX_API_TOKEN"
            )
        return self


class GatewaySettings(SourceSettings):
    """The university API gateway (domain/hub.md 1.2)."""

    model_config = _environment("UM_")
    required: ClassVar[tuple[str, ...]] = ("base_url", "category_id", "client_key", "client_secret")

    base_url: str = Field("", description="for example https://gw.api.example.edu/um")
    category_id: str = Field("", description="product family in the path, for example bf")
    client_key: str = Field("", description="OAuth2 client id")
    client_secret: SecretStr | None = Field(None, description="OAuth2 client secret")
    token_url: str = Field("", description="unset: the gateway's own /um/oauth2/token")


class McommunitySettings(SourceSettings):
    """The MCommunity directory (domain/hub.md 1.3)."""

    model_config = _environment("MCOMMUNITY_LDAP_")
    required: ClassVar[tuple[str, ...]] = ("url", "user", "password")

    url: str = Field("", description="for example ldaps://ldap.example.edu")
    user: str = Field("", description="bind DN")
    password: SecretStr | None = Field(None, description="bind password")
    base: str = Field("dc=umich,dc=edu", description="base DN of the tree")


class ActiveDirectorySettings(SourceSettings):
    """Active Directory (domain/hub.md 1.4)."""

    model_config = _environment("AD_")
    required: ClassVar[tuple[str, ...]] = ("ldap_url", "user", "password")

    ldap_url: str = Field("", description="for example ldaps://dc1.ad.example.edu")
    user: str = Field("", description="bind name, domain\\user or a DN")
    password: SecretStr | None = Field(None, description="bind password")
    search_base: str = Field(
        "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu", description="where people are searched"
    )


class DocumentSettings(SourceSettings):
    """Exported files that arrive in a folder (domain/hub.md 1.5, 1.6): there are no credentials.

    All of it is the hub's own; a folder that exists is configured.
    """

    lsats_home: Path = Field(Path(".lsats"), description="state folder; files move to archive/")
    lsats_data_folder: Path | None = Field(None, description="where exported files arrive")
    lsats_timezone: str = Field("America/Detroit", description="time zone in which days begin")

    @field_validator("lsats_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def folder(self) -> Path:
        """Where the files arrive."""
        return data_folder(self.lsats_home, self.lsats_data_folder)

    @property
    def archive(self) -> Path:
        """Where they stay once they have landed."""
        return self.lsats_home / "archive"

    @property
    def configured(self) -> bool:
        """Whether the folder is there."""
        return self.folder.is_dir()

    @property
    def remedy(self) -> str:
        """What makes it one."""
        return f"make the folder {self.folder}, or name another in LSATS_DATA_FOLDER"


# A file of this name says that the simulated campus fills the folder.
SIMULATED = ".simulated"


def data_folder(home: Path, folder: Path | None) -> Path:
    """The folder where exported files arrive: the one that is set, else `inbox` in LSATS_HOME."""
    return folder.expanduser().absolute() if folder else home / "inbox"


# Keyed by `source_system`. The classes stand here and not in the slices, so that this module stays
# the whole list of what is read from the environment.
SOURCE_SETTINGS: dict[str, type[SourceSettings]] = {
    "tdx": TdxSettings,
    "umich_api": GatewaySettings,
    "mcommunity_ldap": McommunitySettings,
    "active_directory": ActiveDirectorySettings,
    "key_client": DocumentSettings,
    "lab_awards": DocumentSettings,
}


def load(cls: type[S], **values: Any) -> S:
    """Read one settings class from the environment; FixConfiguration names every bad variable.

    `values` (by field name) win over the environment.
    """
    try:
        return cls(**values)
    except ValidationError as error:
        raise FixConfiguration(_explain(cls, error)) from None


@contextmanager
def on_day(day: dt.date) -> Iterator[None]:
    """Within the block it is `day`, for everything that this process does or starts."""
    before = os.environ.get("LSATS_TODAY")
    os.environ["LSATS_TODAY"] = day.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ["LSATS_TODAY"]
        else:
            os.environ["LSATS_TODAY"] = before


def from_variables(cls: type[S], variables: Mapping[str, str], **values: Any) -> S:
    """The same from a mapping of environment names instead of the environment.

    The mapping wins over `values` (by field name).
    """
    prefix = cls.model_config.get("env_prefix", "")
    names = {f"{prefix}{name}".upper(): name for name in cls.model_fields}
    found = {names[key]: value for key, value in variables.items() if key in names}
    return load(cls, **{**values, **found})


def _explain(cls: type[BaseSettings], error: ValidationError) -> str:
    prefix = cls.model_config.get("env_prefix", "")
    lines = []
    for item in error.errors(include_url=False):
        name = (
            f"{prefix}{item['loc'][0]}".upper() if item["loc"] else prefix.rstrip("_") + " settings"
        )
        field = cls.model_fields.get(str(item["loc"][0])) if item["loc"] else None
        meaning = f" ({field.description})" if field else ""
        lines.append(
            f"{name}{meaning}: {item['msg'].removeprefix('Value error, ')}{_was(field, item)}"
        )
    return "\n".join(lines)


def _was(field: FieldInfo | None, item: Mapping[str, Any]) -> str:
    """The value that is wrong, unless it is a secret or the message is our own and has it."""
    value = item["input"]
    shown = field is not None and "Secret" not in str(field.annotation)
    if not shown or item["type"] == "value_error" or not isinstance(value, str | int | float):
        return ""
    return f", not {value!r}"
