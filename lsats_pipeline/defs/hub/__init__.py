"""The hub in Dagster: bronze, enrichment, silver, their checks, the resources."""
