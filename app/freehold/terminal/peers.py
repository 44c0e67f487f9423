"""`freehold peers`: the other devices of the owner that may answer, and whether they may."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.terminal.call import Call, call_of
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.words import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.market.peers import Known, Offload
    from freehold.market.records import Paired
    from freehold.network.peer_values import Found

_PEER = """\
{id, name, kind: "own"|"stranger", model, model_sha256, tokens_per_s, price, checks: {passed, failed}, state: "active"|
"blocked", documents}"""
_PEERS = f"{{peers: [{_PEER}]}}"
_OFFLOAD = '{offload: "off"|"ask"|"on", per_day, per_answer}'
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="The device's name, or the beginning of its address.")]
PerDay = Annotated[int | None, typer.Option("--per-day", min=0, metavar="N", help="Answers a day, over all devices.")]
PerAnswer = Annotated[int | None, typer.Option("--per-answer", min=1, metavar="N", help="Tokens of one answer.")]

page = Page(
    "peers",
    "Other devices of yours that may answer.\n\nThey are paired once, with a code that one of them shows.",
    ("freehold peers pair --code 123456", "freehold peers offload on", "freehold peers list"),
)
offload_page = Page(
    "offload",
    "Whether paired devices may answer.\n\nOff until you turn it on; with it off nothing is asked of anybody.",
    ("freehold peers offload on --per-day 50", "freehold peers offload status"),
)


@page.command("list", ("freehold peers list", "freehold peers list --json"), _PEERS)
def list_peers(context: typer.Context) -> None:
    """List paired devices, what they answer with, and how they did. Asks nobody."""
    call = call_of(context)
    _tell(call, call.opened().peers.all())


@page.command("discover", ("freehold peers discover",), "{found: [{name, host, port, tls, paired}]}")
def discover(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=1, max=60, metavar="N", help="How long to look around.")] = 5.0,
) -> None:
    """Look for devices that share on the local network.

    Names are what the devices say of themselves; who they are, pairing proves.
    """
    call = call_of(context)
    peers = call.opened().peers
    found: dict[str, Found] = {}
    with stops_on_interrupt(call.stop), closing(peers.discover(seconds, call.stop)) as devices:
        for one in devices:
            found[one.tls] = one
            call.output.say(f"{one.name} at {one.host}:{one.port}", "dim")
    known = {one.device.host for one in peers.all()}
    document = [
        {"name": one.name, "host": one.host, "port": one.port, "tls": one.tls, "paired": one.host in known}
        for one in found.values()
    ]
    call.output.result({"found": document}, f"{count(len(found), 'device')} found." if found else _NOBODY)


@page.command(
    "pair",
    (
        "freehold peers pair --code 123456",
        "freehold peers pair --code 123456 --at 192.168.1.20:47017",
        'freehold peers pair --code "freehold://pair?at=192.168.1.20:47017&code=123456&tls=..."',
    ),
    f"{{peer: {_PEER}, words: [4]}}",
)
def pair(
    context: typer.Context,
    code: Annotated[str, typer.Option("--code", metavar="CODE", help="The six digits shown there, or an invite.")],
    at: Annotated[str, typer.Option("--at", metavar="HOST:PORT", help="Where it is; otherwise it is looked for.")] = "",
) -> None:
    """Pair with the device that shows a code.

    Both screens then show the same four words. If they differ, run `freehold peers forget` at once.
    """
    from freehold.market.pairing import Asking, Looking, Words

    call = call_of(context)
    peers = call.opened().peers
    words: tuple[str, ...] = ()
    steps = peers.pair(code, at, call.stop)
    with stops_on_interrupt(call.stop), closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                device: Paired = end.value
                break
            match step:
                case Looking():
                    call.output.say("Looking for the device that shares.", "dim")
                case Asking(name=name, host=host, port=port):
                    call.output.say(f"Asking {name or 'the device'} at {host}:{port}.", "dim")
                case Words(words=words):
                    pass
    known = next(one for one in peers.all() if one.device.id == device.id)
    shown = " ".join(words)
    call.output.result(
        {"peer": known.to_json(), "words": list(words)},
        f"{device.name} is paired. Compare the words on both screens:\n\n  {shown}\n\n"
        f"Where they differ, run `freehold peers forget {device.id[:8]}`.",
    )


@page.command("trust", ("freehold peers trust studio", "freehold peers trust studio --documents"), f"{{peer: {_PEER}}}")
def trust(
    context: typer.Context,
    id: DeviceId,
    documents: Annotated[
        bool | None, typer.Option("--documents/--no-documents", help="Whether it may read what your documents say.")
    ] = None,
) -> None:
    """Ask a device again that was blocked, and say whether documents may go to it."""
    call = call_of(context)
    peers = call.opened().peers
    device = peers.trust(peers.find(id).id, documents=documents)
    known = next(one for one in peers.all() if one.device.id == device.id)
    reads = "may read your documents" if device.documents else "does not see your documents"
    call.output.result({"peer": known.to_json()}, f"{device.name} may be asked. It {reads}.")


@page.command("forget", ("freehold peers forget studio",), "{forgotten, told}")
def forget(context: typer.Context, id: DeviceId) -> None:
    """Unpair a device.

    It is told so where it can be reached, and forgotten here in any case.
    """
    call = call_of(context)
    peers = call.opened().peers
    device = peers.find(id)
    with stops_on_interrupt(call.stop):
        told = peers.forget(device.id, call.stop)
    words = "It was told so." if told else "It could not be told; remove this device there too."
    call.output.result({"forgotten": device.id, "told": told}, f"{device.name} is forgotten. {words}")


@offload_page.command("on", ("freehold peers offload on --per-day 50 --per-answer 4000",), _OFFLOAD)
def offload_on(
    context: typer.Context,
    per_day: PerDay = None,
    per_answer: PerAnswer = None,
    ask: Annotated[bool, typer.Option("--ask", help="Only when a device is chosen for a message.")] = False,
) -> None:
    """Let paired devices answer where they are the better machine."""
    _turn(call_of(context), "ask" if ask else "on", per_day, per_answer)


@offload_page.command("off", ("freehold peers offload off",), _OFFLOAD)
def offload_off(context: typer.Context, per_day: PerDay = None, per_answer: PerAnswer = None) -> None:
    """Keep every answer on this computer."""
    _turn(call_of(context), "off", per_day, per_answer)


@offload_page.command("status", ("freehold peers offload status --json",), _OFFLOAD)
def offload_status(context: typer.Context, per_day: PerDay = None, per_answer: PerAnswer = None) -> None:
    """Say whether devices may answer, and how much; with a limit given, set it."""
    call = call_of(context)
    household = call.opened()
    if per_day is not None or per_answer is not None:
        _turn(call, household.settings.text("offload"), per_day, per_answer)
    else:
        _status(call)


def _turn(call: Call, offload: Any, per_day: int | None, per_answer: int | None) -> None:
    wish: Offload = offload
    call.opened().peers.turn(wish, per_day=per_day, per_answer=per_answer)
    _status(call)


def _status(call: Call) -> None:
    """The limits stand where the key is: with the switch off and no key yet, they are not asked for."""
    household = call.opened()
    offload = household.settings.text("offload")
    limits = household.peers.limits()
    document = {"offload": offload, "per_day": limits[0], "per_answer": limits[1]}
    words = _SWITCH[offload]
    if limits[0] is not None:
        words += f"\nAt most {count(limits[0], 'answer')} a day, {count(limits[1] or 0, 'token')} each."
    call.output.result(document, words)


def _tell(call: Call, peers: list[Known]) -> None:
    document = {"peers": [one.to_json() for one in peers]}
    call.output.result(document, (lambda: _table(peers)) if peers else "No device is paired yet.")


def _table(peers: list[Known]) -> RenderableType:
    from freehold.terminal.tables import table

    rows = []
    for one in peers:
        told = one.to_json()
        checks = f"{one.score.passed} passed, {one.score.failed} failed" if one.score.passed + one.score.failed else ""
        speed = f"{one.tokens_per_s:.0f} tokens/s" if one.tokens_per_s else ""
        state = "" if told["state"] == "active" else told["state"]
        rows.append((one.device.name, told["model"], speed, checks, state, one.device.id[:8]))
    return table("name", "model", "speed", "checks", "", "id", rows=rows, wide="name", cuts=True)


_NOBODY = "No device that shares was found. Run `freehold share start` there, on the same network."
_SWITCH = {
    "off": "Off: every answer is made on this computer.",
    "ask": "Ask: a paired device answers when you choose it for a message.",
    "on": "On: a paired device answers where it is the better machine.",
}
