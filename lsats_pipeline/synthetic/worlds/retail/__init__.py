"""Retail: master data of a chain of stores, and what lies on its shelves on one day.

    geographies ──> distribution_centers ──> trucks
        │                   ├──> dc_inventory_snapshots <── products
        ├──> stores ────────┴──> store_inventory_snapshots <──┘
        └──> customers

options.py         volumes, ranges and days that may be chosen
schema.py          the schema `retail`, and how its keys are named
vocabulary.py      the dictionaries (dictionaries/*.csv) as columns; all names are synthetic
placement.py       which geographies, and where centers, stores and customers are
site_allocation.py rules: everything is where the weights of the dictionary put it
addresses.py       street addresses, and their rules
store_profiles.py  area, volume class, format, hours and traffic of a store
catalogue.py       which brand sells which product
prices.py          price, discount and cost in cents
taxes.py           rates of places, classes of goods
launches.py        launch dates by the place in the row of ids
identifiers.py     codes that are unique by construction
fleet.py           which truck belongs to which center
inventory.py       both snapshot tables: every product in every place
shared_rules.py    rules that several tables share
tables/            one file per table

Facts and numbers: domain/world_retail.md.
"""

from __future__ import annotations

from lsats_pipeline.synthetic.spec import World, tables_in
from lsats_pipeline.synthetic.worlds.retail.glossary import GLOSSARY
from lsats_pipeline.synthetic.worlds.retail.options import RetailOptions
from lsats_pipeline.synthetic.worlds.retail.vocabulary import require_dictionaries

WORLD = World(
    "retail",
    "master data of a retail chain: places, stores, trucks, customers, products, stock",
    RetailOptions,
    tables_in(f"{__name__}.tables"),
    glossary=GLOSSARY,
    required=require_dictionaries,
)
