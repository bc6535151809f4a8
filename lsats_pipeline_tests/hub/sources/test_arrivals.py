"""Which documents are newly there: complete, and not noticed before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsats_pipeline.hub.sources.arrivals import Arrivals, documents_in

AWARDS, KEYS = "lab_awards.csv", "Copy of KeyConfigure Computers (2).xlsx"


def look(folder: Path, before: Arrivals) -> tuple[list[str], Arrivals]:
    """What is due, and what is remembered, through text as a sensor keeps it."""
    files = documents_in(folder)
    return list(before.due(files)), Arrivals.read(before.after(files).text)


def test_a_file_is_due_once_and_only_when_it_has_stopped_growing(tmp_path: Path) -> None:
    file, seen = tmp_path / AWARDS, Arrivals()
    for content in ("a", "ab", "abc"):
        file.write_text(content)
        due, seen = look(tmp_path, seen)
        assert due == []
    due, seen = look(tmp_path, seen)
    assert due == [AWARDS]
    for _ in range(3):
        due, seen = look(tmp_path, seen)
        assert due == []
    file.write_text("another")
    due, seen = look(tmp_path, seen)
    assert due == []
    assert look(tmp_path, seen)[0] == [AWARDS]


def test_a_file_that_was_moved_away_is_due_when_it_comes_again(tmp_path: Path) -> None:
    file, seen = tmp_path / AWARDS, Arrivals()
    for _ in range(2):
        file.write_text("same")
        os.utime(file, ns=(1, 1))
        due, seen = look(tmp_path, seen)
        assert due == []
        due, seen = look(tmp_path, seen)
        assert due == [AWARDS]
        file.unlink()
        due, seen = look(tmp_path, seen)
        assert seen == Arrivals()


def test_only_documents_by_name_count(tmp_path: Path) -> None:
    for name in (KEYS, AWARDS, "notes.txt", "~$lab_awards.xlsx", ".lab_awards.csv.part"):
        (tmp_path / name).touch()
    (tmp_path / "lab_awards_2026.csv").mkdir()
    (tmp_path / "lab_awards_link.csv").symlink_to(tmp_path / AWARDS)
    assert list(documents_in(tmp_path)) == [KEYS, AWARDS]


def test_a_folder_that_does_not_exist_has_none_and_one_that_cannot_be_read_says_so(
    tmp_path: Path,
) -> None:
    assert documents_in(tmp_path / "absent") == {}
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        documents_in(tmp_path / "file")


@pytest.mark.parametrize("text", [None, "", "2026-03-02", '{"seen": 3}'])
def test_a_cursor_of_another_version_is_a_first_look(text: str | None) -> None:
    assert Arrivals.read(text) == Arrivals()
