"""The caller's end of the socket: has a command run by the process that holds the profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from freehold.foundation.errors import ProfileBusy, WorkerStopped
from freehold.processes.holder import ask_holder
from freehold.terminal.call import Call
from freehold.terminal.exits import FAILED
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.opening import new_passphrase
from freehold.terminal.passphrases import NEW_KEY_PASSPHRASE, NEW_PASSPHRASE

Write = Callable[[str], None]


class NobodyAnswers(ProfileBusy):
    """The profile is held by a process that serves no commands, such as another command."""


def delegate(arguments: Sequence[str], call: Call, out: Write, err: Write) -> int:
    """Have `arguments` run elsewhere, with words, secrets and Ctrl-C passed on. The value is the exit code.

    Raises NobodyAnswers when nobody listens, and WorkerStopped when the other process left half-way.
    """
    secrets: dict[str, str] = {}
    if arguments and arguments[0] in (
        "vault",
        "key",
    ):  # no other command needs one there: it works in the vault as it is
        secrets = call.secrets.all_given()
    while True:
        request = _request(arguments, call, secrets)
        last = _listen(request, call, out, err)
        if "exit" in last:
            code = last["exit"]
            return code if isinstance(code, int) else FAILED
        if "needs" not in last:
            raise WorkerStopped("the Freehold that holds this profile gave no result")
        name = str(last["needs"])
        secrets[name] = _ask(call, name, str(last.get("words", "")))


def _ask(call: Call, name: str, words: str) -> str:
    if name in (NEW_PASSPHRASE, NEW_KEY_PASSPHRASE):
        return new_passphrase(call.secrets, call.output, name, words)  # asks twice
    return call.secrets.ask(name, words)


def _listen(request: dict[str, Any], call: Call, out: Write, err: Write) -> dict[str, Any]:
    """Pass words on; the value is the frame that says how it ended."""
    last: dict[str, Any] = {}
    frames = ask_holder(call.profile, request, call.stop)
    with stops_on_interrupt(call.stop):
        try:
            first = next(frames, None)
        except ProfileBusy as error:
            raise NobodyAnswers(error.detail) from error
        try:
            for frame in chain([] if first is None else [first], frames):
                out(str(frame.get("out", "")))
                err(str(frame.get("err", "")))
                last = frame
        except WorkerStopped:
            if "exit" not in last:  # after it, the other process may leave: a locked chat starts anew
                raise
    return last


def _request(arguments: Sequence[str], call: Call, secrets: dict[str, str]) -> dict[str, Any]:
    output = call.output
    return {
        "argv": list(arguments),
        "cwd": str(call.cwd),
        "json": output.json,
        "out": asdict(output.out_screen),
        "err": asdict(output.err_screen),
        "secrets": secrets,
        "can_ask": call.secrets.can_ask,
        "input": call.input_text,
    }
