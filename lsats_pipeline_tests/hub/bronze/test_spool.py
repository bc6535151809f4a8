"""What a read keeps on disk until it has landed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lsats_pipeline.hub.bronze.spool import Spool


def test_frames_of_another_shape_are_started_over(tmp_path: Path) -> None:
    path = tmp_path / "stream.frames"
    with Spool(path, {"day": "2026-03-02"}) as spool:
        spool.append([[b"{}"]], "a")
        spool.append([], cast(Any, {"no": "text"}))
    with Spool(path, {"day": "2026-03-02"}) as spool:
        assert spool.position is None
        assert not list(spool.read())
        spool.append([[b"{}"]], "b")
    with Spool(path, {"day": "2026-03-02"}) as spool:
        assert spool.position == "b"
        assert len(list(spool.read())) == 1
