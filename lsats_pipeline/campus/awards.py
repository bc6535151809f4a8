"""Research awards of labs: rows of the export, one per award, person, role, department and project.

Lab --> awards --> rows (domain/hub.md 1.6: float text, money text, M/D/YYYY, blanks) and truth
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from lsats_pipeline.campus import names
from lsats_pipeline.campus.departments import homes, skeleton
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.labs import Lab, lab_members
from lsats_pipeline.campus.people import Ids, Person, ids_of, manager, start_of
from lsats_pipeline.campus.sampling import below, bernoulli, pick, uniforms
from lsats_pipeline.campus.views import college_name
from lsats_pipeline.campus.world import Campus

LEADER, PARTNER, KEY_PERSON = (
    "UM Principal Investigator", "Participating Investigator", "Key Personnel",
)  # fmt: skip
SPONSORS = (
    ("Synthetic Science Foundation", "Federal", "SSF"),
    ("Placeholder Institutes of Health", "Federal", "PIH"),
    ("Example Family Foundation", "Foundation", "Private Foundation"),
    ("Mockup Motors", "Industry", "Automotive"),
)
CLASSES = ("Grant", "Contract", "Cooperative Agreement")


class AwardDraw(NamedTuple):
    """The uniforms of an award."""

    dollars: int
    rate: int
    begins: int
    lasts: int
    sponsor: int
    prime: int
    kind: int
    title: int
    partners: int
    collides: int
    no_department: int
    capitals: int


Content = dict[str, str]


class AwardRow(NamedTuple):
    """One row of the export with the values it stands for."""

    award: str
    project: str
    role: str
    person: Person
    ids: Ids
    department: int | None
    uniqname: str  # as written
    cents: int
    collides: bool = False


# Each row of the odd award shows one of these, and is otherwise in order.
ODDITIES: dict[str, Content] = {
    "missing_department": {
        "Person Appt Department Id": "",
        "Person Appt Department": "",
        "Person Appt School/College": "",
    },
    "malformed_department_id": {"Person Appt Department Id": "17-500"},
    "missing_person_role": {"Person Role": "  "},
    "missing_award_title": {"Award Title": ""},
    "missing_award_dates": {"Award Project End Date": ""},
    "malformed_uniqname": {"Person Uniqname": "no such person"},
    "ends_before_start": {"Award Project End Date": "1/2/1999"},
}
ODD_AWARD = "AWD9999900"


def odd_award_facts(facts: Facts, campus: Campus) -> None:
    """Add an award whose rows are odd, two that collide, and one that names nobody."""
    draw = AwardDraw._make(uniforms(b"award", campus.seed, -1)[: len(AwardDraw._fields)])
    for spot, (flag, changes) in enumerate(ODDITIES.items()):
        person, ids = manager(campus, homes(campus)[spot])
        row = AwardRow(
            ODD_AWARD, f"O{spot:05d}", KEY_PERSON, person, ids, person.department, ids.uniqname, 0
        )
        content = _content(campus, row, draw, 0) | changes
        facts.record("lab_awards", "lab_award", (key := identity_of(content)), content)
        facts.label("lab_awards", flag, key)
        facts.label("campus", f"award_{flag}", key)
    twin = _content(campus, row._replace(department=_next_to(campus, row.person)), draw, 0)
    facts.record("lab_awards", "lab_award", (key := identity_of(twin)), twin)
    facts.label("campus", "award_collides", key)
    facts.record("lab_awards", "lab_award", "?nobody", content | {"Person Uniqname": ""})
    facts.label("rejects:lab_awards_lab_award", "missing_key", "")


def identity_of(content: Content) -> str:
    """What identifies a row in bronze: award, person, department, role, project."""
    code = content["Person Appt Department Id"].removesuffix(".0")
    person, role = content["Person Uniqname"].lower(), content["Person Role"].strip()
    return "|".join((content["Award Id"], person, code, role, content["Project/Grant"]))


def award_facts(facts: Facts, campus: Campus, lab: Lab) -> None:
    """Add the rows of all awards of a lab, the truth about them and labels."""
    for nth in range(lab.awards):
        award = f"AWD{lab.number:05d}{nth:02d}"
        draw = AwardDraw._make(
            uniforms(b"award", campus.seed, lab.number, nth)[: len(AwardDraw._fields)]
        )
        for row in _rows(campus, lab, award, draw, lab.amended if nth == 0 else 0):
            _add(facts, campus, row, draw, lab.amended if nth == 0 else 0)


def _add(facts: Facts, campus: Campus, row: AwardRow, draw: AwardDraw, amended: int) -> None:
    content = _content(campus, row, draw, amended)
    identity = identity_of(content)
    facts.record("lab_awards", "lab_award", identity, content)
    code = "" if row.department is None else skeleton(campus)[row.department].code
    key = (row.award, row.uniqname.lower(), row.role, row.project, code)
    facts.add("lab_awards", key, (row.cents,))
    if row.department is None:
        facts.label("lab_awards", "missing_department", identity)
        facts.label("campus", "award_missing_department", identity)
    if row.collides:
        facts.label("campus", "award_collides", identity)


def _rows(
    campus: Campus, lab: Lab, award: str, draw: AwardDraw, amended: int
) -> Iterator[AwardRow]:
    cents = (50_000 + below(2_000_000, draw.dollars) + 2_500 * amended) * 100
    leader = AwardRow(
        award=award,
        project=f"F{lab.number:05d}",
        role=LEADER,
        person=lab.pi,
        ids=lab.ids,
        department=None if bernoulli(8, draw.no_department) else lab.department,
        uniqname=lab.ids.uniqname.upper() if bernoulli(10, draw.capitals) else lab.ids.uniqname,
        cents=cents,
    )
    yield leader
    if bernoulli(15, draw.collides) and leader.department is not None:
        yield leader._replace(department=_next_to(campus, lab.pi), collides=True)
    members = sorted(lab_members(campus, lab.number, 0))
    for nth in range(min(below(3, draw.partners), len(members))):
        person = start_of(campus, members[nth])
        ids = ids_of(campus, person.number, person.first, person.last)
        yield leader._replace(
            role=(PARTNER, KEY_PERSON)[nth % 2],
            person=person,
            ids=ids,
            department=person.department,
            uniqname=ids.uniqname,
        )


def _next_to(campus: Campus, person: Person) -> int:
    """Another department than the person's own."""
    rooms = homes(campus)
    return rooms[(person.department - rooms.start + 1) % len(rooms)]


