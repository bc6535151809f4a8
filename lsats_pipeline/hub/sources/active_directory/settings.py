"""The variables of Active Directory."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from lsats_pipeline.core.settings import environment
from lsats_pipeline.hub.sources.settings import ISSUERS, SERVERS, SourceSettings


class ActiveDirectorySettings(SourceSettings):
    """Active Directory (domain/hub.md 1.4)."""

    model_config = environment("AD_")
    required: ClassVar[tuple[str, ...]] = ("ldap_url", "user", "password")

    ldap_url: str = Field("", description=SERVERS)
    user: str = Field("", description="bind name, domain\\user or a DN")
    password: SecretStr | None = Field(None, description="bind password")
    ca_file: Path | None = Field(None, description=ISSUERS)
    search_base: str = Field(
        "OU=UMICH,DC=adsroot,DC=itcs,DC=umich,DC=edu", description="where people are searched"
    )
