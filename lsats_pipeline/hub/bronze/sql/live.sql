-- How many records of the stream live.
select count(*) from bronze.heads
where source_system = %(source_system)s and entity_type = %(entity_type)s and not is_removed
