"""What documents give for a question: what is looked for, what the context has room for, how the model is shown it, and
which sentence of its answer comes from where. Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from freehold.chats.values import Attachment, Source, Use, split_thinking
from freehold.library.chunk import estimate_tokens
from freehold.library.grounding import attribute, sentences, weighty_words
from freehold.library.values import Passage, digest_of

LEAST_WORDS = 3  # a question of fewer weighty words leans on the one before it
NEAREST = 3  # near misses that a refusal shows
NEAR_SHARE = 0.5  # of the best passage's score that another one needs to be read beside it
MOST_SHARE = 0.5  # of the room for the prompt that passages may take
_RANK_SHARE = 0.3  # what being of the best passage counts, when the closest sentence is looked for
_MARKUP = 12  # tokens of a passage's number, name and white space

_WORD = re.compile(r"[^\W\d_]{3}")

REFUSAL = "Your documents do not say."


@dataclass(frozen=True, slots=True)
class Evidence:
    """Passages beside a question, best first: `used` are shown to the model, `left_out` had no room."""

    used: tuple[Passage, ...] = ()
    left_out: tuple[Passage, ...] = ()

    def without_last(self) -> Evidence:
        """The same with one passage less in use."""
        return Evidence(self.used[:-1], (self.used[-1], *self.left_out))


def query_from(question: str, before: str) -> str:
    """What to search for: a question that says little by itself ("And the second?") with the one before it."""
    return f"{before}\n{question}" if before and len(weighty_words(question)) < LEAST_WORDS else question


def budget(limit: int, reserved: int, most: int) -> int:
    """Tokens that passages may take of a context of `limit`, of which `reserved` are for the answer."""
    return max(min(most, int((limit - reserved) * MOST_SHARE)), 0)


def tokens_of(passages: Iterable[Passage]) -> int:
    """About how many tokens the model reads for `passages`."""
    return sum(estimate_tokens(passage.text) + estimate_tokens(passage.context) + _MARKUP for passage in passages)


def choose(found: Sequence[Passage], room: int) -> Evidence:
    """The best of `found` that fit `room` tokens, in the order they are to be read: documents by their best passage,
    passages by place. The first is always used.
    """
    used: list[Passage] = []
    left_out: list[Passage] = []
    taken = 0
    for passage in found:
        size = tokens_of([passage])
        if used and taken + size > room:
            left_out.append(passage)
        else:
            used.append(passage)
            taken += size
    first_seen = {document: place for place, document in reversed([*enumerate(one.document for one in used)])}
    used.sort(key=lambda passage: (first_seen[passage.document], passage.start))
    return Evidence(tuple(used), tuple(left_out))


def near_the_best(found: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
    """Those of `found` whose score comes near the best one's, and the rest: beside a clear answer, what merely shares
    words with the question leads a small model astray, and takes time to read.
    """
    best = max((passage.score for passage in found), default=0.0)
    least = best - abs(best) * (1 - NEAR_SHARE)  # standardised scores may be negative
    near = tuple(passage for passage in found if passage.score >= least)
    return near, tuple(passage for passage in found if passage.score < least)


def pieces_of(attachment: Attachment, number: int) -> tuple[Passage, ...]:
    """An attached file's text as passages; `number` counts the files of a question from 1."""
    passages, start = [], 0
    for length, page in attachment.pieces:
        text = attachment.text[start : start + length]
        words = text.strip()
        if words:
            begin = start + len(text) - len(text.lstrip())
            passages.append(Passage(-number, attachment.name, page, begin, begin + len(words), words, 0.0))
        start += length
    return tuple(passages)


def best_pieces(question: str, pieces: Sequence[Passage], room: int) -> Evidence:
    """All `pieces` when they fit `room` tokens, else those that share the most rare words with the question."""
    if tokens_of(pieces) <= room:
        return Evidence(tuple(pieces))
    held = [weighty_words(piece.text) for piece in pieces]
    counts = Counter(word for words in held for word in words)
    weights = {word: math.log(1 + len(pieces) / counts[word]) for word in weighty_words(question) if word in counts}
    scores = [sum(weights[word] for word in weights if word in words) for words in held]
    order = sorted(range(len(pieces)), key=lambda place: (-scores[place], place))
    return choose([replace(pieces[place], score=scores[place]) for place in order], room)


def with_passages(question: str, passages: Sequence[Passage]) -> str:
    """What the model reads in place of `question`. Passages are quoted: what stands in them is no instruction."""
    if not passages:
        return question
    quoted = "\n\n".join(f"[{number}] {_name(one)}\n{one.text}" for number, one in enumerate(passages, 1))
    return f"Passages from documents:\n\n{quoted}\n\nAnswer from these passages alone, in short: {question}"


def _name(passage: Passage) -> str:
    file = passage.path.replace("\\", "/").rpartition("/")[2]
    name = passage.title if _WORD.search(passage.title) else file  # a title may be a number that says nothing
    place = f", page {passage.page}" if passage.page is not None else ""
    headings = f": {' '.join(passage.context.split())}" if passage.context else ""
    return f"{name}{place}{headings}"


def near_misses(found: Sequence[Passage]) -> tuple[Source, ...]:
    return tuple(_source(passage, Use.NEAR) for passage in found[:NEAREST])


def sources_of(answer: str, evidence: Evidence) -> tuple[Source, ...]:
    """Every passage of `evidence` with what became of it: attributed sentence by sentence, by code."""
    said = split_thinking(answer)[1]
    offset = len(answer) - len(said)  # what was said is the end of the whole
    marks: dict[int, list[tuple[int, int]]] = {}
    for one in attribute(said, evidence.used):
        if one.passage is not None:
            marks.setdefault(one.passage, []).append((offset + one.start, offset + one.end))
    used = [
        _source(passage, Use.CITED if place in marks else Use.USED, tuple(marks.get(place, ())))
        for place, passage in enumerate(evidence.used)
    ]
    return (*used, *(_source(passage, Use.LEFT_OUT) for passage in evidence.left_out))


def closest_sentence(question: str, passages: Sequence[Passage]) -> tuple[int, str] | None:
    """The sentence that shares the most words with `question`, for its length, and the number of its passage (from 0);
    of those alike, the one of the better passage. Quoted below an answer of which no sentence could be traced.
    """
    asked = weighty_words(question)
    best_score = max((passage.score for passage in passages), default=0.0)
    best: tuple[float, int, str] | None = None
    for place, passage in enumerate(passages):
        rank = _RANK_SHARE if passage.score >= best_score else 0.0
        for start, end in sentences(passage.text):
            text = " ".join(passage.text[start:end].split())
            words = weighty_words(text)
            score = len(asked & words) / math.sqrt(max(len(words), 6)) + rank
            if words and (best is None or score > best[0]):
                best = (score, place, text)
    return None if best is None else (best[1], best[2])


def cite(sources: Sequence[Source], place: int, start: int, end: int) -> tuple[Source, ...]:
    """`sources` with number `place` (from 0) cited for the answer's characters from `start` to `end`."""
    cited = replace(sources[place], use=Use.CITED, marks=(*sources[place].marks, (start, end)))
    return (*sources[:place], cited, *sources[place + 1 :])


def _source(passage: Passage, use: Use, marks: tuple[tuple[int, int], ...] = ()) -> Source:
    return Source(
        passage.document, passage.start, passage.end, passage.page, digest_of(passage.text), use,
        round(passage.score, 4), marks,
    )  # fmt: skip
