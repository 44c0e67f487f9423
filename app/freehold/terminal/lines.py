"""Where a terminal chat's lines come from: a person with an editor line and a history, or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Protocol, TextIO

from freehold.terminal.interrupts import heard_at_a_prompt
from freehold.terminal.output import Output


class Lines(Protocol):
    """`read` raises EOFError at the end and KeyboardInterrupt on Ctrl-C. `is_person`: somebody types."""

    is_person: bool

    def read(self, prompt: str, before: str = "") -> str:
        """The next line; `before` stands in it already, where it can be edited."""

    def remember(self, lines: Sequence[str]) -> None:
        """Let the person go back to these with the arrow keys."""

    def forget(self) -> None:
        """Drop the history: it is of this process's memory alone and must not outlive a lock."""

    def typed(self) -> str:
        """What stands in the line that is being typed, and which line it is; changes while somebody is there."""


def lines_from(source: TextIO, output: Output) -> Lines:
    if source.isatty() and output.out_screen.is_terminal:
        return TypedLines()
    return PipedLines(source)


class PipedLines:
    """Lines of a file or a pipe, without a prompt."""

    is_person = False

    def __init__(self, source: TextIO) -> None:
        self._source = source

    def read(self, prompt: str, before: str = "") -> str:  # noqa: ARG002 - nobody reads along
        line = self._source.readline()
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    def remember(self, lines: Sequence[str]) -> None:  # noqa: ARG002 - as above
        return

    def forget(self) -> None:
        return

    def typed(self) -> str:
        return ""


class TypedLines:
    """Lines typed at a terminal, with GNU readline's editing where Python has it. No history file is ever written."""

    is_person = True

    def __init__(self) -> None:
        self._number = 0
        self._readline = _readline()
        if self._readline is not None:
            self._readline.clear_history()

    def read(self, prompt: str, before: str = "") -> str:
        self._number += 1
        readline = self._readline
        if readline is None:
            return input(prompt)
        if before:
            readline.set_startup_hook(lambda: readline.insert_text(before))
        try:
            with heard_at_a_prompt():
                return input(prompt)
        finally:
            readline.set_startup_hook(None)

    def remember(self, lines: Sequence[str]) -> None:
        if self._readline is not None:
            for line in lines:
                self._readline.add_history(line)

    def forget(self) -> None:
        if self._readline is not None:
            self._readline.clear_history()

    def typed(self) -> str:
        line = self._readline.get_line_buffer() if self._readline is not None else ""
        return f"{self._number} {line}"


def _readline() -> ModuleType | None:
    if sys.platform == "win32":
        return None  # the console has an editor line of its own
    try:
        import readline
    except ImportError:
        return None
    return readline
