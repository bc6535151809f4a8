"""Price files from where they are published to this disk (domain/mrf.md 2.3, 6.3; decision 19).

 sources ──tables_of_contents──▶ entries ──discovery──▶ catalog (schema mrf) ──download──▶ mrf/raw/

locations           an address parsed: what may be displayed, what is secret
tables_of_contents  the entries of a source   catalog_merge  entries into the catalogue
catalog             files, versions, states   discovery  sources to the catalogue, what is due
policy              the hosts that files may be fetched from
request             one request, under all rules
circuit_breaker     failures and rate of a host
transfer            one address to one file   resume  a partial download
download            a key to a version        archives  zip to gzip
providers           the provider files that version 1 refers to
"""
