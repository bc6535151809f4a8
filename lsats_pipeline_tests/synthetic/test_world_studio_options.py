"""What may be chosen of the studio: bounds, order, and whose the admin's row is."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import load
from lsats_pipeline.synthetic.validation import verify_generated
from lsats_pipeline.synthetic.worlds.studio.options import (
    StudioOptions,
    admin_id,
    require_admin,
)
from lsats_pipeline_tests.synthetic.studio import ADMIN, STUDIO, studio_options

BOUNDS = {
    "users": (1, 100_000),
    "content_items": (1, 1_000_000),
    "content_items_auto": (1, 1_000_000),
    "prompt_min_general_phrases": (0, 10),
    "prompt_max_general_phrases": (0, 10),
    "prompt_min_domain_phrases": (1, 30),
    "prompt_max_domain_phrases": (1, 30),
    "title_characters": (1, 255),
    "max_tags": (0, 200),
    "max_favorite_tags": (0, 10),
}
OPEN = {"prompt_min_domain_phrases": 1, "prompt_max_domain_phrases": 30}
VARIABLE = "DB_USER_ADMIN_UUID"


@pytest.fixture(autouse=True)
def no_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, "STUDIO_ADMIN_USER_UUID", "ADMIN_USER_UUID"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", BOUNDS)
def test_each_bound_is_allowed_and_one_beyond_is_refused_by_name(name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        assert getattr(load(StudioOptions, **{**OPEN, name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(ConfigurationError, match=f"STUDIO_{name.upper()}"):
            load(StudioOptions, **{name: value})


@pytest.mark.parametrize(
    "chosen",
    [
        {"prompt_max_general_phrases": 0},
        {"prompt_min_general_phrases": 10},
        {"prompt_min_domain_phrases": 1, "prompt_max_domain_phrases": 1},
        {
            "prompt_max_general_phrases": 0,
            "prompt_min_domain_phrases": 1,
            "prompt_max_domain_phrases": 1,
        },
        {"prompt_min_domain_phrases": 30},
        {"title_characters": 1},
        {"title_characters": 255},
        {"max_tags": 0},
        {"max_favorite_tags": 0},
    ],
)
def test_the_world_holds_at_the_bounds_of_its_texts(chosen: dict[str, int]) -> None:
    found = verify_generated(STUDIO, studio_options(**chosen))
    assert [finding.line for finding in found.failed] == []


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            {"prompt_min_general_phrases": 5, "prompt_max_general_phrases": 4},
            "prompt_min_general_phrases 5 is more than prompt_max_general_phrases 4",
        ),
        (
            {"prompt_max_domain_phrases": 3},
            "prompt_min_domain_phrases 4 is more than prompt_max_domain_phrases 3",
        ),
        (
            {"first_day": "2025-06-02", "last_day": "2025-06-01"},
            "first_day 2025-06-02 is more than last_day 2025-06-01",
        ),
        ({"images_dir": "///"}, "names no folder"),
        ({"images_dir": ""}, "STUDIO_IMAGES_DIR"),
        ({"images_dir": 'a"b'}, "STUDIO_IMAGES_DIR"),
    ],
)
def test_what_contradicts_itself_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(StudioOptions, **chosen)


def test_without_the_admins_id_the_world_can_be_looked_at() -> None:
    chosen = load(StudioOptions)
    assert chosen.admin_user_uuid is None
    assert sum(table.rows(chosen) for table in STUDIO.tables) == 242_948


@pytest.mark.parametrize("ask", [require_admin, admin_id, STUDIO.required])
def test_a_missing_admin_is_explained_with_a_fresh_id_to_copy(ask: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ask(load(StudioOptions))
    message = str(caught.value)
    assert f"{VARIABLE} is not set" in message
    assert "--admin-user-uuid" in message
    fresh = message.split(f"{VARIABLE}=")[1].split()[0]
    assert uuid.UUID(fresh).version == 4


def test_nothing_is_made_without_an_admin() -> None:
    with pytest.raises(ConfigurationError, match=VARIABLE):
        verify_generated(STUDIO, load(StudioOptions, users=2))


@pytest.mark.parametrize("text", ["admin", "1234", "0d1e2f30-4a5b-4c6d-8e7f-90817263544z"])
def test_a_malformed_id_is_refused_naming_the_variable(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=f"{text}.*{VARIABLE}"):
        load(StudioOptions, admin_user_uuid=text)
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ConfigurationError, match=f"{text}.*{VARIABLE}"):
        load(StudioOptions)


@pytest.mark.parametrize("name", [VARIABLE, "STUDIO_ADMIN_USER_UUID"])
def test_the_id_comes_from_the_environment_or_from_dot_env(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"{name}={ADMIN}\n")
    assert load(StudioOptions).admin_user_uuid == ADMIN
    Path(".env").unlink()
    monkeypatch.setenv(name, str(ADMIN))
    assert load(StudioOptions).admin_user_uuid == ADMIN


def test_what_is_said_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(uuid.uuid4()))
    assert load(StudioOptions, admin_user_uuid=ADMIN).admin_user_uuid == ADMIN
