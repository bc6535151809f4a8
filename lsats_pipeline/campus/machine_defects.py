"""Every intended defect of a machine's records, as two tables.

A machine has at most one defect of its own, or shares one with its neighbour (2k and 2k + 1 are
neighbours), so that what one system gets wrong another can still set right. Machines of the first
spots show one defect each and are known everywhere, so that even the smallest campus has them all.

Names of defects are stored values (`campus.computers.defect`), so they keep short names of systems:
`keys_` is keyconfigure, `ad_` active_directory.
"""

from __future__ import annotations

from typing import NamedTuple

from lsats_pipeline.campus.sampling import WHOLE, uniforms
from lsats_pipeline.campus.world import SPELLINGS, Campus

TDX, KEYCONFIGURE, ACTIVE_DIRECTORY = "tdx", "keyconfigure", "active_directory"
EVERYWHERE = frozenset((TDX, KEYCONFIGURE, ACTIVE_DIRECTORY))


class MachineDefect(NamedTuple):
    """Its name, one machine in how many has it, and which systems it needs to know the machine."""

    name: str
    one_in: float
    needs: str
    lasts: bool = False  # touches what machines are matched by, hence no renaming later


DEFECTS = (
    # Renamed before the first day, and not everybody has heard of it.
    MachineDefect("tdx_old_name", 30, "tdx keyconfigure", lasts=True),
    MachineDefect("keys_old_name", 100, "tdx keyconfigure", lasts=True),
    MachineDefect("tdx_and_ad_old_name", 200, "tdx keyconfigure active_directory", lasts=True),
    # Installed anew: a new object in Active Directory, the old one switched off and left behind.
    MachineDefect("reimaged", 60, "active_directory", lasts=True),
    MachineDefect("reimaged_tdx_old_name", 250, "tdx keyconfigure active_directory", lasts=True),
    MachineDefect("ad_conflict", 120, "active_directory", lasts=True),
    MachineDefect("tdx_placeholder_serial", 50, "tdx", lasts=True),
    MachineDefect("keys_placeholder_serial", 50, "keyconfigure", lasts=True),
    MachineDefect("tdx_no_serial", 30, "tdx", lasts=True),
    MachineDefect("tdx_no_mac", 10, "tdx", lasts=True),
    MachineDefect("keys_no_serial", 100, "keyconfigure", lasts=True),
    MachineDefect("two_spellings", 80, "tdx keyconfigure", lasts=True),
    MachineDefect("tdx_twice", 120, "tdx", lasts=True),
    # Renamed, and nothing left that ties the two records together: truly undecidable.
    MachineDefect("undecidable", 2000, "tdx active_directory", lasts=True),
    MachineDefect("tdx_no_name", 300, "tdx keyconfigure", lasts=True),
    MachineDefect("tdx_bad_mac", 200, "tdx", lasts=True),
    MachineDefect("keys_no_name", 400, "tdx keyconfigure", lasts=True),
    MachineDefect("keys_no_session", 200, "keyconfigure"),
    MachineDefect("ad_no_system", 150, "active_directory"),
    MachineDefect("ad_no_host", 150, "active_directory"),
    MachineDefect("inactive", 40, "tdx"),
    MachineDefect("surplus", 40, "tdx"),
    MachineDefect("stale_inventory", 20, "keyconfigure"),
    MachineDefect("ad_disabled", 60, "active_directory"),
    MachineDefect("tdx_no_owner", 25, "tdx"),
    MachineDefect("tdx_unknown_owner", 100, "tdx"),
    MachineDefect("tdx_bad_date", 150, "tdx"),
    MachineDefect("tdx_no_detail", 150, "tdx"),
    MachineDefect("tdx_nul", 800, "tdx"),
    MachineDefect("tdx_bytes", 800, "tdx"),
    MachineDefect("tdx_detail_nul", 1000, "tdx"),
    MachineDefect("ad_nul", 1000, "active_directory"),
    MachineDefect("ad_bytes", 1000, "active_directory"),
)
PAIR_DEFECTS = (
    MachineDefect("shared_dock", 30, "keyconfigure"),  # plugged into both: both report its address
    # TDX has it with one, KeyConfigure with the other.
    MachineDefect("dock_elsewhere", 150, "tdx keyconfigure"),
    MachineDefect("swapped_serials", 100, "tdx keyconfigure"),  # in TDX
    # TDX has the second under the name of the first.
    MachineDefect("same_name", 120, "tdx keyconfigure"),
    # The second got the old name of the first.
    MachineDefect("name_reused", 150, "tdx keyconfigure active_directory"),
    MachineDefect("reused_tag", 120, "tdx"),
)
# Learned later (`world.SPELLINGS`): drawn for machines that have none of those above.
SPELLING_DEFECTS = (
    # TDX has an old name and no address: nothing but the serial number, spelled in another way.
    MachineDefect("virtual_spellings", 80, "tdx keyconfigure", lasts=True),
    MachineDefect("scanned_serial", 20, "tdx keyconfigure", lasts=True),  # of Apple's machines
    # TDX has neither name nor serial number, and two addresses with a blank between.
    MachineDefect("macs_with_a_blank", 60, "tdx keyconfigure", lasts=True),
    # KeyConfigure and Active Directory still list it under its old name.
    MachineDefect("reimaged_in_inventory", 80, "keyconfigure active_directory", lasts=True),
    MachineDefect("name_cut_at_15", 60, "tdx keyconfigure active_directory", lasts=True),
    # A spreadsheet took it for a quantity.
    MachineDefect("tdx_damaged_serial", 150, "tdx", lasts=True),
    MachineDefect("keys_damaged_serial", 150, "keyconfigure", lasts=True),
)
LASTING = frozenset(
    d.name for d in (*DEFECTS, *PAIR_DEFECTS, *SPELLING_DEFECTS) if d.lasts or d in PAIR_DEFECTS
)
SHOWCASES = 2 * len(PAIR_DEFECTS) + len(DEFECTS)


