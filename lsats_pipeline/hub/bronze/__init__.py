"""Layer 1: land records as they came.

source ─ pages ─▶ spool (disk, resumable) ─▶ one transaction: raw_entities + heads + `completed`

records     bytes to identity and content hash, or to a reject
spool       fetched pages on disk until they land, so that a long read survives a kill
landing     the transaction: change detection against heads, tombstones, the mass-disappearance hold
ingest      one run of one stream
read_ahead  sources read side by side, before the steps of their streams come to it
replay      landing again what was rejected, once the cause is fixed
"""
