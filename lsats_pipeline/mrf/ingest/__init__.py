"""Ingest of one file: spans by workers, a note for each that is done, all published or nothing.

 spans ──span_ingester: workers──▶ Parquet parts ──publication──▶ exports/mrf/<file>/

file_ingest    one file, resumable            catalog_ingest  a version of a file of the catalogue
span_ingester  workers and shared memory      allocation  settings of the allocator
spans          one span: decode, write, note  publication  counted again, then visible in one step
seekable       a seek index, on request       rejects  what could not be used    replay  of rejects
"""
