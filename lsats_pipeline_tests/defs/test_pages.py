"""What every asset's page says: a sentence, its columns, its owner, the line that declares it."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import pytest

from lsats_pipeline.core.declaration import Place
from lsats_pipeline.definitions import defs
from lsats_pipeline.defs import code_references
from lsats_pipeline.defs.owners import owners

SENTENCE = re.compile(r"[A-Z0-9][^`*|<\[\]\n]{10,110}[.!]?")
# Steps of price files whose result is a file, not a table; the catalogue; the run log.
WITHOUT_COLUMNS = {"mrf/raw_file", "mrf/file_index", "mrf/file_profile", "mrf/split_files"}
WITHOUT_COLUMNS |= {"mrf/file_list", "meta/ingestion_runs"}


SPECS = {
    spec.key.to_user_string(): spec
    for spec in sorted(defs().resolve_all_asset_specs(), key=lambda spec: spec.key.to_user_string())
}


def test_every_column_of_every_asset_has_a_description() -> None:
    silent = []
    for name, spec in SPECS.items():
        schema = spec.metadata.get("dagster/column_schema")
        if schema is None:
            assert name in WITHOUT_COLUMNS
            continue
        silent += [f"{name}.{column.name}" for column in schema.columns if not column.description]
    assert silent == []


@pytest.mark.parametrize("name", SPECS)
def test_a_description_begins_with_a_plain_sentence(name: str) -> None:
    summary = (SPECS[name].description or "").split("\n\n")[0]
    assert SENTENCE.fullmatch(summary), summary


def test_owners_are_the_teams_of_areas() -> None:
    found = {name: list(spec.owners) for name, spec in SPECS.items()}
    assert [name for name, of in found.items() if of == ["team:lsats-data"] or len(of) != 1] == []
    assert {owner for of in found.values() for owner in of} == {
        f"team:lsats-{area}"
        for area in (
            *("people", "units", "groups", "machines", "labs"),
            *("operations", "prices", "worlds"),
        )
    }
    assert owners("something_new") == ["team:lsats-data"]


@pytest.mark.parametrize("name", SPECS)
def test_the_code_link_leads_to_the_declaration(name: str) -> None:
    value = SPECS[name].metadata["dagster/code_references"]
    [reference] = value.code_references
    line = linecache.getline(reference.file_path, reference.line_number)
    layer, own = name.split("/")
    if layer in {"bronze", "enrichment"}:
        assert re.match(r"[A-Z_]+ = (Stream|Detail)\(", line)
    elif layer == "silver":
        assert line.startswith(f"{own.upper()} = ")
    elif layer == "mrf":
        assert line.startswith((f"{own.upper()} = ", "@price_asset(", f"def {own}("))
    elif layer == "meta":
        assert own in line
    elif layer == "campus":
        assert "campus_world" in "".join(linecache.getlines(reference.file_path))
    else:
        assert line.startswith("TABLE = ")
        assert Path(reference.file_path).stem == own


def test_a_published_repository_is_linked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSATS_REPOSITORY_URL", "https://git.example.edu/hub/blob/main/")
    code_references._repository.cache_clear()
    try:
        metadata = code_references.code_references(Place(code_references.__file__, 7))
    finally:
        code_references._repository.cache_clear()
    [reference] = metadata["dagster/code_references"].code_references
    address = "https://git.example.edu/hub/blob/main/lsats_pipeline/defs/code_references.py#L7"
    assert reference.url == address
