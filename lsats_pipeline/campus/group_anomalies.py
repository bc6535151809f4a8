"""Anomalous groups, one or two for each oddity.

oddity --> a plain group --its maker--> the groups that have it
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from lsats_pipeline.campus.departments import homes
from lsats_pipeline.campus.directory_names import ad_group_dn
from lsats_pipeline.campus.groups import OF_CAMPUS, SYNC, Group, Nested
from lsats_pipeline.campus.people import manager_of_department
from lsats_pipeline.campus.world import Campus

ODDITIES = (
    "no_members_ad", "no_members_mcommunity", "no_email", "no_description", "two_names",
    "sync_case", "comma", "conflict", "same_cn", "inside_itself", "unknown_group", "plain_name",
    "cycle", "no_owners", "nul_ad", "bytes_ad", "nul_mcommunity", "bytes_mcommunity",
)  # fmt: skip


def anomalous_groups(campus: Campus) -> list[Group]:
    """One small group for each oddity; their people are managers, who have no defects."""
    found = []
    rooms = homes(campus)
    for spot, oddity in enumerate(ODDITIES):
        near = [rooms[(spot + k) % len(rooms)] for k in range(3)]
        people = tuple(sorted({manager_of_department(campus, place) for place in near}))
        plain = Group(
            key=f"odd/{oddity}",
            number=OF_CAMPUS + 4 * (1 + spot),
            family="odd",
            active_directory=f"lsa-odd-{oddity.replace('_', '-')}",
            folder="",
            mcommunity="",
            about=f"Shows: {oddity}",
            people=people,
            owners=people[:1],
            oddity=oddity,
        )
        found.extend(_MAKERS[oddity](plain) if oddity in _MAKERS else [plain])
    return found


def _only_mcommunity(group: Group) -> list[Group]:
    return [
        group._replace(
            active_directory="", mcommunity=f"Odd {group.oddity.replace('_', ' ').title()}"
        )
    ]


def _sibling(group: Group, key: str, name: str) -> Group:
    return group._replace(key=f"{group.key}/{key}", number=group.number + 1, active_directory=name)


def _cycle(group: Group) -> list[Group]:
    first = group._replace(key=f"{group.key}/a", active_directory=f"{group.active_directory}-a")
    second = _sibling(group, "b", f"{group.active_directory}-b")
    return [
        first._replace(
            ad_groups=(Nested(second.active_directory, second.ad_dn),), ad_above=(second.ad_dn,)
        ),
        second._replace(
            ad_groups=(Nested(first.active_directory, first.ad_dn),), ad_above=(first.ad_dn,)
        ),
    ]


def _same_cn(group: Group) -> list[Group]:
    return [group, _sibling(group, "2", group.active_directory)._replace(folder="Other")]


def _inside_itself(group: Group) -> list[Group]:
    return [
        group._replace(
            ad_groups=(Nested(group.active_directory, group.ad_dn),), ad_above=(group.ad_dn,)
        )
    ]


def _unknown_group(group: Group) -> list[Group]:
    gone = Nested("lsa-gone-for-good", ad_group_dn("lsa-gone-for-good", ""))
    return [group._replace(ad_groups=(gone,))]


def _plain_name(group: Group) -> list[Group]:
    """A group in a group whose name looks like a person's."""
    inner = _sibling(group, "inner", "printers")._replace(oddity="")
    outer = group._replace(ad_groups=(Nested(inner.active_directory, inner.ad_dn),))
    return [outer, inner._replace(ad_above=(outer.ad_dn,))]


_MAKERS: dict[str, Callable[[Group], list[Group]]] = {
    "no_members_ad": lambda g: [g._replace(people=())],
    "no_members_mcommunity": lambda g: [_only_mcommunity(g)[0]._replace(people=())],
    "no_email": _only_mcommunity,
    "no_description": lambda g: [g._replace(about="")],
    "two_names": _only_mcommunity,
    "no_owners": lambda g: [_only_mcommunity(g)[0]._replace(owners=())],
    "sync_case": lambda g: [g._replace(folder=SYNC, mcommunity="LSA-Odd-Sync-Case")],
    "comma": lambda g: [
        g._replace(folder=SYNC, active_directory="Odd, with comma", mcommunity="Odd, with comma")
    ],
    "cycle": _cycle,
    "same_cn": _same_cn,
    "inside_itself": _inside_itself,
    "unknown_group": _unknown_group,
    "plain_name": _plain_name,
    "nul_mcommunity": _only_mcommunity,
    "bytes_mcommunity": _only_mcommunity,
}


@lru_cache(maxsize=2)
def anomalous_ad_groups(campus: Campus) -> dict[int, tuple[str, ...]]:
    """The DNs of the odd AD groups that each person is in."""
    found: dict[int, tuple[str, ...]] = {}
    for group in anomalous_groups(campus):
        for number in group.people if group.active_directory else ():
            found[number] = (*found.get(number, ()), group.ad_dn)
    return found
