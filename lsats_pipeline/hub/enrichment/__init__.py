"""Layer 2: fetch what list calls leave out, one record a call, within a budget.

candidates ─ fetch ─▶ spool ─▶ one transaction: detail versions + fetches + `completed`
(never fetched, list record changed since, too old: in that order)

Details are streams of their own in bronze (`tdx_user_detail`); a list record is never rewritten.
"""

from lsats_pipeline.hub.enrichment.enrich import asset_of, enrich

__all__ = ["asset_of", "enrich"]
