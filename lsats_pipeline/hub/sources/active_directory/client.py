"""Speaks to Active Directory."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lsats_pipeline.core.clock import Clock
from lsats_pipeline.hub.sources import ldap
from lsats_pipeline.hub.sources.active_directory.settings import ActiveDirectorySettings
from lsats_pipeline.hub.sources.ldap_errors import Declined
from lsats_pipeline.hub.sources.ldap_records import LdapEntry

log = logging.getLogger(__name__)

PAGE = 1000  # the most that a domain controller gives per page
LONG_ENTRIES = 200  # per page of entries with lists of members: a page is held in memory
IDENTITY = "objectGUID"  # of an entry, whatever its name


class ActiveDirectoryClient:
    """The searches that the hub makes, over one connection.

    `paged`: whether the server gives out pages, as every domain controller does; others may answer
    a search at once, which is whole too when it ends with success.
    """

    def __init__(self, directory: ldap.Directory, root: str) -> None:
        self._directory, self._root = directory, root
        self.paged = True

    def entries(
        self,
        filter: str,
        attributes: Sequence[str],
        *,
        below: str = "",
        page_size: int | None = None,
    ) -> Iterator[LdapEntry]:
        """Entries that match, each once, page after page to the last; lists of values come whole.

        `below`: a branch, written as its DN up to the root of all searches.
        """
        base = f"{below},{self._root}" if below else self._root
        found = self._found(base, filter, [*attributes, IDENTITY], page_size or PAGE)
        return ldap.distinct(found, IDENTITY)

    def _found(
        self, base: str, filter: str, attributes: Sequence[str], page_size: int
    ) -> Iterator[LdapEntry]:
        if self.paged:
            try:
                yield from self._directory.search(base, filter, attributes, page_size=page_size)
                return
            except Declined as error:
                log.warning("%s; asking for all at once", error)
                self.paged = False
        yield from self._directory.search(base, filter, attributes)


@contextmanager
def connect(
    settings: ActiveDirectorySettings, clock: Clock | None = None
) -> Iterator[ActiveDirectoryClient]:
    """Open a bound connection."""
    account = ldap.BindAccount(
        title="Active Directory",
        url=settings.ldap_url,
        user=settings.user,
        password=settings.password,
        url_variable="AD_LDAP_URL",
        user_variable="AD_USER",
        password_variable="AD_PASSWORD",
        base_variable="AD_SEARCH_BASE",
        ca_file=settings.ca_file,
        ca_variable="AD_CA_FILE",
    )
    with ldap.connect(account, clock) as directory:
        yield ActiveDirectoryClient(directory, settings.search_base)
