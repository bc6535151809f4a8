"""One folder per world. `WORLDS` lists those of the generation engine; `world` gives one.

The campus has a writer of its own (decision 16): it lives from day to day, simulators serve it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lsats_pipeline.core.errors import ConfigurationError

if TYPE_CHECKING:
    from lsats_pipeline.synthetic.spec import World

WORLDS = ("retail", "jobs", "studio")


def world(name: str) -> World:
    """The declaration of a world; ConfigurationError lists those there are.

    A world's tables and dictionaries are read when it is asked for, not before.
    """
    if name not in WORLDS:
        raise ConfigurationError(f"there is no world {name!r}; there are {', '.join(WORLDS)}")
    declared: World = importlib.import_module(f"{__name__}.{name}").WORLD
    return declared
