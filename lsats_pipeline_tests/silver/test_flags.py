"""Every placed defect raises its flag, and nothing else does; scores follow from the flags."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from lsats_pipeline.silver.spec import Table
from lsats_pipeline.silver.tables import SILVER_TABLES
from lsats_pipeline_tests.silver.conftest import DAYS, Day, Label, Lived

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
SUBJECT = {
    "tdx_departments": "tdx_id",
    "umapi_departments": "dept_id",
    "umapi_employees": "external_id",
    "tdx_users": "tdx_user_uid",
    "mcommunity_users": "uniqname",
    "ad_users": "ad_user_guid",
    "departments": "dept_id",
    "users": "uniqname",
}

# What a flag costs, in hundredths, said a second time on purpose. Other flags cost nothing.
COSTS = {
    "tdx_departments": {
        "fallback_dept_code": 20, "malformed_dept_code": 10, "missing_dept_name": 30,
        "missing_active_status": 10, "not_enriched": 10, "modified_before_created": 5,
    },
    "umapi_departments": {
        "missing_department_name": 50, "missing_campus": 10, "missing_college": 10,
        "missing_vp_area": 10,
    },
    "umapi_employees": {
        "missing_uniqname": 30, "missing_supervisor": 15, "missing_work_phone": 15,
        "incomplete_work_location": 20, "missing_jobcode": 10,
        "missing_university_job_title": 10, "malformed_department_id": 5,
    },
    "tdx_users": {
        "missing_uniqname": 10, "missing_email": 5, "missing_name": 5, "not_enriched": 10,
        "invalid_end_date": 5,
    },
    "mcommunity_users": {
        "missing_email": 5, "missing_name": 5, "missing_affiliation": 5, "malformed_uniqname": 5,
    },
    "ad_users": {
        "missing_email": 5, "missing_name": 5, "conflict_object": 10, "malformed_uniqname": 5,
    },
    "departments": {
        "missing_dept_name": 50, "missing_campus": 10, "missing_college": 10,
        "missing_vp_area": 10, "no_tdx_data": 10, "no_umapi_data": 5, "name_disagreement": 5,
        "orphan_parent": 5, "duplicate_tdx_code": 5, "malformed_dept_code": 5,
    },
    "users": {
        "missing_email": 25, "missing_name": 20, "missing_department": 15,
        "missing_job_title": 10, "not_umapi_employee": 10, "ad_disabled": 10,
        "no_tdx_record": 5, "mcom_only": 15, "duplicate_tdx_account": 5,
        "email_disagreement": 5, "name_disagreement": 5, "department_disagreement": 5,
    },
}  # fmt: skip
ALL_FOUR = "ad+mcom+tdx+umapi"


def raised(day: Day) -> set[Label]:
    """Every flag in silver, every reject."""
    return day.rejects | {
        (table, flag, str(row[SUBJECT[table]]))
        for table, rows in day.silver.items()
        for row in rows.values()
        for flag in row["quality_flags"]
    }


@EVERY_DAY
def test_every_flag_kind_has_recall_and_precision_of_one(lived: Lived, day: dt.date) -> None:
    found, placed = raised(lived.days[day]), lived.days[day].labels
    assert sorted(placed - found) == [], "missed"
    assert sorted(found - placed) == [], "false alarms"


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda t: t.name)
def test_every_declared_flag_occurs(lived: Lived, table: Table) -> None:
    labelled = {flag for name, flag, _ in lived.days[DAYS[0]].labels if name == table.name}
    assert {rule.flag for rule in table.rules} <= labelled


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda t: t.name)
def test_scores_follow_from_the_labels(lived: Lived, table: Table) -> None:
    day = lived.days[DAYS[-1]]
    lost: dict[str, int] = defaultdict(int)
    for name, flag, subject in day.labels:
        if name == table.name:
            lost[subject] += COSTS[table.name].get(flag, 0)
    for row in day.silver[table.name].values():
        bonus = 10 if table.name == "users" and row["source_system"] == ALL_FOUR else 0
        score = max(0, min(100, 100 - lost[str(row[SUBJECT[table.name]])] + bonus))
        assert row["data_quality_score"] == Decimal(score) / 100, row


def test_every_reason_for_a_reject_occurs(lived: Lived) -> None:
    reasons = {flag for name, flag, _ in lived.days[DAYS[0]].labels if name.startswith("rejects:")}
    assert reasons == {"nul_character", "invalid_utf8", "missing_key"}
