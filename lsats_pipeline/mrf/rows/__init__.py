"""Pieces of text to the columns of the tables; what does not fit is a reject (decision 18).

 piece ──alike, columnar, in doubt decoding──▶ values ──columns──▶ tables ──▶ Parquet parts

elements   the published format, both versions in one   shapes   the same as Arrow types
alike      prices that differ in their rate alone, read once
columnar   pieces to Arrow in native code, proved by counting
decoding   what is in doubt                                doubt    where in a piece that may be
columns    values to the columns of the tables   tables   those columns     parts   Parquet files
coercing   numbers in quotes, when asked for
"""
