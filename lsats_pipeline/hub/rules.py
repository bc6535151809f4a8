"""Rules that every layer of the hub shares; their shares are settings."""

from __future__ import annotations

from lsats_pipeline.core.report import Counts
from lsats_pipeline.core.rules import Result, Rule, exceeds
from lsats_pipeline.core.settings import HubSettings

MASS_DISAPPEARANCE = Rule(
    "mass_disappearance",
    about="No more vanished at once than usual: an outage looks just like that.",
    severity="error",
)
REJECT_SHARE = Rule("reject_share", about="Few enough records could not be used.", severity="error")
WAITING_DOCUMENTS = Rule(
    "waiting_documents", about="No document waits in the folder unread for longer than a day."
)
# Checks of an asset: as few as say something of their own, for each costs every run an event.
LANDED_KEYS = Rule("keys", about="Records have a key and can be read.", parts=(REJECT_SHARE,))
REMOVALS = Rule("removals", about="Removals can be believed.", parts=(MASS_DISAPPEARANCE,))
DOCUMENTS = Rule("documents", about="Documents are read.", parts=(WAITING_DOCUMENTS,))
# Of whatever lands in bronze (bronze/ingest.py, enrichment/enrich.py).
LANDING_RULES = (LANDED_KEYS, REMOVALS)
# Of streams whose records come in documents.
DOCUMENT_RULES = (*LANDING_RULES, DOCUMENTS)


def reject_share(counts: Counts, settings: HubSettings, remedy: str) -> Result:
    """Whether few enough records were rejected."""
    most, processed = settings.lsats_reject_share, counts.processed
    many = exceeds(counts.rejected, processed, most)
    return Result(
        REJECT_SHARE,
        not many,
        f"{counts.rejected:,} of {processed:,} records could not be used"
        + f"; {remedy}, LSATS_REJECT_SHARE how many may be" * many,
        values={
            "rejected": counts.rejected,
            "rejected share": counts.rejected / processed if processed else 0.0,
            "rejected share at most": most,
        },
    )
