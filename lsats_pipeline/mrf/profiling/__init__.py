"""What is in a published file, against what should be: schema, counts, prices, doubtful rows.

scan        every element of the text against the published schema, in worker processes
metrics     counts, distributions and findings from the Parquet files (DuckDB, *.sql)
queries     the conditions of the findings    ledger  counts that have to agree
statistics  the profile as it is stored       checks  checks with thresholds on it
profile     all of it, kept by content
"""

from lsats_pipeline.mrf.profiling.checks import PROFILE_RULES, checks_of
from lsats_pipeline.mrf.profiling.profile import ProfileOptions, profile
from lsats_pipeline.mrf.profiling.queries import HUGE
from lsats_pipeline.mrf.profiling.statistics import (
    CodeSystem,
    Distribution,
    Example,
    FileProfile,
    ProfileFinding,
    SchemaFound,
    Violation,
)

__all__ = [
    "HUGE",
    "PROFILE_RULES",
    "CodeSystem",
    "Distribution",
    "Example",
    "FileProfile",
    "ProfileFinding",
    "ProfileOptions",
    "SchemaFound",
    "Violation",
    "checks_of",
    "profile",
]
