"""Web pages where data was expected: a sign-in, a proxy's refusal, maintenance."""

from __future__ import annotations

import html
import re

LOOKED_AT = 1 << 16  # bytes of a body that are looked at
_MARKUP = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|title|body|meta)\b", re.DOTALL
)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)(?:</title\b|$)", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"<h1\b[^>]*>(.*?)</h1\b", re.IGNORECASE | re.DOTALL)
_LONGEST_TITLE = 80  # characters


def web_page(body: bytes, content_type: str = "") -> str | None:
    """`a web page ("its title, or first heading")` when the body is one; None when it is not."""
    start = body[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    markup = start.lstrip()[:1] == b"<"
    if not (_MARKUP.match(start.lower()) or (markup and "html" in content_type.lower())):
        return None
    text = start.decode("utf-8", "replace")
    found = _TITLE.search(text) or _HEADING.search(text)
    words = html.unescape(re.sub(r"<[^>]*>", " ", found[1])) if found else ""
    title = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    if len(title) > _LONGEST_TITLE:
        title = title[: _LONGEST_TITLE - 1] + "…"
    return f'a web page ("{title}")' if title else "a web page without a title"
