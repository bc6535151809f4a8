"""The directories as they are: one set of tests on the simulator, on slapd and on Samba.

    entries ──fill──▶ simulator │ slapd │ Samba ──streams──▶ records ──hub──▶ silver
                          └──▶ ldap3 and the standard library say what it holds ──▶ compared

Samba takes part where LSATS_TEST_SAMBA says with how many people: `make test-directories`.
"""
