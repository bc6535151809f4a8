"""Published files into PostgreSQL, on request (decision 21).

 Parquet parts ──copying──▶ COPY text ──shards──▶ tables nobody sees ──loading──▶ schema mrf

relational  the tables, made of those of Parquet    copying  columns to text, no object per cell
shards      a part of a table, whole or not there    loading  counted, then visible in one step
"""
