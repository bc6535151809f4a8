"""The variables of TeamDynamix."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from lsats_pipeline.core.settings import environment
from lsats_pipeline.hub.sources.settings import SourceSettings


class TdxSettings(SourceSettings):
    """TeamDynamix (domain/hub.md 1.1.1)."""

    model_config = environment("TDX_")
    required: ClassVar[tuple[str, ...]] = ("base_url",)

    base_url: str = Field(
        "", description="address, for example https://campus.example.edu/TDWebApi/api"
    )
    app_id: str = Field("", description="application id, for calls that belong to an application")
    beid: SecretStr | None = Field(None, description="BEID of the admin service account")
    web_services_key: SecretStr | None = Field(
        None, description="web services key of the admin service account"
    )
    username: str = Field("", description="user name, instead of a service account")
    password: SecretStr | None = Field(None, description="password of that user")
    api_token: SecretStr | None = Field(None, description="pasted bearer token, instead of a login")
    calls_per_minute: int = Field(60, ge=1, description="rate limit of single-record calls")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (
            self.beid and self.web_services_key,
            self.username and self.password,
            self.api_token,
        )
        given = (self.app_id, self.beid, self.web_services_key, self.username, self.password)
        if not self.base_url and (any(given) or self.api_token):
            raise ValueError("also needs TDX_BASE_URL")
        if self.base_url and not any(ways):
            raise ValueError(
                "also needs TDX_BEID and TDX_WEB_SERVICES_KEY, or TDX_USERNAME and TDX_PASSWORD, "
                "or TDX_API_TOKEN"
            )
        return self

    @property
    def rate_limit(self) -> int:
        """Calls of single records a minute."""
        return self.calls_per_minute
