"""Questions made of the owner's own passages, to see whether searching still finds them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from freehold.library.errors import EmbedderMissing

if TYPE_CHECKING:
    from freehold.library.library import Checked

_WORD = re.compile(r"[^\W_]{4,}")
_SENTENCE = re.compile(r"[^.!?\n]+")
GOOD = 0.85
NOTABLE = 0.05  # two questions of forty
_KEPT = ("questions", "words", "meaning", "hybrid", "embedder")


def question_from(passage: str) -> str:
    """Half of the longer words of the passage's longest sentence: what a person may remember of it."""
    sentence = max(_SENTENCE.findall(passage) or [passage], key=len)
    words = _WORD.findall(sentence) or _WORD.findall(passage) or [passage[:80]]
    return " ".join(words[::2][:10])


def shares(questions: int, hits: Mapping[str, int], embedder: str) -> Checked:
    """The shares found again, without a model by words alone."""
    from freehold.library.library import Checked

    found = {mode: count / max(questions, 1) for mode, count in hits.items()}
    if not embedder:
        return Checked(questions, found["words"], None, found["words"])
    return Checked(questions, found["words"], found["meaning"], found["hybrid"], embedder=embedder)


def compared(found: Checked, before: Checked | None, *, is_changing: bool) -> Checked:
    """`found` with what to do about it, seen beside what was found before."""
    return replace(found, before=before, advice=_change(found, before, is_changing) or _standing(found))


def _change(found: Checked, before: Checked | None, is_changing: bool) -> str:
    """What a change since the last time asks for; nothing where there was none."""
    if is_changing:
        return "Another model is still reading your documents: check again when it has taken over."
    if before is None or not found.questions or found.meaning is None:
        return ""
    lost = before.hybrid - found.hybrid
    if before.embedder and before.embedder != found.embedder:
        if lost >= NOTABLE:
            back = f"`freehold library embedder use {before.embedder}`"
            return f"The new model finds less than {before.embedder} did; {back} takes it back."
        more = "more than" if lost <= -NOTABLE else "as much as"
        return f"The new model finds {more} {before.embedder} did: keep it."
    if lost >= NOTABLE:
        return (
            "Less is found than the last time, with the same model. After an update of Freehold, which may cut texts "
            "otherwise, forget the documents and add them again; else the new documents are just harder to tell apart."
        )
    return ""


def _standing(found: Checked) -> str:
    if not found.questions:
        return "There is no passage long enough to ask for. `freehold library add PATH` adds documents."
    if found.meaning is None:
        return f"Searching is by words only. {EmbedderMissing.advice}"
    if found.meaning < 0.5 < found.words:
        return (
            "Meaning finds little: your documents may be in a language that this model does not know. "
            "`freehold library embedder list` has others."
        )
    if found.hybrid < GOOD:
        return "Less is found than should be: try another model, `freehold library embedder list`."
    return "All is well."


def to_json(found: Checked) -> str:
    return json.dumps({name: getattr(found, name) for name in _KEPT})


def from_json(text: str) -> Checked | None:
    """What `to_json` kept; None for nothing, or what another version kept."""
    from freehold.library.library import Checked

    try:
        known = json.loads(text)
        return Checked(**{name: known[name] for name in _KEPT})
    except (ValueError, TypeError, KeyError):
        return None
