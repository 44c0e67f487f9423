"""The command line's entry: reads the common options, runs the command here or where the profile is held."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from freehold import __version__
from freehold.foundation.errors import UsageError
from freehold.foundation.paths import profile_at
from freehold.foundation.stop import Stop
from freehold.terminal.arguments import Common, read_common, read_passphrase, wishes_json
from freehold.terminal.exits import FAILED, OK, USAGE

if TYPE_CHECKING:
    from freehold.terminal.call import Build, Call, Checks
    from freehold.terminal.output import Output, Write

_TURN_SECONDS = 30.0  # how long a command waits for another one that holds the profile for itself
_DUMB = ("", "dumb", "unknown")


def run(argv: list[str], build: Build, checks: Checks = ()) -> int:
    """Run the command line `argv` (without the program's name). The value is the exit code.

    `build` makes the household of a profile and starts nothing; `checks` are further findings for `doctor`.
    """
    if argv == ["--version"]:  # answered before anything heavy is imported
        print(f"freehold {__version__}")  # noqa: T201
        return OK
    if "_FREEHOLD_COMPLETE" in os.environ:
        return _complete()
    _soften(sys.stdout, sys.stderr)
    output = _output(json=wishes_json(argv))
    try:
        common = read_common(argv, os.environ)
        call = _call(common, output, build, checks)
    except UsageError as error:
        output.fail(error)
        return USAGE
    try:
        return _here_or_there(common.rest, call)
    finally:
        call.close()
        _flush()


def _here_or_there(arguments: Sequence[str], call: Call) -> int:
    """Run the command in this process, or in the one that holds the profile; wait for one that serves nobody."""
    from freehold.terminal.call import HeldElsewhere
    from freehold.terminal.delegate import NobodyAnswers, delegate
    from freehold.terminal.interrupts import stops_on_interrupt
    from freehold.terminal.perform import failure, perform

    until = time.monotonic() + _TURN_SECONDS
    has_said = False
    while True:
        try:
            return perform(arguments, call)
        except HeldElsewhere:
            pass
        try:
            return delegate(arguments, call, *_writers())
        except NobodyAnswers as error:
            if time.monotonic() > until:
                return failure(error, call)
        except Exception as error:  # noqa: BLE001 - the last net, as in perform
            return failure(error, call)
        except KeyboardInterrupt as error:
            return failure(error, call)
        if not has_said:
            has_said = True
            call.output.say("Another command is using this profile; waiting for it.")
        with stops_on_interrupt(call.stop):
            if call.stop.wait(0.1):
                return failure(KeyboardInterrupt(), call)


def _call(common: Common, output: Output, build: Build, checks: Checks) -> Call:
    from freehold.terminal.call import Call
    from freehold.terminal.passphrases import (
        BACKUP_PASSPHRASE,
        KEY_PASSPHRASE,
        NEW_KEY_PASSPHRASE,
        NEW_PASSPHRASE,
        PASSPHRASE,
        RECOVERY_CODE,
        Secrets,
        terminal_prompt,
    )

    given = {
        PASSPHRASE: read_passphrase(common.passphrase_fd, os.environ),
        NEW_PASSPHRASE: os.environ.get("FREEHOLD_NEW_PASSPHRASE"),
        RECOVERY_CODE: os.environ.get("FREEHOLD_RECOVERY_CODE"),
        BACKUP_PASSPHRASE: os.environ.get("FREEHOLD_BACKUP_PASSPHRASE"),
        KEY_PASSPHRASE: os.environ.get("FREEHOLD_KEY_PASSPHRASE"),
        NEW_KEY_PASSPHRASE: os.environ.get("FREEHOLD_KEY_PASSPHRASE"),
    }
    return Call(
        output,
        Stop(),
        Secrets({name: secret for name, secret in given.items() if secret}, terminal_prompt()),
        profile=profile_at(common.home),
        build=build,
        cwd=Path.cwd(),
        checks=checks,
    )


def _output(*, json: bool) -> Output:
    from freehold.terminal.output import Output, Screen

    columns = shutil.get_terminal_size().columns
    screens = []
    for stream in (sys.stdout, sys.stderr):
        is_terminal = stream.isatty()
        moves = is_terminal and os.environ.get("TERM", "dumb" if os.name == "posix" else "console") not in _DUMB
        colour = moves and not os.environ.get("NO_COLOR")
        screens.append(Screen(is_terminal=is_terminal, moves=moves, colour=colour, columns=columns))
    return Output(*_writers(), json=json, out_screen=screens[0], err_screen=screens[1])


def _writers() -> tuple[Write, Write]:
    def out(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def err(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    return out, err


def _soften(*streams: TextIO) -> None:
    """Let a terminal that cannot show a character show its number, instead of ending the command."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Python flushes at exit, and would complain about a reader (`| head`) that has left."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complete() -> int:
    """Answer the shell's question what could come next."""
    from freehold.terminal.commands import tree

    try:
        tree().main(prog_name="freehold")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    return OK
