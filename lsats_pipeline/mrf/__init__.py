"""Price files of insurers (CMS Transparency in Coverage): gzip JSON of many gigabytes to Parquet.

 file ──reading──▶ bytes, proved whole ──cutting──▶ pieces of arrays ──index──▶ spans
 spans ──crew: a worker each──▶ columnar, in doubt decoding ──columns──▶ Parquet parts
 parts ──publishing──▶ exports/mrf/<file>/

reading    the file's bytes, once, in order: gzip members, their CRC and length, a limit on ratio
scanning   where a JSON value ends         cutting   arrays to proved pieces, in bounded memory
index      what is in a file: top-level values, sections, spans (domain/mrf.md 5, 6)
elements   the published format, both versions in one   shapes   the same as Arrow types
columnar   pieces to Arrow in native code, proved by counting      decoding   what is in doubt
columns    values to the columns of the tables   tables   those columns     parts   Parquet files
spans      one span: decode, write, note     crew   workers and their memory    allocation   of it
ingest     one file, resuming                publishing  all or nothing

Before that, from where files are published to this disk (decision 19):

 sources ──listing──▶ entries ──finding──▶ catalog (schema mrf) ──fetching──▶ mrf/raw/<key>/

locations  an address taken apart: what is shown, what is secret    listing   what a source names
catalog    files, versions, their states    finding  lists to the catalogue, what is due
merging    entries into the catalogue       partial  what is here of a download
policy     whom files may be fetched from    wire  one request, watched    hosts  circuits and turns
downloading  one address to one file    archives  zip to gzip    fetching  a key to a version
taking     a version to Parquet    providers  remote provider files    health  what long work needs

And from there into PostgreSQL, on request (decision 21):

 Parquet parts ──copying──▶ COPY text ──shards──▶ tables nobody sees ──loading──▶ schema mrf

relational  the tables, made of those of Parquet    copying  columns to text, no object per cell
shards      a part of a table, whole or not there    loading  counted, then visible in one step

And after it, with a file that is published (decision 20):

schema     the published schema, declared      profiling  a file against it, its numbers
splitting  into smaller valid files, proved    locating   the text that a row is from
rejected   what could not be used    coercing  numbers in quotes    replaying  rejects taken in
rereading  the indexed bytes again, proved again    beside  processes beside each other

Nothing here imports Dagster.
"""
