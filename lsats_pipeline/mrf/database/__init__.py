"""Published files into PostgreSQL, on request (decision 21).

 Parquet parts ─┬─normalization─▶ prices in four tables ─┬─partitions─▶ new tables ─▶ schema mrf
                └─copying───────▶ all others             ┘

table_definitions  the tables and their columns   relational  their DDL, and the views
normalization      prices without repetition      copying  columns to text
copy_binary        numbers to binary COPY         partitions  a shard of a table, whole or absent
loading            a file: copied, counted        load_publication  then visible in one step
"""
