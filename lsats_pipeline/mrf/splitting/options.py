"""How a file is split: what the parts have in common, and how large they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from lsats_pipeline.core.errors import ConfigurationError
from lsats_pipeline.mrf.schema.published import PLAN

By = Literal["size", "codes", "provider", "plan"]
REST = "rest"
_CODES = re.compile(r"([^:,\s][^:,]*?)(?::([^\s:,-]+)(?:-([^\s:,-]+))?)?")
_PROVIDER = re.compile(r"\d{2}-?\d{7}|\d{10}")


@dataclass(frozen=True)
class Codes:
    """Billing codes of one system: all, one, or from one to another of the same length."""

    system: str
    first: str = ""
    last: str = ""

    def hold(self, system: str, code: str) -> bool:
        """Whether a code is among them."""
        if system != self.system:
            return False
        if not self.first:
            return True
        return len(code) == len(self.first) and self.first <= code <= (self.last or self.first)

    def __str__(self) -> str:
        ends = f"-{self.last}" if self.last else ""
        return f"{self.system}:{self.first}{ends}" if self.first else self.system


@dataclass(frozen=True)
class Plan:
    """A plan, as the top level of a single-plan file or a table of contents names it."""

    plan_name: str
    plan_id_type: str
    plan_id: str
    plan_market_type: str
    issuer_name: str = ""
    plan_sponsor_name: str = ""

    @property
    def members(self) -> dict[str, str]:
        """Those that are said."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class SplitOptions:
    """How a file is split.

    size      consecutive elements, so many megabytes of text (before compression) in a part
    codes     a group for each of `codes`, and the rest; none given: one for each code system
    provider  rates of the listed TINs or NPIs, and the rest; or `buckets` by TIN
    plan      all elements for each of `plans`; none given: the one plan that the file is of
    Groups that are larger than `megabytes` become several parts.
    """

    by: By = "size"
    megabytes: float = 512
    codes: tuple[Codes, ...] = ()
    providers: frozenset[str] = field(default_factory=frozenset)
    buckets: int = 0
    plans: tuple[Plan, ...] = ()
    level: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        if self.megabytes <= 0:
            raise ConfigurationError(f"a part has more than {self.megabytes} megabytes")
        if not 0 <= self.level <= 3:
            raise ConfigurationError(f"levels of compression are 0 to 3, not {self.level}")
        if self.by == "provider" and bool(self.providers) == bool(self.buckets):
            raise ConfigurationError(
                "by provider needs either TINs or NPIs (--providers) or a number of --buckets"
            )

    @property
    def limit(self) -> int:
        """Bytes of text after which a part is full."""
        return max(1, int(self.megabytes * 1e6))

    @property
    def meaning(self) -> str:
        """All that makes a difference to the parts, as a text."""
        of = {
            "size": "",
            "codes": ",".join(map(str, self.codes)),
            "provider": f"{','.join(sorted(self.providers))} {self.buckets}",
            "plan": repr(self.plans),
        }[self.by]
        return f"{self.by} {self.limit} {self.level} {of}"

    @property
    def folder(self) -> str:
        """The name under which the parts are kept: other options, other folder."""
        digest = blake2b(self.meaning.encode(), digest_size=4).hexdigest()
        return f"{self.by}-{digest}"


def codes_of(text: str) -> tuple[Codes, ...]:
    """Codes as written on a command line: `CPT:99201-99215,MS-DRG,HCPCS:J1100`."""
    found = []
    for word in filter(None, map(str.strip, text.split(","))):
        match = _CODES.fullmatch(word)
        if match is None or (match[3] and (len(match[2]) != len(match[3]) or match[2] > match[3])):
            raise ConfigurationError(
                f"{word!r} names no codes: write a system (MS-DRG), a code (CPT:99213), or from"
                " one to another of the same length (CPT:99201-99215)"
            )
        found.append(Codes(match[1], match[2] or "", match[3] or ""))
    return tuple(found)


def providers_of(text: str) -> frozenset[str]:
    """TINs and NPIs, separated by commas or space; hyphens make no difference."""
    words = re.split(r"[\s,]+", text.strip())
    if bad := [word for word in words if not _PROVIDER.fullmatch(word)]:
        raise ConfigurationError(
            f"{bad[0]!r} is no provider: write a TIN (12-3456789) or an NPI (ten digits)"
        )
    return frozenset(word.replace("-", "") for word in words)


def single_plan(members: dict[str, str]) -> Plan:
    """The plan that a file says it is of; ConfigurationError when it names none."""
    if not all(members.get(name) for name in PLAN):
        raise ConfigurationError(
            "the file does not say of which plan it is: name the plans (--plans FILE, as the"
            " reporting_plans of a table of contents list them)"
        )
    known = {name: members.get(name, "") for name in Plan.__dataclass_fields__}
    return Plan(**known)
