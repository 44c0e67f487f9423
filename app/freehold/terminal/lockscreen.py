"""What becomes of a chat in the terminal when the vault is locked from elsewhere.

Python cannot wipe what this process has read, so the process is replaced (design: architecture.md, "Truth and caches"):
the same program starts anew in its place, holds the profile, and knows nothing until the vault is opened again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.terminal.call import Call
from freehold.terminal.lines import Lines
from freehold.terminal.served import served_commands

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.processes.holder import Reply

CAN_REPLACE = os.name == "posix"


class LockWatch:
    """Serves commands for a chat, and wakes it when one of them has locked the vault."""

    def __init__(self, household: Household) -> None:
        self._house = household
        self._handle = served_commands(household, self._lock)
        self.was_locked = False

    def serve(self) -> None:
        self._house.holder.serve(self._attend)

    def _attend(self, request: dict[str, Any], reply: Reply, stop: Stop) -> None:
        was_locked = self.was_locked
        self._handle(request, reply, stop)
        if self.was_locked and not was_locked:
            _wake()

    def lock(self) -> None:
        """Lock on the chat's own wish, when it is idle."""
        self._lock()
        _wake()

    def _lock(self) -> None:
        self._house.library.close()
        self._house.engine.unload()
        self._house.vault.lock()
        self.was_locked = True


def _wake() -> None:
    """Interrupt the main thread with a real signal: only that wakes a thread that waits for somebody to type."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def replace_process(call: Call, chat: str | None) -> None:
    """Start anew, locked, in place of this process. Does not return. The passphrase it was given is not passed on."""
    call.output.wipe()
    call.close()
    arguments = ["-m", "freehold", "--home", str(call.profile.home), "chat", "--locked"]
    environment = {name: value for name, value in os.environ.items() if name != "FREEHOLD_PASSPHRASE"}
    arguments += ["--chat", chat] if chat else []
    os.execve(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606 - ourselves


def wait_for_unlocking(call: Call, lines: Lines) -> None:
    """Wait until the vault is opened, here or by `freehold vault unlock`. Raises EOFError when the person leaves."""
    call.output.say("The vault is locked, and this program remembers nothing of the chat. Ctrl-D leaves.")
    while True:
        try:
            lines.read("Press Enter to unlock. ")
            call.opened()
            return
        except KeyboardInterrupt:
            call.output.say("")
        except FreeholdError as error:
            call.output.say(f"{error.title}. {error.next_step}")
