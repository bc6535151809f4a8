"""Searches for many things at once: one that fails is halved, until what fails is alone.

[1 ... 200] fails ─▶ [1 ... 100] answers
                  └▶ [101 ... 200] fails ─▶ ... ─▶ [117] fails, and others answer: it is missed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from lsats_pipeline.core.errors import CallFailed

K = TypeVar("K")
R = TypeVar("R")

_IN_A_ROW = 20  # failures after which another is tried again, to learn whether it is the source
_OTHERS = 5


class HalvedSearch(Generic[K, R]):
    """Searches by `search(keys)`, which may raise CallFailed.

    `everything`: all keys that are to be searched for; `missed(key, failure)` is called for what
    cannot be searched for even alone.
    """

    def __init__(
        self,
        search: Callable[[Sequence[K]], R],
        everything: Sequence[K],
        missed: Callable[[K, CallFailed], None],
    ) -> None:
        self._search, self._everything, self._missed = search, everything, missed
        self._failed: list[K] = []  # alone, since the last answer
        self._ahead: dict[K, R] = {}  # answers of those that were tried out of turn

    def answers(self, keys: Sequence[K]) -> Iterator[R]:
        """The answers for these keys, in their order; CallFailed when the source itself fails."""
        for key in [key for key in keys if key in self._ahead]:
            yield self._ahead.pop(key)
            keys = [other for other in keys if other != key]
        if not keys:
            return
        try:
            answer = self._search(keys)
        except CallFailed as failure:
            if len(keys) > 1:
                half = len(keys) // 2
                yield from self.answers(keys[:half])
                yield from self.answers(keys[half:])
                return
            self._failed.append(keys[0])
            if len(self._failed) % _IN_A_ROW == 1:
                self._require_another(failure)
            self._missed(keys[0], failure)
            return
        self._failed = []
        yield answer

    def _require_another(self, failure: CallFailed) -> None:
        """Raise the failure unless there is a key that can be searched for."""
        last = len(self._everything) - 1
        places = {at * last // (_OTHERS - 1) for at in range(_OTHERS)}
        others = [self._everything[place] for place in sorted(places, reverse=True)]
        for key in sorted(others, key=self._ahead.__contains__):
            if key in self._failed:
                continue
            try:
                self._ahead[key] = self._search([key])
            except CallFailed:
                continue
            return
        raise failure
