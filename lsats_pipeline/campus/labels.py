"""Which flags the hub must raise about a person, decided from the views (never from the JSON).

    Known --> one flag table per silver table --> labels

Weights and wording of the flags belong to the silver tables; here is only what each one means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from lsats_pipeline.campus.events import present_state
from lsats_pipeline.campus.facts import Facts
from lsats_pipeline.campus.people import ids_as
from lsats_pipeline.campus.views import (
    ActiveDirectoryUser,
    Known,
    McommunityPerson,
    TdxAccount,
    UmichApiJob,
)


class _FromBronze(Protocol):
    @property
    def problem(self) -> str: ...


V = TypeVar("V")
B = TypeVar("B", bound=_FromBronze)
Flags = tuple[tuple[str, Callable[[V], object]], ...]

TDX_FLAGS: Flags[TdxAccount] = (
    ("missing_uniqname", lambda a: not a.named),
    ("missing_email", lambda a: not a.email),
    ("missing_name", lambda a: not (a.first and a.last)),
    ("not_enriched", lambda a: not a.has_detail or a.detail_problem),
    ("inactive_account", lambda a: not a.active),
    ("invalid_end_date", lambda a: a.bad_end_date),
    ("uniqname_from_login", lambda a: a.named and not a.uniqname),
)
UMICH_API_FLAGS: Flags[UmichApiJob] = (
    ("missing_uniqname", lambda j: not j.uniqname),
    ("missing_supervisor", lambda j: not j.supervisor),
    ("missing_work_phone", lambda j: not j.phone),
    ("incomplete_work_location", lambda j: not (j.street and j.city)),
    ("missing_jobcode", lambda j: not j.jobcode),
    ("missing_university_job_title", lambda j: not j.title),
    ("malformed_department_id", lambda j: len(j.department_id) != 6),
)
MCOMMUNITY_FLAGS: Flags[McommunityPerson] = (
    ("missing_email", lambda e: not e.mails),
    ("missing_name", lambda e: not (e.first and e.last)),
    ("missing_affiliation", lambda e: not e.affiliations),
    ("alumni_only", lambda e: e.affiliations == ("Alumni",)),
    ("several_emails", lambda e: len(e.mails) > 1),
    ("malformed_uniqname", lambda e: not e.well_formed),
)
ACTIVE_DIRECTORY_FLAGS: Flags[ActiveDirectoryUser] = (
    ("missing_email", lambda o: not o.mail),
    ("missing_name", lambda o: not (o.first and o.last)),
    ("account_disabled", lambda o: o.disabled),
    ("conflict_object", lambda o: o.conflict),
    ("malformed_uniqname", lambda o: not (o.well_formed or o.conflict)),
)


class MergedLabel(NamedTuple):
    """What the hub can know of one uniqname: the row that wins in each system, and how many."""

    tdx: TdxAccount | None
    tdx_accounts: int
    umich_api: UmichApiJob | None
    mcommunity: McommunityPerson | None
    active_directory: ActiveDirectoryUser | None
    renames: int = 0  # how often the uniqname has changed, as far as any system knows
    lags: bool = False  # whether a record still goes by a former uniqname

    def any_of(self, *texts: str) -> bool:
        """Whether any of the four systems has one of these fields filled in."""
        rows = (self.tdx, self.umich_api, self.mcommunity, self.active_directory)
        return any(getattr(row, text, "") for row in rows if row for text in texts)

    def mails(self) -> set[str]:
        """The mail addresses of TDX, MCommunity and Active Directory, ignoring case."""
        directory = self.mcommunity.mails[:1] if self.mcommunity else ()
        found = (
            self.tdx and self.tdx.email,
            *directory,
            self.active_directory and self.active_directory.mail,
        )
        return {mail.lower() for mail in found if mail}

    def last_names(self) -> set[str]:
        """The last names of all four, ignoring case."""
        rows = (self.tdx, self.umich_api, self.mcommunity, self.active_directory)
        return {row.last.lower() for row in rows if row and row.last}

    def departments(self) -> set[str]:
        """The department codes of TDX and umich_api."""
        found = (self.tdx and self.tdx.code, self.umich_api and self.umich_api.department_id)
        return {code for code in found if code}


USER_FLAGS: Flags[MergedLabel] = (
    ("missing_email", lambda m: not m.mails()),
    ("missing_name", lambda m: not (m.any_of("first") and m.any_of("last"))),
    ("missing_department", lambda m: not m.departments()),
    ("missing_job_title", lambda m: not m.any_of("title", "department_title", "titles")),
    ("not_umapi_employee", lambda m: not m.umich_api),
    ("ad_disabled", lambda m: m.active_directory and m.active_directory.disabled),
    ("no_tdx_record", lambda m: not m.tdx),
    ("mcom_only", lambda m: m.mcommunity and not (m.tdx or m.umich_api or m.active_directory)),
    ("duplicate_tdx_account", lambda m: m.tdx_accounts > 1),
    ("email_disagreement", lambda m: len(m.mails()) > 1),
    ("name_disagreement", lambda m: len(m.last_names()) > 1),
    ("department_disagreement", lambda m: len(m.departments()) > 1),
    ("renamed", lambda m: m.renames),
    ("rename_under_way", lambda m: m.lags),
)


def merge(known: Known) -> MergedLabel:
    """The winning row of each system for the person's uniqname (see `silver.users`)."""
    tdx = [a for a in known.tdx if a.named and not a.problem]
    umich_api = [j for j in known.umich_api if j.uniqname and not j.problem]
    mcommunity = [e for e in known.mcommunity if e.well_formed and not e.problem]
    active_directory = [o for o in known.active_directory if o.well_formed and not o.problem]
    present = present_state(known.person)
    name = ids_as(known.ids, present).uniqname
    names = {
        *(account.named for account in tdx),
        *(job.uniqname for job in umich_api),
        *(entry.uid.lower() for entry in mcommunity),
        *(ad_user.cn for ad_user in active_directory),
    }
    return MergedLabel(
        renames=present.renames,
        lags=bool(present.renames and names - {name}),
        tdx=min(tdx, key=lambda a: (not a.active, a.uid), default=None),
        tdx_accounts=len(tdx),
        umich_api=min(umich_api, key=lambda j: j.rcd, default=None),
        mcommunity=mcommunity[0] if mcommunity else None,
        active_directory=min(active_directory, key=lambda o: (o.disabled, o.guid), default=None),
    )


