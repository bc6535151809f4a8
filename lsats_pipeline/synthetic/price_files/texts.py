"""Coined insurers, networks, providers and services; no real one is among them."""

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


def npis(draw: Random) -> list[int]:
    """Ten digits each; a few, seldom many."""
    count = draw.randrange(200, 400) if draw.random() < 0.002 else draw.randrange(1, 8)
    return [draw.randrange(10**9, 2 * 10**9) for _ in range(count)]
