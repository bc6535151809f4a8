"""Faults on request: rows of `campus.faults`, read at every request.

A row's name is the kind of fault, or `kind:anything` when several of a kind are wanted.

    tdx_rate_limit, gateway_rate_limit  {"calls": n, "seconds": s}
    tdx_token_life, gateway_token_life  {"seconds": s, "claimed": s}  what the token says of itself
    tdx_active_only  {}   inactive accounts are not listed, as in the real system
    http_error       {"path": "...", "status": 500, "times": n}
    http_cut         {"path": "...", "after_bytes": n, "times": n}    dropped within the body
    ldap_size_limit  {"directory": "...", "entries": n}  code 4, in place of its own limit; 0: none;
                     "pages": true: not of paged searches
    ldap_no_rule     {"directory": "...", "rules": ["ordering", "substring"]}  (uid>=a), (uid=a*)
                     are undefined, as is their negation
    ldap_no_paging   {"directory": "...", "code": 12}    as a server without paged results
    ldap_cookie_gone {"directory": "...", "code": 53, "times": n}     a page that is asked for
    ldap_cut         {"directory": "...", "after_entries": n, "times": n}  of one search;
                     "bytes": n: and so many bytes of the next entry
    slow             {"path" or "directory": "...", "seconds": s, "times": n}
    gateway_shift    {"after_page": n}    the first record is gone once n pages have been read

`path` is a part of the request's path, `directory` a source system; without one every request is
meant. Without `times` a fault lasts as long as its row, without `claimed` a token states its real
life. The faults of umich_api are called `gateway_...`, as rows of existing campuses are.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

CREATE_TABLE = """
do $$ begin
  if to_regclass('campus.faults') is null then
    -- Each step of a run may have a process with simulators of its own.
    perform pg_advisory_xact_lock(hashtextextended('campus.faults', 0));
    create table if not exists campus.faults (
      name text primary key, setting jsonb not null default '{}');
    comment on table campus.faults is 'faults that the simulators show on request';
    comment on column campus.faults.name is 'name of the fault';
    comment on column campus.faults.setting is 'how often, where and how it strikes';
  end if;
end $$
"""

Setting = dict[str, Any]


class FaultCounts:
    """How often each fault has struck in this process; a changed or new row starts afresh."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._struck: dict[tuple[str, str], int] = {}

    def forget_all_but(self, rows: dict[str, Setting]) -> None:
        """Drop the counts of rows that are gone or were changed."""
        current = {_identity(name, setting) for name, setting in rows.items()}
        with self._lock:
            for key in self._struck.keys() - current:
                del self._struck[key]

    def left(self, name: str, setting: Setting) -> bool:
        """Whether the fault may strike again."""
        times = setting.get("times")
        return times is None or self._struck.get(_identity(name, setting), 0) < times

    def strike(self, name: str, setting: Setting) -> bool:
        """Use the fault once; False when it was used up."""
        key = _identity(name, setting)
        with self._lock:
            if not self.left(name, setting):
                return False
            self._struck[key] = self._struck.get(key, 0) + 1
            return True


class Faults:
    """The faults in force at one moment."""

    def __init__(self, rows: dict[str, Setting], counts: FaultCounts) -> None:
        self._rows = rows
        self._counts = counts
        counts.forget_all_but(rows)

    def get(self, kind: str, place: str = "") -> Setting | None:
        """The setting of a fault of this kind that concerns `place`, without using it up."""
        candidates = self._concerning(kind, place)
        return next((s for name, s in candidates if self._counts.left(name, s)), None)

    def take(self, kind: str, place: str = "") -> Setting | None:
        """The same, counting one strike."""
        candidates = self._concerning(kind, place)
        return next((s for name, s in candidates if self._counts.strike(name, s)), None)

    def _concerning(self, kind: str, place: str) -> Iterator[tuple[str, Setting]]:
        for name, setting in self._rows.items():
            where = setting.get("directory") or setting.get("path") or ""
            if name.partition(":")[0] == kind and where in place:
                yield name, setting


def _identity(name: str, setting: Setting) -> tuple[str, str]:
    return name, json.dumps(setting, sort_keys=True)
