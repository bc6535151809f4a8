"""Price files in Dagster: a partition a file, an asset a step."""
