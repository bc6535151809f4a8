"""The studio world against domain/world_studio.md, by its numbers and not by its own rules."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from lsats_pipeline.synthetic.blocks import make
from lsats_pipeline.synthetic.columns import csv_text
from lsats_pipeline.synthetic.validation import verify_generated
from lsats_pipeline.synthetic.worlds.studio import content, item_jobs, people
from lsats_pipeline.synthetic.worlds.studio.prompts import phrases, prompts_of
from lsats_pipeline.synthetic.worlds.studio.tags import all_tags
from lsats_pipeline_tests.synthetic.studio import (
    ADMIN,
    SMALL,
    STUDIO,
    batches,
    rows_of,
    studio_options,
)

CONTENT = ("content_items", "content_items_auto")
EASTERN = ZoneInfo("America/New_York")
DEFAULT = {"users": 500, "content_items": 20_000, "content_items_auto": 100_000}
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return batches(studio_options())


def texts(options: Any) -> dict[str, list[bytes]]:
    """Each table's blocks as CSV."""
    return {
        table.name: [
            csv_text(make(table, block).batch).to_pybytes()
            for block in table.blocks("studio", options)
        ]
        for table in STUDIO.tables
    }


@pytest.mark.parametrize(
    "volumes",
    [
        {},
        {"users": 1, "content_items": 1, "content_items_auto": 1},
        {"users": 1, "content_items": 60, "content_items_auto": 1},
        {"users": 2, "content_items": 51, "content_items_auto": 50},
        {"users": 3, "content_items": 1, "content_items_auto": 97},
        {"users": 500, "content_items": 6000, "content_items_auto": 11_000},
        {"users": 100_000, "content_items": 10, "content_items_auto": 10},
    ],
)
def test_the_world_is_as_declared_at_every_volume(volumes: dict[str, int]) -> None:
    found = verify_generated(STUDIO, studio_options(**volumes))
    assert [finding.line for finding in found.failed] == []
    assert found.score == 100


def test_the_default_volume_is_the_documents() -> None:
    chosen = studio_options(**DEFAULT)
    documented = {**DEFAULT, "generation_jobs": 122_448}
    counts = {name: STUDIO.table(name).rows(chosen) for name in documented}
    assert counts == documented
    assert sum(counts.values()) == 242_948


def test_ten_thousand_a_table_need_20408_jobs() -> None:
    chosen = studio_options(users=10_000, content_items=10_000, content_items_auto=10_000)
    assert STUDIO.table("generation_jobs").rows(chosen) == 20_408


def test_blocks_alone_and_in_any_order_have_the_same_bytes() -> None:
    chosen = studio_options()
    table = replace(STUDIO.table("generation_jobs"), block=700)
    blocks = list(table.blocks("studio", chosen))
    assert len(blocks) == 3
    forwards = [csv_text(make(table, block).batch).to_pybytes() for block in blocks]
    people.ids.cache_clear()
    people.sign_ups.cache_clear()
    backwards = [csv_text(make(table, block).batch).to_pybytes() for block in reversed(blocks)]
    assert backwards == forwards[::-1]


