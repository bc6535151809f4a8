"""Price files from where they are published to this disk (domain/mrf.md 2.3, 6.3; decision 19).

 sources ──listing──▶ entries ──finding──▶ catalog (schema mrf) ──fetching──▶ mrf/raw/<key>/

locations  an address taken apart: what is shown, what is secret    listing   what a source names
catalog    files, versions, their states    finding  lists to the catalogue, what is due
merging    entries into the catalogue       partial  what is here of a download
policy     whom files may be fetched from    wire  one request, watched    hosts  circuits and turns
downloading  one address to one file    archives  zip to gzip    fetching  a key to a version
providers  the provider files that version 1 refers to
"""
