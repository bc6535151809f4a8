"""Every intended defect of a person's records, as one table.

A defect is for life: it shows wherever the person has the record that it spoils. Bad bytes are the
exception: the first change of the record mends them, so a good record never turns bad.
Person number k below `len(DEFECTS)` shows defect k and no other, so that even the smallest campus
has every flag; everybody else has each defect with the stated frequency.

Names of defects are stored values (`campus.people.defects`), so they keep short names of systems:
`umapi_` is umich_api, `mcom_` mcommunity, `ad_` active_directory.
"""

from __future__ import annotations

from typing import NamedTuple

from lsats_pipeline.campus.sampling import WHOLE, many_uniforms
from lsats_pipeline.campus.world import Campus


class Defect(NamedTuple):
    """Its name, one person in how many has it, and what kind of person shows it first."""

    name: str
    one_in: float
    kind: str = "staff"


DEFECTS = (
    Defect("tdx_no_uniqname", 150),
    Defect("tdx_no_email", 60),
    Defect("tdx_no_first_name", 300),
    Defect("tdx_no_last_name", 300),
    Defect("tdx_no_detail", 150),
    Defect("tdx_bad_end_date", 200),
    Defect("tdx_inactive", 40),
    Defect("tdx_duplicate", 200),
    Defect("tdx_other_email", 60),
    Defect("tdx_other_department", 25),
    Defect("tdx_long_code_department", 10_000, "sponsored"),
    Defect("tdx_old_last_name", 80),
    Defect("tdx_nul", 800),
    Defect("tdx_bytes", 800),
    Defect("tdx_detail_nul", 1000),
    Defect("umapi_no_uniqname", 3.6),
    Defect("umapi_no_uniqname_first", 100),
    Defect("umapi_no_supervisor", 15),
    Defect("umapi_no_phone", 9),
    Defect("umapi_no_address", 14),
    Defect("umapi_no_city", 100),
    Defect("umapi_no_jobcode", 120),
    Defect("umapi_no_title", 120),
    Defect("umapi_no_titles", 150),
    Defect("umapi_long_title", 400),
    Defect("umapi_bad_department", 300),
    Defect("umapi_nul", 800),
    Defect("umapi_bytes", 800),
    Defect("mcom_no_mail", 250, "alumni"),
    Defect("mcom_no_given_name", 300, "alumni"),
    Defect("mcom_no_sn", 300, "alumni"),
    Defect("mcom_no_ou", 80),
    Defect("mcom_two_mails", 60),
    Defect("mcom_two_names", 60),
    Defect("mcom_two_titles", 100),
    Defect("mcom_other_mail", 80),
    Defect("mcom_capitals", 120),
    Defect("mcom_odd_uid", 400),
    Defect("mcom_nul", 1000),
    Defect("mcom_bytes", 1000),
    Defect("ad_no_mail", 50),
    Defect("ad_no_name", 200),
    Defect("ad_disabled", 50),
    Defect("ad_old_last_name", 60),
    Defect("ad_conflict", 200),
    Defect("ad_service_account", 400),
    Defect("ad_escaped_ou", 100),
    Defect("ad_nul", 1000),
    Defect("ad_bytes", 1000),
)

_LIMITS = tuple((defect.name, int(WHOLE / defect.one_in)) for defect in DEFECTS)

NUL, BAD_BYTES = "nul_character", "invalid_utf8"
# U+E0FF stands for a raw byte 0xFF on the wire; JSON escapes the other as backslash u0000.
_BAD_BYTES_OF = {"": "", NUL: "Bad\0", BAD_BYTES: "Caf\ue0ff"}


def defects_of(campus: Campus, number: int) -> frozenset[str]:
    """The names of a person's defects."""
    if number < len(DEFECTS):
        return frozenset((DEFECTS[number].name,))
    drawn = many_uniforms(len(DEFECTS), b"defects", campus.seed, number)
    return frozenset(
        [name for (name, limit), uniform in zip(_LIMITS, drawn, strict=True) if uniform < limit]
    )


def with_bad_bytes(text: str, problem: str) -> str:
    """The text, with bytes in it that the hub cannot store when there is a `problem`."""
    return text + _BAD_BYTES_OF[problem]


def bad_bytes(defects: frozenset[str], prefix: str, changes: int) -> str:
    """Why bronze must reject this person's records of a system, or "".

    `prefix`: how the names of the system's defects begin.
    """
    if changes or not defects:
        return ""
    if f"{prefix}_nul" in defects:
        return NUL
    return BAD_BYTES if f"{prefix}_bytes" in defects else ""
