"""What the lab tables must say, worked out in Python from the tables that they are made of.

Rules of domain/hub.md 5.6 to 5.10, lab by lab and machine by machine: slow, plain, and written
without a look at our SQL.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

Row = dict[str, Any]
Tables = dict[str, list[Row]]

MOST_PEOPLE = 200
ADMINISTRATIVE = """
academic affairs|administration|advancement|advising center|budget and finance|business operations
communications|dean's office|development|facilities|facilities and operations|finance
human resources|information technology|management information systems|research administration
shared services|student services
"""
_ADMINISTRATIVE = set(ADMINISTRATIVE.strip().replace("\n", "|").split("|"))


def is_pi_role(role: str | None) -> bool:
    role = (role or "").lower()
    leads = re.search(r"\bprincipal\s+investigator\b", role)
    co_lead = re.search(r"\b(co|sub|associate|assistant|deputy|former|key)[-\s]*principal", role)
    return bool(leads and not co_lead)


def names(text: str | None, uniqname: str) -> bool:
    """Whether the text has the uniqname with no letter next to it."""
    return bool(text and re.search(rf"(?<![a-z]){re.escape(uniqname)}(?![a-z])", text.lower()))


def pis(tables: Tables) -> dict[str, Row]:
    return {r["uniqname"]: r for r in tables["users"] if r["is_pi"]}


# --- members -----------------------------------------------------------------------------------


def members(tables: Tables) -> dict[tuple[str, str], Row]:
    people = {r["uniqname"]: r for r in tables["users"]}
    crowd: dict[str, set[str]] = defaultdict(set)
    for link in tables["group_members"]:
        if link["member_type"] == "user":
            crowd[link["group_key"]].add(link["member_uniqname"])
    rows = {}
    for lab in pis(tables):
        found: dict[str, set[str]] = {lab: set()}
        for group in tables["groups"]:
            inside = crowd[group["group_key"]]
            if len(inside) <= MOST_PEOPLE and _is_group_of(tables, group, lab):
                for member in inside:
                    found.setdefault(member, set()).add(group["group_id"])
        for member, groups in found.items():
            person = people.get(member)
            rows[lab, member] = _member(lab, member, groups, person) | _part(tables, lab, member)
    return rows


def _is_group_of(tables: Tables, group: Row, lab: str) -> bool:
    owned = any(
        o["group_key"] == group["group_key"] and o["owner_uniqname"] == lab
        for o in tables["group_owners"]
    )
    placed = lab in [unit.lower() for unit in group["ou_full_path"] or []]
    return owned or placed or names(group["group_id"], lab) or names(group["group_name"], lab)


def _member(lab: str, member: str, groups: set[str], person: Row | None) -> Row:
    known = person or {}
    role = known.get("job_title")
    department = (known.get("department_name") or "").strip().lower()
    return {
        "member_full_name": known.get("full_name"),
        "member_role": role,
        "member_department_id": known.get("department_id"),
        "member_department_name": known.get("department_name"),
        "is_pi": member == lab,
        "source_group_ids": sorted(groups),
        "silver_user_exists": person is not None,
        "is_manager_candidate": bool(
            role
            and member != lab
            and not re.search("chief administrator|professor", role, re.I)
            and department not in _ADMINISTRATIVE
        ),
    }


def _part(tables: Tables, lab: str, member: str) -> Row:
    """The part in awards that the lab's PI leads."""
    awards = tables["lab_awards"]
    led = {
        r["award_id"]
        for r in awards
        if r["person_uniqname"] == lab and is_pi_role(r["person_role"])
    }
    mine = [r for r in awards if r["person_uniqname"] == member and r["award_id"] in led]
    investigator = any(re.search(r"\binvestigator\b", r["person_role"] or "", re.I) for r in mine)
    return {
        "source_award_ids": sorted({r["award_id"] for r in mine}),
        "is_investigator": investigator and member != lab,
    }


# --- managers ----------------------------------------------------------------------------------

