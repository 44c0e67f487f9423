"""Words as the word index sees them. Pure."""

from __future__ import annotations

import re

_NO_SPACES = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f])")
_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_WORD = re.compile(r"[^\W_]+")
MOST_TERMS = 48
_SHORT = 3  # letters: words up to this length carry little
_STEM = 6  # letters by which words agree
_WITHIN = 5  # that do so within a word


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


def is_weighty(term: str) -> bool:
    """Whether a term says what a question is about: more than three letters, a number, or a script without spaces."""
    return len(term) > _SHORT or _has_digit(term) or " " in term


def named_in(question: str) -> list[str]:
    """What a question names: its weighty words with a capital, but for the first, and those with a digit."""
    words = _WORD.findall(question)
    named = [word for place, word in enumerate(words) if _has_digit(word) or (place and word[0].isupper())]
    return list(dict.fromkeys(word.lower() for word in named if is_weighty(word)))


def is_said(term: str, said: str, words: frozenset[str]) -> bool:
    """Whether `said`, in small letters, says a term: by its first six letters, where one of its `words` begins or, when
    they are enough to mean something within a compound, anywhere; a number or a short word as a whole.
    """
    if " " in term:
        return term.replace(" ", "") in said
    if len(term) <= _SHORT or _has_digit(term):
        return term in words
    root = term[:_STEM]
    return (len(root) >= _WITHIN and root in said) or any(word.startswith(root) for word in words)


def _has_digit(word: str) -> bool:
    return any(sign.isdigit() for sign in word)


def word_set(text: str) -> frozenset[str]:
    """The words of a passage, for telling whether two say the same."""
    return frozenset(_WORD.findall(text.lower()))
