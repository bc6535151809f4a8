"""A zip with one JSON document in it becomes a gzip of the same bytes, without packing them anew.

Both hold a deflate stream; only what stands around it differs. So the member is copied with the
CRC that the archive states, and the one pass that proves every file proves it too. No name of a
member is used for anything.
"""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

from lsats_pipeline.core.errors import BadFile

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_ENCRYPTED = 0x1
_BLOCK = 1 << 20


def unpack(archive: Path, into: Path) -> int:
    """Write the one JSON member as gzip (or plain, if it is stored so); its size as text.

    BadFile for no or several JSON members, encryption, methods other than deflate, and for
    archives that contradict themselves.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            member = _single_json_member(archive, opened.infolist())
        _copy_member(archive, member, into)
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError) as error:
        raise BadFile("zip_damaged", f"{archive}: the zip is damaged ({error})") from None
    return member.file_size


def _single_json_member(archive: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    found = [
        member
        for member in members
        if member.filename.lower().endswith(".json")
        and not member.filename.startswith("__MACOSX/")
        and not member.is_dir()
    ]
    if len(found) != 1:
        names = ", ".join(repr(member.filename[:80]) for member in found[:5]) or "none"
        raise BadFile(
            "zip_members",
            f"{archive}: one JSON document is expected in a zip, and there are {len(found):,}"
            f" ({names}): unpack it, and name the files",
        )
    member = found[0]
    if member.flag_bits & _ENCRYPTED:
        raise BadFile("zip_encrypted", f"{archive}: {member.filename[:80]!r} is encrypted")
    if member.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        raise BadFile(
            "zip_method",
            f"{archive}: {member.filename[:80]!r} is packed by method {member.compress_type}, and"
            " only deflate is read: unpack it, and name the file",
        )
    return member


def _copy_member(archive: Path, member: zipfile.ZipInfo, into: Path) -> None:
    with archive.open("rb") as source, into.open("wb") as out:
        source.seek(member.header_offset)
        header = _LOCAL.unpack(source.read(_LOCAL.size))
        if header[0] != b"PK\x03\x04":
            raise ValueError("no member where the directory says")
        source.seek(header[-2] + header[-1], os.SEEK_CUR)
        deflated = member.compress_type == zipfile.ZIP_DEFLATED
        if deflated:
            out.write(_GZIP_HEADER)
        left = member.compress_size
        while left:
            block = source.read(min(left, _BLOCK))
            if not block:
                raise ValueError("it ends inside the member")
            out.write(block)
            left -= len(block)
        if deflated:
            out.write(struct.pack("<II", member.CRC, member.file_size & 0xFFFFFFFF))
        out.flush()
        os.fsync(out.fileno())
