"""Studio: people who have images made from prompts (domain/world_studio.md).

users ─┬─▶ content_items ──────┐
       ├─▶ content_items_auto ─┤ every item has the one completed job that made it
       └─▶ generation_jobs ◀───┘ and 2 % of the jobs came to nothing

=====================  ==========================================================
options.py             what may be chosen; the admin's id has to be
schema.py              the schema, and how keys and indexes are named
tables/                one file per table
prompts.py, tags.py    texts, cut from orders of the word lists (permutations.py)
people.py              ids, names, sign-ups; who the admin is
content.py             what the two content tables have in common
item_jobs.py           which job made which item, and which made none
moments.py             the window of time, Eastern
*_rules.py             what must hold, checked from the columns alone
parsed_columns.py      JSON and prompts taken apart for the rules
dictionaries/          word lists of our own making
=====================  ==========================================================
"""

from lsats_pipeline.synthetic.spec import World, tables_in
from lsats_pipeline.synthetic.worlds.studio.glossary import GLOSSARY
from lsats_pipeline.synthetic.worlds.studio.options import StudioOptions, require_admin

WORLD = World(
    "studio",
    "an image studio: users, their images, and the jobs that made them",
    StudioOptions,
    tables_in(f"{__name__}.tables"),
    glossary=GLOSSARY,
    required=require_admin,
)
