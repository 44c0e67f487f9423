"""What becomes of a chat, or of sharing, in the terminal when the vault is locked from elsewhere.

The process is replaced (processes/replacing.py): the same program starts anew in its place, holds the profile, and
knows nothing until the vault is opened again.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.processes.replacing import Handed, replace_process
from freehold.terminal.call import Call
from freehold.terminal.lines import Lines
from freehold.terminal.served import served_commands

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.processes.holder import Reply

CAN_REPLACE = os.name == "posix"
_DOOR_SECONDS = 2.0  # for the command that locked us to tell its caller


class LockWatch:
    """Serves commands for what stays in a terminal, and wakes it when one of them has locked the vault."""

    def __init__(self, household: Household) -> None:
        self._house = household
        self._handle = served_commands(household, self._lock)
        self.was_locked = False

    def serve(self) -> None:
        self._house.holder.serve(self.attend)

    def attend(self, request: dict[str, Any], reply: Reply, stop: Stop) -> None:
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
        self._house.door.close()
        self._house.vault.lock()
        self.was_locked = True


def _wake() -> None:
    """Interrupt the main thread with a real signal: only that wakes a thread that waits for somebody to type."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def leave_locked(call: Call, household: Household, command: Sequence[str], chat: str = "") -> NoReturn:
    """Start `command` anew, locked, in place of this process. No secret it was given is passed on."""
    call.output.wipe()
    household.holder.close_door(_DOOR_SECONDS)
    lock, gateway = household.holder.hand_over(), household.lending.hand_over()
    call.close()
    replace_process(["--home", str(call.profile.home), *command], Handed(lock, chat, gateway=gateway))


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
