"""Of what the campus says is neither a person nor a computer, nothing is one in silver."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from lsats_pipeline.campus.other_accounts import PARTNERS
from lsats_pipeline_tests.hub.silver.conftest import DAYS, Lived

EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
GUIDS = {
    "ad_users": "ad_user_guid", "ad_computers": "object_guid", "users": "ad_object_guid",
    "computer_records": "system_id",
}  # fmt: skip


@EVERY_DAY
def test_none_is_a_person_or_a_computer(lived: Lived, day: dt.date) -> None:
    others = {row["object_guid"] for row in lived.days[day].truth["other_accounts"]}
    kinds = {row["kind"] for row in lived.days[day].truth["other_accounts"]}
    assert kinds == {"gmsa", "smsa", "contact", "foreign"}
    for name, column in GUIDS.items():
        found = {str(row[column]) for row in lived.days[day].silver[name].values()}
        assert len(found) > 10
        assert not found & others, name


@EVERY_DAY
def test_each_is_in_the_directory_under_its_class(lived: Lived, day: dt.date) -> None:
    """Or the test before would say nothing."""
    shown = {
        record.key: json.loads(record.payload)["attributes"]["objectClass"][-1]
        for record in lived.days[day].known
        if record.system == "active_directory" and record.entity in ("service_account", "contact")
    }
    truth = {row["object_guid"]: row["kind"] for row in lived.days[day].truth["other_accounts"]}
    classes = {
        "gmsa": "msDS-GroupManagedServiceAccount",
        "smsa": "msDS-ManagedServiceAccount",
        "contact": "contact",
    }
    assert shown == {key: classes[kind] for key, kind in truth.items() if kind in classes}


def test_more_come_with_the_days(lived: Lived) -> None:
    first, last = (len(lived.days[day].truth["other_accounts"]) for day in (DAYS[0], DAYS[-1]))
    assert first < last


@EVERY_DAY
def test_principals_of_other_domains_stay_in_their_group(lived: Lived, day: dt.date) -> None:
    truth = lived.days[day].truth["other_accounts"]
    foreign = {row["distinguished_name"] for row in truth if row["kind"] == "foreign"}
    members = [
        row
        for row in lived.days[day].silver["group_members"].values()
        if row["group_id"] == PARTNERS
    ]
    assert {dn for row in members for dn in row["member_dns"]} == foreign
    assert {row["member_type"] for row in members} == {"unknown"}