class Flaw(NamedTuple):
    """What is wrong with a machine; `second`: it is the second of a pair that shares it."""

    name: str
    second: bool = False


SOUND = Flaw("")


def is_showcase(number: int) -> bool:
    """Whether a machine is there to show one defect."""
    return number < SHOWCASES


def drawn_flaw(campus: Campus, number: int, machines: int) -> tuple[MachineDefect, Flaw] | None:
    """The defect that a machine has if the systems know it that the defect needs."""
    if number < 2 * len(PAIR_DEFECTS):
        return _paired(PAIR_DEFECTS[number // 2], number)
    if number < SHOWCASES:
        defect = DEFECTS[number - 2 * len(PAIR_DEFECTS)]
        return defect, Flaw(defect.name)
    if number - number % 2 + 1 < machines and number - number % 2 >= SHOWCASES:
        pair = _drawn(PAIR_DEFECTS, uniforms(b"pair defect", campus.seed, number // 2)[0])
        if pair:
            return _paired(pair, number)
    defect_ = _drawn(DEFECTS, uniforms(b"machine defect", campus.seed, number)[0])
    return (defect_, Flaw(defect_.name)) if defect_ else None


def shown_spelling(campus: Campus, number: int) -> MachineDefect | None:
    """The defect of its spellings that a machine is there to show."""
    place = number - SHOWCASES
    if SPELLINGS in campus.additions and 0 <= place < len(SPELLING_DEFECTS):
        return SPELLING_DEFECTS[place]
    return None


def drawn_spelling(campus: Campus, number: int) -> MachineDefect | None:
    """The defect of its spellings that a machine without another has, if the systems know it."""
    if SPELLINGS not in campus.additions or is_showcase(number):
        return None
    return _drawn(SPELLING_DEFECTS, uniforms(b"machine spelling", campus.seed, number)[0])


def _paired(defect: MachineDefect, number: int) -> tuple[MachineDefect, Flaw]:
    return defect, Flaw(defect.name, number % 2 == 1)


def _drawn(table: tuple[MachineDefect, ...], uniform: int) -> MachineDefect | None:
    for defect in table:
        limit = int(WHOLE / defect.one_in)
        if uniform < limit:
            return defect
        uniform -= limit
    return None
