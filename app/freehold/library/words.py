"""Words as the word index sees them. Pure."""

from __future__ import annotations

import re

_NO_SPACES = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f])")
_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_WORD = re.compile(r"[^\W_]+")
MOST_TERMS = 48
_STEM = 6


def spaced(text: str) -> str:
    """`text` with a space around each character of scripts that write none between words, so that FTS5's tokenizer,
    which divides at spaces, sees each of them.
    """
    return _NO_SPACES.sub(r" \1 ", text) if _NO_SPACES.search(text) else text


def terms(query: str) -> list[str]:
    """What to look for, each once: words, and pairs of characters of scripts without spaces ("機 械")."""
    found: dict[str, None] = {}
    for word in _WORD.findall(query.lower()):
        for plain in _RUN.sub(" ", word).split():
            found[plain] = None
        for run in _RUN.findall(word):
            for place in range(max(len(run) - 1, 1)):
                found[" ".join(run[place : place + 2])] = None
    return list(found)[:MOST_TERMS]


def any_of(wanted: list[str]) -> str:
    """An FTS5 expression for chunks that hold any of `wanted`. Quoted, so that nothing in it is an operator."""
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in wanted)


def named_in(question: str) -> list[str]:
    """What a question names: its words with a capital, but for the first, and those with a digit. Of each the first
    letters only, so that inflections agree.
    """
    words = _WORD.findall(question)
    named = [word for word in words[1:] if word[0].isupper()] + [w for w in words if any(sign.isdigit() for sign in w)]
    return list(dict.fromkeys(word.lower()[:_STEM] for word in named))


def word_set(text: str) -> frozenset[str]:
    """The words of a passage, for telling whether two say the same."""
    return frozenset(_WORD.findall(text.lower()))
