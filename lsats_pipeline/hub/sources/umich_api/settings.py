"""The variables of the API gateway."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from lsats_pipeline.core.settings import environment
from lsats_pipeline.hub.sources.settings import SourceSettings


class UmichApiSettings(SourceSettings):
    """The university API gateway (domain/hub.md 1.2)."""

    model_config = environment("UM_")
    required: ClassVar[tuple[str, ...]] = ("base_url", "category_id", "client_key", "client_secret")

    base_url: str = Field("", description="address, for example https://gw.api.example.edu/um")
    category_id: str = Field("", description="product family in the path, for example bf")
    client_key: str = Field("", description="OAuth2 client id")
    client_secret: SecretStr | None = Field(None, description="OAuth2 client secret")
    token_url: str = Field(
        "", description="address of tokens; unset: the gateway's own /um/oauth2/token"
    )
