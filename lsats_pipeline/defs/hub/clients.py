"""The client of each source as a resource, its fields made from the source's settings."""

# No postponed annotations here: Dagster reads those of nested resources as they stand.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

import dagster as dg
from pydantic import Field, create_model

from lsats_pipeline.defs.failures import as_dagster_failure
from lsats_pipeline.defs.hub.overrides import overridable, overridden, resource_key
from lsats_pipeline.defs.hub.warehouse import WarehouseResource
from lsats_pipeline.hub.configuration import Configuration, configuration, load_source
from lsats_pipeline.hub.hub import Connect
from lsats_pipeline.hub.sources import SOURCES
from lsats_pipeline.hub.sources.settings import DocumentSettings
from lsats_pipeline.hub.sources.source import Source

# Of every state that a page shows.
AS_LOADED = " As of when this code location was loaded."


class ClientResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The client of one source, or of several that share their settings.

    A subclass may open another client, for a test or for a site that reaches a source differently.
    """

    sources: ClassVar[tuple[Source, ...]] = ()

    warehouse: WarehouseResource
    record_limit: int | None = Field(
        default=None,
        description="stop each of its streams after so many records, for a trial (0 or more; 0:"
        " all). Empty: that of run_options, or MAX_RECORDS",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["ClientResource"]:
        """Tell the hub of the run what is set here; a connection is opened by who first reads."""
        hub, given = self.warehouse.opened(), dict(self)
        with as_dagster_failure():
            for source in self.sources:
                hub.override(source.system, overridden(source, given))
                hub.connect_with(source.system, self.opener(source))
        yield self

    def opener(self, source: Source) -> Connect:
        """What opens the client of the source on its settings."""
        return source.connect


def client_resources(warehouse: Any) -> dict[str, Any]:
    """A resource for each client, by key; each says how its source is set as of now."""
    found, by_key = configuration(), dict[str, list[Source]]()
    for source in SOURCES:
        by_key.setdefault(resource_key(source), []).append(source)
    return {
        key: client_resource(key, sources, found).configure_at_launch(warehouse=warehouse)
        for key, sources in by_key.items()
    }


def client_resource(
    key: str, sources: Sequence[Source], found: Configuration
) -> type[ClientResource]:
    """The resource of sources that share their settings."""
    fields: dict[str, Any] = {
        field.name: (field.kind, Field(default=field.default, description=field.description))
        for field in overridable(sources[0].settings)
    }
    made = create_model(
        "".join(word.title() for word in key.split("_")) + "Resource",
        __base__=ClientResource,
        __module__=__name__,
        __doc__=f"{' and '.join(s.title for s in sources)}: {_state(sources, found)}{AS_LOADED}",
        **fields,
    )
    made.sources = tuple(sources)
    return made


def _state(sources: Sequence[Source], found: Configuration) -> str:
    """How a source is set, and where it is, as of now."""
    first = sources[0]
    if not found.is_real:
        return "simulated, for no source is configured."
    if first.system in found.wrong:
        return f"half set: {found.wrong[first.system]}"
    if first.system in found.remedies:
        return f"not configured: {found.remedies[first.system]}."
    settings = load_source(first.settings, None)
    if isinstance(settings, DocumentSettings):
        return f"configured, files arrive in {settings.folder}."
    places = " ".join(str(v) for name, v in settings if name.endswith("url") and v)
    return f"configured, at {', '.join(map(_public_address, places.split()))}."


def _public_address(url: str) -> str:
    """An address without a login that somebody may have put there."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
