"""A loaded model's tokenizer: text to ids, ids to bytes, and which tokens are special."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

_UNKNOWN, _USER_DEFINED, _CONTROL = 1 << 0, 1 << 4, 1 << 3  # llama_token_attr
_LSTRIP, _RSTRIP = 1 << 7, 1 << 8
_SENTENCEPIECE = 1  # llama_vocab_type


class NativeVocabulary:
    """Satisfies prompt.Vocabulary. Pieces and endings are remembered: each costs a native call once."""

    def __init__(self, lib: Any, model: Any) -> None:
        self._lib = lib
        self._vocab = lib.llama_model_get_vocab(model)
        self.size = int(lib.llama_vocab_n_tokens(self._vocab))
        self._control: dict[str, int] = {}
        self._own: dict[str, int] = {}
        self._strips: dict[int, tuple[bool, bool]] = {}
        self._find_special()
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(256)
        self.leads_with_space = lib.llama_vocab_type(self._vocab) == _SENTENCEPIECE

    def _find_special(self) -> None:
        lib, vocab = self._lib, self._vocab
        for number in range(self.size):
            kind = lib.llama_vocab_get_attr(vocab, number)
            if not kind & (_CONTROL | _UNKNOWN | _USER_DEFINED):
                continue
            text = (lib.llama_vocab_get_text(vocab, number) or b"").decode("utf-8", "replace")
            if not text:
                continue
            if kind & (_CONTROL | _UNKNOWN):
                self._control[text] = number
                self._strips[number] = (bool(kind & _LSTRIP), bool(kind & _RSTRIP))
            else:
                self._own[text] = number

    @property
    def control(self) -> Mapping[str, int]:
        return self._control

    @property
    def own(self) -> Mapping[str, int]:
        return self._own

    @property
    def strips(self) -> Mapping[int, tuple[bool, bool]]:
        return self._strips

    @property
    def bos(self) -> int | None:
        """The id that begins every prompt, None where the model wants none."""
        number = int(self._lib.llama_vocab_bos(self._vocab))
        return number if number >= 0 and self._lib.llama_vocab_get_add_bos(self._vocab) else None

    @property
    def bos_text(self) -> str:
        return self._text(int(self._lib.llama_vocab_bos(self._vocab)))

    @property
    def eos_text(self) -> str:
        return self._text(int(self._lib.llama_vocab_eos(self._vocab)))

    def tokens(self, text: str) -> list[int]:
        """The ids of plain text; the names of control tokens in it are only text."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count = self._lib.llama_tokenize(self._vocab, raw, len(raw), ids, room, False, False)
            if count >= 0:
                return list(ids[:count])
            room = -count

    def piece(self, number: int) -> bytes:
        """The bytes that a token writes; nothing for control tokens."""
        piece = self._pieces.get(number)
        if piece is None:
            piece = self._pieces[number] = self._read_piece(number)
        return piece

    def is_end(self, number: int) -> bool:
        """Whether this token says that the answer is over."""
        end = self._ends.get(number)
        if end is None:
            end = self._ends[number] = bool(self._lib.llama_vocab_is_eog(self._vocab, number))
        return end

    def _read_piece(self, number: int) -> bytes:
        size = self._lib.llama_token_to_piece(self._vocab, number, self._buffer, len(self._buffer), 0, False)
        if size < 0:
            self._buffer = ctypes.create_string_buffer(-size)
            size = self._lib.llama_token_to_piece(self._vocab, number, self._buffer, -size, 0, False)
        return self._buffer.raw[: max(size, 0)]

    def _text(self, number: int) -> str:
        if not 0 <= number < self.size:
            return ""
        return (self._lib.llama_vocab_get_text(self._vocab, number) or b"").decode("utf-8", "replace")
