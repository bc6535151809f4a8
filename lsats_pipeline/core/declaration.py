"""Where a declaration stands, so that a page can lead to its line."""

from __future__ import annotations

import sys
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a module."""

    file: str
    line: int


def place() -> Place | None:
    """The line of the module that is just being run, in which something is declared.

    None outside the running of any module. It costs a look at a few frames, no file is read.
    """
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back  # type: ignore[assignment]
    return Place(frame.f_code.co_filename, frame.f_lineno) if frame is not None else None
