"""Pieces of text to the columns of the tables; what does not fit is a reject (decision 18).

 piece ──price_template_cache, arrow_reader, else decoding──▶ values ──columns──▶ tables ──▶ Parquet

elements              the published format, both versions in one   shapes  the same as Arrow types
price_template_cache  prices that differ in their rate alone, read once
arrow_reader          pieces to Arrow in native code, verified by counting
decoding              values that the fast readers refuse
bisect_invalid        where in a piece the invalid values may be
columns               values to the columns of the tables   tables  those columns   parts  Parquet
coercion              numbers in quotes, on request
"""
