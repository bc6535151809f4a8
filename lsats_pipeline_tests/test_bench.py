"""The floors of `lsats bench` do the same work as what is measured against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsats_pipeline.bench import by_hand
from lsats_pipeline.bench.price_work import WORKS
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.ddl import fields
from lsats_pipeline.synthetic.price_files import PriceFile, write_price_file
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand

IN_THE_DATABASE = {"loaded", "ingested and loaded", "bare COPY"}
JOBS: list[dict[str, Any]] = [
    {"EmplId": "7", "EmplRcd": 0, "UniqName": " Ada ", "UniversityJobTitle": "Professor"},
    {"EmplId": "7", "EmplRcd": 1, "DepartmentJobTitle": "Dean", "DepartmentId": "12"},
    {
        **{"EmplId": "8", "EmplRcd": 0, "UniqName": "bob", "SupervisorId": "7", "Jobcode": "1"},
        **{"Work_Address1": "1 Street", "Work_City": "Town", "Work_State": "MI"},
        **{"Work_Postal": "48109", "Work_Phone": "5", "DepartmentId": "100000"},
    },
]


def test_a_table_by_hand_has_the_rows_of_the_built_one(
    warehouse: Warehouse, hub_settings: HubSettings
) -> None:
    hub = ByHand(warehouse, hub_settings, by_hand.TABLE)
    built = hub.silver(by_hand.TABLE.name, umich_api_user=JOBS)
    with warehouse.owner() as connection:
        by_hand.create(connection)
        by_hand.fill(connection)
        connection.execute("grant select on silver.by_hand to lsats_etl")
    names = [field.name for field in fields(by_hand.TABLE)]
    assert len(built) == len(JOBS)
    assert [[row[name] for name in names] for row in hub.rows("by_hand")] == [
        [row[name] for name in names] for row in built
    ]


def test_every_work_on_a_price_file_counts_the_same(tmp_path: Path, warehouse: Warehouse) -> None:
    """Ours, a bare COPY, DuckDB and ijson have the prices that the file was made with."""
    pytest.importorskip("ijson")
    file = tmp_path / "prices.json.gz"
    manifest = write_price_file(file, PriceFile(megabytes=0.5))
    account = {
        "text": manifest.text,
        "in_network": manifest.elements["in_network"],
        "prices": manifest.prices,
        "cents": manifest.cents,
        "groups": manifest.groups,
        "npis": manifest.npis,
        "rejects": 0,
    }
    sliced = WORKS["slice"](file, tmp_path)
    assert {**sliced, "text": 0} == {
        "text": 0, **{name: account[name] for name in ("in_network", "prices", "cents")}
    }  # fmt: skip
    works = [name for name in WORKS if name not in ("slice", "proved", "ingested by 2")]
    for name in works:
        found = WORKS[name](file, tmp_path, *[warehouse.url][: name in IN_THE_DATABASE])
        assert found == {key: account[key] for key in found}, name
    assert WORKS["proved"](file, tmp_path)["in_network"] == account["in_network"]
