"""Makes characters that cannot be seen, or that reorder what is seen, visible."""

from __future__ import annotations

import re

# Controls (tab and newline apart), bidirectional controls, zero-width and filler characters, variation selectors,
# tags, private use, surrogates, noncharacters, and U+FFFC, which Qt reads as "an object stands here".
_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffc\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 14))
    + "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    "]+"
)
# Sequences in which such characters do honest work: emoji with a presentation selector or joined to one another,
# the three flags made of tags, and the joiners inside words of the scripts that need them.
_PICTURE = "[\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_EMOJI = f"{_PICTURE}(?:[\ufe0e\ufe0f]|{_SKIN})?"
_JOINED = "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17b3\u1800-\u180a]"
_HONEST = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067"
    "|\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074"
    "|\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073)\U000e007f"
    f"|{_EMOJI}(?:\u200d{_EMOJI})*"
    "|[0-9#*]\ufe0f\u20e3"
    f"|(?<={_JOINED})[\u200c\u200d](?={_JOINED})"
)
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{9,}")
_NEWLINES = re.compile("\r\n?")


def visible(text: str) -> str:
    """`text` with every hidden character written out ("[U+202E]"), long runs of them and of combining marks counted.

    Tabs and newlines stay; what joins emoji and words of joining scripts stays.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _MARKS.sub(lambda found: f"{found[0][:4]}[{len(found[0]) - 4} marks]", text)
    if not _HIDDEN.search(text):
        return text
    parts, end = [], 0
    for honest in _HONEST.finditer(text):
        if _HIDDEN.search(honest[0]):
            parts += [_HIDDEN.sub(_written_out, text[end : honest.start()]), honest[0]]
            end = honest.end()
    return "".join(parts) + _HIDDEN.sub(_written_out, text[end:])


def visible_lines(text: str) -> str:
    """`visible`, with the line ends of every system made newlines first."""
    return visible(_NEWLINES.sub("\n", text))


def one_line(text: str) -> str:
    """`visible`, with every run of white space a single space."""
    return " ".join(visible(text).split())


def is_plain(text: str) -> bool:
    """Nothing in it is hidden."""
    return not _HIDDEN.search(text)


def _written_out(found: re.Match[str]) -> str:
    run = found[0]
    if len(run) > 8:
        return f"[{len(run)} hidden characters]"
    return "".join(f"[U+{ord(character):04X}]" for character in run)
