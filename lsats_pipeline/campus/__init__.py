"""The campus world: people, machines, labs, what six systems know of them, what is wrong with it.

    create --> day one     advance --> one transaction per day     simulators serve `campus.records`

    world.py             what a campus depends on; where it is
    draws.py names.py    chance by hashing; names, uniqnames    directory_names.py   DNs
    departments.py       hierarchy, oddities, their events      department_views.py  records, labels
    people.py events.py  who somebody is; what happens to them, and when which system hears of it
    defects.py           what is wrong with whose records
    views.py             what each system knows      records.py  its JSON      labels.py  the flags
    labs.py awards.py    PIs, members, what they are paid for       units.py  their folders
    groups.py            who is in which group       odd_groups.py memberships.py group_records.py
    machines.py          what stands where           machine_events.py machine_defects.py
    machine_views.py     what each system knows      machine_records.py machine_labels.py
    snapshot.py lab_snapshot.py machine_snapshot.py  one person, lab, machine on one day as rows
    ripples.py           who and what a day can have changed
    blocks.py            a day in blocks, each made alone
    facts.py store.py *.sql                          rows, PostgreSQL

Person, machine or lab i on day d is a pure function of (seed, people, machines, first_day, i, d):
any can be worked out alone, and two worlds made with the same numbers are equal however they came
to a day.
"""
