"""Running one command line inside one call: parsing, the command itself, and what its failures mean."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from freehold.foundation.errors import FreeholdError, Interrupted, UsageError
from freehold.terminal.call import Call, HeldElsewhere
from freehold.terminal.commands import tree
from freehold.terminal.exits import BUG, FAILED, INTERRUPTED, OK, USAGE
from freehold.terminal.passphrases import AskCaller

_log = logging.getLogger(__name__)

# Typer's own name for a command line that does not parse; it does not export the class itself.
_DoesNotParse: type[Any] = typer.BadParameter.__mro__[1]


def perform(arguments: Sequence[str], call: Call) -> int:
    """Run the command that `arguments` (without the common options) names. The value is the exit code.

    Raises HeldElsewhere, before anything was done, when the command belongs in the process that holds the profile,
    and AskCaller when that process needs a secret that only the caller can give.
    """
    try:
        return _run(arguments, call)
    except (HeldElsewhere, AskCaller):
        raise
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the last net: a bug is told in words and logged
        return failure(error, call)


def failure(error: BaseException, call: Call) -> int:
    """Say what `error` means to the person. The value is the exit code."""
    output = call.output
    if isinstance(error, KeyboardInterrupt | BrokenPipeError | EOFError | Interrupted):
        output.fail(Interrupted())
        return INTERRUPTED
    if isinstance(error, FreeholdError):
        output.fail(error)
        return USAGE if isinstance(error, UsageError) else FAILED
    return _tell_bug(error, call)


def _run(arguments: Sequence[str], call: Call) -> int:
    command = tree()
    width = _help_width(call.output.out_screen.columns)
    try:
        with command.make_context("freehold", list(arguments), obj=call, terminal_width=width) as context:
            code = command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort as end:
        raise KeyboardInterrupt from end
    except _DoesNotParse as error:
        raise _in_our_words(error) from error
    return code if isinstance(code, int) else OK


def _in_our_words(error: Any) -> UsageError:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "freehold"
    if type(error).__name__ == "NoArgsIsHelpError":
        message = "a command is missing"
    return UsageError(message, advice=f"See `{where} --help`.")


def _help_width(columns: int) -> int:
    return max(40, min(columns, 90)) - 2


def _tell_bug(error: BaseException, call: Call) -> int:
    """A bug's type and place. Not its message, which may quote what the owner wrote."""
    if _log.hasHandlers():  # without the log file, Python would print the whole error
        _log.error("a command failed", exc_info=error)
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    call.output.fail(_Bug(f"{type(error).__name__}{place}"))
    return BUG


class _Bug(FreeholdError):
    code = "bug"
    title = "Freehold made a mistake"
    advice = "What was saved is safe. Please report this line; it holds none of your words."
