-- The end of `heads` for a stream that has heads already.
on conflict (source_system, entity_type, external_id) do update set
    raw_id = excluded.raw_id,
    content_hash = excluded.content_hash,
    is_removed = excluded.is_removed,
    run_id = excluded.run_id
