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
) -> int:
    """Chat in the terminal, line by line.

    Ctrl-C stops an answer, Ctrl-D leaves, a backslash at the end of a line goes on in the next one, and /help lists
    what else can be typed. While it runs, other freehold commands on this profile are served by it.
    """
    from freehold.terminal.lines import lines_from
    from freehold.terminal.repl import Repl

    call = call_of(context)
    household = call.opened()
    current = household.conversations.find(chat) if chat else None
    return Repl(call, household, lines_from(sys.stdin, call.output), current).run()
