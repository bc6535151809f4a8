"""Stand-ins for the real systems, served over loopback from the campus world; faults on request.

    campus.records ── record_store ┬── tdx ──────── web ───────── HTTP   TeamDynamix
    campus.faults ─── faults       ├── umich_api ── web ───────── HTTP   university API gateway
                                   └── directory ── ldap_server ─ LDAP   the two directories
                                       ldap_messages, ldap_filter, entries, ber
    campus.records ── documents ────────────────────────────────── files  KeyConfigure, lab awards

`python -m lsats_pipeline.campus.simulators` serves all four; `process.start_simulators` runs that
as a child that ends with its parent. The hub reaches them by address only. Other sources, and other
streams of these, answer with what is recorded of them (`hub/sources/recorded.py`).
"""

# What the campus knows: entity types by system, details apart.
SYSTEMS: dict[str, frozenset[str]] = {
    "tdx": frozenset({"department", "user", "asset"}),
    "umich_api": frozenset({"department", "user"}),
    "mcommunity_ldap": frozenset({"user", "group"}),
    "active_directory": frozenset({"user", "group", "computer", "organizational_unit"}),
    "key_client": frozenset({"computer"}),
    "lab_awards": frozenset({"lab_award"}),
}
# What no stream is for: it looks like people and computers, and has to be told from them.
STAND_INS = frozenset({("active_directory", "service_account"), ("active_directory", "contact")})
