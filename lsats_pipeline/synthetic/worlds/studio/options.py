"""What may be chosen of the studio. Bounds and defaults: domain/world_studio.md 3, 6."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.synthetic.spec import WorldOptions, options_config

ADMIN_VARIABLE = "DB_USER_ADMIN_UUID"


class StudioOptions(WorldOptions):
    """Volumes, limits of texts, the window of time, and whose the admin's row is."""

    model_config = options_config("STUDIO_")

    users: int = Field(500, ge=1, le=100_000, description="users, the admin among them")
    content_items: int = Field(20_000, ge=1, le=1_000_000, description="images that users made")
    content_items_auto: int = Field(
        100_000, ge=1, le=1_000_000, description="images that were made for users unasked"
    )
    admin_user_uuid: uuid.UUID | None = Field(
        None,
        # The first is what a program and a flag say; it has to win over the environment.
        validation_alias=AliasChoices("admin_user_uuid", ADMIN_VARIABLE, "STUDIO_ADMIN_USER_UUID"),
        description=f"id of the admin's row, required; also as {ADMIN_VARIABLE}",
    )
    first_day: dt.date = Field(
        dt.date(2025, 5, 1), description="first day of all that happens, Eastern time"
    )
    last_day: dt.date = Field(
        dt.date(2025, 9, 21), description="last day of all that happens, Eastern time"
    )
    prompt_min_general_phrases: int = Field(
        0, ge=0, le=10, description="fewest phrases of a prompt that suit every domain"
    )
    prompt_max_general_phrases: int = Field(
        10, ge=0, le=10, description="most phrases of a prompt that suit every domain"
    )
    prompt_min_domain_phrases: int = Field(
        4, ge=1, le=30, description="fewest phrases of a prompt from its domain"
    )
    prompt_max_domain_phrases: int = Field(
        30, ge=1, le=30, description="most phrases of a prompt from its domain"
    )
    title_characters: int = Field(
        30, ge=1, le=255, description="how much of its prompt is an item's title"
    )
    max_tags: int = Field(200, ge=0, le=200, description="most tags of an item")
    max_favorite_tags: int = Field(10, ge=0, le=10, description="most favourite tags of a user")
    images_dir: str = Field(
        "io/storage/images",
        min_length=1,
        max_length=200,
        pattern=r"^[\w.@+/ -]+$",
        description="folder in the paths of images; no file is made",
    )

    @field_validator("admin_user_uuid", mode="before")
    @classmethod
    def _a_uuid(cls, value: Any) -> Any:
        try:
            return value if value is None else uuid.UUID(str(value))
        except ValueError:
            raise ValueError(
                f"{value!r} is no UUID; correct {ADMIN_VARIABLE} or --admin-user-uuid, "
                f"for example {uuid.uuid4()}"
            ) from None

    @field_validator("images_dir")
    @classmethod
    def _without_double_slashes(cls, value: str) -> str:
        parts = [part for part in value.split("/") if part]
        if not parts:
            raise ValueError(f"{value!r} names no folder")
        return ("/" if value.startswith("/") else "") + "/".join(parts)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for low, high in (
            ("prompt_min_general_phrases", "prompt_max_general_phrases"),
            ("prompt_min_domain_phrases", "prompt_max_domain_phrases"),
            ("first_day", "last_day"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(
                    f"{low} {getattr(self, low)} is more than {high} {getattr(self, high)}"
                )
        return self


def require_admin(options: StudioOptions) -> None:
    """ConfigurationError when the admin's id is not set (domain/world_studio.md 6)."""
    if options.admin_user_uuid is None:
        raise ConfigurationError(
            f"{ADMIN_VARIABLE} is not set: it is the id that the admin's row in studio.users gets, "
            "so that the admin of your application owns its share of the images. Use that id or, "
            f"if there is none yet, this fresh one: {ADMIN_VARIABLE}={uuid.uuid4()} "
            "(in the environment or in .env, or --admin-user-uuid)"
        )


def admin_id(options: StudioOptions) -> str:
    """The id of the admin's row; ConfigurationError says how to set it."""
    require_admin(options)
    return str(options.admin_user_uuid)
