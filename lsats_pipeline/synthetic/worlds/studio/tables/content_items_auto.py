"""Images that were made for users unasked."""

from __future__ import annotations

from lsats_pipeline.synthetic.spec import WorldTable
from lsats_pipeline.synthetic.worlds.studio import content
from lsats_pipeline.synthetic.worlds.studio.content_rules import rules_of

TABLE = WorldTable(
    content.table_of(content.AUTO),
    rows=lambda options: content.volume(options, content.AUTO),
    generate=content.generate,
    rules=rules_of(content.AUTO),
    about="images that were made for users unasked",
    block=content.BLOCK,
    cpu_bound=True,
)