def test_the_seed_alone_decides() -> None:
    first, again, other = (texts(studio_options(seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert all(first[name] != other[name] for name in first)


@pytest.mark.parametrize("users", [1000, 500])
@pytest.mark.parametrize("table", CONTENT)
def test_exactly_fifty_rows_are_the_admins_at_the_documents_volumes(table: str, users: int) -> None:
    chosen = studio_options(**{**DEFAULT, "users": users})
    rows = np.arange(content.volume(chosen, table))
    assert np.count_nonzero(content.creators(chosen, table, rows) == 0) == 50


def test_the_admin_is_row_one_and_active(tables: dict[str, pa.Table]) -> None:
    first = rows_of(tables, "users")[0]
    assert (first["id"], first["username"], first["is_active"]) == (str(ADMIN), "admin", True)


def test_status_shares_are_exact_at_the_default_volume() -> None:
    counts = item_jobs.kinds(studio_options(**DEFAULT))
    # floor(120,000 / 0.98) - 120,000 = 2,448 in the proportion 0.9 to 1 to 0.1
    assert counts == {
        "content_items": 20_000,
        "content_items_auto": 100_000,
        "pending": 1102,
        "error": 1224,
        "canceled": 122,
    }


def test_every_item_has_one_completed_job_with_its_user_and_prompt(
    tables: dict[str, pa.Table],
) -> None:
    done = [job for job in rows_of(tables, "generation_jobs") if job["status"] == "completed"]
    for table, link in zip(CONTENT, ("result_content_id", "result_content_auto_id"), strict=True):
        by_item = {job[link]: job for job in done if job[link] is not None}
        items = rows_of(tables, table)
        assert sorted(by_item) == [item["id"] for item in items] == list(range(1, len(items) + 1))
        for item in items:
            job = by_item[item["id"]]
            assert job["user_id"] == item["creator_id"]
            assert job["prompt"] == json.loads(item["item_metadata"])["prompt"]
            assert job["completed_at"] == item["created_at"]
    assert len(done) == SMALL["content_items"] + SMALL["content_items_auto"]


def test_jobs_that_came_to_nothing_have_no_item(tables: dict[str, pa.Table]) -> None:
    rest = [job for job in rows_of(tables, "generation_jobs") if job["status"] != "completed"]
    assert Counter(job["status"] for job in rest) == {"pending": 18, "error": 20, "canceled": 2}
    for job in rest:
        assert job["result_content_id"] is job["result_content_auto_id"] is None
        assert job["completed_at"] is job["error_message"] is None
        assert (job["started_at"] is not None) == (job["status"] == "error")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (dt.date(2025, 5, 1), dt.date(2025, 9, 21)),
        (dt.date(2025, 1, 10), dt.date(2025, 1, 10)),
        (dt.date(2025, 3, 9), dt.date(2025, 3, 9)),  # the day that has 23 hours
        (dt.date(2025, 11, 2), dt.date(2025, 11, 2)),  # the day that has 25
    ],
)
def test_all_moments_are_inside_the_window_in_eastern_time(first: dt.date, last: dt.date) -> None:
    made = batches(studio_options(first_day=first, last_day=last))
    columns = ("created_at", "updated_at", "started_at", "completed_at")
    moments = [
        moment.replace(tzinfo=dt.UTC).astimezone(EASTERN)
        for table in made.values()
        for name in columns
        if name in table.schema.names
        for moment in table[name].drop_null().to_pylist()
    ]
    days = {moment.date() for moment in moments}
    assert first == min(days)
    assert last == max(days)
    for job in made["generation_jobs"].to_pylist():
        known = [job[name] for name in ("created_at", "started_at", "completed_at") if job[name]]
        assert known == sorted(known)


def test_the_window_of_the_document_in_utc() -> None:
    chosen = studio_options(users=100_000)
    came = people.sign_ups(chosen)
    begin = dt.datetime(2025, 5, 1, 4, tzinfo=dt.UTC).timestamp()
    end = dt.datetime(2025, 9, 22, 3, 59, 59, tzinfo=dt.UTC).timestamp()
    assert begin <= came.min() < begin + 3600
    assert end - 3600 < came.max() <= end


def test_tags_are_different_and_of_every_number_from_none_to_200() -> None:
    made = batches(studio_options(content_items=2010))
    sizes = Counter[int]()
    for item in rows_of(made, "content_items"):
        tags = json.loads(item["tags"])
        assert len(set(tags)) == len(tags)
        assert set(tags) <= set(all_tags())
        assert json.loads(item["item_metadata"])["tags"] == tags
        sizes[len(tags)] += 1
    assert sizes == dict.fromkeys(range(201), 10)


def test_every_tag_is_as_likely() -> None:
    made = batches(studio_options(content_items=2010))
    uses = Counter(
        tag for item in rows_of(made, "content_items") for tag in json.loads(item["tags"])
    )
    expected = sum(uses.values()) / len(all_tags())
    assert len(uses) == len(all_tags())
    assert max(abs(count / expected - 1) for count in uses.values()) < 0.25


def test_metadata_are_as_declared(tables: dict[str, pa.Table]) -> None:
    for item in rows_of(tables, "content_items"):
        metadata = json.loads(item["item_metadata"])
        assert sorted(metadata) == ["prompt", "resolution", "style", "tags"]
        assert item["title"] == metadata["prompt"][:30]
        assert item["content_type"] == "image"
        assert item["quality_score"] == round(item["quality_score"], 2)


def test_shares_of_private_items_and_active_users_are_exact() -> None:
    made = batches(studio_options(users=2000))
    assert Counter(made["content_items"]["is_private"].to_pylist()) == {True: 70, False: 630}
    assert Counter(made["users"]["is_active"].to_pylist()) == {True: 1980, False: 20}


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("io/storage/images", "io/storage/images"),
        ("io/storage/images/", "io/storage/images"),
        ("//data///images//", "/data/images"),
    ],
)
def test_paths_have_no_double_slash_and_no_file_is_made(folder: str, written: str) -> None:
    made = batches(studio_options(images_dir=folder))
    paths = [item["content_data"] for name in CONTENT for item in rows_of(made, name)]
    assert all(re.fullmatch(f"{written}/{UUID4}[.]png", path) for path in paths)
    assert len(set(paths)) == len(paths)
    assert list(Path.cwd().iterdir()) == []


