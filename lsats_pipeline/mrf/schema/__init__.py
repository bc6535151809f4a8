"""The published schema of price files, and what files make of it (domain/mrf.md 2).

types          what a schema is made of: strings, numbers, lists, objects with members and rules
published      versions 1 and 2 of every kind of file, declared with these types
validation     all values of a list against a type, one member at a time; counts and first places
msgspec_types  a type as msgspec types, to pass valid data quickly
json_schema    a type as JSON Schema, a type from observed values, and whether a value is accepted
"""
