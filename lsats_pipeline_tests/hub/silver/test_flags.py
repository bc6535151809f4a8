"""Every placed defect raises its flag, and nothing else does; scores follow from the flags."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from lsats_pipeline.campus.rules import SUBJECTS
from lsats_pipeline.hub.silver.spec import StagingTable, Table
from lsats_pipeline.hub.silver.tables import SILVER_TABLES
from lsats_pipeline_tests.hub.silver.conftest import DAYS, Day, Label, Lived

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
# Flags of the other tables follow from several records at once, and are compared with the truth
# next to their tables.
LABELLED = [t for t in SILVER_TABLES if t.name in SUBJECTS]

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
        "invalid_end_date": 5, "malformed_uniqname": 5, "several_uniqnames": 5,
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
    "tdx_assets": {
        "missing_name": 5, "missing_serial_number": 5, "placeholder_serial_number": 5,
        "damaged_serial_number": 5,
        "missing_owner": 5, "missing_department": 5, "not_enriched": 10, "missing_mac_address": 5,
        "malformed_mac_address": 5, "invalid_attr_last_inventoried_date": 5,
    },
    "mcommunity_groups": {
        "missing_group_name": 30, "missing_group_email": 10, "missing_description": 5,
        "missing_owner": 5,
    },
    "ad_groups": {"conflict_object": 10, "missing_description": 5},
    "ad_computers": {
        "conflict_object": 10, "missing_operating_system": 5, "missing_dns_hostname": 5,
    },
    "keyconfigure_cards": {"missing_computer_name": 5, "missing_last_session": 5},
    "keyconfigure_computers": {
        "missing_computer_name": 5, "missing_serial_number": 5, "placeholder_serial_number": 5,
        "damaged_serial_number": 5,
        "missing_last_session": 5,
    },
    "lab_awards": {
        "missing_department": 5, "malformed_department_id": 5, "missing_person_role": 5,
        "missing_award_title": 5, "missing_award_dates": 5, "malformed_uniqname": 5,
        "ends_before_start": 5,
    },
    "groups": {
        "missing_group_name": 30, "missing_group_email": 10, "no_members": 10,
        "missing_description": 5, "ad_only": 5, "mcommunity_only": 5, "duplicate_group_name": 5,
    },
}  # fmt: skip
# Whoever knows everything gives something back.
BONUS = {"users": ("ad+mcom+tdx+umapi", 10), "groups": ("ad+mcommunity", 10)}
# Kinds of flags and rejects that the campus foretells. Of other flags, the rows say whether they
# are raised where they should be, and the declaration what they cost.
LEAST_FORETOLD = 132
# No record that the hub can ingest looks like that.
NEVER = {
    "groups": {"missing_group_name"},
    "mcommunity_groups": {"missing_group_name"},
    # Who an account is for is always readable there, and the directory agrees with itself.
    "tdx_users": {"missing_uniqname", "malformed_uniqname", "several_uniqnames"},
}
# The directory of the campus shows the class of everything, and agrees with itself on names; nobody
# gets a name that was another's, and in three days all follow (test_renamed_people has those).
HIDES_NOTHING = {
    "class_unreadable", "account_name_disagreement", "rename_under_way", "identity_conflict",
    "reused_uniqname",
}  # fmt: skip


def raised(day: Day) -> set[Label]:
    """Every flag in silver, every reject."""
    return day.rejects | {
        (table, flag, str(row[SUBJECTS[table]]))
        for table, rows in day.silver.items()
        if table in SUBJECTS
        for row in rows.values()
        for flag in row["quality_flags"]
    }


def foretold(lived: Lived) -> set[tuple[str, str]]:
    """(table, flag) of everything that the campus foretells on any day."""
    kinds = {(table, flag) for day in lived.days.values() for table, flag, _ in day.labels}
    return {(table, flag) for table, flag in kinds if table != "campus"}


def of_its_own(lived: Lived) -> set[tuple[str, str]]:
    """(table, flag) of the declared flags that the campus knows nothing of."""
    declared = {(table.name, rule.name) for table in LABELLED for rule in table.rules}
    return declared - foretold(lived)


def test_the_campus_foretells_as_much_as_ever(lived: Lived) -> None:
    kinds = foretold(lived)
    assert len(kinds) >= LEAST_FORETOLD
    costing = {(table, flag) for table, costs in COSTS.items() for flag in costs}
    assert costing - kinds == {(table, flag) for table, flags in NEVER.items() for flag in flags}


@EVERY_DAY
def test_every_flag_kind_has_recall_and_precision_of_one(lived: Lived, day: dt.date) -> None:
    others = of_its_own(lived)
    found = {label for label in raised(lived.days[day]) if label[:2] not in others}
    placed = {label for label in lived.days[day].labels if label[0] != "campus"}
    assert sorted(placed - found) == [], "missed"
    assert sorted(found - placed) == [], "false alarms"


@pytest.mark.parametrize("table", LABELLED, ids=lambda t: t.name)
def test_every_declared_flag_occurs(lived: Lived, table: Table) -> None:
    labels = {label for day in lived.days.values() for label in day.labels}
    labelled = {flag for name, flag, _ in labels if name == table.name}
    rows = lived.days[DAYS[-1]].silver[table.name].values()
    others = {flag for name, flag in of_its_own(lived) if name == table.name}
    seen = {flag for row in rows for flag in row["quality_flags"]} & others
    declared = {rule.name for rule in table.rules} - NEVER.get(table.name, set())
    declared -= HIDES_NOTHING
    assert declared <= labelled | seen, "no row of the campus is so: nothing shows what it is for"


@pytest.mark.parametrize("table", SILVER_TABLES, ids=lambda t: t.name)
def test_a_flag_is_raised_where_its_condition_holds(lived: Lived, table: Table) -> None:
    rows = lived.days[DAYS[-1]].silver[table.name]
    for rule in table.rules:
        if (holding := lived.holding.get((table.name, rule.name))) is not None:
            assert {str(k) for k, row in rows.items() if rule.name in row["quality_flags"]} == (
                holding
            ), rule.name
        else:
            assert not isinstance(table, StagingTable), f"{rule.name}: its condition fails alone"


@pytest.mark.parametrize("table", LABELLED, ids=lambda t: t.name)
def test_scores_follow_from_the_labels(lived: Lived, table: Table) -> None:
    day = lived.days[DAYS[-1]]
    lost: dict[str, int] = defaultdict(int)
    for name, flag, subject in day.labels:
        if name == table.name:
            lost[subject] += COSTS[table.name].get(flag, 0)
    others = {flag for name, flag in of_its_own(lived) if name == table.name}
    declared = {rule.name: round(rule.cost * 100) for rule in table.rules if rule.name in others}
    for row in day.silver[table.name].values():
        lost[str(row[SUBJECTS[table.name]])] += sum(
            declared.get(flag, 0) for flag in row["quality_flags"]
        )
        known, bonus = BONUS.get(table.name, ("", 0))
        bonus = bonus if row.get("source_system") == known else 0
        score = max(0, min(100, 100 - lost[str(row[SUBJECTS[table.name]])] + bonus))
        assert row["data_quality_score"] == Decimal(score) / 100, row


def test_every_reason_for_a_reject_occurs(lived: Lived) -> None:
    reasons = {flag for name, flag, _ in lived.days[DAYS[0]].labels if name.startswith("rejects:")}
    assert reasons == {"nul_character", "invalid_utf8", "missing_key"}
