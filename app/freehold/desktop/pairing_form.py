"""Pairing another device: find it or paste its invite, type its code, compare the words on both screens."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QProgressBar, QRadioButton, QVBoxLayout, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.peer_values import Agreed, Nearby
from freehold.desktop.peer_words import spaced
from freehold.desktop.pieces import button, column, frame, label, row
from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import one_line

DIGITS = 6
INVITE = "freehold://"


class PairingForm(QWidget):
    """Opens in place. `search_asked` begins the only multicast there is; `paired` and `refused` carry a device's id."""

    search_asked = Signal()
    code_given = Signal(object, str)  # Nearby, the six digits
    invite_given = Signal(str)
    agreed = Signal(str)
    differed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._found: list[tuple[QRadioButton, Nearby]] = []
        self._device: Agreed | None = None
        self._group = QButtonGroup(self)
        self._search = button(self.tr("Look on this network"), "small")
        self._search_words = label("", "note", wraps=True)
        self._list: QVBoxLayout = column(spacing=6)
        self._address = QLineEdit()
        self._address.setPlaceholderText(self.tr("An address such as 192.168.1.20:47017, or an invite"))
        self._address.setAccessibleName(self.tr("Address or invite of the other device"))
        self._code = QLineEdit()
        self._code.setProperty("kind", "code")
        self._code.setPlaceholderText("000 000")
        self._code.setAccessibleName(self.tr("The code on the other device"))
        self._code.setMaxLength(4 * DIGITS)  # what is pasted may have more in it
        self._code.setFixedWidth(140)
        self._code.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self._pair, self._leave = button(self.tr("Pair"), "smallprimary"), button(self.tr("Cancel"), "plain")
        self._bar, self._going = QProgressBar(), label("", "note", wraps=True)
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self._words = label("", "secret", wraps=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._about = label("", "", wraps=True)
        self._same = button(self.tr("They are the same"), "smallprimary")
        self._differ = button(self.tr("They differ"), "small")
        self.trouble = Trouble()
        self._lay_out()
        self._connect()
        self.setFocusProxy(self._search)
        self.settle()

    def _lay_out(self) -> None:
        how = label(
            self.tr(
                "On the other device open Peers and start lending: it shows six digits. Then find it here, or type "
                "where it is."
            ), "note", wraps=True,
        )  # fmt: skip
        code = label(self.tr("The code it shows"))
        code.setBuddy(self._code)
        asking = column(
            how, row(self._search, None), self._search_words, self._list, self._address, 2,
            row(code, self._code, None, spacing=12), row(self._pair, self._leave, None), spacing=8,
        )  # fmt: skip
        self._asking = QWidget()
        self._asking.setLayout(asking)
        self._progress = QWidget()
        self._progress.setLayout(column(self._bar, self._going, spacing=4))
        box = frame("secretbox", column(self._words, margins=(16, 14, 16, 14)))
        self._comparing = QWidget()
        self._comparing.setLayout(column(self._about, box, row(self._same, self._differ, None), spacing=10))
        self.setLayout(column(self._asking, self._progress, self._comparing, self.trouble, margins=(0, 2, 0, 14)))

    def _connect(self) -> None:
        self._search.clicked.connect(self.search_asked)
        self._address.textChanged.connect(lambda _text: self._judge())
        self._code.textChanged.connect(self._tidy)
        self._code.returnPressed.connect(self._give)
        self._address.returnPressed.connect(self._give)
        self._pair.clicked.connect(self._give)
        self._leave.clicked.connect(self.left)
        self._same.clicked.connect(lambda: self._tell(self.agreed))
        self._differ.clicked.connect(lambda: self._tell(self.differed))
        self._group.buttonToggled.connect(lambda _button, _on: self._judge())

    def settle(self) -> None:
        """Forget what was found and typed."""
        self._device = None
        self.show_found(())
        self._search_words.setText(self.tr("Nothing is sent into the network before you press this."))
        self._address.clear()
        self._code.clear()
        self._show(self._asking)

    def show_searching(self) -> None:
        self.trouble.clear()
        self._search.setEnabled(False)
        self._search_words.setText(self.tr("Looking. It takes a few seconds."))

    def show_found(self, found: Sequence[Nearby], *, has_ended: bool = False) -> None:
        """Devices as they answer; once the looking `has_ended`, none means that nobody did."""
        chosen = self._chosen()
        for one, _nearby in self._found:
            self._group.removeButton(one)
            self._list.removeWidget(one)
            one.deleteLater()
        self._found = [(self._choice(one), one) for one in found]
        for one, nearby in self._found:
            one.setChecked(nearby == chosen or (chosen is None and len(found) == 1))
        if has_ended:
            self._search.setEnabled(True)
            nobody = self.tr(
                "Nobody answered. Is the other device lending, and in this network? Networks for guests often keep "
                "devices apart: then use its address or its invite."
            )
            self._search_words.setText(self.tr("These are lending in this network.") if found else nobody)
        self._judge()

    def show_pairing(self) -> None:
        self.trouble.clear()
        self._going.setText(self.tr("The two devices prove to each other that they know the code…"))
        self._show(self._progress)

    def show_agreed(self, device: Agreed) -> None:
        """Both screens show words: only people can see whether they are the same."""
        self._device = device
        name = one_line(device.name)
        self._about.setText(self.tr("{0} shows four words too. Are they these, in this order?").format(name))
        self._words.setText("   ".join(device.words))
        self._words.setAccessibleName(self.tr("The words: {0}").format(" ".join(device.words)))
        self._show(self._comparing)
        self._same.setFocus()

    def show_error(self, error: FreeholdError) -> None:
        self._search.setEnabled(True)
        self._show(self._asking)
        self.trouble.show_error(error)
        self._code.selectAll()
        self._code.setFocus()

    def _show(self, part: QWidget) -> None:
        self.trouble.clear()
        for one in (self._asking, self._progress, self._comparing):
            one.setVisible(one is part)

    def _choice(self, one: Nearby) -> QRadioButton:
        name = one_line(one.name).replace("&", "&&")
        paired = self.tr("  ·  paired already") if one.is_paired else ""
        made = QRadioButton(self.tr("{0}, at {1}{2}").format(name, one_line(one.host), paired))
        self._group.addButton(made)
        self._list.addWidget(made)
        return made

    def _chosen(self) -> Nearby | None:
        return next((nearby for one, nearby in self._found if one.isChecked()), None)

    @property
    def _digits(self) -> str:
        return "".join(one for one in self._code.text() if one.isdigit() and one.isascii())

    def _tidy(self, text: str) -> None:
        """Six digits in two groups, whatever was pasted."""
        digits = self._digits[:DIGITS]
        shown = spaced(digits) if len(digits) > 3 else digits
        if shown != text and not (text.endswith(" ") and text.strip() == digits):
            self._code.setText(shown)
        self._judge()

    def _judge(self) -> None:
        typed = self._address.text().strip()
        is_invite = typed.startswith(INVITE)
        self._code.setEnabled(not is_invite)
        has_place = bool(typed) or self._chosen() is not None
        self._pair.setEnabled(is_invite or (has_place and len(self._digits) == DIGITS))

    def _give(self) -> None:
        if not self._pair.isEnabled():
            return
        typed = self._address.text().strip()
        if typed.startswith(INVITE):
            self.invite_given.emit(typed)
        elif typed:
            host, _, port = typed.rpartition(":") if _has_port(typed) else (typed, "", "0")
            self.code_given.emit(Nearby("", host.strip("[]"), int(port), ""), self._digits)
        else:
            self.code_given.emit(self._chosen(), self._digits)

    def _tell(self, signal: object) -> None:
        if self._device is not None:
            signal.emit(self._device.id)  # type: ignore[attr-defined] # a bound Signal


def _has_port(typed: str) -> bool:
    """Whether an address ends in a port; one of IPv6 alone has colons too."""
    host, colon, port = typed.rpartition(":")
    return (
        bool(colon) and port.isascii() and port.isdigit() and len(port) <= 5 and (":" not in host or host.endswith("]"))
    )
