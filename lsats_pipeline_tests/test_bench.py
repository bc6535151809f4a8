"""The floors of `lsats bench` do the same work as what is measured against them."""

from __future__ import annotations

from typing import Any

from lsats_pipeline.bench import by_hand
from lsats_pipeline.settings import HubSettings
from lsats_pipeline.silver.ddl import fields
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.silver.by_hand import ByHand

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
