"""What groups, their members and owners must be: merged rows, and the truth of the campus.

The truth says who is in a group and which directory lists them; nothing here reads a distinguished
name.
"""

from __future__ import annotations

from typing import Any

from lsats_pipeline_tests.hub.silver.conftest import Day
from lsats_pipeline_tests.hub.silver.oracle_integrated import (
    NOTHING,
    Chosen,
    Expected,
    Tier1,
    pick,
    taken,
)
from lsats_pipeline_tests.hub.silver.oracle_sources import Row

# (group, kind, name) -> facts
Links = dict[tuple[str, str, str], Any]
_KINDS = {"person": "user", "group": "group", "computer": "computer"}


# --- groups ------------------------------------------------------------------------------------


def groups(tier1: Tier1) -> dict[str, Expected]:
    """Merged rows; `tier1` also holds the rows of group_members and group_owners."""
    both = [r for t in ("ad_groups", "mcommunity_groups") for r in tier1[t].values()]
    return {key: _group(key, tier1) for key in {r["group_key"] for r in both} if key}


def _group(key: str, tier1: Tier1) -> Expected:
    ad = _speaker(tier1, "ad_groups", key, "ad_group_guid")
    mcommunity = _speaker(tier1, "mcommunity_groups", key, "gid_number")
    members, owners = (
        [r for r in tier1[t].values() if r["group_key"] == key]
        for t in ("group_members", "group_owners")
    )

    def says(*choices: tuple[str, str]) -> Chosen:
        rows = {"ad": ad, "mcommunity": mcommunity}
        return pick(*((who, rows[who].get(column)) for who, column in choices))

    columns = {
        "group_id": says(("ad", "cn"), ("mcommunity", "group_name")),
        "cn": says(("ad", "cn"), ("mcommunity", "group_name")),
        "group_name": says(("ad", "group_name"), ("mcommunity", "group_name")),
        "group_email": says(("mcommunity", "group_email"), ("ad", "group_email")),
        "description": says(("mcommunity", "description"), ("ad", "description")),
        "distinguished_name": says(
            ("ad", "distinguished_name"), ("mcommunity", "distinguished_name")
        ),
        **taken("ad", ad, """ad_group_guid ad_group_guid, sam_account_name sam_account_name,
            display_name display_name, group_type group_type, sam_account_type sam_account_type,
            object_category object_category, managed_by managed_by,
            proxy_addresses proxy_addresses, member_of member_of, ou_root ou_root,
            ou_organization ou_organization, ou_category ou_category, ou_status ou_status,
            ou_department ou_department, ou_immediate_parent ou_immediate_parent,
            ou_full_path ou_full_path, ou_depth ou_depth, parent_ou_dn parent_ou_dn,
            when_created when_created"""),
        **taken("mcommunity", mcommunity, """mcommunity_group_uid gid_number,
            is_private is_private, is_members_only is_members_only, is_joinable is_joinable,
            expiry_timestamp expiry_timestamp, contact_info contact_info"""),
        **{name: Chosen(value, None) for name, value in _kinds(ad, members, owners).items()},
    }  # fmt: skip
    known = {"ad": ad, "mcommunity": mcommunity}
    return Expected(columns, [alias for alias, row in known.items() if row])


def _speaker(tier1: Tier1, table: str, key: str, order: str) -> Row:
    rows = [r for r in tier1[table].values() if r["group_key"] == key]
    return min(rows, key=lambda r: r[order], default=NOTHING)


def _kinds(ad: Row, members: list[Row], owners: list[Row]) -> Row:
    security = bool(ad) and ad["group_type"] < 0
    people = [r for r in members if r["member_type"] == "user"]
    return {
        "members": sorted(r["member_uniqname"] for r in people),
        "direct_members": sorted(r["member_uniqname"] for r in people if r["is_direct_member"]),
        "nested_members": sorted(
            r["member_group_id"] for r in members if r["member_type"] == "group"
        ),
        "member_count": len(members),
        "owners": sorted(r["owner_uniqname"] for r in owners if r["owner_type"] == "user"),
        "owner_groups": sorted(r["owner_group_id"] for r in owners if r["owner_type"] == "group"),
        "is_security_group": security,
        "is_distribution_group": not security,
        "is_mcomm_adsync": "MCommADSync" in ad.get("ou_full_path", []),
    }


