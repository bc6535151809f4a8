"""Where the hub's database is: the configured server, or the embedded one while it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.warehouse.database import database_name, place
from lsats_pipeline.warehouse.embedded import EmbeddedServer

# Ends in _demo, so that a simulated campus may be written to it (design.md 8).
EMBEDDED_DATABASE = "lsats_demo"


@contextmanager
def hub_url(settings: HubSettings) -> Iterator[str]:
    """URL of the hub's database, which exists and answers until the block ends."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = EmbeddedServer(settings.lsats_home)
    with server.hold():
        server.ensure_database(EMBEDDED_DATABASE)
        yield server.url(EMBEDDED_DATABASE)


def describe_location(settings: HubSettings) -> str:
    """Where it is, for people; nothing is opened."""
    if settings.database_url is None:
        return f"{EMBEDDED_DATABASE} on the embedded server below {settings.lsats_home}"
    url = settings.database_url.get_secret_value()
    try:
        database_name(url)
    except ConfigurationError as error:
        return f"wrong: {error}"
    return place(url)


def lasting_url(settings: HubSettings) -> str:
    """The same URL for other programs: an embedded server stays up until `lsats db stop`."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    server = EmbeddedServer(settings.lsats_home)
    server.keep_running()
    return server.ensure_database(EMBEDDED_DATABASE)
