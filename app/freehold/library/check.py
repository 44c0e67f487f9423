"""Questions made of the owner's own passages, to see whether searching still finds them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freehold.library.library import Checked

_WORD = re.compile(r"[^\W_]{4,}")
_SENTENCE = re.compile(r"[^.!?\n]+")
GOOD = 0.85


def question_from(passage: str) -> str:
    """Half of the longer words of the passage's longest sentence: what a person may remember of it."""
    sentence = max(_SENTENCE.findall(passage) or [passage], key=len)
    words = _WORD.findall(sentence) or _WORD.findall(passage) or [passage[:80]]
    return " ".join(words[::2][:10])


def judge(questions: int, hits: Mapping[str, int], *, has_meaning: bool) -> Checked:
    """The shares found again, and what to do about them."""
    from freehold.library.library import Checked

    shares = {mode: count / max(questions, 1) for mode, count in hits.items()}
    best = shares["hybrid"] if has_meaning else shares["words"]
    if not questions:
        advice = "There is nothing in the library yet."
    elif not has_meaning:
        advice = "Searching is by words only. Install the extra `library` to search by meaning too."
    elif shares["meaning"] < 0.5 < shares["words"]:
        advice = "Meaning finds little: your documents may be in a language that this model does not know."
    elif best < GOOD:
        advice = "Less is found than should be. Add the documents again, or try another embedding model."
    else:
        advice = "All is well."
    meaning = shares["meaning"] if has_meaning else None
    return Checked(questions, shares["words"], meaning, best, advice)
