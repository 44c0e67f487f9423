"""The end of the socket in the process that holds a profile: runs later commands for their callers.

Request: {"argv", "home"?, "cwd", "json", "out": SCREEN, "err": SCREEN, "secrets": {}, "can_ask", "input"?}, SCREEN
being the fields of `Screen`. Frames back: {"out": text} and {"err": text} as they come, then {"exit": code} or
{"needs": name, "words": question}, after which the caller asks its person and sends the request anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.errors import FreeholdError, ProfileBusy, UsageError
from freehold.foundation.stop import Stop
from freehold.terminal.exits import FAILED, USAGE

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.processes.holder import Handler, Reply
    from freehold.terminal.call import Call

# Commands that need their own terminal, or look at the process they run in.
_NOT_SERVED = ("chat", "doctor")


def served_commands(household: Household, lock: Callable[[], None] | None = None) -> Handler:
    """A handler for `Holder.serve`. Several callers may be served at once, each on the thread it came on.

    `lock` is what `vault lock` does here; by default it ends the vault process.
    """

    def handle(request: dict[str, Any], reply: Reply, stop: Stop) -> None:
        # Typer is imported by the first command, not by the window's start.
        from freehold.terminal.passphrases import AskCaller

        if request.get("raise") is True:  # a second window: there is none here to raise
            reply({"err": "A chat in a terminal is using this profile. Leave it there first.\n"})
            reply({"exit": FAILED})
            return
        try:
            reply({"exit": _serve(request, reply, stop, household, lock)})
        except AskCaller as question:
            reply({"needs": question.name, "words": question.words})
        except UsageError as error:
            reply({"err": f"{error.title}. {error.detail}\n"})
            reply({"exit": USAGE})

    return handle


def _serve(
    request: Mapping[str, Any], reply: Reply, stop: Stop, household: Household, lock: Callable[[], None] | None
) -> int:
    from freehold.terminal.perform import perform

    arguments = _texts(request, "argv")
    call = _call(request, reply, stop, household, lock)
    refused = _refusal(arguments)
    if refused is not None:
        call.output.fail(refused)
        return FAILED
    return perform(arguments, call)


def _refusal(arguments: list[str]) -> FreeholdError | None:
    command = next((word for word in arguments if not word.startswith("-")), "")
    return ProfileBusy() if command in _NOT_SERVED or not command else None


def _call(
    request: Mapping[str, Any], reply: Reply, stop: Stop, household: Household, lock: Callable[[], None] | None
) -> Call:
    from freehold.terminal.call import Call
    from freehold.terminal.output import Output
    from freehold.terminal.passphrases import Secrets, caller_prompt

    def nothing_to_build(_: object) -> Household:
        return household

    input_text = request.get("input")
    secrets = request.get("secrets")
    output = Output(
        lambda text: reply({"out": text}),
        lambda text: reply({"err": text}),
        json=request.get("json") is True,
        out_screen=_screen(request.get("out")),
        err_screen=_screen(request.get("err")),
    )
    return Call(
        output,
        stop,
        Secrets(
            {str(name): str(value) for name, value in secrets.items()} if isinstance(secrets, dict) else {},
            caller_prompt if request.get("can_ask") is True else None,
        ),
        profile=household.profile,
        build=nothing_to_build,
        cwd=Path(_text(request, "cwd")),
        household=household,
        lock=lock,
        read_input=lambda: input_text if isinstance(input_text, str) else "",
    )


def _screen(fields: object) -> Any:
    from freehold.terminal.output import Screen

    if not isinstance(fields, dict):
        return Screen()
    columns = fields.get("columns")
    return Screen(
        is_terminal=fields.get("is_terminal") is True,
        moves=fields.get("moves") is True,
        colour=fields.get("colour") is True,
        columns=min(max(columns, 20), 1000) if isinstance(columns, int) else 80,
    )


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise UsageError(f"the request has no {name}")
    return value


def _texts(request: Mapping[str, Any], name: str) -> list[str]:
    value = request.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise UsageError(f"the request has no {name}")
    return value
