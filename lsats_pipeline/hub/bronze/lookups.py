"""Single records by id, a few at once; and what is wrong: one record, or the source.

ids ─▶ call ─┬▶ a record, or None: the source has none
             ├▶ CallFailed, or an answer of no use: a reject, once a later record was read
             └▶ any other error, or no record can be read any more: the source. No more calls

A source that refuses everything looks at first like one bad record after the other. So failures
count as their records' own only when a record was read after them. Too many in a row, or some at
the end: others are tried, first such as could be read before, then some from all over the rest.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from lsats_pipeline.core.errors import CallFailed, LsatsError, PermanentError, TransientError
from lsats_pipeline.hub.bronze.records import Prepared, RejectedRecord

UNREADABLE = "unreadable"  # the reason of a reject that the source gave no answer for
WORKERS = 4  # calls under way at once
BATCH = 200  # calls between two batches of answers
SUSPICIOUS = 20  # failures in a row; far more than the workers, who may all meet bad records
_READ_BEFORE, _FROM_THE_REST = 3, 10  # records tried to learn whether it is the source


class Answer(NamedTuple):
    """What became of one id. `payload` is None when the source has no such record.

    `rejected`: why the answer is of no use; `cause` says it in two words. `read`: the record itself
    came, of use or not, so the source is well.
    """

    external_id: str
    payload: bytes | None
    rejected: RejectedRecord | None = None
    cause: str = ""
    read: bool = False


class Lookups:
    """Looks records up by `call(external_id)`; `prepare` says what an answer is worth.

    `read_before()` names records that could be read lately, for a doubtful moment: they are asked
    for again, and the answers are not kept. After the last batch `stopped` is the error that
    concerns the source, if any; ids without an answer are then as if never asked for.
    """

    def __init__(
        self,
        call: Callable[[str], bytes | None],
        prepare: Callable[[bytes], Prepared | RejectedRecord],
        read_before: Callable[[], Sequence[str]],
    ) -> None:
        self.stopped: LsatsError | None = None
        self._call, self._prepare = call, prepare
        self._read_before = read_before
        self._lock = threading.Lock()
        self._settled: list[Answer] = []
        self._suspects: list[Answer] = []
        self._last_read: list[str] = []
        self._transient = False  # whether the last failure may pass by itself

    def answers(self, ids: Sequence[str]) -> Iterator[list[Answer]]:
        """Answers in batches, as they come."""
        waiting = deque(ids)
        with ThreadPoolExecutor(WORKERS) as workers:
            while waiting and self.stopped is None:
                batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
                asked = list(workers.map(self._ask, batch))
                left = [one for one, done in zip(batch, asked, strict=True) if not done]
                waiting.extendleft(reversed(left))
                if self._suspects and self.stopped is None and (left or not waiting):
                    self._probe(workers, waiting)
                settled, self._settled = self._settled, []
                yield settled

    def _ask(self, external_id: str) -> bool:
        """Ask for one; False when it was not, as the source itself is in doubt."""
        if self.stopped is not None or len(self._suspects) >= SUSPICIOUS:
            return False
        return self._conclude(external_id, self._answer(external_id))

    def _answer(self, external_id: str) -> Answer | LsatsError:
        try:
            payload = self._call(external_id)
        except CallFailed as failure:
            self._transient = isinstance(failure, TransientError)
            return _unreadable(external_id, str(failure), failure.cause)
        except LsatsError as error:
            return error
        except Exception as error:  # whatever one record did to its client, others may be good
            kind = type(error).__name__
            return _unreadable(external_id, f"unexpected {kind}: {error}", kind)
        if payload is None:
            return Answer(external_id, None)
        prepared = self._prepare(payload)
        read = prepared.external_id == external_id
        if isinstance(prepared, RejectedRecord):
            rejected = prepared._replace(external_id=external_id)
            return Answer(external_id, None, rejected, rejected.reason, read)
        if not read:
            detail = f"the answer is about {prepared.external_id}"
            rejected = RejectedRecord(external_id, "another_record", detail, payload)
            return Answer(external_id, None, rejected, rejected.reason)
        return Answer(external_id, payload, read=True)

    def _conclude(self, external_id: str, answer: Answer | LsatsError) -> bool:
        """Whether there is an answer to keep."""
        with self._lock:
            if isinstance(answer, LsatsError):
                self.stopped = self.stopped or answer
                return False
            if answer.read:
                self._last_read = [external_id]
                self._acquit()
            (self._suspects if answer.rejected and not answer.read else self._settled).append(
                answer
            )
        return True

    def _acquit(self) -> None:
        """A record was read: whatever failed before it did so by itself."""
        self._settled += self._suspects
        self._suspects = []

    def _probe(self, workers: ThreadPoolExecutor, waiting: deque[str]) -> None:
        """Find a record that can be read; without one it is the source that fails."""
        for external_id in [*self._last_read, *self._read_before()][:_READ_BEFORE]:
            answer = self._answer(external_id)
            if isinstance(answer, LsatsError):
                self.stopped = answer
                return
            if answer.read:
                self._acquit()
                return
        some = _spread(waiting)
        for external_id, answer in zip(some, workers.map(self._answer, some), strict=True):
            if self._conclude(external_id, answer):
                waiting.remove(external_id)
        if self._suspects and self.stopped is None:
            self.stopped = self._outage()

    def _outage(self) -> LsatsError:
        last = self._suspects[-1].rejected
        assert last is not None
        return (TransientError if self._transient else PermanentError)(
            f"{len(self._suspects):,} in a row could not be read, nor any other that was tried: the"
            f" source itself seems to fail, and is asked no more. The last: {last.detail}"
        )


def _unreadable(external_id: str, failure: str, cause: str) -> Answer:
    return Answer(external_id, None, RejectedRecord(external_id, UNREADABLE, failure, None), cause)


def _spread(waiting: Sequence[str]) -> list[str]:
    """Some of them, the first and the last among them."""
    count = min(_FROM_THE_REST, len(waiting))
    return [waiting[at * (len(waiting) - 1) // max(1, count - 1)] for at in range(count)]
