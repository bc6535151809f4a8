"""Images that users made."""

from __future__ import annotations

from lsats_pipeline.synthetic.spec import WorldTable
from lsats_pipeline.synthetic.worlds.studio import content
from lsats_pipeline.synthetic.worlds.studio.content_rules import rules_of

TABLE = WorldTable(
    content.table_of(content.ITEMS),
    rows=lambda options: content.volume(options, content.ITEMS),
    generate=content.generate,
    rules=rules_of(content.ITEMS),
    about="images that users made",
    block=content.BLOCK,
    cpu_bound=True,
)
