"""Faults put into a sound studio one at a time: each is found, under exactly its rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from lsats_pipeline.synthetic.validation import Verification
from lsats_pipeline_tests.synthetic.studio import ADMIN, STUDIO, batches, studio_options

Rows = list[dict[str, Any]]
Spoil = Callable[[Rows], None]
OPTIONS = studio_options()


@pytest.fixture(scope="module")
def sound() -> dict[str, pa.Table]:
    return batches(OPTIONS)


def found_in(tables: dict[str, pa.Table]) -> set[str]:
    """The rules that do not hold, as table.rule."""
    verification = Verification(STUDIO, OPTIONS)
    for table in STUDIO.tables:
        verification.add(table.name, tables[table.name])
    return {finding.label for finding in verification.results().failed}


def spoilt(tables: dict[str, pa.Table], name: str, spoil: Spoil) -> dict[str, pa.Table]:
    rows = tables[name].to_pylist()
    spoil(rows)
    return {**tables, name: pa.Table.from_pylist(rows, tables[name].schema)}


def put(column: str, value: Any, at: Callable[[dict[str, Any]], bool] = lambda row: True) -> Spoil:
    """One value, or what a function makes of the old one, in the last row that qualifies."""

    def spoil(rows: Rows) -> None:
        row = next(row for row in reversed(rows) if at(row))
        row[column] = value(row[column]) if callable(value) else value

    return spoil


def metadata(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    """A change in the metadata of the last row."""

    def spoil(rows: Rows) -> None:
        found = json.loads(rows[-1]["item_metadata"])
        rows[-1]["item_metadata"] = json.dumps(change(found) or found)

    return spoil


def tags(change: Callable[[list[str]], list[str]]) -> Spoil:
    """A change in the tags of a row of two or more, in both columns that have them."""

    def spoil(rows: Rows) -> None:
        row = next(row for row in rows if 1 < len(json.loads(row["tags"])) < 200)
        changed = change(json.loads(row["tags"]))
        row["tags"] = json.dumps(changed)
        row["item_metadata"] = json.dumps({**json.loads(row["item_metadata"]), "tags": changed})

    return spoil


def prompt(change: Callable[[list[str]], list[str]]) -> Spoil:
    """A change in the prompt of a pending job, which has no item to differ from."""

    def spoil(rows: Rows) -> None:
        row = next(row for row in rows if row["status"] == "pending" and fits(row["prompt"]))
        row["prompt"] = ", ".join(change(row["prompt"].split(", ")))

    return spoil


def fits(text: str) -> bool:
    """Whether there are general phrases, and room for one phrase more of either kind."""
    parts = text.split(", ")
    general = sum(part in GENERAL for part in parts)
    return 1 <= general < 10 and 4 < len(parts) - general < 30


GENERAL = ("soft light", "high detail", "sharp focus", "wide angle", "close-up view", "cool tones")
FOREIGN = "purring in the moonlight"


def exchange_links(rows: Rows) -> None:
    """Two jobs point to each other's item."""
    one, other = [row for row in rows if row["result_content_id"]][:2]
    link = "result_content_id"
    one[link], other[link] = other[link], one[link]


def give_to_admin(rows: Rows) -> None:
    next(row for row in rows if row["creator_id"] != str(ADMIN))["creator_id"] = str(ADMIN)


def same_image(rows: Rows) -> None:
    rows[-1]["content_data"] = rows[-1]["content_data"].replace("images/", "images//")


def cancel(rows: Rows) -> None:
    """Pending jobs become canceled: one is not noticed among 2,040, sixteen are."""
    for row in [row for row in rows if row["status"] == "pending"][:16]:
        row["status"] = "canceled"


def completed(row: dict[str, Any]) -> bool:
    return bool(row["status"] == "completed")


def pending(row: dict[str, Any]) -> bool:
    return bool(row["status"] == "pending")


def later(hours: int) -> Callable[[Any], Any]:
    return lambda moment: moment + timedelta(hours=hours)


USERS, ITEMS, AUTO, JOBS = (table.name for table in STUDIO.tables)

