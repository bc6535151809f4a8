"""The campus world: people, machines, labs, what six systems know of them, and intended defects.

    create --> first day   advance --> one transaction per day   simulators serve `campus.records`

    world.py lifecycle.py    what a campus depends on; create, advance
    sampling.py names.py     random streams by hashing; names, uniqnames
    departments.py           hierarchy, oddities, events; department_views.py  records, labels
    people.py events.py      who somebody is; their events, and when which system has them
    defects.py               defects of whose records
    views.py                 what each system knows; records.py  its JSON; labels.py  the flags
    labs.py awards.py        PIs, members, their awards; units.py  their folders
    groups.py                who is in which; group_anomalies.py memberships.py group_records.py
    machines.py              which machines there are; machine_events.py machine_defects.py
    machine_views.py         what each system knows; machine_records.py machine_labels.py
    snapshot.py              one person on one day as rows; lab_snapshot.py machine_snapshot.py
    other_accounts.py        what is in Active Directory and neither person nor computer
    propagated_changes.py    who and what a day can have changed
    blocks.py                a day in blocks, each made alone
    directory_names.py       distinguished names
    facts.py store.py *.sql  rows, PostgreSQL
    simulation.py            the campus of a hub without sources; simulators/ serves it

Person, machine or lab i on day d is a pure function of (seed, people, machines, first_day, i, d):
any can be worked out alone, and two worlds made with the same numbers are equal however they came
to a day.
"""
