"""Speaks to Active Directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lsats_pipeline.settings import ActiveDirectorySettings
from lsats_pipeline.sources import ldap
from lsats_pipeline.sources.clock import Clock
from lsats_pipeline.sources.ldap_records import (
    Entry,
    RecordShape,
    filetime,
    generalized_time,
    guid,
    sid,
    text,
)

PAGE = 1000  # the most that a domain controller gives per page

_TEXTS = (
    "name", "cn", "sAMAccountName", "uid", "distinguishedName", "userPrincipalName", "givenName",
    "sn", "middleName", "initials", "displayName", "description", "title", "department", "mail",
    "mailNickname", "telephoneNumber", "mobile", "otherMobile", "facsimileTelephoneNumber",
    "streetAddress", "proxyAddresses", "targetAddress", "legacyExchangeDN",
    "msExchRecipientTypeDetails", "umichadOU", "umichadRole", "umichDirectoryID",
    "umichadNoBatchUpdates", "umichadHidePersonalInfo", "umichadUMDirToADSyncFlag", "uidNumber",
    "gidNumber", "homeDirectory", "homeDrive", "loginShell", "employeeType", "userAccountControl",
    "memberOf", "primaryGroupID", "managedObjects", "objectCategory", "objectClass", "uSNCreated",
    "uSNChanged", "badPwdCount", "logonCount", "extensionAttribute5", "extensionAttribute6",
    "extensionAttribute9", "instanceType", "sAMAccountType",
)  # fmt: skip

# domain/hub.md 1.4 and 4.8. Always a list, never "*": that would bring password material along.
PERSON = RecordShape(
    dict.fromkeys(_TEXTS, text)
    | {"objectGUID": guid, "objectSid": sid, "sIDHistory": sid}
    | dict.fromkeys(("whenCreated", "whenChanged", "dSCorePropagationData"), generalized_time)
    | dict.fromkeys(
        (
            "accountExpires", "pwdLastSet", "lastLogon", "lastLogonTimestamp", "lastLogoff",
            "badPasswordTime", "lockoutTime",
        ),
        filetime,
    )
)  # fmt: skip


class ActiveDirectoryClient:
    """The searches that the hub makes, over one connection."""

    def __init__(self, directory: ldap.Directory, base: str) -> None:
        self._directory, self._base = directory, base

    def accounts(self, filter: str) -> Iterator[Entry]:
        """Accounts that match, page after page to the last."""
        return self._directory.search(self._base, filter, PERSON.names, page_size=PAGE)

    def sample(self, filter: str) -> list[Entry]:
        """One account that matches, if there is any."""
        try:
            return list(self._directory.search(self._base, filter, ["cn"], size_limit=1))
        except ldap.Truncated:
            return [Entry(b"", {})]


@contextmanager
def connect(
    settings: ActiveDirectorySettings, clock: Clock | None = None
) -> Iterator[ActiveDirectoryClient]:
    """Open a bound connection."""
    account = ldap.Account(
        title="Active Directory",
        url=settings.ldap_url,
        user=settings.user,
        password=settings.password,
        url_variable="AD_LDAP_URL",
        user_variable="AD_USER",
        password_variable="AD_PASSWORD",
        base_variable="AD_SEARCH_BASE",
    )
    with ldap.connect(account, clock) as directory:
        yield ActiveDirectoryClient(directory, settings.search_base)
