"""What may be chosen of the world of jobs."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from lsats_pipeline.synthetic.spec import WorldOptions, options_config


class JobsOptions(WorldOptions):
    """Volumes and the fee from which a job is usable for mail (domain/world_jobs.md 3 and 5)."""

    model_config = options_config("JOBS_")

    as_of: dt.date = Field(
        dt.date(2025, 10, 1),
        ge=dt.date(2000, 1, 1),
        le=dt.date(2099, 12, 31),
        description="the day that the world takes for today, from midnight Japan time",
    )
    jobs: int = Field(100_000, ge=1, le=5_000_000, description="job advertisements")
    mail_fee_over: int = Field(
        500, ge=100, le=5_000, multiple_of=100, description="fee in yen above which a job is mailed"
    )
    mail_share: float = Field(0.92, ge=0, le=1, description="share of jobs with such a fee")
