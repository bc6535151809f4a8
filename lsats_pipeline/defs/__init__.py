"""The hub as Dagster sees it: the only code here that knows Dagster. No rules about data.

registries ─▶ bronze.py ─▶ enrichment.py ─▶ silver.py     one factory per layer, one asset per entry
                  └─────────── step.py ───────────┘       days, errors, checks, what is recorded
resources.py: the hub, once per run          partitions.py, jobs.py, automation.py: when
checks.py, metadata/: what a run shows       storage.py: where Dagster keeps its own records

Every module here is loaded by itself; assets have to stand in module-level lists to be found.
"""