CASES: dict[str, tuple[str, Spoil, set[str]]] = {
    "favourite tag unknown": (
        USERS,
        put("preferences", '{"favorite_tags": ["nonesuch"]}'),
        {"B3_favourite_tags"},
    ),
    "favourite tag twice": (
        USERS,
        put("preferences", '{"favorite_tags": ["moon", "moon"]}'),
        {"B3_favourite_tags"},
    ),
    "another preference": (
        USERS,
        put("preferences", '{"favorite_tags": [], "theme": "dark"}'),
        {"B3_favourite_tags"},
    ),
    "real mail domain": (USERS, put("email", "someone@mail.invalid"), {"B16_reserved_address"}),
    "user name twice": (USERS, put("username", "admin"), {"unique_username"}),
    "user name too long": (USERS, put("username", "x" * 51), {"fits"}),
    "admin inactive": (
        USERS,
        put("is_active", False, lambda row: row["id"] == str(ADMIN)),
        {"B5_admin_active"},
    ),
    "user changed": (USERS, put("updated_at", later(-1)), {"updated_when_created"}),
    "row lost": (JOBS, lambda rows: rows.remove(next(filter(pending, rows))), {"row_count"}),
    "51 rows of the admin": (
        ITEMS,
        give_to_admin,
        {"G1_admin_rows", "G3_user_of_content_items"},
    ),
    "orphan": (
        AUTO,
        put("creator_id", "99999999-9999-4999-8999-999999999999"),
        {"foreign_key_creator_id", "G3_user_of_content_items_auto"},
    ),
    "no image": (ITEMS, put("content_type", "video"), {"type_is_image"}),
    "double slash": (AUTO, same_image, {"G8_path"}),
    "no uuid in the path": (AUTO, put("content_data", "io/storage/images/1.png"), {"G8_path"}),
    "title of its own": (ITEMS, put("title", "A title of its own"), {"title_of_prompt"}),
    "quality above one": (ITEMS, put("quality_score", 1.5), {"quality_score"}),
    "quality with three decimals": (ITEMS, put("quality_score", 0.125), {"quality_score"}),
    "style unknown": (ITEMS, metadata(lambda m: m.update(style="oil")), {"style_known"}),
    "resolution unknown": (
        AUTO,
        metadata(lambda m: m.update(resolution="1x1")),
        {"resolution_known"},
    ),
    "metadata with one key more": (
        AUTO,
        metadata(lambda m: m.update(extra=1)),
        {
            "metadata_keys",
            "B9_known_phrases",
            "B9_domain_count",
            "B9_domains",
            "G3_prompt_of_content_items_auto",
        },
    ),
    "tags differ from the metadata": (
        ITEMS,
        metadata(lambda m: m.update(tags=["moon"])),
        {"metadata_tags"},
    ),
    "tag twice": (ITEMS, tags(lambda t: [*t[:-1], t[0]]), {"G6_no_repeat"}),
    "tag unknown": (ITEMS, tags(lambda t: [*t[:-1], "nonesuch"]), {"tags_known"}),
    "tags no list": (
        ITEMS,
        put("tags", '{"a": 1}'),
        {"tags_known", "metadata_tags"},
    ),
    "job of another user": (
        JOBS,
        put(
            "user_id",
            str(ADMIN),
            lambda row: row["result_content_id"] is not None and row["user_id"] != str(ADMIN),
        ),
        {"G3_user_of_content_items"},
    ),
    "made before its user came": (
        JOBS,
        put(
            "created_at",
            datetime(2025, 5, 1, 4),
            lambda row: pending(row) and row["user_id"] != str(ADMIN),
        ),
        {"after_sign_up"},
    ),
    "status unknown": (JOBS, put("status", "lost", pending), {"G2_known_status"}),
    "links exchanged": (
        JOBS,
        exchange_links,
        {
            "G3_user_of_content_items",
            "G3_prompt_of_content_items",
            "G5_end_of_content_items",
        },
    ),
    "another prompt than the item's": (
        JOBS,
        put("prompt", "soft light", lambda row: row["result_content_auto_id"] is not None),
        {"G3_prompt_of_content_items_auto"},
    ),
    "no link": (
        JOBS,
        put("result_content_id", None, lambda row: row["result_content_id"] is not None),
        {"G3_every_one_of_content_items", "G3_link"},
    ),
    "two links": (
        JOBS,
        put("result_content_id", 9999, lambda row: row["result_content_auto_id"] is not None),
        {"G3_every_one_of_content_items", "G3_link", "foreign_key_result_content_id"},
    ),
    "status mix": (JOBS, cancel, {"G2_status"}),
    "before the window": (
        JOBS,
        put("created_at", later(-5000), pending),
        {"G5_window", "after_sign_up"},
    ),
    "after the window": (
        JOBS,
        put("updated_at", later(5000), pending),
        {"G5_window"},
    ),
    "completed before it started": (
        JOBS,
        put("started_at", later(1), completed),
        {"G5_order"},
    ),
    "completed without a start": (JOBS, put("started_at", None, completed), {"G5_times"}),
    "error message": (JOBS, put("error_message", "no", pending), {"constants"}),
    "phrase unknown": (JOBS, prompt(lambda p: [*p, FOREIGN]), {"B9_known_phrases"}),
    "phrase twice": (JOBS, prompt(lambda p: [*p[:-1], p[-2]]), {"B9_no_repeat"}),
    "general phrase last": (JOBS, prompt(lambda p: [*p[1:], p[0]]), {"B9_general_first"}),
    "two domains": (
        JOBS,
        prompt(lambda p: [*p[:-1], "red fox" if "red fox" not in p else "solar system"]),
        {"B9_one_domain"},
    ),
    "too few phrases": (JOBS, prompt(lambda p: [p[-1]]), {"B9_domain_count"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_found_under_its_rule(case: str, sound: dict[str, pa.Table]) -> None:
    table, spoil, expected = CASES[case]
    found = found_in(spoilt(sound, table, spoil))
    assert {name.split(".")[1] for name in found} == expected


def test_a_sound_world_has_no_fault(sound: dict[str, pa.Table]) -> None:
    assert found_in(sound) == set()


def test_repeated_prompts_are_found(sound: dict[str, pa.Table]) -> None:
    def repeat(rows: Rows) -> None:
        same = [row for row in rows if pending(row)]
        for row in same:
            row["prompt"] = same[0]["prompt"]

    assert found_in(spoilt(sound, JOBS, repeat)) == {"generation_jobs.B10_different"}
