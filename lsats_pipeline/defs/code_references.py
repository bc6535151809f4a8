"""A link from an asset to the line of its declaration: in this checkout, or as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from lsats_pipeline.core.declaration import Place
from lsats_pipeline.core.settings import CHECKOUT, HubSettings, load


def code_references(place: Place | None) -> Mapping[str, Any]:
    """Metadata with the link; none where nobody knows the line."""
    if place is None:
        return {}
    return {
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[_reference(place)]
        )
    }


def place_of(function: Callable[..., Any]) -> Place:
    """Where a function stands."""
    return Place(function.__code__.co_filename, function.__code__.co_firstlineno)


def _reference(place: Place) -> dg.LocalFileCodeReference | dg.UrlCodeReference:
    file = Path(place.file)
    inside = file.relative_to(CHECKOUT) if file.is_relative_to(CHECKOUT) else file
    label = f"{file.name}:{place.line}"
    if repository := _repository():
        return dg.UrlCodeReference(url=f"{repository}/{inside}#L{place.line}", label=label)
    return dg.LocalFileCodeReference(file_path=place.file, line_number=place.line, label=label)


@cache
def _repository() -> str:
    return load(HubSettings).lsats_repository_url.rstrip("/")
