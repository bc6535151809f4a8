"""Synthetic insurers, networks, providers and services; no real one is among them."""

from __future__ import annotations

import json
from random import Random

PAYERS = (
    "Lakewhistle Mutual",
    "Quillfern Health Plan",
    "Ostrava Vale Assurance",
    "Tallowbrook Care",
)
NETWORKS = ("Heron Choice", "Bluestem Open", "Marlow Select")
PRACTICES = ("Fernhollow Clinic", "Osier Point Hospital", "Tansy Lane Medical", "Wick & Thorne")
SERVICES = ("Consultation", "Imaging of the left ankle", "Removal of a splinter", "Vision check")
# Text that looks like structure, and text that takes more bytes than letters.
ODD = ('say "in_network": [ {', "a } too many ]", "back\\slash \\\\", "tab\tand\nline", "\u0001")
FOREIGN = ("Übersicht für Ärzte", "診察と検査", "prix négocié €", "naïve 🩺 check")
BILLING_CODES = ("CPT", "HCPCS", "MS-DRG", "NDC", "RC")
PLACES = ("11", "19", "21", "22", "23", "31", "81")
MODIFIERS = ("25", "26", "59", "TC")
DAYS = ("9999-12-31", "2027-06-30", "2026-12-31")
TYPES = ("negotiated", "derived", "fee schedule", "percentage", "per diem")


def description(draw: Random) -> str:
    """Of a service; one in a hundred odd, one in a hundred foreign."""
    at = draw.random()
    if at < 0.01:
        return draw.choice(ODD)
    if at < 0.02:
        return draw.choice(FOREIGN)
    return f"{draw.choice(SERVICES)} {draw.randrange(10_000)}"


def quoted(text: str) -> str:
    """As JSON, with letters as they are."""
    return json.dumps(text, ensure_ascii=False)


def tin(draw: Random, version: int) -> str:
    """Who is paid."""
    value = f'"type":"ein","value":"{draw.randrange(10, 99)}-{draw.randrange(10**7):07}"'
    name = f',"business_name":{quoted(draw.choice(PRACTICES))}' if version == 2 else ""
    return f"{{{value}{name}}}"


def code(draw: Random, system: str) -> str:
    """A billing code of the form that its system has."""
    number = draw.randrange(100_000)
    match system:
        case "HCPCS":
            return f"{draw.choice('ACEGJL')}{number % 10_000:04}"
        case "MS-DRG":
            return f"{1 + number % 989:03}"
        case "NDC":
            return f"{number:05}-{draw.randrange(10_000):04}-{draw.randrange(100):02}"
        case "RC":
            return f"{100 + number % 900:04}"
    return f"{number:05}"


def npis(draw: Random) -> list[int]:
    """Ten digits each, the last one as it has to be; a few, seldom many."""
    count = draw.randrange(200, 400) if draw.random() < 0.002 else draw.randrange(1, 8)
    return [_with_check_digit(draw.randrange(10**8, 2 * 10**8)) for _ in range(count)]


def _with_check_digit(nine: int) -> int:
    # Luhn: every second digit twice, from the right; 24 is for the prefix 80840 of all NPIs.
    total, rest, double = 24, nine, True
    while rest:
        rest, digit = divmod(rest, 10)
        total += _TWICE[digit] if double else digit
        double = not double
    return 10 * nine + -total % 10


_TWICE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
