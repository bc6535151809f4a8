"""What the launchpad may set over a source's settings: fields made from the settings' own.

settings class ─▶ fields of the resource ─▶ run config ─▶ SourceOverrides

A run's configuration is stored and shown in clear: a secret is set by the name of an environment
variable, never by its value, and no message repeats what stands in such a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings, variable
from lsats_pipeline.hub.configuration import SourceOverrides
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.settings import DocumentSettings, SourceSettings
from lsats_pipeline.hub.sources.source import Source

RECORD_LIMIT = "record_limit"
_DOCUMENTS = "documents"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBERS = (int, float, bool)
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def resource_key(source: Source) -> str:
    """The resource of a source: the name of its folder; all documents share one."""
    if issubclass(source.settings, DocumentSettings):
        return _DOCUMENTS
    return source.settings.__module__.split(".")[-2]


@dataclass(frozen=True)
class Overridable:
    """A field of a resource, `name`, that stands for `setting` of a settings class."""

    name: str
    setting: str
    kind: Any
    default: Any
    description: str
    secret: bool = False


def overridable(cls: type[SourceSettings]) -> Iterator[Overridable]:
    """What a run may set of these settings; what is the hub's as a whole is not a source's."""
    for setting, field in cls.model_fields.items():
        if setting == "lsats_data_folder":
            yield _public("folder", setting, field, "LSATS_DATA_FOLDER, or the inbox")
        elif setting in HubSettings.model_fields:
            continue
        elif "Secret" in str(field.annotation):
            variable = _variable(cls, setting)
            about = f"name of the environment variable (never its value) of the {field.description}"
            yield Overridable(f"{setting}_variable", setting, str, variable, about, secret=True)
        else:
            yield _public(setting, setting, field, _variable(cls, setting))


def overrides_of(run_config: Mapping[str, Any]) -> dict[str, SourceOverrides]:
    """What the configuration of a run sets for each source, by system; the others are left out.

    ConfigurationError names every field that is wrong.
    """
    found = {s.system: overridden(s, given(run_config, resource_key(s))) for s in SOURCES}
    return {system: one for system, one in found.items() if one != SourceOverrides()}


def overridden(source: Source, config: Mapping[str, Any]) -> SourceOverrides:
    """What the configuration of a source's resource sets; empty fields set nothing."""
    key, problems, values = resource_key(source), list[str](), dict[str, Any]()
    for field in overridable(source.settings):
        value = config.get(field.name)
        if value in ("", None) or (field.secret and value == field.default):
            continue
        label = f"{key}.{field.name}"
        try:
            values[field.setting] = (
                named_secret(label, str(value))
                if field.secret
                else checked(source.settings, field.setting, label, value)
            )
        except ConfigurationError as error:
            problems.append(str(error))
    limit = config.get(RECORD_LIMIT)
    try:
        limit = record_limit(key, limit)
    except ConfigurationError as error:
        problems.append(str(error))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return SourceOverrides(values, limit)


def record_limit(key: str, value: Any) -> int | None:
    """The limit of records in the configuration of a resource."""
    if value in ("", None):
        return None
    return int(checked(HubSettings, "max_records", f"{key}.{RECORD_LIMIT}", value))


def checked(cls: type[BaseSettings], setting: str, label: str, value: Any) -> Any:
    """The value as the settings want it; ConfigurationError says what they want instead."""
    field = cls.model_fields[setting]
    wanted: Any = field.annotation
    for limit in field.metadata:
        wanted = Annotated[wanted, limit]
    try:
        return TypeAdapter(wanted).validate_python(value)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise ConfigurationError(f"{label} ({field.description}): {why}, not {value!r}") from None


def named_secret(label: str, name: str) -> SecretStr:
    """What the environment variable holds; no message repeats the name that was given.

    Somebody may have put the secret itself there.
    """
    if not _VARIABLE.fullmatch(name):
        raise ConfigurationError(
            f"{label} is no name of an environment variable. It takes the name of one that holds"
            " the value, never the value: a run's configuration is stored and shown in clear. If"
            " that was a secret, it has to be changed"
        )
    value = variable(name)
    if value is None:
        raise ConfigurationError(
            f"{label} names an environment variable that is not set where the run runs: set it, or"
            " name another"
        )
    return value


def given(run_config: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What the configuration of a run says for a resource, `env:` looked up."""
    config = (run_config.get("resources") or {}).get(key) or {}
    return {
        name: _from_environment(value) if isinstance(value, Mapping) else value
        for name, value in (config.get("config") or {}).items()
    }


def _from_environment(reference: Mapping[str, Any]) -> str | None:
    """Dagster's own way of naming a variable: `env: NAME` in place of a value."""
    value = variable(str(reference.get("env")))
    return None if value is None else value.get_secret_value()


def limits(field: FieldInfo) -> str:
    """The limits of a number in words: `at least 1`."""
    found = (
        f"{words} {getattr(limit, name)}"
        for limit in field.metadata
        for name, words in _LIMITS.items()
        if hasattr(limit, name)
    )
    return ", ".join(found)


def _public(name: str, setting: str, field: FieldInfo, usual: str) -> Overridable:
    number = next((kind for kind in _NUMBERS if field.annotation is kind), None)
    limited = f" ({limits(field)})" if limits(field) else ""
    otherwise = f", or {field.default}" if field.default not in ("", None) else ""
    return Overridable(
        name,
        setting,
        str if number is None else number | None,
        "" if number is None else None,
        f"{field.description}{limited}. Empty: {usual}{otherwise}",
    )


def _variable(cls: type[SourceSettings], setting: str) -> str:
    return f"{cls.model_config.get('env_prefix', '')}{setting}".upper()
