"""Environment variables, typed, with default and meaning: the hub's own; a base for all others.

Price files and each source declare theirs in a `settings.py` of their own. Nothing else reads any.

`.env` in the working directory is read too; the real environment wins. Values that must not be seen
are `SecretStr` and print as asterisks.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from lsats_pipeline.core.errors import ConfigurationError

CHECKOUT = Path(__file__).resolve().parents[2]
S = TypeVar("S", bound=BaseSettings)


def environment(prefix: str = "") -> SettingsConfigDict:
    """How settings are read: `prefix` and a field's name, in capitals, are its variable."""
    return SettingsConfigDict(
        env_prefix=prefix, env_file=".env", extra="ignore", env_ignore_empty=True
    )


class Settings(BaseSettings):
    """Variables of one part. Its secrets are known from then on, to be redacted in messages.

    A blank one is unset, wherever it comes from: as a path it would be the working directory.
    """

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in values.items() if not isinstance(v, str) or v.strip()}

    def model_post_init(self, context: Any) -> None:
        """Record the secrets."""
        values = (getattr(self, name) for name in type(self).model_fields)
        _SECRETS.update(v.get_secret_value() for v in values if isinstance(v, SecretStr))


_SECRETS: set[str] = set()


def known_secrets() -> frozenset[str]:
    """Every secret value that this process has read so far."""
    return frozenset(_SECRETS)


class HubSettings(Settings):
    """The hub itself: where its state lives, what day it is, how much to ingest."""

    model_config = environment()

    database_url: SecretStr | None = Field(
        None, description="the hub's PostgreSQL; unset: embedded"
    )
    lsats_home: Path = Field(Path(".lsats"), description="state folder")
    lsats_data_folder: Path | None = Field(None, description="where exported files arrive")
    dagster_home: Path = Field(CHECKOUT / "dagster_home", description="Dagster's settings folder")
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's own database; unset: `<hub>_dagster` on the hub's server"
    )
    lsats_repository_url: str = Field(
        "", description="where this code is published, up to its branch; pages link to it"
    )
    lsats_timezone: str = Field("America/Detroit", description="time zone in which days begin")
    lsats_first_day: dt.date | None = Field(
        None, description="days before it are not shown, nor run; unset: all that were observed"
    )
    lsats_automation: bool = Field(
        False, description="schedules and sensors are on from the start: on or off"
    )
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
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError):  # unknown, a folder of zones, no name at all
            raise ValueError(f"there is no time zone {value!r}; like America/Detroit") from None
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
    def simulated_home(self) -> Path:
        """Where the simulated campus keeps all that it writes: apart from what people drop."""
        return self.lsats_home / "simulated"

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


class LogSettings(Settings):
    """Settings of the log; apart from the hub's, so that a mistake in those can be reported."""

    model_config = environment()

    lsats_home: Path = Field(Path(".lsats"), description="state folder; logs go to logs/ in it")
    lsats_log_format: Literal["text", "json"] = Field(
        "text", description="text for people, or json"
    )
    lsats_debug: bool = Field(False, description="log more, and show tracebacks")

    @field_validator("lsats_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def data_folder(home: Path, folder: Path | None) -> Path:
    """The folder where exported files arrive: the one that is set, else `inbox` in LSATS_HOME."""
    return folder.expanduser().absolute() if folder else home / "inbox"


def load(cls: type[S], **values: Any) -> S:
    """Read one settings class from the environment; ConfigurationError names every bad variable.

    `values` (by field name) win over the environment.
    """
    try:
        return cls(**values)
    except ValidationError as error:
        raise ConfigurationError(_explain(cls, error)) from None


def variable(name: str) -> SecretStr | None:
    """What a variable of this name holds, whatever it is for; None when it is not set."""
    value: Any = (SecretStr | None, Field(None, validation_alias=name))
    made: Any = create_model("Variable", __base__=Settings, value=value)
    made.model_config.update(environment())
    return load(made).value  # type: ignore[no-any-return]


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
    public = field is not None and "Secret" not in str(field.annotation)
    if not public or item["type"] == "value_error" or not isinstance(value, str | int | float):
        return ""
    return f", not {value!r}"