# score, titles (= in front: the whole title), job code
MANAGERS: tuple[tuple[int, str, str | None], ...] = (
    (1, "Lab Manager", "102945"),
    (1, "Lab Coordinator", "102946"),
    (1, "Laboratory Manager", "102929"),
    (2, "=Admin Coord/Project Coord|Project Coordinator|Administrative Coordinator", None),
    (3, "=Research Lab Specialist Lead", "102909"),
    (4, "Research Lab Specialist Lead", None),
    (5, "Research Lab Specialist Senior", None),
    (6, "Research Lab Specialist Inter", None),
    (7, "Research Lab Specialist Assoc", None),
    (8, "Research Lab Specialist", "102908"),
    (9, "Research Fellow", None),
    (10, "Tech.*Sr", "102944"),
    (11, "Lead", None),
    (12, "Research Scientist", None),
    (13, "=GSI and GSRA|=GSRA and GSI|=GSI/GSRA|=GSRA/GSI", None),
    (
        13,
        "=Graduate Student Instructor and Graduate Student Research Assistant"
        "|=Graduate Student Research Assistant and Graduate Student Instructor",
        None,
    ),
    (14, "Graduate Student Instructor|Graduate Student Research Assistant", None),
)


def manager_score(title: str, codes: Iterable[str]) -> int | None:
    held = set(codes)
    for score, titles, code in MANAGERS:
        if code in held or any(_fits(title, test) for test in titles.split("|")):
            return score
    return None


def _fits(title: str, test: str) -> bool:
    if test.startswith("="):
        return title.lower() == test[1:].lower()
    return bool(re.search(test, title, re.I))


def managers(tables: Tables) -> dict[tuple[str, str], Row]:
    """Of the labs and members as they are in the tables."""
    people = {r["uniqname"]: r for r in tables["users"]}
    departments = {r["dept_id"]: r for r in tables["departments"]}
    rows = {}
    for lab in tables["labs"]:
        place = departments.get(lab["primary_department_id"])
        if not (lab["is_active"] and lab["computer_count"] and place and place["tdx_id"]):
            continue
        found = []
        for member in tables["lab_members"]:
            if member["lab_id"] == lab["lab_id"] and member["is_manager_candidate"]:
                codes = [
                    c["job_code"] for c in people[member["member_uniqname"]]["job_codes"] or []
                ]
                if score := manager_score(member["member_role"], codes):
                    found.append((score, member["member_role"], member["member_uniqname"]))
        best = [f for f in found if f[0] <= 4] or found
        for rank, (score, role, member_name) in enumerate(sorted(best)[:3], 1):
            rows[lab["lab_id"], member_name] = {
                "manager_confidence_score": score,
                "manager_rank": rank,
                "manager_role": role,
            }
    return rows


# --- computers ---------------------------------------------------------------------------------

_BASES = {
    "owner_is_pi": 85,
    "ad_ou_nested": 80,
    "fin_owner_is_pi": 80,
    "name_pattern_pi": 70,
    "owner_member": 35,
    "last_user_member": 30,
}
_BONUSES = {"fin_owner_is_pi": 15, "owner_is_pi": 12, "ad_ou_nested": 10, "name_pattern_pi": 8}
_FUNCTIONS = {"research": 5, "classroom": 3, "administrative": -12, "development": -12}


class _Lab(NamedTuple):
    lab_id: str
    unit: str | None
    people: set[str]


def computers(tables: Tables) -> dict[tuple[str, str], Row]:
    """Of the labs and members as they are in the tables: every machine with every lab."""
    functions = {r["tdx_asset_id"]: r["attr_function_name"] for r in tables["tdx_assets"]}
    labs = [
        _Lab(
            r["lab_id"],
            r["ad_ou_dn"],
            {m["member_uniqname"] for m in tables["lab_members"] if m["lab_id"] == r["lab_id"]},
        )
        for r in tables["labs"]
        if r["is_active"]
    ]
    rows = {}
    for machine in tables["computers"]:
        if machine["is_active"]:
            function = functions.get(machine["tdx_asset_id"])
            pairs = {lab.lab_id: _pair(machine, function, lab) for lab in labs}
            best = _best({k: v for k, v in pairs.items() if v})
            for lab_id, pair in best.items():
                rows[machine["computer_id"], lab_id] = pair
    return rows