def _content(campus: Campus, row: AwardRow, draw: AwardDraw, amended: int) -> Content:
    sponsor, category, subcategory = pick(SPONSORS, draw.sponsor)
    prime = pick(SPONSORS, draw.prime) if draw.prime % 3 == 0 else ("", "", "")
    begins = campus.date(-below(1500, draw.begins))
    ends = begins + dt.timedelta(days=365 * (1 + below(5, draw.lasts)) + 90 * amended)
    place = row.department
    code = "" if place is None else skeleton(campus)[place].code
    admin = row.person.department if place is None else place
    direct = row.cents * 100 // (100 + 10 * (draw.rate % 6))
    subject = pick(names.SUBJECTS, draw.title)
    return {
        "Award Id": row.award,
        "Project/Grant": row.project,
        "Award Title": f'Studies in "{subject}", part {1 + draw.title % 4}',
        "Award Class": pick(CLASSES, draw.kind),
        "Person Role": row.role,
        "Person Last Name": row.person.last,
        "Person First Name": row.person.first,
        "Person Uniqname": row.uniqname,
        "Person Appt Department Id": f"{code}.0" if code else "",
        "Person Appt Department": "" if place is None else skeleton(campus)[place].founding_name,
        "Person Appt School/College": "" if place is None else college_name(campus, place),
        "Award Admin Department": skeleton(campus)[admin].founding_name,
        "Award Admin School/College": college_name(campus, admin),
        "Award Project Start Date": us_date(begins),
        "Award Project End Date": us_date(ends),
        "Pre NCE Project End Date": us_date(ends - dt.timedelta(days=90)) if amended else "",
        "Award Direct Dollars": money(direct),
        "Award Indirect Dollars": money(row.cents - direct),
        "Award Total Dollars": money(row.cents),
        "Facilities & Admin Rate (%)": f"{10 * (draw.rate % 6)}.0%",
        "Direct Sponsor Name": sponsor,
        "Direct Sponsor Award Reference Number\n(Current Budget Period)": f"REF-{row.award}",
        "Direct Sponsor Category": category,
        "Direct Sponsor Subcategory": subcategory,
        "Prime Sponsor Name": prime[0],
        "Prime Sponsor Award Reference Number": f"PRIME-{row.award}" if prime[0] else "",
        "Prime Sponsor Category": prime[1],
        "Prime Sponsor Subcategory": prime[2],
        "Award Publish Date": us_date(begins - dt.timedelta(days=20)),
    }


def us_date(date: dt.date) -> str:
    """M/D/YYYY."""
    return f"{date.month}/{date.day}/{date.year}"


def money(cents: int) -> str:
    """`$1,234` or `$1,234.56`."""
    whole, part = divmod(cents, 100)
    return f"${whole:,}.{part:02d}" if part else f"${whole:,}"