def label_person(facts: Facts, known: Known) -> None:
    """Add every label that this person's records call for."""
    for account in known.tdx:
        _label(facts, "tdx_users", "tdx_user", TDX_FLAGS, account, account.uid)
        if account.detail_problem and account.has_detail and not account.problem:
            facts.label("rejects:tdx_user_detail", account.detail_problem, account.uid)
    for row in known.umich_api:
        _label(facts, "umapi_employees", "umich_api_user", UMICH_API_FLAGS, row, row.key)
    for entry in known.mcommunity:
        external, key = str(entry.uid_number), entry.uid.lower()
        stream = "mcommunity_ldap_user"
        _label(facts, "mcommunity_users", stream, MCOMMUNITY_FLAGS, entry, key, external)
    for ad_user in known.active_directory:
        _label(
            facts,
            "ad_users",
            "active_directory_user",
            ACTIVE_DIRECTORY_FLAGS,
            ad_user,
            ad_user.guid,
        )
    merged = merge(known)
    if merged.tdx or merged.umich_api or merged.mcommunity or merged.active_directory:
        present = ids_as(known.ids, present_state(known.person))
        raise_flags(facts, "users", USER_FLAGS, merged, present.uniqname)


def _label(
    facts: Facts,
    table: str,
    stream: str,
    flags: Flags[B],
    view: B,
    subject: str,
    external_id: str = "",
) -> None:
    if view.problem:
        facts.label(f"rejects:{stream}", view.problem, external_id or subject)
    else:
        raise_flags(facts, table, flags, view, subject)


def raise_flags(facts: Facts, table: str, flags: Flags[V], view: V, subject: str) -> None:
    """Add the flags that apply to a view."""
    for flag, applies in flags:
        if applies(view):
            facts.label(table, flag, subject)
