"""Where a command's words go: this process's terminal, or the one of a caller on a socket.

Commands write through an `Output` and never print: several may run at once, each for a terminal of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Write = Callable[[str], None]

# What a terminal might obey although JSON lets it stand unescaped: C1 controls, line separators, direction marks.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_AS_WIDE_AS_IT_TAKES = 1000


@dataclass(frozen=True, slots=True)
class Screen:
    """What stands behind a stream. `is_terminal`: a person reads along; `moves`: it obeys cursor codes."""

    is_terminal: bool = False
    moves: bool = False
    colour: bool = False
    columns: int = 80


class Output:
    """The two streams of one command. With `json` on, stdout carries one document and everything else is silent."""

    def __init__(self, out: Write, err: Write, *, json: bool, out_screen: Screen, err_screen: Screen) -> None:
        self.json = json
        self.out_screen, self.err_screen = out_screen, err_screen
        self._out, self._err = out, err
        self._has_result = False

    def result(self, document: dict[str, Any], words: Callable[[], RenderableType] | str) -> None:
        """A command's whole result: `document` for programs, or `words` (made only when needed) for people."""
        if self.json:
            self.document(document)
        elif isinstance(words, str):
            self.line(words)
        else:
            self.show(words())

    def document(self, document: dict[str, Any]) -> None:
        """The one JSON document of this command."""
        assert not self._has_result, "one document, not two"
        self._has_result = True
        indent = 2 if self.out_screen.is_terminal else None
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)
        self._out(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")

    def document_line(self, document: dict[str, Any], *, is_last: bool = False) -> None:
        """One of several documents, each on a line of its own, for commands whose result is lines."""
        assert not self._has_result, "the result comes last"
        self._has_result = is_last
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        self._out(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")

    def stream(self, text: str) -> None:
        """More words of an answer, as they come."""
        if text and not self.json:
            self._out(visible(text))

    def muted_stream(self, text: str) -> None:
        """Words that matter less, such as a model's thinking, where muting can be seen."""
        if text and not self.json and self.out_screen.moves:
            self._out(f"\x1b[2m{visible(text)}\x1b[0m")

    def wipe(self) -> None:
        """Clear the screen and what was scrolled off it, on a terminal that can."""
        if self.out_screen.moves and not self.json:
            self._out("\x1b[2J\x1b[3J\x1b[H")

    def line(self, text: str) -> None:
        self.stream(text + "\n")

    def show(self, what: RenderableType) -> None:
        """A table or another thing Rich can draw; its texts must be visible() already."""
        if self.json:
            return
        drawn: list[str] = []
        self._console(drawn.append, self.out_screen).print(what)
        lines = "".join(drawn).split("\n")
        self._out("\n".join(line.rstrip() for line in lines))  # cells are padded to their column's width

    def say(self, text: str, style: str = "") -> None:
        """A word on the side, on stderr."""
        coloured = bool(style) and self.err_screen.moves
        if coloured:
            self._console(self._err, self.err_screen).print(visible(text), style=style, markup=False)
        else:
            self._err(visible(text) + "\n")

    def fail(self, error: FreeholdError, partial: dict[str, Any] | None = None) -> None:
        """What went wrong: in words on stderr; as JSON beside whatever there is of a result."""
        if self.json and not self._has_result:
            self.document({**(partial or {}), "error": error.to_wire()})
            return
        self.say(error.title + ".", "bold red")
        if error.detail:
            self.say(error.detail)
        self.say(error.next_step)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A line on stderr that moves while work goes on, and leaves nothing behind."""
        if self.err_screen.moves and not self.json:
            bar = _Bar(self._console(self._err, self.err_screen))
            try:
                yield bar
            finally:
                bar.close()
        else:
            yield _Steps(self._err)

    def _console(self, write: Write, screen: Screen) -> Console:
        from rich.console import Console

        return Console(
            file=cast(IO[str], _Stream(write)),
            force_terminal=screen.moves,
            color_system="standard" if screen.moves else None,
            no_color=not screen.colour,
            width=screen.columns if screen.is_terminal else _AS_WIDE_AS_IT_TAKES,
            height=25,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},  # a caller's terminal is described by its screen, not by this process's environment
        )


class Progress:
    """Shows how far something is. `done` of `total` in any unit; 0 of 0 while that is unknown."""

    def update(self, words: str, done: float = 0, total: float = 0) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _Bar(Progress):
    """Rich's bar, started by the first update and wiped out at the end."""

    def __init__(self, console: Console) -> None:
        from rich import progress

        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=20),
            progress.TaskProgressColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # the process's own streams may be somebody else's
            redirect_stderr=False,
        )
        self._task: Any = None

    def update(self, words: str, done: float = 0, total: float = 0) -> None:
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(visible(words), total=None)
        self._bar.update(self._task, description=visible(words), completed=done, total=total or None)

    def close(self) -> None:
        if self._task is not None:
            self._bar.stop()
            self._bar.remove_task(self._task)
            self._task = None


class _Steps(Progress):
    """For logs and pipes: a line when the words change, and one at each quarter."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._last: tuple[str, int] = ("", 0)

    def update(self, words: str, done: float = 0, total: float = 0) -> None:
        quarter = int(4 * done / total) if total else 0
        if (words, quarter) != self._last:
            self._last = (words, quarter)
            self._write(visible(words) + (f" {25 * quarter} %" if total else "") + "\n")

    def close(self) -> None:
        self._last = ("", 0)


class _Stream:
    """A file, as far as Rich cares."""

    encoding = "utf-8"

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, text: str) -> int:
        self._write(text)
        return len(text)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False
