"""Layer 3: typed, integrated, scored and linked; declared once per table, compiled to SQL.

spec      what a table declares           tables/   one declaration per file
parsers   how a JSON member is typed      ddl       the tables themselves, kept equal to the specs
staging   tier 1 as a SELECT              integrated  tier 2 as a SELECT, and its changed keys
sql_model tables by an algorithm, as a SELECT of their SQL file
build     one run: changed keys, SELECT, compare, write, history     quality   totals and checks
history   the versions of one row

changed bronze runs ─▶ tier 1 ─▶ changed rows ─▶ tier 2
"""
