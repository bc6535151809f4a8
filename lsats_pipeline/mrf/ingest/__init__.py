"""One file taken in: spans by workers, a note for each that is done, all published or nothing.

 spans ──crew: a worker each──▶ Parquet parts ──publishing──▶ exports/mrf/<file>/

ingesting  one file, resuming    taking  the same for a version of the catalogue
crew       workers and their memory    allocation  of it    spans  one span: decode, write, note
publishing  counted again, then visible in one step    seekable  a seek index, when asked for
rejected   what could not be used    replaying  rejects taken in after all
"""
