"""The variables of MCommunity."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from lsats_pipeline.core.settings import environment
from lsats_pipeline.hub.sources.settings import ISSUERS, SERVERS, SourceSettings


class McommunitySettings(SourceSettings):
    """The MCommunity directory (domain/hub.md 1.3)."""

    model_config = environment("MCOMMUNITY_LDAP_")
    required: ClassVar[tuple[str, ...]] = ("url", "user", "password")

    url: str = Field("", description=SERVERS)
    user: str = Field("", description="bind DN")
    password: SecretStr | None = Field(None, description="bind password")
    ca_file: Path | None = Field(None, description=ISSUERS)
    base: str = Field("dc=umich,dc=edu", description="base DN of the tree")
