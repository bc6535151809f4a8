-- Rejects of details that were read now, or whose list record is gone.
update meta.rejects reject set resolution = 'mended', resolved_at = %(observed_at)s
where reject.layer = %(layer)s
    and reject.entity = %(entity)s
    and reject.resolution = 'open'
    and reject.run_id <> %(run_id)s
    and (
        reject.external_id = any(%(ids)s)
        or exists (
            select from bronze.heads list
            where list.source_system = %(source_system)s
                and list.entity_type = %(list_type)s
                and list.external_id = reject.external_id
                and list.is_removed)
    )
