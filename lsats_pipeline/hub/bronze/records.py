"""A record's identity and content hash; or the reason why it has none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from lsats_pipeline.hub.sources.nesting import DEEPEST, flattened, too_deep
from lsats_pipeline.hub.sources.source import Detail, Stream, UnusableRecord

_NUL_ESCAPE = b"\\u0000"
# An index entry holds at most about 2,700 bytes.
_LONGEST_KEY = 600


class Prepared(NamedTuple):
    """A record that can land: the source's own text, and JSON of where it stood."""

    external_id: str
    content_hash: bytes
    payload: bytes
    origin: str | None = None


class RejectedRecord(NamedTuple):
    """A record that cannot. `external_id` is None when not even that could be read.

    `payload` is None when the source did not give it; without both, `detail` is what tells it from
    others.
    `may_be`: a pattern of LIKE for the identities that it may have.
    """

    external_id: str | None
    reason: str
    detail: str
    payload: bytes | None
    may_be: str | None = None


def preparer(declared: Stream | Detail) -> Callable[[bytes], Prepared | RejectedRecord]:
    """A function from payload to Prepared or Rejected for one stream.

    The hash covers every field but the volatile ones, whatever the order of the keys.
    """
    decode = msgspec.json.Decoder().decode
    encode = msgspec.json.Encoder(order="sorted").encode
    sha256 = hashlib.sha256
    key, volatile = declared.key, declared.volatile
    identify = declared.identify if isinstance(declared, Stream) else None
    identity_of = identify or (lambda document: identity(document, key))

    def prepare(payload: bytes) -> Prepared | RejectedRecord:
        if too_deep(payload):
            return _too_deep(payload, key)
        try:
            document = decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _undecodable(payload, key, str(error))
        if not isinstance(document, dict):
            return RejectedRecord(None, "not_an_object", f"a {type(document).__name__}", payload)
        try:
            external_id = identity_of(document)
        except UnusableRecord as unusable:
            detail = str(unusable)
            return RejectedRecord(None, unusable.reason, detail, payload, unusable.may_be)
        if external_id is None:
            return RejectedRecord(None, "missing_key", f"no value in {' or '.join(key)}", payload)
        if len(external_id) > _LONGEST_KEY:
            return RejectedRecord(
                None, "oversized_key", f"{len(external_id):,} characters", payload
            )
        if _NUL_ESCAPE in payload and (where := _nul_field(document)):
            return RejectedRecord(_storable(external_id), "nul_character", f"in {where}", payload)
        content = {k: v for k, v in document.items() if k not in volatile} if volatile else document
        return Prepared(external_id, sha256(encode(content)).digest(), payload)

    return prepare


def identity_reader(stream: Stream) -> Callable[[bytes], str | None]:
    """A function from payload to identity that reads no more of a record than its key."""
    prepare = preparer(stream)
    if stream.identify is not None or not all(name.isidentifier() for name in stream.key):
        return lambda payload: prepare(payload).external_id
    shape = msgspec.defstruct("Key", [(name, str | int) for name in stream.key])
    decode = msgspec.json.Decoder(shape).decode

    def read(payload: bytes) -> str | None:
        try:
            values = msgspec.structs.astuple(decode(payload))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return prepare(payload).external_id
        return identity(dict(zip(stream.key, values, strict=True)), stream.key)

    return read


def in_list_form(listed: bytes, record: bytes) -> bytes:
    """A record as its list would show it: what the list form has, with the record's values.

    Lists and objects stay as the list had them: these are what lists leave out.
    """
    fields = dict[str, msgspec.Raw]
    old, new = (msgspec.json.decode(text, type=fields) for text in (listed, record))
    single = {name: value for name, value in new.items() if bytes(value)[:1] not in b"[{"}
    return msgspec.json.encode({name: single.get(name, value) for name, value in old.items()})


def identity(document: dict[str, Any], key: tuple[str, ...]) -> str | None:
    """The values of the key fields joined by "-"; None when one is missing, null or blank."""
    parts = []
    for name in key:
        value = document.get(name)
        if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
            return None
        parts.append(str(value).strip())
    return "-".join(parts) if all(parts) else None


def _undecodable(payload: bytes, key: tuple[str, ...], message: str) -> RejectedRecord:
    """Tell bad UTF-8 from bad JSON, and save the identity if a lenient reader can find it."""
    text = payload.decode("utf-8", errors="replace")
    reason = "invalid_utf8" if text.encode() != payload else "invalid_json"
    return RejectedRecord(_known_identity(text, key), reason, message, payload)


def _too_deep(payload: bytes, key: tuple[str, ...]) -> RejectedRecord:
    text = flattened(payload).decode("utf-8", errors="replace")
    detail = f"more than {DEEPEST} levels"
    return RejectedRecord(_known_identity(text, key), "nested_too_deep", detail, payload)


def _known_identity(text: str, key: tuple[str, ...]) -> str | None:
    """The identity that a lenient reader finds in a text that decoders refuse."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return _storable(identity(document, key) if isinstance(document, dict) else None)


def _storable(identity: str | None) -> str | None:
    """An identity without what PostgreSQL cannot keep in a text."""
    if identity is None:
        return None
    return identity.replace("\x00", "").encode("utf-8", "replace").decode()


def _nul_field(document: dict[str, Any]) -> str | None:
    """The first field with a NUL anywhere inside; PostgreSQL can store it in no text."""
    return next((name for name, value in document.items() if _has_nul(name, value)), None)


def _has_nul(*values: Any) -> bool:
    for value in values:
        if isinstance(value, str):
            found = "\x00" in value
        elif isinstance(value, dict):
            found = _has_nul(*value.keys(), *value.values())
        else:
            found = isinstance(value, list) and _has_nul(*value)
        if found:
            return True
    return False
