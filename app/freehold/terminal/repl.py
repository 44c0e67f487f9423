"""The loop of a chat in the terminal: what is typed is asked, what starts with a slash is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from freehold.foundation.errors import FreeholdError, Interrupted, UsageError, VaultLocked
from freehold.terminal.call import Call
from freehold.terminal.exits import FAILED, OK
from freehold.terminal.lines import Lines
from freehold.terminal.talk import PROMPT, Leave, Talk

if TYPE_CHECKING:
    from freehold.assistant.household import Household

_MORE = ". "


class Repl:
    """Reads lines until they end. `chat` is the beginning of an id.

    `was_locked` tells that the vault was locked under us: then we leave.
    """

    def __init__(
        self,
        call: Call,
        household: Household,
        lines: Lines,
        chat: str = "",
        was_locked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._call, self._output, self._lines = call, call.output, lines
        self._talk = Talk(household, call.output, lines, chat)
        self._was_locked = was_locked
        self._broke = False

    @property
    def chat(self) -> str | None:
        """The id of the chat in view."""
        return self._talk.chat

    def run(self) -> int:
        """Until the lines end. The exit code is 3 when a piped question could not be answered, else 0."""
        if self._lines.is_person:
            self._talk.greet()
        try:
            while not self._was_locked():
                self._take(self._read())
        except (EOFError, Leave):
            pass
        finally:
            self._lines.forget()
        if self._lines.is_person:
            self._output.say("")
        if self._output.json:
            self._output.document({"chat": self._talk.chat, "turns": self._talk.transcript()})
        return FAILED if self._broke and not self._lines.is_person else OK

    def _prompt(self) -> str:
        try:
            return self._talk.prompt if self._lines.is_person else PROMPT
        except FreeholdError:  # told when the question is asked
            return PROMPT

    def _read(self) -> str:
        """One question, its lines joined. Ctrl-C drops what a person typed, and ends a pipe."""
        parts: list[str] = []
        while True:
            try:
                line = self._lines.read(_MORE if parts else self._prompt())
            except EOFError:
                if not parts:
                    raise
                return "\n".join(parts)
            except KeyboardInterrupt:
                self._stay()
                self._output.say("" if parts else "\nCtrl-D leaves.")
                parts = []
                continue
            parts.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                return "\n".join(parts).encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def _stay(self) -> None:
        """Go on after Ctrl-C, unless it means more than that."""
        if self._was_locked():
            raise Leave
        if not self._lines.is_person:
            raise KeyboardInterrupt

    def _take(self, text: str) -> None:
        """Do or ask what was typed; a failure is told and the chat goes on."""
        try:
            try:
                self._do(text)
            except VaultLocked:  # its process died, or it was locked from elsewhere
                if self._was_locked():
                    raise Leave from None
                self._call.opened()
                self._do(text)
        except Interrupted as error:
            self._stay()
            self._output.say(f"{error.title}. {error.next_step}")
        except FreeholdError as error:
            self._broke = True
            self._output.say(f"{error.title}. {error.detail}".rstrip() + f"\n{error.next_step}", "red")
        except KeyboardInterrupt:
            self._stay()
            self._output.say("\nInterrupted. What was done is kept.")

    def _do(self, text: str) -> None:
        if not text.strip():
            return
        if text.startswith("/") and not text.startswith("//"):
            name, _, rest = text[1:].partition(" ")
            command = self._talk.commands.get(name)
            if command is None:
                raise UsageError(f"there is no /{name}", advice="/help lists what can be typed.")
            command(rest.strip())
        else:
            self._talk.ask(text.removeprefix("/"))
