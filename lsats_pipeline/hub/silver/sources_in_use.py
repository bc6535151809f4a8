"""What a table declares, as far as it concerns the systems that a site has.

declaration, sources in use ─▶ without rules about other systems ─▶ its SQL, its fingerprint

Another set of sources makes another fingerprint of the tables concerned: the next build of those
works every row out again. With all sources in use a declaration is what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from lsats_pipeline.hub.silver.spec import Bonus, IntegratedTable, Table
from lsats_pipeline.warehouse.database import Connection

_LIVE = """
select system from unnest(%s::text[]) as known (system)
where exists (
    select from bronze.heads where heads.source_system = known.system and not heads.is_removed)
"""


def live_systems(connection: Connection, systems: Iterable[str]) -> frozenset[str]:
    """Those of the systems that bronze has records of: they count, though nobody reads them."""
    return frozenset(row[0] for row in connection.execute(_LIVE, [list(systems)]))


def applies(sources: Collection[str], systems: Collection[str] | None) -> bool:
    """Whether a rule about some sources means anything; `systems` None: all are in use."""
    return not sources or systems is None or not set(sources).isdisjoint(systems)


def reduced(table: Table, systems: Collection[str] | None) -> Table:
    """The declaration on a site with these systems; None means all."""
    if systems is None:
        return table
    rules = tuple(rule for rule in table.rules if applies(rule.sources, systems))
    if not isinstance(table, IntegratedTable):
        return replace(table, rules=rules)
    return replace(_with_keys(table, systems), rules=rules, bonus=_bonus(table.bonus, systems))


def _bonus(bonus: Bonus | None, systems: Collection[str]) -> Bonus | None:
    """For being known to all of several systems: one alone is no merit."""
    if bonus is None:
        return None
    known = {system: column for system, column in bonus.known.items() if system in systems}
    return replace(bonus, known=known) if len(known) > 1 else None


def _with_keys(table: IntegratedTable, systems: Collection[str]) -> IntegratedTable:
    """Where no input in use makes rows, those that only add to rows make them."""
    used = [i for i in table.inputs if i.table.stream.source_system in systems]
    if not used or not all(i.enrichment_only for i in used):
        return table
    inputs = (replace(i, enrichment_only=i.enrichment_only and i not in used) for i in table.inputs)
    return replace(table, inputs=tuple(inputs))
