-- Those that `unlisted` leaves for another day.
select external_id from absent order by md5(external_id || %(day)s::text) offset %(most)s
