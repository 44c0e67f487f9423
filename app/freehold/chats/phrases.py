"""What someone types into the search box, as an FTS5 query that cannot fail. Pure."""

from __future__ import annotations

import re

_MOST_WORDS = 16
# Every word quoted, so that none of it is syntax; quotes are doubled inside.
_BREAKS = re.compile(r"[\s\x00]+")


def phrases(text: str) -> str:
    """All words must occur, the last as a beginning: `wie gu` finds "wie gut". Empty when there is nothing to find."""
    words = [word for word in _BREAKS.split(text) if any(letter.isalnum() for letter in word)][:_MOST_WORDS]
    if not words:
        return ""
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return " ".join(quoted) + "*"
