"""What a server's answer means for a download that may already be half here. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_STRONG = re.compile(r'"[\x21\x23-\x7e]{1,200}"', re.ASCII)
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a response. `length` is its Content-Length, None when it has none."""

    status: int
    length: int | None = None
    content_range: str = ""
    etag: str = ""
    media_type: str = ""
    encoding: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """append: the body continues what is here. rewrite: it starts anew. complete: nothing is missing.

    again: what is here cannot be continued, empty it and ask anew. moved, answered, barred, wrong: as in Outcome.
    `total` is the whole file's size in bytes, 0 when unknown.
    """

    action: Literal["append", "rewrite", "complete", "again", "moved", "answered", "barred", "wrong"]
    total: int = 0
    words: str = ""


def strong(etag: str) -> str:
    """`etag` when it names exact bytes (RFC 9110, 8.8.1), else nothing."""
    return etag if _STRONG.fullmatch(etag) else ""


def judge(answer: Answer, *, have: int, size: int, limit: int, etag: str) -> Verdict:
    """`have` bytes are here, of a file with `etag` (empty: unknown); `size` was promised (0: nothing was), and no
    more than `limit` will be taken.
    """
    if answer.status in (301, 302, 303, 307, 308):
        return Verdict("moved") if answer.location else Verdict("barred", words="it points nowhere")
    if answer.status == 416 and have:
        return Verdict("complete", have) if have == size else Verdict("again", words="the server lost its place")
    if answer.status not in (200, 206):
        return Verdict("answered")
    if answer.encoding not in ("", "identity"):
        return Verdict("barred", words="the server compressed the file, though it was asked not to")
    if answer.media_type in ("text/html", "application/xhtml+xml"):
        return Verdict("barred", words="the server sent a web page instead of the file")
    return _continued(answer, have, size, etag) if answer.status == 206 else _whole(answer, size, limit)


def _continued(answer: Answer, have: int, size: int, etag: str) -> Verdict:
    match = _RANGE.fullmatch(answer.content_range)
    if match is None or int(match[1]) != have or match[3] == "*":
        return Verdict("again", words="the server sent another part than was asked for")
    total = int(match[3])
    if (etag and strong(answer.etag) and answer.etag != etag) or int(match[2]) != total - 1:
        return Verdict("again", words="the file changed on the server")
    if size and total != size:
        return Verdict("wrong", words=f"the server offers {total} bytes, {size} were promised")
    return Verdict("append", total)


def _whole(answer: Answer, size: int, limit: int) -> Verdict:
    total = answer.length if answer.length is not None else size
    if size and total != size:
        return Verdict("wrong", words=f"the server offers {total} bytes, {size} were promised")
    if total > limit:
        return Verdict("barred", words=f"the file has {total} bytes, at most {limit} are taken")
    return Verdict("rewrite", total)
