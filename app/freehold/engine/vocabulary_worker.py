"""The engine process without weights: a tokenizer and a chat template, to ask another machine's model in its tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from freehold.engine import gguf
from freehold.engine.answer import AnswerText
from freehold.engine.asking import answered
from freehold.engine.dialogue import Dialogue
from freehold.engine.native import VocabularyOnly
from freehold.engine.vocabulary import NativeVocabulary
from freehold.foundation.errors import EngineStopped
from freehold.processes.frames import pack_ids, unpack_ids

Part = dict[str, Any]


class VocabularyOps:
    """What is loaded, if anything, and the text that is being made of an answer's ids."""

    def __init__(self) -> None:
        self._file: VocabularyOnly | None = None
        self._dialogue: Dialogue | None = None
        self._text: AnswerText | None = None

    @property
    def ops(self) -> dict[str, Callable[..., Any]]:
        return {
            "vocabulary.load": self.load, "vocabulary.read": self.read, "vocabulary.begin": self.begin,
            "vocabulary.text": self.text, "vocabulary.rest": self.rest, "vocabulary.tokens": self.tokens,
        }  # fmt: skip

    def load(self, path: str) -> Part:
        """Replace the vocabulary. A stranger made the file. Raises ModelMalformed, EngineStopped."""
        before, self._file, self._dialogue, self._text = self._file, None, None, None
        if before is not None:
            before.free()
        facts = gguf.inspect_vocabulary(Path(path))
        self._file = VocabularyOnly(Path(path))
        words = self._file.vocabulary
        self._dialogue = Dialogue(facts.template, words, bos=words.bos_text, eos=words.eos_text)
        return {
            "size": words.size, "context": facts.context, "template": self._dialogue.whose,
            "notes": [*facts.notes, *self._dialogue.notes],
        }  # fmt: skip

    def read(self, messages: list[dict[str, str]], now: float) -> Part:
        """As `engine.read`."""
        return answered(self._loaded()[0], messages, now)

    def begin(self) -> None:
        """An answer begins: its first ids come next."""
        self._text = AnswerText(self._loaded()[1])

    def text(self, ids: str) -> str:
        """The text that the next ids (packed) complete: whole characters only."""
        text, given, size = self._begun(), unpack_ids(ids), self._loaded()[1].size
        if not all(0 <= one < size for one in given):
            raise EngineStopped("an answer holds tokens that its model does not have")
        return text.after(given)

    def rest(self, ending: Literal["complete", "stopped", "length"]) -> str:
        """What is left of a character whose end never came; nothing where the answer may still go on."""
        return self._begun().rest(ending)

    def tokens(self, text: str) -> str:
        """The ids (packed) of plain text; names of control tokens in it are only text."""
        return pack_ids(self._loaded()[1].tokens(text))

    def _loaded(self) -> tuple[Dialogue, NativeVocabulary]:
        if self._file is None or self._dialogue is None:
            raise EngineStopped("no vocabulary is loaded")
        return self._dialogue, self._file.vocabulary

    def _begun(self) -> AnswerText:
        if self._text is None:
            raise EngineStopped("no answer was begun")
        return self._text
