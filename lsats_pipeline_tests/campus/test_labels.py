"""Labels against a second opinion: flags worked out from the JSON that the systems give out.

The world decides its labels from what it planned; here nothing is known but the payloads and the
meaning of each flag. Both must name the same rows on every day.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from typing import Any

import psycopg
import pytest

from lsats_pipeline.campus import lifecycle as campus
from lsats_pipeline_tests.campus.conftest import FIRST_DAY

Row = dict[str, Any]
Labels = set[tuple[str, str, str]]

KEYS = {
    "tdx_department": lambda r: r["ID"],
    "tdx_user": lambda r: r["UID"],
    "umich_api_department": lambda r: r["DeptId"],
    "umich_api_user": lambda r: r["EmplId"] and f"{r['EmplId']}-{r['EmplRcd']}",
    "mcommunity_ldap_user": lambda r: one(r, "uidNumber"),
    "active_directory_user": lambda r: one(r, "objectGUID"),
}
EXPECTED_KINDS = {
    "tdx_departments": "fallback_dept_code malformed_dept_code missing_dept_name"
    " missing_active_status not_enriched modified_before_created no_location_data",
    "umapi_departments": "missing_department_name missing_campus missing_college missing_vp_area"
    " missing_dept_group_code missing_campus_code missing_vp_area_code",
    "umapi_employees": "missing_uniqname missing_supervisor missing_work_phone missing_jobcode"
    " incomplete_work_location missing_university_job_title malformed_department_id",
    "tdx_users": "missing_email missing_name not_enriched inactive_account invalid_end_date"
    " uniqname_from_login",
    "mcommunity_users": "missing_email missing_name missing_affiliation alumni_only several_emails"
    " malformed_uniqname",
    "ad_users": "missing_email missing_name account_disabled conflict_object malformed_uniqname",
    "departments": "missing_dept_name missing_campus missing_college missing_vp_area no_tdx_data"
    " no_umapi_data name_disagreement orphan_parent duplicate_tdx_code malformed_dept_code",
    "users": "missing_email missing_name missing_department missing_job_title not_umapi_employee"
    " ad_disabled no_tdx_record mcom_only duplicate_tdx_account email_disagreement"
    " name_disagreement department_disagreement",
    **{
        f"rejects:{stream}": "nul_character invalid_utf8 missing_key"
        for stream in ("tdx_user", "umich_api_user", "mcommunity_ldap_user", "umich_api_department")
    },
    "rejects:tdx_department": "nul_character invalid_utf8",
    "rejects:active_directory_user": "nul_character invalid_utf8",
    "rejects:tdx_user_detail": "nul_character",
}


def tdx_name(row: Row) -> str:
    """Whose an account is: AlternateID says it, else the login."""
    return usable(row["AlternateID"]) or usable(str(row["UserName"]).partition("@")[0])


def blank(value: Any) -> bool:
    return value is None or not str(value).strip()


def many(entry: Row, name: str) -> list[str]:
    found: list[str] = entry["attributes"].get(name, [])
    return found


def one(entry: Row, name: str) -> str:
    return next(iter(many(entry, name)), "")


def usable(name: Any) -> str:
    """The uniqname in a text, or ""."""
    text = str(name or "").strip().lower()
    return text if re.fullmatch(r"[a-z][a-z0-9.-]{0,49}", text) else ""


def differ(*texts: Any) -> bool:
    return len({str(t).strip().lower() for t in texts if not blank(t)}) > 1


def is_time(text: str) -> bool:
    try:
        return bool(dt.datetime.fromisoformat(text))
    except ValueError:
        return False


class Opinion:
    """Streams as bronze would keep them on a day, and the flags that follow."""

    def __init__(self, connection: psycopg.Connection, day: dt.date) -> None:
        self.labels: Labels = set()
        self.streams: dict[str, list[Row]] = defaultdict(list)
        self.details: dict[str, dict[str, Row]] = defaultdict(dict)
        query = (
            "select system || '_' || entity, record_key, payload from campus.records"
            " where valid_from <= %(d)s and (valid_to is null or %(d)s < valid_to)"
            " and fault = '' order by record_key"
        )
        for stream, key, payload in connection.execute(query, {"d": day}):
            if stream.removesuffix("_detail") in KEYS:
                self._land(stream, key, payload)
        self._tdx_departments()
        self._umich_api_departments()
        self._employees()
        self._tdx_users()
        self._mcommunity()
        self._active_directory()
        self._departments()
        self._users()

    def flag(self, table: str, subject: Any, **flags: Any) -> None:
        self.labels |= {(table, flag, str(subject)) for flag, holds in flags.items() if holds}

    def _land(self, stream: str, key: str, payload: str) -> None:
        broken = {"nul_character": r"\u0000" in payload, "invalid_utf8": "\ue0ff" in payload}
        if any(broken.values()):
            self.flag(f"rejects:{stream}", key, **broken)
        elif stream.endswith("_detail"):
            self.details[stream.removesuffix("_detail")][key] = json.loads(payload)
        elif KEYS[stream](row := json.loads(payload)):
            assert str(KEYS[stream](row)) == key
            self.streams[stream].append(row)
        else:
            self.flag(f"rejects:{stream}", "", missing_key=True)

    def _tdx_departments(self) -> None:
        places = (
            "Address1",
            "Address2",
            "City",
            "StateAbbr",
            "PostalCode",
            "Country",
            "Phone",
            "Url",
        )
        for row in self.streams["tdx_department"]:
            detail = self.details["tdx_department"].get(str(row["ID"]), {})
            code = (row["Code"] or "").strip()
            row["dept_id"] = code or f"TDX_{row['ID']}"
            self.flag(
                "tdx_departments",
                row["ID"],
                fallback_dept_code=not code,
                malformed_dept_code=code and not re.fullmatch(r"\d{6}", code),
                missing_dept_name=blank(row["Name"]),
                missing_active_status=row["IsActive"] is None,
                not_enriched=not detail,
                modified_before_created=row["ModifiedDate"] < row["CreatedDate"],
                no_location_data=all(blank(detail.get(place)) for place in places),
            )

    def _umich_api_departments(self) -> None:
        for row in self.streams["umich_api_department"]:
            self.flag(
                "umapi_departments",
                row["DeptId"],
                missing_department_name=blank(row["DeptDescription"]),
                missing_campus=blank(row["DeptGroupCampusDescr"]),
                missing_college=blank(row["DeptGroupDescription"]),
                missing_vp_area=blank(row["DeptGroupVPAreaDescr"]),
                missing_dept_group_code=blank(row["DeptGroup"]),
                missing_campus_code=blank(row["DeptGroupCampus"]),
                missing_vp_area_code=blank(row["DeptGroupVPArea"]),
            )

    def _employees(self) -> None:
        address = ("Work_Address1", "Work_City", "Work_State", "Work_Postal")
        for row in self.streams["umich_api_user"]:
            self.flag(
                "umapi_employees",
                f"{row['EmplId']}-{row['EmplRcd']}",
                missing_uniqname=blank(row["UniqName"]),
                missing_supervisor=blank(row["SupervisorId"]),
                missing_work_phone=blank(row["Work_Phone"]),
                incomplete_work_location=any(blank(row[part]) for part in address),
                missing_jobcode=blank(row["Jobcode"]),
                missing_university_job_title=blank(row["UniversityJobTitle"]),
                malformed_department_id=not re.fullmatch(r"\d{6}", row["DepartmentId"]),
            )

    def _tdx_users(self) -> None:
        for row in self.streams["tdx_user"]:
            self.flag(
                "tdx_users",
                row["UID"],
                missing_uniqname=not tdx_name(row),
                uniqname_from_login=blank(row["AlternateID"]) and tdx_name(row),
                missing_email=blank(row["PrimaryEmail"]),
                missing_name=blank(row["FirstName"]) or blank(row["LastName"]),
                not_enriched=row["UID"] not in self.details["tdx_user"],
                inactive_account=row["IsActive"] is False,
                invalid_end_date=not blank(row["EndDate"]) and not is_time(row["EndDate"]),
            )

    def _mcommunity(self) -> None:
        for entry in self.streams["mcommunity_ldap_user"]:
            units = many(entry, "ou")
            self.flag(
                "mcommunity_users",
                one(entry, "uid").strip().lower(),
                missing_email=not many(entry, "mail"),
                missing_name=not (one(entry, "givenName") and one(entry, "sn")),
                missing_affiliation=not units,
                alumni_only=set(units) == {"Alumni"},
                several_emails=len(many(entry, "mail")) > 1,
                malformed_uniqname=not usable(one(entry, "uid")),
            )

    def _active_directory(self) -> None:
        for entry in self.streams["active_directory_user"]:
            cn = one(entry, "cn")
            self.flag(
                "ad_users",
                one(entry, "objectGUID"),
                missing_email=not one(entry, "mail"),
                missing_name=not (one(entry, "givenName") and one(entry, "sn")),
                account_disabled=int(one(entry, "userAccountControl")) & 2,
                conflict_object="CNF:" in cn,
                malformed_uniqname="CNF:" not in cn and not usable(cn),
            )

    def _departments(self) -> None:
        tdx = defaultdict(list)
        for row in self.streams["tdx_department"]:
            tdx[row["dept_id"]].append(row)
        umich_api = {row["DeptId"]: row for row in self.streams["umich_api_department"]}
        ids = {row["ID"] for row in self.streams["tdx_department"]}
        for key in tdx.keys() | umich_api.keys():
            mine, theirs = tdx.get(key, [{}])[0], umich_api.get(key, {})
            self.flag(
                "departments",
                key,
                missing_dept_name=blank(mine.get("Name")) and blank(theirs.get("DeptDescription")),
                missing_campus=blank(theirs.get("DeptGroupCampusDescr")),
                missing_college=blank(theirs.get("DeptGroupDescription")),
                missing_vp_area=blank(theirs.get("DeptGroupVPAreaDescr")),
                no_tdx_data=not mine,
                no_umapi_data=not theirs,
                name_disagreement=differ(mine.get("Name"), theirs.get("DeptDescription")),
                orphan_parent=mine.get("ParentID") and mine["ParentID"] not in ids,
                duplicate_tdx_code=len(tdx.get(key, [])) > 1,
                malformed_dept_code=not re.fullmatch(r"\d{6}|TDX_\d+", key),
            )

    def _users(self) -> None:
        people: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in self.streams["tdx_user"]:
            people[tdx_name(row)]["tdx"].append(row)
        for row in self.streams["umich_api_user"]:
            people[usable(row["UniqName"])]["umich_api"].append(row)
        for row in self.streams["mcommunity_ldap_user"]:
            people[usable(one(row, "uid"))]["mcommunity"].append(row)
        for row in self.streams["active_directory_user"]:
            people[usable(one(row, "cn"))]["active_directory"].append(row)
        people.pop("", None)
        codes = {row["ID"]: row["dept_id"] for row in self.streams["tdx_department"]}
        for name, rows in people.items():
            self._user(name, rows, codes)

    def _user(self, name: str, rows: dict[str, list[Row]], codes: dict[int, str]) -> None:
        empty: Row = {"attributes": {}}
        tdx = min(rows["tdx"], key=lambda r: (not r["IsActive"], r["UID"]), default={})
        umich_api = min(rows["umich_api"], key=lambda r: (r["EmplRcd"], r["EmplId"]), default={})
        mcommunity = rows["mcommunity"][0] if rows["mcommunity"] else empty
        active_directory = min(
            rows["active_directory"],
            key=lambda r: (one(r, "userAccountControl") == "514", one(r, "objectGUID")),
            default=empty,
        )
        mails = (tdx.get("PrimaryEmail"), one(mcommunity, "mail"), one(active_directory, "mail"))
        first = (tdx.get("FirstName"), umich_api.get("FirstName"), one(mcommunity, "givenName"))
        last = (
            tdx.get("LastName"),
            umich_api.get("LastName"),
            one(mcommunity, "sn"),
            one(active_directory, "sn"),
        )
        titles = (
            *(
                umich_api.get("UniversityJobTitle"),
                umich_api.get("DepartmentJobTitle"),
                tdx.get("Title"),
            ),
            *(one(mcommunity, "umichTitle"), one(active_directory, "title")),
        )
        places = (codes.get(tdx.get("DefaultAccountID", 0)), umich_api.get("DepartmentId"))
        self.flag(
            "users",
            name,
            missing_email=all(map(blank, mails)),
            missing_name=all(map(blank, (*first, one(active_directory, "givenName"))))
            or all(map(blank, last)),
            missing_department=all(map(blank, places)),
            missing_job_title=all(map(blank, titles)),
            not_umapi_employee=not umich_api,
            ad_disabled=one(active_directory, "userAccountControl") == "514",
            no_tdx_record=not tdx,
            mcom_only=rows["mcommunity"] and not (tdx or umich_api or rows["active_directory"]),
            duplicate_tdx_account=len(rows["tdx"]) > 1,
            email_disagreement=differ(*mails),
            name_disagreement=differ(*last),
            department_disagreement=differ(*places),
        )


def labels_on(connection: psycopg.Connection, day: dt.date) -> Labels:
    rows = connection.execute(
        "select table_name, flag, subject from campus.labels"
        " where valid_from <= %(d)s and (valid_to is null or %(d)s < valid_to)",
        {"d": day},
    ).fetchall()
    return {(str(t), str(f), str(s)) for t, f, s in rows if t in EXPECTED_KINDS}


@pytest.mark.parametrize("age", range(6))
def test_labels_agree_with_the_payloads(aged_campus: psycopg.Connection, age: int) -> None:
    day = FIRST_DAY + dt.timedelta(days=age)
    opinion, labels = Opinion(aged_campus, day).labels, labels_on(aged_campus, day)
    assert sorted(opinion - labels)[:20] == []
    assert sorted(labels - opinion)[:20] == []


@pytest.mark.parametrize("people", [200, 2000])
def test_every_flag_occurs(connection: psycopg.Connection, people: int) -> None:
    campus.create(connection, seed=4, people=people, first_day=FIRST_DAY)
    found = defaultdict(set)
    for table, flag, _ in labels_on(connection, FIRST_DAY):
        found[table].add(flag)
    assert found == {table: set(flags.split()) for table, flags in EXPECTED_KINDS.items()}


def test_labels_are_opened_and_closed(aged_campus: psycopg.Connection) -> None:
    counts = aged_campus.execute(
        "select count(*) filter (where valid_from > %s), count(valid_to) from campus.labels",
        (FIRST_DAY,),
    ).fetchone()
    assert counts and all(counts)
