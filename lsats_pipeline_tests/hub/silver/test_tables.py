"""Rules of the tables on people and records that the campus does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.silver.build import build
from lsats_pipeline.hub.silver.ddl import declare_tables
from lsats_pipeline.hub.silver.tables import SILVER_TABLES, table
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.source import Page
from lsats_pipeline.warehouse import Warehouse

Row = dict[str, Any]
UID = "00000000-0000-4000-8000-00000000000{}"
Silver = Callable[..., dict[str, list[Row]]]


@pytest.fixture
def silver(warehouse: Warehouse, hub_settings: HubSettings) -> Silver:
    """`silver(tdx_user=[...], ...)` takes records in and gives the rows of the tables."""
    settings = hub_settings.model_copy(update={"lsats_reject_share": 1.0})
    with warehouse.owner() as connection:
        declare_tables(connection, SILVER_TABLES)

    def built(**records: list[Row]) -> dict[str, list[Row]]:
        for name, rows in records.items():
            pages = [Page([json.dumps(row).encode() for row in rows])]
            fake = replace(stream(name), read=lambda client, request: iter(client))
            ingest(warehouse, settings, fake, partial(list, pages), settings.today())
        for item in SILVER_TABLES:
            build(warehouse, settings, item, settings.today())
        return {item.name: rows_of(warehouse, item.name) for item in SILVER_TABLES}

    return built


def rows_of(warehouse: Warehouse, name: str) -> list[Row]:
    with warehouse.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("select * from {} order by 1").format(sql.Identifier("silver", name))
        return cursor.execute(query).fetchall()


def tdx(n: int = 1, **fields: Any) -> Row:
    return {"UID": UID.format(n), "AlternateID": "ada", "IsActive": True, **fields}


def job(rcd: int | str = 0, **fields: Any) -> Row:
    return {"EmplId": "7", "EmplRcd": rcd, "UniqName": "ada", **fields}


def entry(**fields: Any) -> Row:
    return {"dn": "uid=ada", "uidNumber": "5", "uid": "ada", **fields}


def account(n: int = 1, **fields: Any) -> Row:
    return {"objectGUID": UID.format(n), "cn": "ada", "userAccountControl": "512", **fields}


def award(n: int, uniqname: str, role: str | None) -> Row:
    return {"Award Id": f"AWD{n}", "Person Uniqname": uniqname, "Person Role": role}


def unit(n: int, name: str, depth: int) -> Row:
    above = ",".join(f"OU=u{k}" for k in range(depth - 1))
    return {"objectGUID": UID.format(n), "ou": name, "dn": f"OU={name},{above},DC=x"}


def test_who_leads_a_lab(silver: Silver) -> None:
    roles = {
        "ada": "UM Principal Investigator",
        "bea": "Co-Principal Investigator",
        "cam": "UM Co-Principal Investigator",
        "dee": "Participating Investigator",
        "eli": "principal  investigator (multi)",
        "fay": None,
    }
    users = silver(
        tdx_user=[tdx(n, AlternateID=name) for n, name in enumerate([*roles, "gus", "hal"])],
        lab_awards_lab_award=[
            *(award(n, name, role) for n, (name, role) in enumerate(roles.items())),
            award(9, "nobody", "UM Principal Investigator"),
        ],
        active_directory_organizational_unit=[
            unit(1, "chem-gus", 8), unit(2, "hal", 7), unit(3, "mystery", 9)
        ],
    )["users"]  # fmt: skip
    leads = {row["uniqname"]: row["field_sources"].get("is_pi") for row in users if row["is_pi"]}
    assert leads == {"ada": "award", "eli": "award", "gus": "unit"}
    assert {row["uniqname"] for row in users} == {*roles, "gus", "hal"}
    assert all(row["source_system"] == "tdx" for row in users)
    flagged = {row["uniqname"] for row in users if "missing_job_title" in row["quality_flags"]}
    assert flagged == {"bea", "cam", "dee", "fay", "hal"}
    renamed = [unit(1, "chem-ada", 8), unit(2, "hal", 7), unit(3, "mystery", 9)]
    later = silver(active_directory_organizational_unit=renamed)["users"]
    assert {row["uniqname"] for row in later if row["is_pi"]} == {"ada", "eli"}


def test_addresses_are_not_put_together_from_two_systems(silver: Silver) -> None:
    mine = tdx(WorkAddress="1 Old Street", WorkCity="Oldtown", WorkState="MI", WorkZip="1")
    [user] = silver(tdx_user=[mine], umich_api_user=[job(Work_City="Newtown")])["users"]
    assert (user["work_address_line1"], user["work_city"]) == ("1 Old Street", "Oldtown")
    [user] = silver(umich_api_user=[job(Work_Address1="2 New Street")])["users"]
    assert (user["work_address_line1"], user["work_city"]) == ("2 New Street", None)
    assert user["work_state"] is None
    [user] = silver(tdx_user=[tdx()], umich_api_user=[job(Work_City="Newtown")])["users"]
    assert (user["work_address_line1"], user["work_city"]) == (None, "Newtown")


def test_an_extension_belongs_to_its_number(silver: Silver) -> None:
    work = job(Work_Phone="555-1", Work_Phone_Extension="12")
    [user] = silver(tdx_user=[tdx(WorkPhone="555-2")], umich_api_user=[work])["users"]
    assert (user["work_phone"], user["work_phone_extension"]) == ("555-2", None)
    [user] = silver(tdx_user=[tdx()])["users"]
    assert (user["work_phone"], user["work_phone_extension"]) == ("555-1", "12")


def test_a_department_name_goes_with_its_id(silver: Silver) -> None:
    place = {"ID": 3, "Code": "300000", "Name": "Three"}
    mine = tdx(DefaultAccountID=3, DefaultAccountName="Three")
    [user] = silver(
        tdx_department=[place], tdx_user=[mine], umich_api_user=[job(DepartmentId="400000")]
    )["users"]
    assert (user["department_id"], user["department_name"]) == ("400000", None)
    [user] = silver(umich_api_user=[job()])["users"]
    assert (user["department_id"], user["department_name"]) == ("300000", "Three")


def test_a_department_without_a_code_gives_people_none(silver: Silver) -> None:
    place = {"ID": 3, "Code": " ", "Name": "Three"}
    tables = silver(tdx_department=[place], tdx_user=[tdx(DefaultAccountID=3)])
    assert tables["departments"][0]["dept_id"] == "TDX_3"
    assert tables["users"][0]["department_id"] is None
    assert "missing_department" in tables["users"][0]["quality_flags"]


def test_who_is_active(silver: Silver) -> None:
    people = {
        "tdx": tdx(1),
        "tdx-off": tdx(2, IsActive=False),
        "tdx-unknown": tdx(3, IsActive=None),
        "ad": account(4),
        "ad-off": account(5, userAccountControl="514"),
        "no-affiliation": entry(uidNumber="6"),
        "alumna": entry(uidNumber="7", ou="Alumni"),
        "sponsored": entry(uidNumber="8", ou="Sponsored Affiliates"),
        "staff-and-alumna": entry(uidNumber="9", ou=["Alumni", "Unit - Staff"]),
        "job": job(),
    }
    # Known to two systems, or twice to one.
    more = {
        "tdx-off": job(EmplId="8"),
        "ad-off": account(6),
        "alumna": account(7),
    }
    named = [_named(name, record) for group in (people, more) for name, record in group.items()]
    users = silver(
        tdx_user=[r for r in named if "UID" in r],
        umich_api_user=[r for r in named if "EmplId" in r],
        mcommunity_ldap_user=[r for r in named if "uid" in r],
        active_directory_user=[r for r in named if "cn" in r],
    )["users"]
    assert {row["uniqname"]: row["is_active"] for row in users} == {
        "tdx": True,
        "tdx-off": True,
        "tdx-unknown": False,
        "ad": True,
        "ad-off": True,
        "no-affiliation": False,
        "alumna": False,
        "sponsored": True,
        "staff-and-alumna": True,
        "job": True,
    }


def _named(uniqname: str, record: Row) -> Row:
    field = next(f for f in ("AlternateID", "UniqName", "uid", "cn") if f in record)
    return record | {field: uniqname}


def test_the_supervisor_is_named_by_any_of_their_appointments(silver: Silver) -> None:
    boss = [job(0, EmplId="9", UniqName=None), job(1, EmplId="9", UniqName="Bob")]
    users = silver(umich_api_user=[job(SupervisorId="9"), *boss])["users"]
    assert users[0]["primary_supervisor_uniqname"] == "bob"


def test_the_supervisor_in_tdx_is_the_second_choice(silver: Silver) -> None:
    mine = tdx(1, ReportsToUID=UID.format(2))
    users = silver(
        tdx_user=[mine, tdx(2, AlternateID="eve")], umich_api_user=[job(SupervisorId="404")]
    )["users"]
    assert users[0]["primary_supervisor_uniqname"] == "eve"
    assert users[0]["field_sources"]["primary_supervisor_uniqname"] == "tdx"


def test_several_values_never_become_the_text_of_an_array(silver: Silver) -> None:
    twice = ["a b", "c d"]
    tables = silver(
        mcommunity_ldap_user=[entry(displayName=twice, sn=twice, mail=twice, uidNumber="6")],
        active_directory_user=[account(displayName=twice, title=twice, whenCreated=twice)],
    )
    person, thing = tables["mcommunity_users"][0], tables["ad_users"][0]
    assert (person["full_name"], person["last_name"], person["emails"]) == ("a b", "a b", twice)
    assert (thing["display_name"], thing["when_created"]) == ("a b", None)
    assert thing["quality_flags"][0] == "invalid_when_created"


def test_values_that_do_not_fit_become_a_flag(silver: Silver) -> None:
    odd = tdx(IsActive="perhaps", BEIDInt=2**40, ReportsToUID="me", DefaultRate="1e99")
    [row] = silver(tdx_user=[odd])["tdx_users"]
    flags = {
        "invalid_is_active",
        "invalid_beid_int",
        "invalid_reports_to_uid",
        "invalid_default_rate",
    }
    assert flags <= set(row["quality_flags"])
    assert {row[c] for c in ("is_active", "beid_int", "reports_to_uid", "default_rate")} == {None}


def test_blank_is_missing_not_invalid(silver: Silver) -> None:
    [row] = silver(tdx_user=[tdx(EndDate="", ReportsToUID=" ", BEIDInt=None)])["tdx_users"]
    assert not [f for f in row["quality_flags"] if f.startswith("invalid_")]


def test_a_row_without_its_key_is_a_reject(silver: Silver, warehouse: Warehouse) -> None:
    tables = silver(umich_api_user=[job("first"), job(1)], tdx_department=[{"ID": "three"}])
    assert [row["empl_rcd"] for row in tables["umapi_employees"]] == [1]
    assert tables["tdx_departments"] == []
    rejects = warehouse.query("select entity, external_id from meta.rejects order by 1")
    assert rejects == [("tdx_departments", "three"), ("umapi_employees", "7-first")]


def test_many_accounts_with_one_code_are_one_department(silver: Silver) -> None:
    accounts = [
        {"ID": 1, "Code": "100000", "Name": "Closed", "IsActive": False},
        {"ID": 3, "Code": "100000", "Name": "Third", "IsActive": True, "ParentID": 1},
        {"ID": 2, "Code": "100000", "Name": "Second", "IsActive": True, "ParentID": 8},
    ]
    unit = {"DeptId": "100000", "DeptDescription": " ", "DeptGroupCampusDescr": "Main"}
    [row] = silver(tdx_department=accounts, umich_api_department=[unit])["departments"]
    assert (row["tdx_id"], row["department_name"]) == (2, "Second")
    assert row["field_sources"]["department_name"] == "tdx"
    assert row["hierarchical_path"] == "Main → Second"
    assert {"duplicate_tdx_code", "orphan_parent"} <= set(row["quality_flags"])


def test_tables_are_found_by_name() -> None:
    assert all(table(t.name) is t for t in SILVER_TABLES)
    with pytest.raises(ConfigurationError, match="known: ad_computers, ad_groups"):
        table("people")


def test_tables_stand_after_what_they_are_made_of() -> None:
    for place, item in enumerate(SILVER_TABLES):
        before = SILVER_TABLES[:place]
        assert all(t in before for t in getattr(item, "upstream", ()))
