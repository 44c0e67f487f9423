"""`freehold chat`: a chat in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from freehold.terminal.call import call_of

EXAMPLES = ("freehold chat", "freehold chat --chat 0193f2ab", "freehold chat < questions.txt")


def chat(
    context: typer.Context,
    chat: Annotated[str, typer.Option("--chat", metavar="ID", help="Go on with this chat.")] = "",
    locked: Annotated[
        str, typer.Option("--locked", hidden=True, help="Wait for the vault to be unlocked; see replacing.py.")
    ] = "",
) -> int:
    """Chat in the terminal, line by line.

    Ctrl-C stops an answer, Ctrl-D leaves, a backslash at the end of a line goes on in the next one, and /help lists
    what else can be typed. While it runs, other freehold commands on this profile are served by it.
    """
    from freehold.processes.replacing import take
    from freehold.terminal.idle import Idle
    from freehold.terminal.lines import lines_from
    from freehold.terminal.lockscreen import CAN_REPLACE, LockWatch, leave_locked, wait_for_unlocking
    from freehold.terminal.repl import Repl
    from freehold.terminal.served import served_commands

    call = call_of(context)
    lines = lines_from(sys.stdin, call.output)
    if locked:
        handed = take(locked)
        call.handed, chat = handed.lock, handed.chat
    household = call.household() if locked else call.opened()
    if locked and handed.gateway is not None:
        household.lending.adopt(handed.gateway)
    if not (lines.is_person and CAN_REPLACE):
        household.holder.serve(served_commands(household))
        household.library.attend()
        Idle(household, lines.typed, None).start()
        return Repl(call, household, lines, chat).run()
    watch = LockWatch(household)
    watch.serve()
    if locked:
        wait_for_unlocking(call, lines)
    watch.was_locked = False
    household.library.attend()
    Idle(household, lines.typed, watch.lock).start()
    repl = Repl(call, household, lines, chat, lambda: watch.was_locked)
    code = repl.run()
    if watch.was_locked:
        leave_locked(call, household, ("chat",), repl.chat or "")
    return code
