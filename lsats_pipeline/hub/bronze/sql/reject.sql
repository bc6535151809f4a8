-- Keep what could not be used; the same fault seen again is one row with one more attempt.
insert into meta.rejects as reject (
    layer, entity, external_id, reason, detail, payload, fingerprint,
    partition_key, run_id, first_seen, last_seen)
values (
    %(layer)s, %(entity)s, %(external_id)s, %(reason)s, %(detail)s, %(payload)s, %(fingerprint)s,
    %(day)s, %(run_id)s, %(observed_at)s, %(observed_at)s)
on conflict (layer, entity, fingerprint) do update set
    attempts = reject.attempts + 1,
    detail = excluded.detail,
    payload = excluded.payload,
    partition_key = excluded.partition_key,
    run_id = excluded.run_id,
    last_seen = excluded.last_seen,
    resolution = 'open',
    resolved_at = null
