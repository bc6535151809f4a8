"""Which records are one machine, and why (domain/hub.md 5.5; docs/decisions/0011).

tdx_assets, keyconfigure_computers, ad_computers
    ──▶ known: the records, as they are compared
    ──▶ installations: rows of the inventory that are one machine, before and after a new set-up
    ──▶ facts: serial numbers, network addresses, names, and how many records share each
    ──▶ inventories: assets with KeyConfigure's machines, one to one
    ──▶ accounts: what that gives with Active Directory's computers, one to one, and accounts that
        a machine had before
    ──▶ computer_matches: every pair that was taken, and every pair that was not
"""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

from lsats_pipeline.hub.silver.spec import Expected, QualityRule, SqlColumn, SqlModel
from lsats_pipeline.hub.silver.tables.ad_computers import AD_COMPUTERS
from lsats_pipeline.hub.silver.tables.keyconfigure_computers import KEYCONFIGURE_COMPUTERS
from lsats_pipeline.hub.silver.tables.tdx_assets import TDX_ASSETS

_HERE = Path(__file__).parent
_STEPS: tuple[LiteralString, ...] = (
    "known", "installations", "facts", "inventories", "accounts"
)  # fmt: skip
_IDS = "tdx_assets.tdx_asset_id, keyconfigure_computers.computer_id, ad_computers.object_guid"
_NAMES = "tdx_assets.name, keyconfigure_computers.computer_name, ad_computers.computer_name"
_EVIDENCE = (
    f"{_NAMES}, tdx_assets.serial_number, keyconfigure_computers.oem_serial_number,"
    " tdx_assets.mac_addresses, keyconfigure_computers.mac_addresses, ad_computers.dns_hostname,"
    " ad_computers.sam_account_name, tdx_assets.status_name, keyconfigure_computers.last_session"
)

COMPUTER_MATCHES = SqlModel(
    "computer_matches",
    identity="match_id",
    upstream=(TDX_ASSETS, KEYCONFIGURE_COMPUTERS, AD_COMPUTERS),
    prepare=tuple(_HERE / f"computer_{step}.sql" for step in _STEPS),
    query=_HERE / "computer_matches.sql",
    # Worked out as a whole: a new record may take a machine from another, and so on.
    scopes="select null::text",
    indexes=("left_id", "right_id"),
    about="Pairs of records that have something in common, taken for one machine or not, and why.",
    columns=(
        SqlColumn("match_id", "text", about="both systems and ids"),
        SqlColumn("left_system", "text", about="tdx or keyconfigure"),
        SqlColumn("left_id", "text", _IDS),
        SqlColumn(
            "left_name", "text", _NAMES, about="as compared: in capitals, without the domain"
        ),
        SqlColumn(
            "right_system",
            "text",
            about="keyconfigure or ad; the same as the left one of a machine's former record",
        ),
        SqlColumn("right_id", "text", _IDS),
        SqlColumn("right_name", "text", _NAMES, about="as compared"),
        SqlColumn(
            "score",
            "numeric(5,3)",
            _EVIDENCE,
            about="0.35 and more may be one machine; NULL: nothing in common but a third record",
        ),
        SqlColumn("decision", "text", _EVIDENCE, about="accepted: one machine; rejected: not"),
        SqlColumn("reason", "text", about="of the decision"),
        SqlColumn("rival_id", "text", _IDS, about="the record that was the better match"),
        SqlColumn("evidence", "jsonb", _EVIDENCE, about="[{kind, value, points}]"),
    ),
    rules=(
        QualityRule(
            "near_miss", 0, "decision = 'rejected' and score >= 0.35", about="another was better"
        ),
        QualityRule("contradicted", 0, "reason = 'different serial numbers'"),
        QualityRule(
            "weak_match",
            0.20,
            "decision = 'accepted' and right_system = 'keyconfigure' and score < 0.45",
            about="little speaks for it",
        ),
    ),
    expected=Expected(mean=0.90, low_share=0.05),
)
