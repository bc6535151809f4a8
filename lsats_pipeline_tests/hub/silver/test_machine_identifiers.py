"""How serial numbers, network addresses and names are spelled, and what they are compared as."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsats_pipeline.hub.sources.keyconfigure.addresses import OF_MANY, canonical_mac, written_macs
from lsats_pipeline_tests.hub.silver.test_functions import Database, database

__all__ = ["database"]

VM = "564D4A110C22334455667788990AABBC"

# --- serial numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        # As they are printed.
        ("5CG0412QRV", "5CG0412QRV"),
        ("5cg0412qrv", "5CG0412QRV"),
        (" 5CG0412QRV ", "5CG0412QRV"),
        ("5CG0412QRV\r\n", "5CG0412QRV"),
        ("\t5CG0412QRV", "5CG0412QRV"),
        ("5CG0412QRV\u00a0", "5CG0412QRV"),
        ("\u200b5CG0412QRV", "5CG0412QRV"),
        ("5CG 0412 QRV", "5CG0412QRV"),
        ("5CG-0412-QRV", "5CG0412QRV"),
        ("5CG/0412/QRV", "5CG0412QRV"),
        ("5CG_0412.QRV", "5CG0412QRV"),
        ('"5CG0412QRV"', "5CG0412QRV"),
        ("S/N: 5CG0412QRV", "5CG0412QRV"),
        ("SN 5CG0412QRV", "SN5CG0412QRV"),  # may be part of it
        ("Serial No.: 5CG0412QRV", "5CG0412QRV"),
        ("Service Tag: 8KQ2XW3", "8KQ2XW3"),
        ("5CG0412QRV (loaner)", "5CG0412QRV"),
        ("8KQ2XW3", "8KQ2XW3"),
        ("S/N 5CG0412QRV", "5CG0412QRV"),
        ("Serial Number 5CG0412QRV", "5CG0412QRV"),
        ("(5CG0412QRV)", "5CG0412QRV"),
        ("\uff15CG0412QRV", "5CG0412QRV"),
        # Several: the first.
        ("5CG0412QRV, 5CG0999ZZZ", "5CG0412QRV"),
        ("5CG0412QRV\n5CG0999ZZZ", "5CG0412QRV"),
        ("5CG0412QRV; 5CG0999ZZZ", "5CG0412QRV"),
        ("5CG0412QRV 5CG0999ZZZ", "5CG0412QRV"),
        ("5CG0412QRV / 5CG0999ZZZ", "5CG0412QRV"),
        ("N/A, 5CG0412QRV", "5CG0412QRV"),
        ("/8KQ2XW3/CNFCW0012345678/", "8KQ2XW3"),  # of a board of Dell
        # From spreadsheets.
        ("'00712345", "712345"),
        ("00712345", "712345"),
        ("712345", "712345"),
        ("712345.0", "712345"),
        ("12E45678", "12E45678"),
        # Of virtual machines.
        ("VMware-56 4d 4a 11 0c 22 33 44-55 66 77 88 99 0a ab bc", VM),
        ("VMware-564d4a110c2233445566778899 0aabbc", VM),
        ("VMWARE-564D4A110C2233445566778899-0AABBC", VM),
        ("vmware 564d4a11-0c22-3344-5566-7788990aabbc", VM),
        ("564d4a11-0c22-3344-5566-7788990aabbc", VM),
        ("{564D4A11-0C22-3344-5566-7788990AABBC}", VM),
        ("114A4D56-220C-4433-5566-7788990AABBC", VM),  # as Windows orders the bytes
        ("VMware-42 1c 4a 11 0c 22 33 44-55 66 77 88 99 0a ab bc", f"421C{VM[4:]}"),
        ("Parallels-A1 4A 4A 11 0C 22 33 44 55 66 77 88 99 0A AB BC", f"A14A{VM[4:]}"),
        ("4321-8765-2109-6543-0987-3210-65", "43218765210965430987321065"),
        ("4321 8765 2109 6543 0987 3210 65", "43218765210965430987321065"),
        # As scanners read labels.
        ("SC02ZK1ABMD6T", "C02ZK1ABMD6T"),
        ("sc02zk1abmd6t", "C02ZK1ABMD6T"),
        ("S C02ZK1ABMD6T", "C02ZK1ABMD6T"),
        ("SFVFZK1ABMD6T", "FVFZK1ABMD6T"),
        ("S5CG0412QRV", "S5CG0412QRV"),  # of nobody whose labels begin so
        ("SC02ZK1", "SC02ZK1"),
        ("1S20XWS0AB00PF3K9QZX", "PF3K9QZX"),
    ],
)
def test_serial_numbers(database: Database, written: str, compared: str) -> None:
    assert database.value("silver.real_serial(%s)", written) == compared
    assert database.value("silver.real_serial(silver.real_serial(%s))", written) == compared
    assert not database.value("silver.is_damaged_serial(%s)", written)


@pytest.mark.parametrize(
    "placeholder",
    ["To be filled by O.E.M.", "to be filled by o.e.m", "Default string", "System Serial Number",
     "None", "NONE", "0", "0000", "00000000", "Not Specified", "Not Applicable", "N/A", "n/a", "NA",
     "Unknown", "INVALID", "Empty", "O.E.M.", "OEM", "Chassis Serial Number", "SerialNumber",
     "Serial", "Base Board Serial Number", "123456789", "1234567890", "0123456789", "MB-1234567890",
     "System SN", "No Serial", "NoSerial", "no s/n", "xxxxxxx", "XXXX", "-------", "....", "?",
     "TBD", "NULL", "null", "True", "FALSE", "#N/A", "#REF!", "Virtual Machine", "QEMU", "VMware",
     "see sticker", "ABC", "   ", "'", "\n", "0123456789ABCDEF", "Asset Tag 1", "NO ASSET TAG",
     "NotSpecified", "notapplicable", "Unspecified", "(TBD)", "[none]"],
)  # fmt: skip
def test_placeholders(database: Database, placeholder: str) -> None:
    assert database.value("silver.real_serial(%s)", placeholder) is None
    assert not database.value("silver.is_damaged_serial(%s)", placeholder)


@pytest.mark.parametrize(
    "damaged",
    ["1.23E+11", "1.23e+11", "1,23E+11", "5E+10", " 1.23457E+14 ", "1.23E11", "50000000000",
     "123456789012346000", "123456789012346000.0", "'1.23E+11"],
)  # fmt: skip
def test_numbers_without_their_digits_are_damaged(database: Database, damaged: str) -> None:
    assert database.value("silver.real_serial(%s)", damaged) is None
    assert database.value("silver.is_damaged_serial(%s)", damaged)


ODD = st.text(
    st.sampled_from("SC02FVF1234567890ABCDEFabcdef .,;:/-_'\"()[]{}\n\t\u00a0#E+VMware"),
    max_size=60,
) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(text=ODD)
def test_a_compared_serial_is_its_own_spelling(database: Database, text: str) -> None:
    compared = database.value("silver.real_serial(%s)", text)
    if compared is not None:
        assert compared.isalnum() and compared == compared.upper()
        again = database.value("silver.real_serial(%s)", compared)
        # But a scanner's prefix or a UUID in the other order of bytes may come to light.
        assert again is None or again in compared or len(again) == 32


# --- network addresses ---------------------------------------------------------------------------

A, B = "8C04BA10203F", "001B63A4B5C6"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("8C:04:BA:10:20:3F", [A]),
        ("8c-04-ba-10-20-3f", [A]),
        ("8c04.ba10.203f", [A]),
        ("8C04:BA10:203F", [A]),
        ("8C04-BA10-203F", [A]),
        ("8c.04.ba.10.20.3f", [A]),
        ("8c 04 ba 10 20 3f", [A]),
        ("8c04ba-10203f", [A]),
        ("8c04ba10203f", [A]),
        ("0x8C04BA10203F", [A]),
        ("8C:04:BA: 10:20:3F", [A]),
        ("8C04 BA10 203F", [A]),
        ("8C04BA 10203F", [A]),
        ("  8C:04:BA:10:20:3F\n", [A]),
        ("\ufeff8C:04:BA:10:20:3F\u00a0", [A]),
        ("0:1b:63:a4:b5:c6", [B]),  # as some systems print it
        # Several.
        ("8C:04:BA:10:20:3F 00:1B:63:A4:B5:C6", [A, B]),
        ("8c04ba10203f 001b63a4b5c6", [A, B]),
        ("8C:04:BA:10:20:3F, 00:1B:63:A4:B5:C6", [A, B]),
        ("8C-04-BA-10-20-3F;00-1B-63-A4-B5-C6", [A, B]),
        ("8C-04-BA-10-20-3F / 00-1B-63-A4-B5-C6", [A, B]),
        ("8C:04:BA:10:20:3F\r\n00:1B:63:A4:B5:C6", [A, B]),
        ("8C:04:BA:10:20:3F and 00:1B:63:A4:B5:C6", [A, B]),
        ("8c04.ba10.203f|001b.63a4.b5c6", [A, B]),
        ("8C:04:BA:10:20:3F & 00:1B:63:A4:B5:C6", [A, B]),
        ("8C:04:BA:10:20:3F-00:1B:63:A4:B5:C6", [A, B]),
        ("8C:04:BA:10:20:3F\t00:1B:63:A4:B5:C6", [A, B]),
        ("8c 04 ba 10 20 3f 00 1b 63 a4 b5 c6", [A, B]),
        ("8C:04:BA:10:20:3F 8c-04-ba-10-20-3f", [A]),
        # With labels.
        ("en0: 8c:04:ba:10:20:3f", [A]),
        ("en0:8c:04:ba:10:20:3f", [A]),
        ("MAC:8C-04-BA-10-20-3F", [A]),
        ("MAC=8C04BA10203F", [A]),
        ("8C:04:BA:10:20:3F (Wi-Fi), 00:1B:63:A4:B5:C6 (Ethernet)", [A, B]),
        ("Ethernet 2: 8C-04-BA-10-20-3F", [A]),
        ("Port 10: 8C:04:BA:10:20:3F", [A]),
        ("wired 8c04ba10203f wireless 001b63a4b5c6", [A, B]),
        # From spreadsheets, which drop zeros.
        ("112233445566.0", ["112233445566"]),
        ("1122334455", ["001122334455"]),
        ("11223344556.0", ["011223344556"]),
        # Of everybody and of nobody.
        ("00:00:00:00:00:00", []),
        ("FF:FF:FF:FF:FF:FF, 8C:04:BA:10:20:3F", [A]),
        ("02-00-4C-4F-4F-50", []),
        ("ac:de:48:00:11:22 8c:04:ba:10:20:3f", [A]),
        ("0A:00:00:00:00:01", ["0A0000000001"]),  # given by a person, and one machine's alone
        # None.
        ("8C:04:BA:10:20", []),
        ("8C:04:BA:10:20:3F:11:22", []),
        ("8C-04-BA-FF-FE-10-20-3F", []),
        ("fe80::8e04:baff:fe10:203f", []),
        ("2001:db8:1:2:3:4:5:6", []),
        ("564d4a11-0c22-3344-5566-8C04BA10203F", []),
        ("8c04ba10203f001b63a4b5c6", []),
        ("1.23E+11", []),
        ("8C:04:BA:10:20:3G", []),
        ("see sticker", []),
        ("N/A", []),
        ("", []),
        ("0A\u20131B\u20132C\u20133D\u20134E\u20135F", ["0A1B2C3D4E5F"]),
        (None, []),
    ],
)
def test_network_addresses(database: Database, written: str | None, found: list[str]) -> None:
    assert database.value("silver.macs(%s)", written) == found


MACS = st.lists(
    st.sampled_from(
        ["8c:04:ba:10:20:3f", "8C-04-BA-10-20-3F", "8c04.ba10.203f", "8C04BA10203F", "0x",
         "fe80::1", "0:1b:63:a4:b5:c6", "00 1b 63 a4 b5 c6", "00:00:00:00:00:00", "ACDE48001122",
         "1122334455", "564d4a11-0c22-3344-5566-", "en0:", "MAC", "(Wi-Fi)", " ", "  ", ",", ";",
         "/", "\n", "\t", " and ", "AND", "&", "-", ":", ".", "|", "+", ".0", "\u00a0", "\u200b",
         "ß", "ﬀ", "ı", "ſ", "é", "٣"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(text=MACS | ODD | st.text(st.sampled_from("0123456789abcdefABCDEF:-. \n"), max_size=50))
def test_both_twins_find_the_same_addresses(database: Database, text: str) -> None:
    assert database.value("silver.written_macs(%s)", text) == written_macs(text)
    assert database.value("silver.mac(%s)", text) == canonical_mac(text)


def test_both_twins_know_the_addresses_of_many(database: Database) -> None:
    assert all(database.value("silver.is_mac_of_many(%s)", mac) for mac in OF_MANY)
    body = database.value("pg_get_functiondef('silver.is_mac_of_many'::regproc)")
    assert {part for part in body.split("'") if len(part) == 12} == OF_MANY


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("lsa-chem-17", "LSA-CHEM-17"),
        ("LSA-CHEM-17.ads.example.edu", "LSA-CHEM-17"),
        ("LSA-CHEM-17.", "LSA-CHEM-17"),
        ("LSA-CHEM-17$", "LSA-CHEM-17"),
        (r"ADS\LSA-CHEM-17$", "LSA-CHEM-17"),
        ("  lsa-chem-17\n", "LSA-CHEM-17"),
        ("LSA - CHEM-17", "LSA-CHEM-17"),
        ("front   desk", "FRONT DESK"),
        ("LSA-CHEM-17\nCNF:0b", "LSA-CHEM-17"),
        (r"LSA-CHEM-17\0ACNF:0b", "LSA-CHEM-17"),
        ("lsa\u2013chem\u201117", "LSA-CHEM-17"),
        ("\u200elsa-chem-17\u200f", "LSA-CHEM-17"),
        ("Ada\u2019s laptop", "ADA'S LAPTOP"),
        ("Dr. Ada laptop", "DR. ADA LAPTOP"),
        ("Dr. Ada laptop.local ", "DR. ADA LAPTOP"),
        ("10.1.2.3", None),
        ("$", None),
        ("  ", None),
        (None, None),
    ],
)
def test_names(database: Database, written: str | None, compared: str | None) -> None:
    assert database.value("silver.machine_name(%s)", written) == compared


@pytest.mark.parametrize(
    ("names", "differ"),
    [
        ([], False),
        (["PC1"], False),
        (["PC1", "PC2"], True),
        (["LSA-CHEM-LAPTOP-ROOM12", "LSA-CHEM-LAPTOP"], False),
        (["LSA-CHEM-LAPTOP", "LSA-CHEM-LAPTOP-ROOM12", "PC2"], True),
        (["LSA-CHEM-LAPTOP-ROOM12", "LSA-CHEM-LAPTOP-ROOM13"], True),
        (["LSA-CHEM", "LSA-CHEM-LAPTOP"], True),
    ],
)
def test_a_name_cut_at_15_is_no_other(database: Database, names: list[str], differ: bool) -> None:
    value: Any = psycopg.types.json.Jsonb(names)
    assert database.value("silver.names_differ(%s)", value) is differ