def test_user_names_and_addresses_are_different_at_the_largest_volume() -> None:
    chosen = studio_options(users=100_000)
    names = people.names(chosen, np.arange(100_000))
    addresses = people.mail_addresses(chosen, np.arange(100_000), names)
    assert len({name.lower() for name in names}) == 100_000
    assert len(set(addresses)) == 100_000
    assert max(map(len, names)) <= 41  # of 50: where one is taken, a hyphen and 8 more follow
    assert all(re.fullmatch(r"[a-z_0-9]+@example\.(com|net|org)", a) for a in addresses)


def test_favourite_tags_are_0_to_10_and_the_only_preference() -> None:
    made = batches(studio_options(users=1100))
    sizes = Counter[int]()
    for user in rows_of(made, "users"):
        preferences = json.loads(user["preferences"])
        assert list(preferences) == ["favorite_tags"]
        assert len(set(preferences["favorite_tags"])) == len(preferences["favorite_tags"])
        sizes[len(preferences["favorite_tags"])] += 1
    assert sizes == dict.fromkeys(range(11), 100)


def domain_of(prompt: str, known: dict[str, str]) -> tuple[int, int, set[str]]:
    """Numbers of general and of other phrases, and the domains of those."""
    parts = prompt.split(", ")
    assert len(set(parts)) == len(parts)
    pools = [known[part] for part in parts]
    general = pools.count("")
    assert not any(pools[:general])
    return general, len(parts) - general, set(pools[general:])


def test_prompts_have_0_to_10_general_phrases_and_then_4_to_30_of_one_domain() -> None:
    prompts = prompts_of(studio_options(), "content_items", np.arange(3000), 3000)
    known = dict.fromkeys(phrases().general, "")
    known |= {phrase: name for name, pool in phrases().domains.items() for phrase in pool}
    parsed = [domain_of(prompt, known) for prompt in prompts]
    assert {general for general, _, _ in parsed} == set(range(11))
    assert {special for _, special, _ in parsed} == set(range(4, 31))
    assert all(len(domains) == 1 for _, _, domains in parsed)
    assert Counter(name for _, _, d in parsed for name in d) == dict.fromkeys(
        phrases().domains, 100
    )


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"prompt_max_general_phrases": 0},
        {"prompt_max_general_phrases": 0, "prompt_max_domain_phrases": 4},
    ],
)
def test_nearly_all_prompts_are_different(limits: dict[str, int]) -> None:
    prompts = prompts_of(studio_options(**limits), "content_items", np.arange(20_000), 20_000)
    assert len(set(prompts)) >= 19_980


def test_a_prompt_depends_on_its_row_alone() -> None:
    chosen, rows = studio_options(), np.array([1999, 3, 77, 4])
    every = prompts_of(chosen, "content_items", np.arange(2000), 2000)
    assert prompts_of(chosen, "content_items", rows, 2000) == [every[row] for row in rows]


def test_ids_are_version_4_and_the_admins_is_as_given(tables: dict[str, pa.Table]) -> None:
    ids = [uuid.UUID(user["id"]) for user in rows_of(tables, "users")]
    assert ids[0] == ADMIN
    assert {found.version for found in ids[1:]} == {4}
