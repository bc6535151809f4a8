"""A Japanese part-time-job board: eleven master tables, and job advertisements (world_jobs.md).

tables/       one file per table: columns, generator, rules
dictionaries/ prefectures, cities, occupations, tags, syllables of synthetic names, sentences

facts.py       the dictionaries as records         digits.py      check digits
options.py     what may be chosen                  schema.py      columns that tables share
days.py        Japan time; when jobs are posted and how long they run
places.py      shares of prefectures and cities    employers.py   companies, and where they hire
occupations.py shares of occupations in a prefecture
pay.py         salaries and fees                   features.py    tags of a job
shifts.py      days and hours of work              texts.py       titles and descriptions
names.py       synthetic names, none a known one   random_streams.py  draws made often
job_rules.py   rules V2-V18 and those of the distributions

Two link tables of the document are left out: `job_features` would have 1.2 million rows and says
what `jobs.feature_codes` says; `job_needs` follows from `needs.rule_json`.
"""

from __future__ import annotations

from lsats_pipeline.synthetic.spec import World, tables_in
from lsats_pipeline.synthetic.worlds.jobs.glossary import GLOSSARY
from lsats_pipeline.synthetic.worlds.jobs.options import JobsOptions

WORLD = World(
    "jobs",
    "a Japanese part-time-job board: master data and job advertisements",
    JobsOptions,
    tables_in(f"{__name__}.tables"),
    glossary=GLOSSARY,
)
