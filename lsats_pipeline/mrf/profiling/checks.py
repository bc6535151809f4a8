"""Checks of a profile: what has to agree, and how much of what is doubtful is tolerated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsats_pipeline.core.report import Check, exceeds
from lsats_pipeline.mrf.profiling.statistics import FileProfile, ProfileFinding


@dataclass(frozen=True)
class Tolerance:
    """Shares above which a check fails; what is `never` tolerated fails with the first one."""

    rejects: float = 0.05
    doubtful: float = 0.01
    malformed_codes: float = 0.05


_RANGES = (
    "rate_zero", "rate_negative", "rate_huge", "percentage_as_fraction", "date_impossible",
    "date_expired", "outlying", "amount_negative", "amount_huge",
)  # fmt: skip
_PROVIDERS = ("tin_malformed", "npi_malformed", "npi_check_digit")
_NEVER_OF_REFERENCES = ("reference_dangling", "reference_contradicts")


def checks_of(profile: FileProfile, tolerance: Tolerance | None = None) -> tuple[Check, ...]:
    """Every check, in the order of the file: ledger, rejects, schema, ranges, references."""
    allowed = tolerance or Tolerance()
    return (
        *_ledger(profile),
        _rejects(profile, allowed),
        _schema(profile),
        _complete(profile),
        *_few(profile, "ranges", "rates and dates make sense", _RANGES, allowed.doubtful),
        *_few(profile, "providers", "TINs and NPIs are well formed", _PROVIDERS, allowed.doubtful),
        _codes(profile, allowed),
        _references(profile),
        *_few(profile, "duplicates", "no price is there twice", ("duplicate",), allowed.doubtful),
    )


def _ledger(profile: FileProfile) -> Iterator[Check]:
    has = profile.ledger
    whole = has["text_in_spans"] + has["text_between"]
    yield Check(
        "every_byte_once",
        whole == has["text"] and not has["text_twice"],
        f"{has['text']:,} bytes of text: {has['text_in_spans']:,} in spans,"
        f" {has['text_between']:,} between, {has['text_twice']:,} twice",
        blocking=True,
        values={name: has[name] for name in has if name.startswith("text")},
    )
    told = has["values_taken"] + has["values_rejected"]
    yield Check(
        "every_row_once",
        has["values"] == told and has["rows_written"] == has["rows_stored"],
        f"{has['values']:,} values read, {told:,} taken or rejected;"
        f" {has['rows_written']:,} rows written, {has['rows_stored']:,} stored",
        blocking=True,
        values={name: has[name] for name in has if not name.startswith("text")},
    )


def _rejects(profile: FileProfile, allowed: Tolerance) -> Check:
    rejected, stored = profile.ledger["rejects"], profile.ledger["rows_stored"]
    return Check(
        "few_rejects",
        not exceeds(rejected, stored, allowed.rejects),
        f"{rejected:,} rejects beside {stored - rejected:,} rows",
        values={"rejects": rejected, "rows": stored},
    )


def _schema(profile: FileProfile) -> Check:
    schema = profile.schema
    broken = [found for found in schema.violations if found.breaks]
    first = f"; most often {broken[0].path} {broken[0].what} {broken[0].detail}" if broken else ""
    stated = f"version {schema.version} of the schema (the file says {schema.stated or 'nothing'})"
    return Check(
        "schema",
        not broken,
        f"{schema.broken():,} values differ from {stated}{first}",
        values={f"{v.path} {v.what} {v.detail}"[:120]: v.count for v in broken[:20]},
    )


def _complete(profile: FileProfile) -> Check:
    missing = {
        f"{v.path}.{v.detail}".lstrip("."): v.count
        for v in profile.schema.violations
        if v.what in ("missing", "empty")
    }
    return Check(
        "complete",
        not missing,
        f"{sum(missing.values()):,} required values are missing or empty",
        values=missing,
    )


def _few(
    profile: FileProfile, name: str, about: str, findings: tuple[str, ...], share: float
) -> Iterator[Check]:
    found = [profile.finding(one) for one in findings]
    bad = [one for one in found if exceeds(one.count, one.of, share)]
    yield Check(name, not bad, _told(about, found), values={one.name: one.count for one in found})


def _told(about: str, found: list[ProfileFinding]) -> str:
    some = ", ".join(f"{one.count:,} {one.name}" for one in found if one.count)
    return f"{about}: {some or 'nothing doubtful'}"


def _codes(profile: FileProfile, allowed: Tolerance) -> Check:
    bad = {system.name: system.malformed for system in profile.systems if system.malformed}
    return Check(
        "codes",
        not any(exceeds(s.malformed, s.rows, allowed.malformed_codes) for s in profile.systems),
        f"{sum(bad.values()):,} rows have a billing code that is not of its system's form",
        values=bad,
    )


def _references(profile: FileProfile) -> Check:
    names = (*_NEVER_OF_REFERENCES, "reference_repeated", "reference_unused")
    found = [profile.finding(name) for name in names]
    return Check(
        "references",
        not any(profile.finding(name).count for name in _NEVER_OF_REFERENCES),
        _told("every reference leads to one provider list", found),
        values={one.name: one.count for one in found},
    )
