"""Synthetic worlds in Dagster: an asset a table, a partition a block."""
