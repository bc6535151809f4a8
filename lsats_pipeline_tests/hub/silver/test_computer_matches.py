"""What is taken for one machine, and what is not. Rows of tier 1 are written down directly."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.spec import SqlModel
from lsats_pipeline.hub.silver.tables.computer_matches import COMPUTER_MATCHES
from lsats_pipeline.hub.silver.tables.computer_records import COMPUTER_RECORDS
from lsats_pipeline.hub.silver.tables.computers import COMPUTERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import with_upstream
from lsats_pipeline_tests.hub.silver.machines import (
    TABLES,
    Campus,
    Row,
    account,
    asset,
    campus,
    fill,
    known,
)

BUILT: tuple[SqlModel, ...] = (COMPUTER_MATCHES, COMPUTER_RECORDS, COMPUTERS)
M1, M2, M3, DOCK = "0A0000000001", "0A0000000002", "0A0000000003", "0A00000000D0"
Rows = dict[str, list[Row]]


class Matching:
    """Tier 1 as a test wants it, and what is made of it."""

    def __init__(self, warehouse: Warehouse, settings: HubSettings) -> None:
        self.warehouse, self.settings = warehouse, settings
        with warehouse.owner() as connection:
            declare_tables(connection, with_upstream(COMPUTERS))

    def fill(self, rows: Rows) -> None:
        """These rows and no others, in this order."""
        with self.warehouse.owner() as connection:
            for name, _ in TABLES.values():
                connection.execute(sql.SQL("truncate silver.{}").format(sql.Identifier(name)))
            fill(connection, rows)

    def build(self, rows: Rows) -> int:
        """Work everything out again; how many rows differ from before."""
        self.fill(rows)
        changed = 0
        for table in BUILT:
            report = build(
                self.warehouse, self.settings, table, self.settings.today(),
                full=True, accept_removals=True,
            )  # fmt: skip
            changed += report.counts.changed
        return changed

    def rows(self, name: str) -> list[Row]:
        query = sql.SQL("select * from silver.{} order by 1").format(sql.Identifier(name))
        with self.warehouse.connection() as opened, opened.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def machines(self, **rows: list[Row]) -> list[set[str]]:
        """The ids of the records of each machine; of AD the last digits."""
        self.build({name: rows.get(name, []) for name in TABLES})
        found: dict[str, set[str]] = {}
        for row in self.rows("computer_records"):
            short = row["system_id"][-4:] if row["record_system"] == "ad" else row["system_id"]
            found.setdefault(row["computer_id"], set()).add(short)
        return sorted(found.values(), key=sorted)


@pytest.fixture
def matching(warehouse: Warehouse, hub_settings: HubSettings) -> Matching:
    return Matching(warehouse, hub_settings)


def test_serial_address_and_name_join_three_systems(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001", M1)],
        keyconfigure=[known("PC1", "ser0001", M1)],
        ad=[account(1, "PC1")],
    )
    assert found == [{"1", "PC1-SER0001", "0001"}]
    first, *_ = matching.rows("computer_matches")
    assert first["decision"] == "accepted"
    pair = next(r for r in matching.rows("computer_matches") if r["right_system"] != "ad")
    assert {e["kind"]: e["points"] for e in pair["evidence"]} == {
        "serial": 0.6, "mac": 0.5, "name": 0.45,
    }  # fmt: skip


def test_a_dock_joins_nobody(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001", M1, DOCK), asset(2, "other", "SER0009", DOCK)],
        keyconfigure=[known("PC1", "SER0001", M1, DOCK), known("PC2", "SER0002", DOCK)],
    )
    assert found == [{"1", "PC1-SER0001"}, {"2"}, {"PC2-SER0002"}]


def test_different_serials_weigh_against_a_name_and_a_dock(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001")], keyconfigure=[known("PC1", "SER0002", M1)]
    )
    assert found == [{"1"}, {"PC1-SER0002"}]
    [pair] = matching.rows("computer_matches")
    assert (pair["decision"], pair["reason"]) == ("rejected", "different serial numbers")


def test_placeholders_are_no_serial_numbers(matching: Matching) -> None:
    words = ["N/A", "None", "To be filled by O.E.M.", "0000000", "System Serial Number", "xyz"]
    found = matching.machines(
        tdx=[asset(n, f"a{n}", word) for n, word in enumerate(words, 1)],
        keyconfigure=[known(f"b{n}", word, f"0A00000000{n}F") for n, word in enumerate(words, 1)],
    )
    assert {len(records) for records in found} == {1}
    # Nor do they speak against anything.
    found = matching.machines(
        tdx=[asset(1, "pc1", "N/A", M1)], keyconfigure=[known("PC1", "SER0002", M1)]
    )
    assert found == [{"1", "PC1-SER0002"}]


def test_serials_typed_the_wrong_way_round(matching: Matching) -> None:
    """With addresses and without, names win over two serials that cross each other."""
    for macs in ((M1, M2), ("", "")):
        first, second = ([m] if m else [] for m in macs)
        found = matching.machines(
            tdx=[asset(1, "pc1", "SER0002", *first), asset(2, "pc2", "SER0001", *second)],
            keyconfigure=[known("PC1", "SER0001", M1), known("PC2", "SER0002", M2)],
        )
        assert found == [{"1", "PC1-SER0001"}, {"2", "PC2-SER0002"}]


def test_a_renamed_machine_stays_one(matching: Matching) -> None:
    """TDX has the old name; the inventory, by serial or address, and AD have the new one."""
    for serial, macs in (("SER0001", []), ("", [M1])):
        found = matching.machines(
            tdx=[asset(1, "old", serial, *macs)],
            keyconfigure=[known("NEW", "SER0001", M1)],
            ad=[account(1, "NEW")],
        )
        assert found == [{"1", "NEW-SER0001", "0001"}]


def test_an_old_name_in_the_address_still_matches(matching: Matching) -> None:
    found = matching.machines(tdx=[asset(1, "old", "")], ad=[account(1, "NEW", dns="OLD")])
    assert found == [{"1", "0001"}]
    # And through it, an inventory that knows the new name only.
    found = matching.machines(
        tdx=[asset(1, "old", "")],
        keyconfigure=[known("NEW", "", M1)],
        ad=[account(1, "NEW", dns="OLD")],
    )
    assert found == [{"1", "NEW", "0001"}]


def test_a_name_before_the_last_still_matches(matching: Matching) -> None:
    """An account keeps its guid: its old versions say what it was called."""
    with matching.warehouse.owner() as connection:
        old = account(1, "OLD")
        connection.execute(
            "insert into silver.ad_computers_history (external_id, object_guid, computer_name)"
            " values (%s, %s, 'OLD')",
            [old["external_id"], old["object_guid"]],
        )
    assert matching.machines(tdx=[asset(1, "old", "")], ad=[account(1, "NEW")]) == [{"1", "0001"}]


def test_a_new_owner_of_a_name_has_it(matching: Matching) -> None:
    """The first was renamed, the second got its name, and TDX knows of neither."""
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001", M1), asset(2, "pc2", "SER0002", M2)],
        keyconfigure=[known("NEW", "SER0001", M1), known("PC1", "SER0002", M2)],
        ad=[account(1, "NEW"), account(2, "PC1")],
    )
    assert found == [{"1", "NEW-SER0001", "0001"}, {"2", "PC1-SER0002", "0002"}]


def test_a_retired_machine_leaves_its_name_to_the_next(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001", status="Inactive"), asset(2, "pc1", "SER0002")],
        keyconfigure=[known("PC1", "SER0002", M2)],
        ad=[account(1, "PC1")],
    )
    assert found == [{"2", "PC1-SER0002", "0001"}, {"1"}]


def test_two_assets_of_one_name_stay_two(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", ""), asset(2, "PC1", "")], ad=[account(1, "PC1")]
    )
    assert found == [{"0001"}, {"1"}, {"2"}]  # nothing says whose account it is
    names = [row["computer_name"] for row in matching.rows("computers")]
    assert sorted(names) == ["PC1", "PC1", "pc1"]
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001"), asset(2, "PC1", "SER0002")],
        keyconfigure=[known("PC1", "SER0002", M1)],
        ad=[account(1, "PC1")],
    )
    assert found == [{"2", "PC1-SER0002", "0001"}, {"1"}]


def test_what_a_conflict_left_behind_is_not_the_account(matching: Matching) -> None:
    found = matching.machines(
        tdx=[asset(1, "pc1", "SER0001")], ad=[account(7, "PC1\nCNF:x", "pc1"), account(1, "PC1")]
    )
    assert found == [{"0001", "1"}, {"0007"}]


def test_only_computers_are_computers(matching: Matching) -> None:
    printer = asset(2, "pc1", "SER0001") | {"form_name": "Printer Form"}
    assert matching.machines(tdx=[asset(1, "pc1", "SER0001"), printer]) == [{"1"}]


def test_near_misses_are_explained(matching: Matching) -> None:
    matching.machines(
        tdx=[asset(1, "pc1", "SER0001", M1), asset(2, "pc2", "", M1)],
        keyconfigure=[known("PC1", "SER0001", M1)],
    )
    near = next(r for r in matching.rows("computer_matches") if r["decision"] == "rejected")
    assert (near["left_id"], near["reason"]) == ("2", "too little in common")
    assert [e["kind"] for e in near["evidence"]] == ["mac", "name elsewhere"]


def test_an_id_is_of_what_changes_least(matching: Matching) -> None:
    matching.machines(
        tdx=[asset(1, "a", "SER0001")],
        keyconfigure=[
            known("B", "SER0002", M1),
            known("C", "SER0003", M2),
            known("D", "SER0003", M3),
            known("E", "", "0A00000000EE"),
        ],
        ad=[account(3, "C"), account(4, "F")],
    )
    assert [row["computer_id"] for row in matching.rows("computers")] == [
        f"AD-{account(3, '')['object_guid']}",
        f"AD-{account(4, '')['object_guid']}",
        "KC-D-SER0003",
        "KC-E",
        "SN-SER0002",
        "TDX-1",
    ]


def shuffled(rows: Rows, random: Random) -> Rows:
    return {name: random.sample(items, len(items)) for name, items in rows.items()}


def test_order_does_not_matter(matching: Matching) -> None:
    rows = campus(600, seed=5).rows
    assert matching.build(rows) > 0
    for seed in range(2):
        assert matching.build(shuffled(rows, Random(seed))) == 0


def crowded(random: Random) -> Rows:
    """Few values for many records: ties everywhere."""
    names, serials = ["A", "B", "C", "", "D"], ["SER0001", "SER0002", "SER0003", "N/A", ""]
    macs = [M1, M2, M3, DOCK]

    def some() -> list[str]:
        return random.sample(macs, random.choice([0, 1, 1, 2]))

    def pick(values: list[str]) -> str:
        return random.choice(values)

    inventory = {
        (row := known(pick(names), pick(serials), *some()))["computer_id"]: row for _ in range(8)
    }
    status: Callable[[], Any] = lambda: random.choice(["Active", "Inactive"])  # noqa: E731
    return {
        "tdx": [asset(n, pick(names), pick(serials), *some(), status=status()) for n in range(9)],
        "keyconfigure": list(inventory.values()),
        "ad": [account(n, pick(names) or "X", dns=pick(names) or None) for n in range(1, 8)],
    }


@pytest.mark.parametrize("seed", range(6))
def test_one_to_one_and_nothing_lost_however_many_look_alike(matching: Matching, seed: int) -> None:
    random = Random(seed)
    for _ in range(4):
        rows = crowded(random)
        matching.build(rows)
        assert matching.build(shuffled(rows, random)) == 0
        records = matching.rows("computer_records")
        assert len(records) == sum(map(len, rows.values()))
        present = [r for r in records if not r["is_former"]]
        assert len({(r["record_system"], r["computer_id"]) for r in present}) == len(present)
        accepted = [
            r
            for r in matching.rows("computer_matches")
            if r["decision"] == "accepted" and r["left_system"] != r["right_system"]
        ]
        for side, other in (("left", "right"), ("right", "left")):
            ends = [(r[f"{side}_system"], r[f"{side}_id"], r[f"{other}_system"]) for r in accepted]
            assert len(set(ends)) == len(ends)


def test_the_generator_is_matched_well(matching: Matching) -> None:
    """Machines with harder defects than the campus has, such as serials nobody can place."""
    made: Campus = campus(1500)
    matching.build(made.rows)
    found = {
        ((r["left_system"], r["left_id"]), (r["right_system"], r["right_id"]))
        for r in matching.rows("computer_matches")
        if r["decision"] == "accepted"
    }
    right = len(found & made.pairs)
    assert right / len(found) > 0.99
    assert right / len(made.pairs) > 0.985
