"""Published files into PostgreSQL, on request (decision 21).

 Parquet parts ─┬─narrowing─▶ prices in four tables ─┬─shards─▶ tables nobody sees ─▶ schema mrf
                └─copying───▶ all others             ┘

stored      which tables there are, and of which columns    relational  their DDL, and the views
narrowing   prices without repetition    copying  columns to text    binary  numbers to binary
shards      a part of a table, whole or not there
loading     a file: copied, counted      publishing  then visible in one step
"""
