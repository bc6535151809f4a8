"""Price files of insurers (CMS Transparency in Coverage): gzip JSON of many gigabytes to tables.

 sources ──▶ a file on this disk ──text──▶ spans ──rows──▶ columns ──ingest──▶ exports/mrf/<file>/
 exports/mrf/<file>/ ──▶ profiling, splitting, database (schema mrf, on request)

sources    where files are published, what is new there, and how it gets here (decision 19)
text       bytes proved whole, the top level, arrays cut into spans; read again (decision 18)
rows       the text of a span to the columns of the tables; what does not fit is a reject
ingest     one file taken in by workers, resumed, all or nothing; rejects taken in after all
schema     the published schema, declared: both versions
profiling  a file against it, and its numbers    splitting  into smaller valid files, proved
database   Parquet into PostgreSQL (decision 21)
workspace  the folders of a file    status  what became of each    beside  processes together
health     what long work needs beforehand

Nothing here imports Dagster.
"""
