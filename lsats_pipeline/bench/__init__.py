"""Figures as ratios against a floor measured in the same run: machines differ, ratios hold.

figures    what a figure is
hub        bronze, silver, memory of the hub on a simulated campus
by_hand    the floor of a silver table
worlds     synthetic worlds at the volumes of their predecessors
mrf        price files to Parquet and PostgreSQL, compared with floors, DuckDB and ijson
price_work what of that runs in a process of its own
processes  what a command and the server cost together
scratch    a database for the bench only
"""
