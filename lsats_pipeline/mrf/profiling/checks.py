"""Rules for a profiled file: what has to agree, and how much of what is doubtful is tolerated."""

from __future__ import annotations

from dataclasses import dataclass

from lsats_pipeline.core.rules import Result, Rule, exceeds
from lsats_pipeline.mrf.profiling.statistics import FileProfile, ProfileFinding


@dataclass(frozen=True)
class FindingsRule(Rule):
    """Few enough rows have any of these findings, with no threshold none; `noted` are harmless."""

    findings: tuple[str, ...]
    noted: tuple[str, ...] = ()


EVERY_BYTE_ONCE = Rule(
    "every_byte_once",
    about="Text in spans + text between them = all text, none of it twice.",
    severity="error",
)
EVERY_ROW_ONCE = Rule(
    "every_row_once",
    about="Values read = ingested + rejected; rows written = rows stored.",
    severity="error",
)
FEW_REJECTS = Rule(
    "few_rejects", about="Few enough parts of the file could not be used.", threshold=0.05
)
SCHEMA = Rule("schema", about="Every element is as the published schema wants it.")
COMPLETE = Rule("complete", about="What is required is there and not empty.")
RANGES = FindingsRule(
    "ranges",
    (
        "rate_zero", "rate_negative", "rate_huge", "percentage_as_fraction", "date_impossible",
        "date_expired", "outlying", "amount_negative", "amount_huge",
    ),
    about="Rates and dates make sense.",
    threshold=0.01,
)  # fmt: skip
PROVIDERS = FindingsRule(
    "providers",
    ("tin_malformed", "npi_malformed", "npi_check_digit"),
    about="TINs and NPIs are well formed.",
    threshold=0.01,
)
CODES = Rule("codes", about="Billing codes have the form of their system.", threshold=0.05)
REFERENCES = FindingsRule(
    "references",
    ("reference_dangling", "reference_contradicts"),
    ("reference_repeated", "reference_unused"),
    about="Every reference leads to one provider list.",
)
DUPLICATES = FindingsRule(
    "duplicates", ("duplicate",), about="No price is there twice.", threshold=0.01
)
PROFILE_RULES = (
    EVERY_BYTE_ONCE, EVERY_ROW_ONCE, FEW_REJECTS, SCHEMA, COMPLETE,
    RANGES, PROVIDERS, CODES, REFERENCES, DUPLICATES,
)  # fmt: skip


def checks_of(profile: FileProfile) -> tuple[Result, ...]:
    """The results of PROFILE_RULES, in the order of the file."""
    return (
        _bytes(profile),
        _rows(profile),
        _rejects(profile),
        _schema(profile),
        _complete(profile),
        _doubtful(RANGES, profile),
        _doubtful(PROVIDERS, profile),
        _codes(profile),
        _doubtful(REFERENCES, profile),
        _doubtful(DUPLICATES, profile),
    )


def _bytes(profile: FileProfile) -> Result:
    has = profile.ledger
    whole = has["text_in_spans"] + has["text_between"]
    return Result(
        EVERY_BYTE_ONCE,
        whole == has["text"] and not has["text_twice"],
        f"{has['text']:,} bytes of text: {has['text_in_spans']:,} in spans,"
        f" {has['text_between']:,} between, {has['text_twice']:,} twice",
        values={name: has[name] for name in has if name.startswith("text")},
    )


def _rows(profile: FileProfile) -> Result:
    has = profile.ledger
    seen = has["values_taken"] + has["values_rejected"]
    return Result(
        EVERY_ROW_ONCE,
        has["values"] == seen and has["rows_written"] == has["rows_stored"],
        f"{has['values']:,} values read, {seen:,} ingested or rejected;"
        f" {has['rows_written']:,} rows written, {has['rows_stored']:,} stored",
        values={name: has[name] for name in has if not name.startswith("text")},
    )


def _rejects(profile: FileProfile) -> Result:
    rejected, rows = profile.ledger["rejects"], profile.ledger["rows_stored"]
    return Result(
        FEW_REJECTS,
        not exceeds(rejected, rows, FEW_REJECTS.threshold),
        f"{rejected:,} rejects next to {rows - rejected:,} rows",
        rows,
        rejected,
        values={"rejects": rejected, "rows": rows},
    )


def _schema(profile: FileProfile) -> Result:
    schema = profile.schema
    broken = [found for found in schema.violations if found.breaks]
    first = f"; most often {broken[0].path} {broken[0].what} {broken[0].detail}" if broken else ""
    stated = f"version {schema.version} of the schema (the file says {schema.stated or 'nothing'})"
    return Result(
        SCHEMA,
        not broken,
        f"{schema.broken():,} values differ from {stated}{first}",
        values={f"{v.path} {v.what} {v.detail}"[:120]: v.count for v in broken[:20]},
    )


def _complete(profile: FileProfile) -> Result:
    missing = {
        f"{v.path}.{v.detail}".lstrip("."): v.count
        for v in profile.schema.violations
        if v.what in ("missing", "empty")
    }
    return Result(
        COMPLETE,
        not missing,
        f"{sum(missing.values()):,} required values are missing or empty",
        values=missing,
    )


def _codes(profile: FileProfile) -> Result:
    bad = {system.name: system.malformed for system in profile.systems if system.malformed}
    return Result(
        CODES,
        not any(exceeds(s.malformed, s.rows, CODES.threshold) for s in profile.systems),
        f"{sum(bad.values()):,} rows have a billing code that is not of its system's form",
        values=bad,
    )


def _doubtful(rule: FindingsRule, profile: FileProfile) -> Result:
    found = [profile.finding_named(name) for name in (*rule.findings, *rule.noted)]
    counted = found[: len(rule.findings)]
    some = ", ".join(f"{one.count:,} {one.name}" for one in found if one.count)
    return Result(
        rule,
        not any(_is_too_much(one, rule.threshold) for one in counted),
        f"{_clause(rule.about)}: {some or 'nothing doubtful'}",
        values={one.name: one.count for one in found},
    )


def _is_too_much(found: ProfileFinding, threshold: float) -> bool:
    return exceeds(found.count, found.of, threshold) if threshold else found.count > 0


def _clause(sentence: str) -> str:
    """A sentence as the beginning of another; an acronym keeps its letters."""
    first = sentence[0] if sentence[:2].isupper() else sentence[0].lower()
    return first + sentence[1:].rstrip(".")
