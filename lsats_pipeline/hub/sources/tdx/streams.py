"""What TeamDynamix offers: departments, people and assets, each as a list and as single details.

GET accounts ──▶ department ──▶ accounts/{id} ──▶ department_detail
     └─ ids in batches of 200 ──▶ POST people/search ──▶ user ──▶ people/{uid} ──▶ user_detail
POST 48/assets/search ──▶ asset ──▶ 48/assets/{id} ──▶ asset_detail

The list of accounts has the active ones only, and only those that the login may see. So accounts
that were listed once are asked for by id before they count as gone, and so are their people, who
are searched for in all accounts that are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from lsats_pipeline.hub.sources.halving import HalvedSearch
from lsats_pipeline.hub.sources.json_records import in_portions, read_as
from lsats_pipeline.hub.sources.source import Detail, Page, ReadRequest, Source, Stream
from lsats_pipeline.hub.sources.tdx.client import ASSET_STATUSES, TdxClient, connect
from lsats_pipeline.hub.sources.tdx.settings import TdxSettings

ACCOUNTS_PER_SEARCH = 200  # domain/hub.md 1.1.2
ASSETS_PER_PAGE = 1000


class _Account(msgspec.Struct):
    ID: int


def read_departments(client: TdxClient, request: ReadRequest) -> Iterator[Page]:
    """Every account; one call, so a broken-off read starts again."""
    for portion in in_portions(client.accounts()):
        yield Page(portion)


def read_users(client: TdxClient, request: ReadRequest) -> Iterator[Page]:
    """The people of every account that is listed or known, in ascending order of account id.

    The position is the last account done. Accounts that appear while the read is under way are
    read at its end, or whoever moved into one would look departed. A person without any account
    cannot be asked for: the search knows no such filter.
    """
    position = request.resume_after
    done: set[int] = set()
    known = {int(n) for n in request.known(DEPARTMENT.entity_type) if n.isdecimal()}
    while fresh := sorted((_account_ids(client) | known) - done):
        due = [n for n in fresh if done or position is None or n > int(position)]
        search = HalvedSearch(
            client.people, fresh, lambda n, error: request.missed(f"people of account {n}", error)
        )
        for start in range(0, len(due), ACCOUNTS_PER_SEARCH):
            batch = due[start : start + ACCOUNTS_PER_SEARCH]
            after = str(max(batch[-1], int(position or 0)))
            for people in search.answers(batch):
                for portion in in_portions(people):
                    yield Page(portion, position)
            yield Page([], after)  # only after all portions is the batch done
            position = after
        done.update(fresh)


def read_assets(client: TdxClient, request: ReadRequest) -> Iterator[Page]:
    """Every asset in a status that counts; one call, so a broken-off read starts again.

    One call for all statuses, or an asset that changes its own in between would be missed; several
    only when that one fails.
    """
    search = HalvedSearch(
        client.assets,
        ASSET_STATUSES,
        lambda status, error: request.missed(f"assets in status {status}", error),
    )
    for assets in search.answers(ASSET_STATUSES):
        while page := list(islice(assets, ASSETS_PER_PAGE)):
            yield Page(page)


def probe(client: TdxClient) -> str:
    """Sign in and list the accounts."""
    return f"answers; {len(client.accounts())} departments"


def _account_ids(client: TdxClient) -> set[int]:
    accounts = (read_as(record, _Account) for record in client.accounts())
    return {account.ID for account in accounts if account is not None}


DEPARTMENT = Stream(
    "tdx",
    "department",
    key=("ID",),
    read=read_departments,
    volatile=frozenset({"ModifiedDate"}),
    modified="ModifiedDate",
    find_by_id=TdxClient.account,
)
# UID, not the ExternalID of the predecessor: that one is missing or null for some people, and they
# got a new identity with every run (domain/hub.md 7.5).
USER = Stream("tdx", "user", key=("UID",), read=read_users, find_by_id=TdxClient.person)

# Who changed an asset last is no change of it. When it was changed is, though an inventory that
# finds everything as it was moves that too (domain/hub.md 1.1.6): network addresses, function and
# financial owner are custom attributes, which the list does not show. This time alone shows that
# they changed, and that the detail is due.
_LAST_CHANGED_BY = frozenset({"ModifiedUid", "ModifiedFullName"})
ASSET = Stream(
    "tdx",
    "asset",
    key=("ID",),
    read=read_assets,
    volatile=_LAST_CHANGED_BY,
    modified="ModifiedDate",
)

DEPARTMENT_DETAIL = Detail(
    DEPARTMENT, fetch=TdxClient.account, key=("ID",), volatile=frozenset({"ModifiedDate"})
)
USER_DETAIL = Detail(USER, fetch=TdxClient.person, key=("UID",))
ASSET_DETAIL = Detail(ASSET, fetch=TdxClient.asset, key=("ID",), volatile=_LAST_CHANGED_BY)

SOURCE = Source(
    "tdx",
    "TeamDynamix",
    settings=TdxSettings,
    connect=connect,
    probe=probe,
    streams=(DEPARTMENT, USER, ASSET),
    details=(DEPARTMENT_DETAIL, USER_DETAIL, ASSET_DETAIL),
)
