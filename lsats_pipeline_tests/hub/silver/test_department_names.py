"""When two names of a department mean the same, and when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.department_name_matches import DEPARTMENT_NAME_MATCHES
from lsats_pipeline.hub.silver.tables.departments import DEPARTMENTS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand

SAME = [
    ("LSA Dept CODE", "Dept CODE LSA"),
    ("LSA Dept CODE", "dept. CODE - LSA"),
    ("Chemistry Department", "Department of Chemistry"),
    ("Chemistry", "The Chemistry Dept."),
    ("Astronomy & Physics", "Physics and Astronomy"),
    ("Women's Studies", "Womens Studies"),
    ("Women’s Studies", "Women's Studies"),
    ("Earth + Environmental Sciences", "Environmental Sciences/Earth"),
    ("Ctr for Statistical Consulting", "Statistical Consulting, Center for"),
    ("Inst. of Social Res.", "Institute of Social Research"),
    ("Chemistry (CODE)", "Chemistry"),
    ("Bio Chemistry", "BioChemistry"),
    ("  Physics  ", "PHYSICS"),
    ("Department", "the dept"),
    ("Español y Português", "português y español"),
]
DIFFERENT = [
    ("Chemistry", "Former Chemistry"),
    ("Chemistry", "Chemistry and Physics"),
    ("Chemistry", "Biochemistry"),
    ("LSA Dept CODE", "LSA Dept 171"),
    ("LSA Dept CODE", "Engineering Dept CODE"),
    ("School of Art", "College of Art"),
    ("CODE", "Chemistry"),
    ("Physics 2", "Physics 3"),
]
CODES = [f"{171000 + n}" for n in range(30)]


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, DEPARTMENTS, DEPARTMENT_NAME_MATCHES)


def departments(*names: tuple[str, str]) -> dict[str, list[dict[str, Any]]]:
    """A department for each pair of names, in TDX and in the gateway; CODE in them is its own."""
    named = [
        (n, code, *(name.replace("CODE", code) for name in pair))
        for n, (code, pair) in enumerate(zip(CODES, names, strict=False), 1)
    ]
    return {
        "tdx_department": [
            {"ID": n, "Code": code, "Name": one, "IsActive": True} for n, code, one, _ in named
        ],
        "umich_api_department": [
            {"DeptId": code, "DeptDescription": other} for _, code, _, other in named
        ],
    }


def disagreeing(hub: ByHand, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    rows = hub.silver("departments", **departments(*names))
    flagged = {row["dept_id"] for row in rows if "name_disagreement" in row["quality_flags"]}
    return [pair for code, pair in zip(CODES, names, strict=False) if code in flagged]


def test_another_order_or_spelling_is_no_disagreement(hub: ByHand) -> None:
    assert disagreeing(hub, [*SAME, *((b, a) for a, b in SAME[:4])]) == []


def test_another_name_is_a_disagreement(hub: ByHand) -> None:
    assert disagreeing(hub, DIFFERENT) == DIFFERENT


def test_a_name_in_another_order_is_matched_wholly(hub: ByHand) -> None:
    accounts = [
        {"UID": f"00000000-0000-4000-8000-00000000000{n}", "AlternateID": f"p{n}",
         "DefaultAccountName": name}
        for n, name in enumerate(
            ["Dept of Chemistry", "ASTRONOMY & PHYSICS", "Physics", "Chemistry", "nothing of it"]
        )
    ]  # fmt: skip
    names = [
        ("Chemistry Department", "Chemistry Department"),
        ("Physics and Astronomy", "Physics and Astronomy"),
        ("Physics Department", "Physics Department"),
        ("Physics", "Physics"),
    ]
    rows = hub.silver("department_name_matches", tdx_user=accounts, **departments(*names))
    assert {row["name"]: (row["dept_id"], row["similarity"]) for row in rows} == {
        "ASTRONOMY & PHYSICS": ("171001", 1),
        "Chemistry": ("171000", 1),
        "Dept of Chemistry": ("171000", 1),
        "Physics": ("171003", 1),  # to the letter, though another has the same words
        "nothing of it": (None, 0),
    }
