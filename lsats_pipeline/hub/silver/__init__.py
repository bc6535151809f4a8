"""Layer 3: typed, merged, scored and linked; declared once per table, compiled to SQL.

spec      what a table declares           tables/   one declaration per file
parsers   how a JSON member is typed      ddl       the tables themselves, kept equal to the specs
typed     tier 1 as a SELECT              merged    tier 2 as a SELECT, and whom a change touches
build     one run: changed keys, SELECT, compare, write, history     quality   totals and checks
history   the versions of one thing

changed bronze runs ─▶ tier 1 ─▶ changed rows ─▶ tier 2
"""
