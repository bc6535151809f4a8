"""Price files of insurers (CMS Transparency in Coverage): gzip JSON of many gigabytes to tables.

 sources ──▶ a file on this disk ──text──▶ spans ──rows──▶ columns ──ingest──▶ exports/mrf/<file>/
 exports/mrf/<file>/ ──▶ profiling, splitting, database (schema mrf, on request)

sources     where files are published, what is new there, and how it is fetched (decision 19)
text        bytes verified whole, the top level, arrays cut into spans; read again (decision 18)
rows        the text of a span to the columns of the tables; what does not fit is a reject
ingest      one file ingested by workers, resumable, all or nothing; replay of rejects
provenance  the exact text that a row comes from
schema      the published schema, both versions, declared
profiling   a file against the schema, and its numbers    splitting  into smaller valid files
database    Parquet into PostgreSQL (decision 21)
workspace   the folders of a file    status  the state of each file
health      what a long run requires beforehand

Nothing here imports Dagster.
"""
