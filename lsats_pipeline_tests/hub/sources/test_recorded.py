"""Recorded answers: what matches what, and that mistakes in a recording are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.hub.sources import recorded, source
from lsats_pipeline.hub.sources.recorded import Recording, recording, served


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recordings that is taken for that of TeamDynamix."""
    monkeypatch.setattr(recorded, "folder_of", lambda _: tmp_path)
    return tmp_path


def write(folder: Path, name: str, content: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(content))


def known(folder: Path) -> Recording:
    found = recording(source("tdx"))
    assert found is not None
    return found


def test_requests_are_told_apart_by_method_query_and_body(folder: Path) -> None:
    write(folder, "settings", {"TDX_BASE_URL": "{server}/api"})
    exchanges = [
        {"request": "GET /api/a?page=1", "answer": [1]},
        {"request": "GET /api/a?page=2", "answer": [2], "headers": {"X-Next": "3"}},
        {"request": "POST /api/a", "body": {"n": 1}, "answer": "one"},
        {"request": "POST /api/a", "body": {"n": 2}, "answer": "two"},
        {"request": "GET /api/busy", "answer": None, "status": 503},
    ]
    write(folder, "user", {"keys": ["1"], "exchanges": exchanges})
    with served(known(folder)) as variables, httpx.Client(trust_env=False) as client:
        at = variables["TDX_BASE_URL"]
        assert client.get(f"{at}/a", params={"page": "1"}).json() == [1]
        second = client.get(f"{at}/a?page=2")
        assert (second.json(), second.headers["X-Next"]) == ([2], "3")
        assert client.post(f"{at}/a", json={"n": 2}).json() == "two"
        assert client.get(f"{at}/busy").status_code == 503
        for other in (client.get(f"{at}/a"), client.post(f"{at}/a"), client.get(f"{at}/b")):
            assert other.status_code == 404


def test_a_source_without_the_folder_has_no_recording() -> None:
    assert recording(source("lab_awards")) is None
    assert recording(source("tdx")) == recording(replace(source("tdx"), title="another"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no settings.json"),
        ({"settings": {"A": "b"}, "user": {"exchanges": [{"answer": 1}]}}, "'request'"),
        ({"settings": {"A": "b"}, "user": {"exchanges": [{"request": "GET /"}]}}, "'answer'"),
        ({"settings": {"A": "b"}, "user": {"keys": []}}, "'exchanges'"),
    ],
)
def test_mistakes_are_named(folder: Path, files: dict[str, object], said: str) -> None:
    for name, content in files.items():
        write(folder, name, content)
    with pytest.raises(BadDeclaration, match=said):
        recording(source("tdx"))


def test_what_is_no_json_is_named(folder: Path) -> None:
    (folder / "settings.json").write_text("{")
    with pytest.raises(BadDeclaration, match=r"settings\.json is no JSON"):
        recording(source("tdx"))
