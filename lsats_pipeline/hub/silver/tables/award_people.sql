select coalesce(past.uniqname, award.person_uniqname) as uniqname, award.*
        from silver.lab_awards as award
        left join silver.former_uniqnames as past
            on past.former_uniqname = award.person_uniqname
            and past.records ? ('lab_awards/' || award.external_id)
