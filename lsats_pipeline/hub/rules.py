"""Rules that every layer of the hub shares; their shares are settings."""

from __future__ import annotations

from lsats_pipeline.core.rules import Rule

MASS_DISAPPEARANCE = Rule(
    "mass_disappearance",
    about="No more vanished at once than usual: an outage looks just like that.",
    severity="error",
)
REJECT_SHARE = Rule("reject_share", about="Few enough records could not be used.", severity="error")
WAITING_DOCUMENTS = Rule(
    "waiting_documents", about="No document waits in the folder unread for longer than a day."
)
# Of whatever lands in bronze (bronze/ingest.py, enrichment/enrich.py).
LANDING_RULES = (MASS_DISAPPEARANCE, REJECT_SHARE)
# Of streams whose records come in documents.
DOCUMENT_RULES = (*LANDING_RULES, WAITING_DOCUMENTS)
