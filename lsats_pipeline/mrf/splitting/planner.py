"""What a worker does: its groups or shares of the source to parts, each proved when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from lsats_pipeline.mrf.profiling.scan import breaking
from lsats_pipeline.mrf.provenance.rereading import Indexed
from lsats_pipeline.mrf.schema.published import Version
from lsats_pipeline.mrf.splitting.header import header, scalars
from lsats_pipeline.mrf.splitting.options import Plan, SplitOptions, single_plan
from lsats_pipeline.mrf.splitting.partition_writer import (
    Groups,
    P,
    PartMaker,
    R,
    spread,
    spread_rates,
)
from lsats_pipeline.mrf.splitting.parts_account import SplitPart
from lsats_pipeline.mrf.splitting.proof import ELEMENTS, SplitProof, verified
from lsats_pipeline.mrf.splitting.references import SECTION as REFERENCES
from lsats_pipeline.mrf.splitting.references import ReferenceLists, loaded, put_aside
from lsats_pipeline.mrf.splitting.router import ByCodes, ByProvider, Everywhere
from lsats_pipeline.mrf.splitting.sizes import shares
from lsats_pipeline.mrf.splitting.units import items
from lsats_pipeline.mrf.splitting.writer import Counted, Counter, PartWriter, WrittenPart
from lsats_pipeline.mrf.text.access import OpenedText
from lsats_pipeline.mrf.text.index import Index
from lsats_pipeline.mrf.text.reading import Watcher


@dataclass(frozen=True)
class SplitJob:
    """A worker's share: every `workers`-th part or group, from the `worker`-th on."""

    source: Indexed
    options: SplitOptions
    folder: Path
    version: Version
    worker: int = 0
    workers: int = 1

    @property
    def index(self) -> Index:
        """What is in the source."""
        return self.source.index

    @property
    def rates(self) -> bool:
        """Whether rates are what is proved, because elements may be cut."""
        return self.options.by == "provider"

    def mine(self, group: str) -> bool:
        """Whether a group is this worker's."""
        return crc32(group.encode()) % self.workers == self.worker


@dataclass(frozen=True)
class FinishedPart:
    """A part that was written, and read again."""

    written: WrittenPart
    part: SplitPart


def write_parts(job: SplitJob, watch: Watcher | None = None) -> list[FinishedPart]:
    """Write all parts of a job; VerificationFailed when one is not what was written."""
    references = loaded(job.folder / "references.npz")
    # One by one by size, so that a part is read again while it is in the cache of the disk.
    written = spread_out(job, references, _Writing(job, references), watch)
    return [
        FinishedPart(one, verified(one, references, job.version, rates=job.rates))
        for one in written
    ]


def count_parts(job: SplitJob) -> list[Counted]:
    """The parts that would be written."""
    references = references_of(job)
    return list(spread_out(job, references, _Counting(references), None))


class _Writing:
    """Makes parts on the disk."""

    def __init__(self, job: SplitJob, references: ReferenceLists) -> None:
        self._job = job
        self._references = references
        self._headers = headers_of(job.index, job.options)

    def begin(self, section: str, sequence: int, group: str) -> PartWriter:
        used, level = self._references.none(), self._job.options.level
        return PartWriter(self._job.folder, group, sequence, section, used, level)

    def end(self, part: PartWriter) -> WrittenPart:
        return part.finish(self._headers.get(part.group, self._headers[""]), self._references)


class _Counting:
    """Makes nothing, and says how much that would be."""

    def __init__(self, references: ReferenceLists) -> None:
        self._references = references

    def begin(self, section: str, sequence: int, group: str) -> Counter:
        return Counter(group, sequence, section, self._references.none())

    def end(self, part: Counter) -> Counted:
        sizes = int(self._references.sizes[part.used].sum()) + int(part.used.sum())
        return Counted(part.group, part.sequence, part.section, part.elements, part.text + sizes)


def references_of(job: SplitJob) -> ReferenceLists:
    """The references of the source, put aside in the folder."""
    by = job.options.by == "provider"
    label = ByProvider(job.options).label if by else None

    def faults(texts: list[bytes]) -> int:
        return sum(found.count for found in breaking(texts, REFERENCES, job.version))

    return put_aside(job.source, job.folder, label, faults)


def proof_of_source(job: SplitJob, watch: Watcher | None = None) -> SplitProof:
    """All units of the source, read by itself."""
    return SplitProof(rates=job.rates).read(job.source, watch)


def headers_of(index: Index, options: SplitOptions) -> dict[str, bytes]:
    """The top level of the parts of each group; under "" that of all others."""
    own = {"": header(index)}
    return own | {name_of(plan): header(index, plan) for plan in plans_of(index, options)}


def plans_of(index: Index, options: SplitOptions) -> tuple[Plan, ...]:
    """The plans to split by; ConfigurationError when there are none."""
    if options.by != "plan":
        return ()
    return options.plans or (single_plan(scalars(index)),)


def name_of(plan: Plan) -> str:
    """The group of a plan's parts."""
    return f"{plan.plan_id_type} {plan.plan_id} {plan.plan_market_type}"


def spread_out(
    job: SplitJob, references: ReferenceLists, maker: PartMaker[P, R], watch: Watcher | None
) -> Iterator[R]:
    """Every element to its parts; gives what the maker made of each."""
    text = job.source.original.opened(watch)
    if job.options.by == "size":
        yield from _by_size(job, references, maker, text)
        return
    groups = Groups(job.mine, maker, job.options.limit)
    found = items(text, job.index, ELEMENTS)
    if job.options.by == "provider":
        spread_rates(found, ByProvider(job.options, references), groups, references)
    elif job.options.by == "plan":
        names = [name_of(plan) for plan in plans_of(job.index, job.options)]
        spread(found, Everywhere(names), groups, references)
    else:
        spread(found, ByCodes(job.options.codes), groups, references)
    yield from groups.close()


def _by_size(
    job: SplitJob, references: ReferenceLists, maker: PartMaker[P, R], text: OpenedText
) -> Iterator[R]:
    planned = enumerate(shares(job.index, ELEMENTS, job.options.limit), 1)
    for number, share in sorted(planned, key=lambda one: one[1].begin):
        if number % job.workers == job.worker:
            groups = Groups(lambda _: True, maker, first=number)
            found = items(text, share.of_them, [share.section])
            spread(found, Everywhere(("",)), groups, references)
            yield from groups.close()
