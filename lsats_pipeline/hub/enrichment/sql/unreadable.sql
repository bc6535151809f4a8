-- How many were asked for so far, and how many of them cannot be used.
select
    (select count(*) from meta.rejects
        where layer = %(layer)s and entity = %(entity)s and resolution = 'open'),
    (select count(*) from enrichment.fetches
        where source_system = %(source_system)s and entity_type = %(detail_type)s
            and list_hash <> '')
