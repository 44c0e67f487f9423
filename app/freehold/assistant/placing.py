"""Where an answer is made: on this computer or by a paired device. Pure rules, explained in words (docs/peers.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.chats.values import DataClass, Role, Turn, Where
from freehold.market.values import Allowed, Device

HERE = "here"
_FASTER = 1.5  # a device with the same model is worth asking when it is so much faster


@dataclass(frozen=True, slots=True)
class Here:
    """What answers on this computer; `fits` is False when no model is here, or none that fits its memory."""

    parameters: int = 0
    tokens_per_s: float = 0.0
    fits: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """Who is asked, the best first (nobody: this computer), and why, in words for the owner.

    `or_here`: when none of them can be reached, this computer answers instead.
    """

    devices: tuple[Device, ...] = ()
    why: str = ""
    or_here: bool = True


NOBODY_ON = "Devices of yours are not asked: that is turned off."
NOBODY_PAIRED = "No device is paired that could answer."
KEPT = "It is made from your documents, which stay here."
ASKS_FIRST = "You want to be asked first: choose a device for this message to let it answer."
GOOD_HERE = "This computer answers as well as your devices would."


def place(where: Where, data: DataClass, allowed: Allowed, here: Here, devices: Sequence[Device]) -> Placed:
    """Who answers. Nothing leaves unless the toggle is on, and documents go only to devices they were released for.

    With `where` "peer" and the toggle off nobody is placed: the caller refuses (OffloadOff).
    """
    if where == "here":
        return Placed()
    if not allowed.is_on:
        return Placed(why=NOBODY_ON if where == "peer" else "")
    if not devices:
        return Placed(why=NOBODY_PAIRED if where == "peer" else "")
    may = [one for one in devices if data == "words" or one.takes_documents]
    if not may:
        return Placed(why=f"{KEPT} {_release(devices)}" if where == "peer" else KEPT)
    ordered = tuple(sorted(may, key=lambda one: (-one.parameters, -one.tokens_per_s, one.name, one.id)))
    if where == "peer":
        return Placed(ordered, f"You chose {_names(ordered)}.", or_here=False)
    if allowed.asks_first:
        return Placed(why=ASKS_FIRST)
    better = tuple(one for one in ordered if _is_better(one, here))
    return Placed(better, _because(better[0], here)) if better else Placed(why=GOOD_HERE)


def class_of(turns: Iterable[Turn], *, reads_documents: bool = False) -> DataClass:
    """The class of a prompt made of `turns`: `documents` when a passage is in it, or any turn of it was made from one.

    Classes are inherited: an answer carries what it was made from, and so does every answer that was made from it.
    """
    return "documents" if reads_documents or any(map(holds_documents, turns)) else "words"


def holds_documents(turn: Turn) -> bool:
    """Whether a turn was made from documents or files, as far as is known of it."""
    if turn.role is Role.USER:
        return bool(turn.attachments)
    made = turn.provenance
    return made is not None and (made.data_class == "documents" or made.grounded is not None or bool(made.sources))


def _is_better(device: Device, here: Here) -> bool:
    if not here.fits or device.parameters > here.parameters:
        return True
    is_as_good = device.parameters == here.parameters
    return is_as_good and 0 < here.tokens_per_s * _FASTER < device.tokens_per_s


def _because(device: Device, here: Here) -> str:
    if not here.fits:
        return f"No model here fits this computer; {device.name} has one."
    if device.parameters > here.parameters:
        return f"{device.name} has a larger model ({device.model})."
    return f"{device.name} is faster."


def _release(devices: Sequence[Device]) -> str:
    return f"Release them for {_names(devices)} to let it answer."


def _names(devices: Sequence[Device]) -> str:
    return " or ".join(one.name for one in devices)
