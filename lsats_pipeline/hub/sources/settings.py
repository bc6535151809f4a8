"""What the settings of every source have in common, and those of sources that are documents."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from lsats_pipeline.core.settings import Settings, data_folder, environment

# A file of this name says that the simulated campus fills the folder.
SIMULATED = ".simulated"
# Of directories.
SERVERS = (
    "ldaps://host or ldap+starttls://host; several, separated by blanks, are tried in their order"
)
ISSUERS = "PEM file of the certificates to trust instead of this machine's"
# What people export, whatever they call it.
_DOCUMENTS = frozenset({".xlsx", ".xlsm", ".xls", ".csv", ".tsv", ".txt"})


class SourceSettings(Settings):
    """Shared by all sources: entirely unset means "not configured", half set is a mistake."""

    model_config = environment()
    # Enough to distinguish a configured source from an absent one.
    required: ClassVar[tuple[str, ...]] = ()

    @property
    def rate_limit(self) -> int:
        """Calls of single records a minute that the source allows."""
        return 60

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


class DocumentSettings(SourceSettings):
    """Exported files that arrive in a folder (domain/hub.md 1.5, 1.6): there are no credentials.

    A folder that somebody named is configured; so is the inbox, once somebody has used it.
    """

    lsats_home: Path = Field(Path(".lsats"), description="state folder; files move to archive/")
    lsats_data_folder: Path | None = Field(None, description="where exported files arrive")
    lsats_timezone: str = Field("America/Detroit", description="time zone in which days begin")

    @field_validator("lsats_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("lsats_data_folder")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.expanduser().is_dir():
            raise ValueError(f"there is no folder {value}: make it, or name another")
        return value

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
        """Whether a folder is named, or a document waits in the inbox, or has landed from it."""
        if self.lsats_data_folder is not None:
            return True
        if (self.folder / SIMULATED).exists():  # by a campus of an earlier version
            return False
        return _holds_documents(self.folder) or any(self.archive.glob("*/*/*"))

    @property
    def remedy(self) -> str:
        """What makes it one."""
        return f"put its files into {self.folder}, or name their folder in LSATS_DATA_FOLDER"


def _holds_documents(folder: Path) -> bool:
    """Whether there is anything that somebody may have exported; hidden files are nobody's."""
    if not folder.is_dir():
        return False
    return any(
        path.suffix.lower() in _DOCUMENTS and not path.name.startswith((".", "~"))
        for path in folder.iterdir()
    )