# --- members and owners ------------------------------------------------------------------------


class Truth:
    """The groups of a day by the names that the hub has for them, as far as it could read them."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._refused = {
            (table, subject) for table, _, subject in day.labels if table.startswith("rejects:")
        }
        self.names = {r["group_key"]: r["group_name"] for r in day.truth["groups"]}
        self.speaking = {r["group_key"]: self._sources(r) for r in day.truth["groups"]}
        self._let_one_of_a_name_speak()
        self._computers = self._names_of_computers()

    def _sources(self, group: Row) -> set[str]:
        ad, gid = group["ad_group_guid"], group["gid_number"]
        found = set()
        if ad and ("rejects:active_directory_group", ad) not in self._refused:
            found.add("ad")
        if gid and ("rejects:mcommunity_ldap_group", str(gid)) not in self._refused:
            found.add("mcommunity")
        return found

    def _let_one_of_a_name_speak(self) -> None:
        """Of groups with one name in one directory, that with the smallest id."""
        ids = {"ad": "ad_group_guid", "mcommunity": "gid_number"}
        for source, column in ids.items():
            first: dict[str, Any] = {}
            for row in sorted(self._day.truth["groups"], key=lambda r: str(r[column])):
                if source in self.speaking[row["group_key"]]:
                    name = self.name(row["group_key"])
                    if first.setdefault(name, row["group_key"]) != row["group_key"]:
                        self.speaking[row["group_key"]].discard(source)

    def _names_of_computers(self) -> dict[str, set[str]]:
        objects = self._day.silver["ad_computers"]
        found: dict[str, set[str]] = {}
        for row in self._day.truth["machine_records"]:
            if row["entity"] == "computer" and row["is_current"] and row["record_key"] in objects:
                name = objects[row["record_key"]]["computer_name"].lower()
                found.setdefault(str(row["machine_id"]), set()).add(name)
        for row in self._day.truth["computers"]:  # those whose record nobody can read
            found.setdefault(str(row["machine_id"]), {row["name"].lower()})
        return found

    def name(self, key: str) -> str:
        """A group's key in the hub."""
        return str(self.names[key]).lower()

    def members(self) -> Links:
        """(group, kind, name) -> (direct, sources)."""
        found: Links = {}
        for row in self._day.truth["group_members"]:
            listed = {s for s in ("ad", "mcommunity") if row[f"in_{s}"]}
            sources = listed & self.speaking[row["group_key"]]
            for kind, name in self._things(row["member_kind"], row["member"]):
                if sources:
                    direct = row["is_direct"] or "ad" in sources
                    found[self.name(row["group_key"]), kind, name] = (direct, sorted(sources))
        return found

    def owners(self) -> set[tuple[str, str, str]]:
        """(group, kind, name)."""
        return {
            (self.name(row["group_key"]), kind, name)
            for row in self._day.truth["group_owners"]
            if self.speaking[row["group_key"]]
            for kind, name in self._things(row["owner_kind"], row["owner"])
        }

    def _things(self, kind: str, member: str) -> list[tuple[str, str]]:
        if kind == "computer":
            return [("computer", name) for name in self._computers.get(member, ())]
        if kind == "foreign":
            return [("unknown", member.lower())]
        known = {self.name(k) for k, sources in self.speaking.items() if sources}
        if kind == "group" and member.lower() not in known:
            # Its folder holds people as well, and no record says which of both it was.
            return [("unknown", member.lower())]
        return [(_KINDS[kind], member.lower())]
