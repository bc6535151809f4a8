"""Random people of every source: each is in `users`, or a flag or a reject says why not.

Names, addresses and spellings are whatever `hypothesis` thinks of; who a record is about is known
here, and must be known to the hub.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsats_pipeline.core.settings import HubSettings
from lsats_pipeline.hub.bronze.ingest import ingest
from lsats_pipeline.hub.silver.tables.users import USERS
from lsats_pipeline.hub.sources import stream
from lsats_pipeline.hub.sources.source import Page
from lsats_pipeline.warehouse import Warehouse
from lsats_pipeline_tests.hub.silver.by_hand import ByHand, Row

UID = "00000000-0000-4000-8000-{:012}"
# PostgreSQL texts hold no NUL, and UTF-8 no half of a surrogate pair: such records are rejects.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NAMES = st.one_of(
    st.none(),
    TEXT,
    st.sampled_from(
        ["O'Quill", "O\u2019QUILL", "Quill\u200e", "\u202eיוסף\u202c", "Zoe\u0308 🎓", "x" * 3000]
    ),
)
INVISIBLE = st.sampled_from(["", "", "", "\u200b", "\u200e", "\ufeff", "\u00a0", " ", "\t"])
# How a system may spell whose a record is.
PLAIN = ("{}", "{}", "{}", " {} ", "{:u}")
ADDRESSES = (
    "{}@umich.edu", "{:u}@UMICH.EDU", "{}@med.umich.edu", "mailto:{}@umich.edu",
    "Quill, Jo <{}@umich.edu>", "{}@umich.edu; zz.other@example.com", "UMROOT\\{}",
)  # fmt: skip
# Texts that name nobody.
NOBODY = st.sampled_from([None, "", "  ", "Quill, Jo", "jo@example.com", "N/A", "svc_x", "\u200b"])


class Name(str):
    """`{:u}` of it is in capitals."""

    def __format__(self, spec: str) -> str:
        return self.upper() if spec == "u" else str(self)


@st.composite
def written(draw: st.DrawFn, name: str, forms: tuple[str, ...]) -> str:
    return draw(INVISIBLE) + draw(st.sampled_from(forms)).format(Name(name)) + draw(INVISIBLE)


@st.composite
def person(draw: st.DrawFn, n: int) -> tuple[str | None, str, Row]:
    """Whose record of which stream: None when it names nobody."""
    name = f"p{draw(st.text('abcdefgh', max_size=4))}{n}"
    nobody = draw(st.integers(0, 99)) == 0
    source = draw(st.sampled_from(["tdx", "umich_api", "mcommunity_ldap", "active_directory"]))
    first, last, shown = draw(NAMES), draw(NAMES), draw(NAMES)
    if source == "tdx":
        key = draw(NOBODY) if nobody else draw(written(name, PLAIN + ADDRESSES))
        row: Row = {"UID": UID.format(n), "AlternateID": key, "FirstName": first, "LastName": last}
        row |= {"FullName": shown, "PrimaryEmail": draw(NAMES), "IsActive": True}
        if not nobody and draw(st.integers(0, 9)) == 0:
            field = draw(st.sampled_from(["UserName", "AuthenticationUserName", "PrimaryEmail"]))
            row |= {"AlternateID": draw(NOBODY), field: f"{name}@umich.edu"}
    elif source == "umich_api":
        key = draw(NOBODY) if nobody else draw(written(name, PLAIN + ADDRESSES))
        row = {"EmplId": str(n), "EmplRcd": 0, "UniqName": key, "FirstName": first, "Name": shown}
    elif source == "mcommunity_ldap":
        key = "svc_x" if nobody else draw(written(name, PLAIN))
        row = {"dn": f"uid={name},ou=People,dc=x", "uid": key, "uidNumber": str(n), "sn": last}
        row |= {"displayName": shown, "mail": [f"{name}@umich.edu", "other@umich.edu"]}
    else:
        cn = draw(st.one_of(st.just(name), st.just(f"Quill, {name}"), st.just("Jo 😀")))
        key = "svc_x" if nobody else draw(written(name, PLAIN))
        row = {"objectGUID": UID.format(n), "cn": cn, "sAMAccountName": key, "sn": last}
        row |= {"dn": f"CN={n},DC=x", "distinguishedName": f"CN={n},DC=x", "displayName": shown}
    return (None if nobody else name), f"{source}_user", row


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[str | None, str, Row]]:
    return [draw(person(n)) for n in range(1, 61)]


@pytest.fixture
def hub(warehouse: Warehouse, hub_settings: HubSettings) -> ByHand:
    return ByHand(warehouse, hub_settings, USERS)


TIER1 = ("tdx_users", "umapi_employees", "mcommunity_users", "ad_users")
EXCUSES = {"missing_uniqname", "malformed_uniqname", "invalid_uniqname", "conflict_object"}


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
@given(crowd=crowds())
def test_everybody_is_a_row_or_a_flag_or_a_reject_says_why(
    hub: ByHand, crowd: list[tuple[str | None, str, Row]]
) -> None:
    streams: dict[str, list[Row]] = {
        f"{s}_user": [] for s in ("tdx", "umich_api", "mcommunity_ldap", "active_directory")
    }
    for _, source, row in crowd:
        streams[source].append(row)
    hub.take_in(**streams)
    hub.build()
    found: dict[str, Any] = {row["uniqname"]: row for row in hub.rows("users")}
    assert {name for name, _, _ in crowd if name} == found.keys()
    rows = {f"{t} {row['external_id']}": row for t in TIER1 for row in hub.rows(t)}
    assert len(rows) == len(crowd), "a key is all that a record needs"
    for row in rows.values():
        assert row["uniqname"] in found or EXCUSES & set(row["quality_flags"])
    for name in (*TIER1, "users"):
        failed = hub.reports[name].failed
        assert [rule.description for rule in failed if rule.name == "no_record_lost"] == []


@pytest.mark.parametrize("text", ["a\\ud800b", "\\udfff", "a\\u0000b"])
def test_what_no_database_can_hold_is_a_reject(hub: ByHand, text: str) -> None:
    """One such record stops nobody else."""
    bad = b'{"UID": "%s", "AlternateID": "ada", "FirstName": "%s"}'
    good = b'{"UID": "%s", "AlternateID": "bea", "FirstName": "Bea"}'
    page = Page([bad % (UID.format(1).encode(), text.encode()), good % UID.format(2).encode()])
    fake = replace(stream("tdx_user"), read=lambda client, request: iter([page]))
    ingest(hub.warehouse, hub.settings, fake, lambda: None, hub.settings.today())
    hub.build()
    assert {row["uniqname"] for row in hub.rows("users")} == {"bea"}
    [(reason,)] = hub.warehouse.query("select reason from meta.rejects")
    assert reason in ("invalid_json", "invalid_utf8", "nul_character")
