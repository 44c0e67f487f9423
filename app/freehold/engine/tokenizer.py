"""Another machine's model as far as its words go: prompts into its tokens and its tokens into text, without weights."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from freehold.engine.asking import messages_to_wire, prompt_from_wire
from freehold.engine.loading import in_engine_words, start_boxed
from freehold.engine.values import Message, Prompt, Vocabulary
from freehold.foundation.errors import EngineStopped
from freehold.foundation.paths import Profile
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.link import Link

SILENCE = 60.0  # seconds: nothing here computes for longer than a template and a tokenizer may


class Tokenizer:
    """One vocabulary file at a time, in an engine process of its own that may read this one file.

    `start` starts that process, `clock` tells the time in seconds since 1970 (for templates that mention the date).
    Text is made of one answer at a time. What goes wrong raises EngineStopped, and a process that died is replaced by
    the next `load`. Safe to use from several threads, but for two answers at once.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        start: Callable[[], subprocess.Popen[bytes]] | None = None,
        clock: Callable[[], float] = time.time,
        silence: float = SILENCE,
    ) -> None:
        self._start: Callable[[str], subprocess.Popen[bytes]]
        self._start = (lambda _file: start()) if start else partial(start_boxed, profile.scratch)
        self._clock, self._silence = clock, silence
        self._link: Link | None = None
        self._loaded: Vocabulary | None = None

    @property
    def loaded(self) -> Vocabulary | None:
        """What is loaded; None when nothing is, or its process has died."""
        return self._loaded if self._link is not None and self._link.is_running else None

    @property
    def pid(self) -> int | None:
        return None if self._link is None else self._link.pid

    def load(self, path: Path) -> Vocabulary:
        """Take the vocabulary file `path` in place of what was loaded. Raises ModelMalformed, EngineStopped.

        The file may come from a peer: whether it is the one that a manifest names is for the caller to compare.
        """
        self.end()
        self._link = Link("engine", lambda: self._start(str(path)), silence=self._silence)
        try:
            told = self._ask("vocabulary.load", path=str(path))
        except BaseException:
            self.end()  # a process that has seen a file it refused is not kept
            raise
        self._loaded = Vocabulary(told["size"], told["context"], told["template"], tuple(told["notes"]))
        return self._loaded

    def read(self, messages: Sequence[Message]) -> Prompt:
        """The token ids of a whole prompt, exactly as an engine with the whole model makes them.

        Raises PromptTooLong, TemplateFailed.
        """
        self._working()
        now = float(self._clock())
        return prompt_from_wire(self._ask("vocabulary.read", messages=messages_to_wire(messages), now=now))

    def begin(self) -> None:
        """An answer begins; what was left of another one's text is dropped."""
        self._working()
        self._ask("vocabulary.begin")

    def text(self, ids: Sequence[int]) -> str:
        """The text that the answer's next `ids` complete: whole characters only, the rest waits for the next ones.

        Ids that the model does not have raise EngineStopped: whoever sent them is at fault.
        """
        self._working()
        return str(self._ask("vocabulary.text", ids=pack_ids(ids)))

    def rest(self, ending: Literal["complete", "stopped", "length"]) -> str:
        """What is left of a character whose end never came; nothing where the answer may still go on."""
        self._working()
        return str(self._ask("vocabulary.rest", ending=ending))

    def tokens(self, text: str) -> tuple[int, ...]:
        """The ids of plain text: an answer that another model began goes on from these."""
        self._working()
        return tuple(unpack_ids(self._ask("vocabulary.tokens", text=text)))

    def end(self) -> None:
        """End the process, and with it everything its memory held. Does nothing when none runs."""
        self._loaded = None
        if self._link is not None:
            self._link.end()

    def _working(self) -> None:
        if self.loaded is None:
            raise EngineStopped("no vocabulary is loaded")

    def _ask(self, op: str, **args: Any) -> Any:
        assert self._link is not None
        with in_engine_words():
            return self._link.call(op, **args)
