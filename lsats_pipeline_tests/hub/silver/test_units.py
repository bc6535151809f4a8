"""Units, and objects in them, on records that the campus does not have."""

from __future__ import annotations

from typing import Any

import pytest

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.ad_groups import AD_GROUPS
from lsats_pipeline.hub.silver.tables.ad_organizational_units import AD_ORGANIZATIONAL_UNITS
from lsats_pipeline.hub.silver.tables.ad_users import AD_USERS
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

GUID = "00000000-0000-4000-8000-0000000000{:02}"
LSA = "OU=LSA,OU=Organizations,OU=UMICH,DC=adsroot,DC=example"
RESEARCH = f"OU=Research and Instrumentation,{LSA}"
NO_SECRETS = {"pwdLastSet", "badPwdCount", "ms-Mcs-AdmPwdExpirationTime"}
WORKSTATIONS = f"OU=Workstations,{LSA}"


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, AD_USERS, AD_GROUPS, AD_ORGANIZATIONAL_UNITS)


def unit(n: int, dn: str, **fields: Any) -> Row:
    name = dn.partition(",")[0].partition("=")[2]
    return {"dn": dn, "distinguishedName": dn, "objectGUID": GUID.format(n), "ou": name, **fields}


def computer(n: int, unit_dn: str, **fields: Any) -> Row:
    dn = f"CN=PC{n},{unit_dn}"
    return {
        "dn": dn,
        "distinguishedName": dn,
        "objectGUID": GUID.format(n),
        "cn": f"PC{n}",
    } | fields


def test_counts_follow_the_computers_not_the_unit(hub: ByHand) -> None:
    """domain/hub.md 7.2 #15: they were as old as the last change of the unit."""
    upper, lower = f"OU=Physics,{RESEARCH}", f"OU=xu-lab,OU=Physics,{RESEARCH}"
    units = [unit(1, upper), unit(2, lower)]
    near = lower.replace("OU=xu-lab,", "ou=XU-Lab, ")  # spelled otherwise, the same place

    def counts(*computers: Row) -> list[tuple[int, bool, int, bool]]:
        rows = hub.silver("ad_organizational_units", active_directory_computer=computers)
        return [
            (
                row["direct_computer_count"],
                row["has_computer_children"],
                row["child_ou_count"],
                row["has_child_ous"],
            )
            for row in rows
        ]

    hub.take_in(active_directory_organizational_unit=units)
    assert counts(computer(3, upper)) == [(1, True, 1, True), (0, False, 0, False)]
    assert counts(computer(3, near), computer(4, lower)) == [
        (0, False, 1, True),
        (2, True, 0, False),
    ]
    assert hub.reports["ad_units"].note == "nothing new upstream"
    assert counts() == [(0, False, 1, True), (0, False, 0, False)]
    [gone] = hub.silver("ad_organizational_units", active_directory_organizational_unit=units[:1])
    assert gone["child_ou_count"] == 0


def test_a_folder_has_the_same_columns_for_everything_in_it(hub: ByHand) -> None:
    """domain/hub.md 7.2 #24: they were off by one between kinds of objects."""
    folder = f"OU=xu-lab,OU=Physics,OU=Region 1,OU=Current,{RESEARCH}"
    inside = {"dn": f"CN=x,{folder}", "distinguishedName": f"CN=x,{folder}", "cn": "x"}
    hub.take_in(
        active_directory_organizational_unit=[unit(1, folder)],
        active_directory_computer=[computer(2, folder)],
        active_directory_group=[inside | {"objectGUID": GUID.format(3)}],
        active_directory_user=[inside | {"objectGUID": GUID.format(4)}],
    )
    hub.build()
    levels = ("root", "organization", "category", "status", "division", "department")
    expected = ("UMICH", "LSA", "Research and Instrumentation", "Current", "Region 1", "Physics")
    for table in ("ad_organizational_units", "ad_computers", "ad_groups", "ad_users"):
        [row] = hub.rows(table)
        assert tuple(row[f"ou_{level}"] for level in levels) == expected, table
        assert row["ou_subdepartment"] == "xu-lab", table
        assert row["ou_depth"] == 8, table


NAMES_OF_UNITS = {
    "xyz-lab": ("xyz", "dept_uniqname lab_suffix has_hyphen"),
    "phys-abc": ("abc", "dept_uniqname has_hyphen"),
    "PHYS-ABD": ("abd", "dept_uniqname has_hyphen"),
    "abcdefgh": ("abcdefgh", "uniqname_only"),
    "toolongname": (None, ""),
    "toolong-abc": (None, "has_hyphen"),
    "abcdefghi-lab": (None, "lab_suffix has_hyphen"),
    "slab": ("slab", "uniqname_only lab_suffix"),
    "abc-Lab": ("abc", "dept_uniqname lab_suffix has_hyphen"),
    "ab 1": (None, ""),
}


def test_uniqnames_in_names_of_units(hub: ByHand) -> None:
    units = [unit(n, f"OU={name},{RESEARCH}") for n, name in enumerate(NAMES_OF_UNITS)]
    rows = hub.silver("ad_units", active_directory_organizational_unit=units)
    assert {
        row["ou_name"]: (
            row["extracted_uniqname"],
            {pattern for pattern, found in row["name_patterns"].items() if found},
        )
        for row in rows
    } == {name: (who, set(which.split())) for name, (who, which) in NAMES_OF_UNITS.items()}


def test_depth_means_something_else_in_each_branch(hub: ByHand) -> None:
    bases = [RESEARCH, WORKSTATIONS, f"OU=Other,{LSA}"]
    units = [
        unit(10 * place + extra, "".join(f"OU={k}," for k in range(extra)) + base, ou="x1")
        for place, base in enumerate(bases)
        for extra in range(5)
    ]
    rows = hub.silver("ad_organizational_units", active_directory_organizational_unit=units)
    found = [row["depth_category"] for row in rows]
    assert found[:5] == ["high_level", "high_level", "region", "department", "potential_lab"]
    assert found[5:10] == ["high_level", "region", "department", "lab_grouping", "potential_lab"]
    assert found[10:] == ["high_level", "high_level", "department", "department", "potential_lab"]


def test_passwords_have_no_column(hub: ByHand) -> None:
    secrets = {
        "ms-Mcs-AdmPwd": "hunter2",
        "msLAPS-Password": "hunter2",
        "msLAPS-EncryptedPassword": "hunter2",
        "msDS-ManagedPassword": "hunter2",
        "unicodePwd": "hunter2",
    }
    silent = {"pager": "17", "ms-Mcs-AdmPwdExpirationTime": "2026-05-01T00:00:00Z"}
    pc = computer(1, RESEARCH, **secrets, **silent)
    [row] = hub.silver("ad_computers", active_directory_computer=[pc])
    assert "hunter2" not in str(row)
    assert row["additional_attributes"] == {"pager": "17"}
    assert row["ms_mcs_adm_pwd_expiration_time"].year == 2026
    read = {path for c in AD_COMPUTERS.columns for path in c.paths}
    assert not [p for p in read if "pwd" in p.lower() and p not in NO_SECRETS]
