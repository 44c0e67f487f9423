"""Showing an answer while it is made, and telling afterwards how it came about."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from freehold.assistant.values import (
    Answered,
    Began,
    LeftOut,
    Loading,
    Notice,
    Reading,
    Reference,
    Sources,
    Step,
    Words,
)
from freehold.chats.values import Ending, Provenance, Turn, Use, split_thinking
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.output import Output, Progress
from freehold.terminal.words import Trickle, count, provenance_line

_OPENING = "<think>"
_CLOSING = "</think>"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an answer went. `turn` is None when nothing was begun; `error` is what broke it."""

    turn: Turn | None
    error: FreeholdError | None = None


def show_answer(steps: Iterator[Step], output: Output, stop: Stop) -> Outcome:
    """Follow `steps` to their end, showing each; Ctrl-C stops the answer, which is then sealed and kept."""
    turn: Turn | None = None
    with ExitStack() as while_it_lasts:
        while_it_lasts.enter_context(stops_on_interrupt(stop))
        if isinstance(steps, Generator):
            while_it_lasts.enter_context(closing(steps))
        voice = _Voice(output, while_it_lasts.enter_context(output.progress()))
        try:
            for step in steps:
                turn = step.turn if isinstance(step, Began | Answered) else turn
                voice.tell(step)
        except FreeholdError as error:
            voice.finish()
            return Outcome(turn, error)
        voice.finish()
    return Outcome(turn)


def answer_document(turn: Turn, references: Sequence[Reference] = ()) -> dict[str, Any]:
    """The result of `ask --json` (design: cli.md); `references` are the answer's sources as they stand."""
    made = turn.provenance
    return {
        "chat": turn.chat,
        "turn": turn.id,
        "answer": split_thinking(turn.text)[1],
        "grounded": made.grounded if made else None,
        "ending": (turn.ending or Ending.BROKEN).value,
        "citations": [one.to_json() for one in references if one.use is Use.CITED],
        "nearest": [one.to_json() for one in references if one.use is Use.NEAR],
        "provenance": provenance_document(made) if made else None,
        "timing": {
            "first_token_s": made.first_token_s if made else None,
            "tokens": made.tokens if made else 0,
            "tokens_per_s": made.tokens_per_s if made else None,
        },
    }


def provenance_document(made: Provenance) -> dict[str, Any]:
    """Where an answer was made, by what and from what; its speed is told apart from it."""
    wire = made.to_wire()
    told = ("where", "model", "model_sha256", "sampler", "seed", "context", "notes", "data_class", "jobs")
    return {name: wire[name] for name in told}


def say_provenance(turn: Turn, output: Output, references: Sequence[Reference] = ()) -> None:
    """What stands below an answer: where it comes from, or what came near, and the muted line of how it was made."""
    if references:
        from freehold.terminal.references import references_text

        output.show(references_text(references))
    if turn.ending is Ending.STOPPED:
        output.say("Stopped. What was said until then is kept.")
    if turn.ending is Ending.LENGTH:
        output.say("Cut at the longest answer allowed; ask it to go on, or raise --max-tokens.")
    if turn.provenance is not None:
        output.say(provenance_line(turn.provenance), "dim")


class _Voice:
    """Says each step in its place: words to stdout, everything else to stderr."""

    def __init__(self, output: Output, progress: Progress) -> None:
        self._output, self._progress = output, progress
        self._thinking = _Thinking()
        self._thoughts, self._words = Trickle(), Trickle()
        self._spoke = False

    def tell(self, step: Step) -> None:
        match step:
            case Words(text=text):
                self._speak(text)
            case Loading(name=name, done=done):
                self._progress.update(f"Loading {name}", done, 1)
            case Reading(done=done, total=total):
                self._progress.update("Reading", done, total)
            case Notice(words=words):
                self._aside(words)
            case Sources(passages=passages, holds=True):
                documents = len({one.document for one in passages})
                self._aside(f"Found {count(len(passages), 'passage')} in {count(documents, 'document')}.")
            case LeftOut(turns=turns):
                self._aside(f"This chat outgrew the model's context: the oldest {count(turns, 'turn')} were left out.")
            case _:
                pass

    def finish(self) -> None:
        self._progress.close()
        self._output.muted_stream(self._thoughts.rest())
        self._output.stream(self._thinking.rest() + self._words.rest())
        if self._spoke:
            self._output.stream("\n")

    def _speak(self, text: str) -> None:
        self._progress.close()
        thought, said = self._thinking.push(text)
        if shown := self._thoughts.push(thought):
            self._output.muted_stream(shown)
        if said and not self._spoke:
            said = said.lstrip()
            if self._thinking.was_there:
                self._output.muted_stream(self._thoughts.rest() + "\n\n")
        if said:
            self._spoke = True
            self._output.stream(self._words.push(said))

    def _aside(self, words: str) -> None:
        self._progress.close()
        self._output.say(words, "dim")


class _Thinking:
    """Divides a stream into thinking and answer, as `split_thinking` does for a whole text that opens its tag."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"
        self.was_there = False

    def push(self, text: str) -> tuple[str, str]:
        """What of the stream so far is further thinking, and what is further answer."""
        if self._state == "answer":
            return "", text
        self._held += text
        if self._state == "start":
            begun = self._held.lstrip()
            if len(begun) < len(_OPENING) and _OPENING.startswith(begun):
                return "", ""
            if not begun.startswith(_OPENING):
                return "", self._all_is_answer()
            self._state, self.was_there, self._held = "thinking", True, begun.removeprefix(_OPENING)
        thought, closed, answer = self._held.partition(_CLOSING)
        if closed:
            self._state, self._held = "answer", ""
            return thought, answer
        kept = next((n for n in range(len(_CLOSING), 0, -1) if thought.endswith(_CLOSING[:n])), 0)
        self._held = thought[len(thought) - kept :]
        return thought[: len(thought) - kept], ""

    def rest(self) -> str:
        """What was held back in vain: a beginning that was no tag. Thinking that never ended is not an answer."""
        return self._all_is_answer() if self._state == "start" else ""

    def _all_is_answer(self) -> str:
        text, self._held, self._state = self._held, "", "answer"
        return text
