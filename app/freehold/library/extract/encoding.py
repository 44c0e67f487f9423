"""Bytes to text, whatever wrote them."""

from __future__ import annotations

import codecs
from pathlib import Path

from freehold.library.errors import DocumentUnsupported
from freehold.library.extract.blocks import MOST_CHARACTERS

_SAMPLE = 64_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def read_text(path: Path, most: int = MOST_CHARACTERS) -> str:
    """The file's text with plain newlines: at most a little more than `most` characters of it, so that what is
    beyond the limit is noticed. Raises DocumentUnsupported for what is no text.
    """
    with path.open("rb") as file:
        return decode(file.read(4 * most + 4))[: most + 1000]  # trimmed white space must not hide that there was more


def decode(raw: bytes) -> str:
    """`raw` as text with plain newlines. Raises DocumentUnsupported when it looks like no text at all."""
    text = raw.decode(detect(raw), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").removeprefix("\ufeff")


def detect(raw: bytes) -> str:
    """The name of the encoding: a byte order mark, UTF-8, the zero bytes of UTF-16 or 32, else the likeliest."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    sample = raw[:_SAMPLE]
    if b"\x00" in sample:
        return _with_zeros(sample)
    if _is_utf8(raw):
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None:
        if _printable(sample) < 0.7:
            raise DocumentUnsupported("it holds no text in any encoding known here")
        return "cp1252"
    return best.encoding


def _is_utf8(raw: bytes) -> bool:
    try:
        # The end may be cut in the middle of a character when a huge file is read in part.
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _with_zeros(sample: bytes) -> str:
    half = max(len(sample) // 4, 1)
    zeros = [sample[place::4].count(0) / half for place in range(4)]
    if all(share > 0.9 for share in zeros[1:]) and zeros[0] < 0.1:
        return "utf-32-le"
    if all(share > 0.9 for share in zeros[:3]) and zeros[3] < 0.1:
        return "utf-32-be"
    if min(zeros[1], zeros[3]) > 0.3 and max(zeros[0], zeros[2]) < 0.1:
        return "utf-16-le"
    if min(zeros[0], zeros[2]) > 0.3 and max(zeros[1], zeros[3]) < 0.1:
        return "utf-16-be"
    raise DocumentUnsupported("it is not text")


def _printable(sample: bytes) -> float:
    return sum(byte >= 32 or byte in b"\t\n\r\f" for byte in sample) / max(len(sample), 1)
