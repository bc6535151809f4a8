"""The published schema of price files, and what files make of it (domain/mrf.md 2).

kinds        what a schema is made of: texts, numbers, lists, things with members and rules
published    versions 1 and 2 of every kind of file, declared in those
looking      all values of a list against a kind, a member at a time; counts and first places
typed        a kind in native types, to pass what is good quickly
json_schema  a kind as JSON Schema, a kind from what was seen, and whether a value is accepted
"""
