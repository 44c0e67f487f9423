"""Where the next message would be answered, and how that is said. Pure but for Qt's translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from freehold.assistant.placing import ASKS_FIRST
from freehold.chats.values import DataClass
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.market.values import Device


def _tr(text: str) -> str:
    return QCoreApplication.translate("destination", text)


@dataclass(frozen=True, slots=True)
class Destination:
    """`devices` would be asked, the best first; none: this computer answers, and nothing leaves it.

    `is_choice`: devices may be asked at all, so there is something to choose. `data` is the class of what would be
    read, `why` the rule's reason, `wished` the devices that would be asked if one were wished for; `has_before`: there
    is a chat before the message.
    """

    is_choice: bool = False
    devices: tuple[Device, ...] = ()
    data: DataClass = "words"
    why: str = ""
    wished: tuple[Device, ...] = ()
    has_before: bool = False

    @property
    def leaves(self) -> bool:
        return bool(self.devices)

    @property
    def name(self) -> str:
        """Who is asked first."""
        return one_line(self.devices[0].name) if self.devices else _tr("Here")

    @property
    def model(self) -> str:
        """The model of who is asked first; "" where that is this computer, or is not known."""
        return one_line(self.devices[0].model) if self.devices else ""


HERE = Destination()


def reads_words(to: Destination) -> str:
    """What a device will read: said before it does."""
    if to.data == "documents":
        told = _tr("{0} will read this message, the chat before it and passages of your documents.")
        alone = _tr("{0} will read this message and passages of your documents.")
    else:
        told = _tr("{0} will read this message and the chat before it.")
        alone = _tr("{0} will read this message.")
    return (told if to.has_before else alone).format(to.name)


def brief_words(to: Destination) -> str:
    """The same where there is little room: the name stands beside it."""
    if to.why == ASKS_FIRST:
        return _tr("You are asked first: choose a device.")
    if not to.leaves:
        return ""
    if to.data == "documents":
        return _tr("Reads this, the chat and passages.") if to.has_before else _tr("Reads this and passages.")
    return _tr("Reads this and the chat before it.") if to.has_before else _tr("Reads this message.")


def device_words(devices: Sequence[Device]) -> str:
    """Devices of the owner's as a choice: "A device of mine: Desk, Studio"."""
    names = ", ".join(one_line(one.name) for one in devices)
    return _tr("A device of mine: {0}").format(names) if names else _tr("A device of mine")