def _methods(machine: Row, lab: _Lab) -> list[str]:
    owner, payer = machine["owner_uniqname"], machine["financial_owner_uniqname"]
    user = re.sub(r".*\\|@.*", "", machine["last_user"] or "").strip().lower()
    dn = (machine["ad_distinguished_name"] or "").lower()
    facts = {
        "owner_is_pi": owner == lab.lab_id,
        "ad_ou_nested": bool(lab.unit) and dn.endswith(f",{(lab.unit or '').lower()}"),
        "fin_owner_is_pi": payer == lab.lab_id,
        "name_pattern_pi": names(machine["computer_name"], lab.lab_id),
        "owner_member": owner in lab.people and owner != lab.lab_id,
        "last_user_member": user in lab.people,
    }
    return [method for method in _BASES if facts[method]]


def _pair(machine: Row, function: str | None, lab: _Lab) -> Row | None:
    methods = _methods(machine, lab)
    if not methods:
        return None
    method = methods[0]
    score = _BASES[method] + sum(_BONUSES.get(m, 0) for m in methods if m != method)
    outside = [
        bool(who) and who != lab.lab_id and who not in lab.people
        for who in (machine["owner_uniqname"], machine["financial_owner_uniqname"])
    ]
    score -= 10 * outside[0] + 8 * outside[1]
    if function:
        score += _FUNCTIONS.get(function.lower(), -5)
    low, high = (70, 100) if _BASES[method] >= 70 else (20, 50)
    score = max(low, min(high, score))
    flags = {
        "low_confidence": score < 40,
        "high_confidence": score >= 90,
        "fully_pi_owned": {"owner_is_pi", "fin_owner_is_pi"} <= set(methods),
        "owner_not_affiliated": outside[0],
        "fin_owner_not_affiliated": outside[1],
        "admin_function": (function or "").lower() == "administrative",
        "dev_function": (function or "").lower() == "development",
        "no_function": not function,
    }
    return {
        "association_method": method,
        "association_methods": methods,
        "confidence": score,
        "flags": [flag for flag, raised in flags.items() if raised],
    }


def _best(pairs: dict[str, Row]) -> dict[str, Row]:
    order = list(_BASES)

    def rank(lab: str) -> tuple[Any, ...]:
        pair = pairs[lab]
        method = pair["association_method"]
        return (-pair["confidence"], -_BASES[method], order.index(method), lab)

    first = min(pairs, key=rank, default=None)
    return {lab: pair | {"is_primary": lab == first} for lab, pair in pairs.items()}


# --- names of departments ----------------------------------------------------------------------


def trigrams(text: str) -> set[str]:
    """As pg_trgm: of every word, two blanks before and one after."""
    words = (f"  {word} " for word in re.findall("[a-z0-9]+", text.lower()))
    return {word[n : n + 3] for word in words for n in range(len(word) - 2)}


def similarity(one: str, other: str) -> float:
    mine, theirs = trigrams(one), trigrams(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def _words(name: str | None) -> set[str]:
    """Enough of the rule for the names in these tests."""
    return set(re.findall("[a-z0-9]+", (name or "").lower())) - {"and", "department", "of", "the"}


def resembling(name: str, departments: list[Row]) -> tuple[str | None, float]:
    """The most similar department and how similar, above a half."""
    worded = [
        d for d in departments if _words(name) and _words(d["department_name"]) == _words(name)
    ]
    spelled = [d for d in worded if d["department_name"].lower() == name.lower()]
    if worded:
        return min(d["dept_id"] for d in spelled or worded), 1.0
    offers = [(similarity(name, d["department_name"] or ""), d["dept_id"]) for d in departments]
    close = [offer for offer in offers if offer[0] > 0.5]
    if not close:
        return None, 0.0
    best = min(close, key=lambda o: (-o[0], o[1]))
    return best[1], best[0]
