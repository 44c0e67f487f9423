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
NEAR_SHARE = 0.5  # of the best passage's score that another one of its document needs to be read beside it
OTHERS_SHARE = 0.75  # that one of another document needs
MOST_SHARE = 0.5  # of the room for the prompt that passages may take
_RANK_SHARE = 0.2  # what the rank of its passage counts, when the closest sentence is looked for
_LONG = 6  # weighty words: in longer sentences each counts a little less
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
    words with the question leads a small model astray, and takes time to read. Most of all what other documents say.
    """
    best = max(found, key=lambda passage: passage.score, default=None)
    if best is None:
        return (), ()

    def is_near(passage: Passage) -> bool:
        share = NEAR_SHARE if passage.document == best.document else OTHERS_SHARE
        return passage.score >= best.score - abs(best.score) * (1 - share)  # standardised scores may be negative

    return tuple(filter(is_near, found)), tuple(passage for passage in found if not is_near(passage))


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
    """The sentence that holds the most of the question's words, the rarer ones counting more, rather of the better
    passages; with its passage's number (from 0). Quoted below an answer of which no sentence could be traced.
    """
    said = [
        (place, " ".join(passage.text[start:end].split()))
        for place, passage in enumerate(passages)
        for start, end in sentences(passage.text)
    ]
    held = [weighty_words(text) for _, text in said]
    counts = Counter(word for words in held for word in words)
    rarity = {word: math.log(1 + len(said) / (counts[word] + 0.5)) for word in weighty_words(question)}
    most = max(sum(rarity.values()), 1e-9)
    best = max((passage.score for passage in passages), default=0.0)

    def closeness(number: int) -> float:
        words = held[number]
        length = math.sqrt(math.sqrt(max(len(words) / _LONG, 1.0)))
        shared = sum(rarity[word] for word in words & rarity.keys()) / most / length
        return shared + (_RANK_SHARE * passages[said[number][0]].score / best if best > 0 else 0.0)

    closest = max((number for number, words in enumerate(held) if words), key=closeness, default=None)
    return None if closest is None else said[closest]


def cite(sources: Sequence[Source], place: int, start: int, end: int) -> tuple[Source, ...]:
    """`sources` with number `place` (from 0) cited for the answer's characters from `start` to `end`."""
    cited = replace(sources[place], use=Use.CITED, marks=(*sources[place].marks, (start, end)))
    return (*sources[:place], cited, *sources[place + 1 :])


def _source(passage: Passage, use: Use, marks: tuple[tuple[int, int], ...] = ()) -> Source:
    return Source(
        passage.document, passage.start, passage.end, passage.page, digest_of(passage.text), use,
        round(passage.score, 4), marks,
    )  # fmt: skip
