"""Lending this machine to the owner's other devices: the code they type, who is there, what runs right now."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from freehold.desktop.controls import Switch, Trouble
from freehold.desktop.peer_values import Agreed, LendingShown
from freehold.desktop.peer_words import guest_words, left_words, spaced
from freehold.desktop.pieces import Elided, Pill, button, column, frame, label, row
from freehold.desktop.words import count_words
from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import one_line

_SECOND_MS = 1000


class LendingCard(QFrame):
    """Counts a code's seconds down by itself between two showings."""

    start_asked = Signal()
    stop_asked = Signal()
    code_asked = Signal()
    locked_wanted = Signal(bool)
    agreed = Signal(str)
    differed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._shown, self._left = LendingShown(), 0.0
        self._newcomer: Agreed | None = None
        self._pill = Pill(self.tr("off"), "off", dot=False)
        self._about = label("", "note", wraps=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self._code, self._good = label("", "digits", selectable=True), label("", "note", wraps=True)
        self._code.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._good.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._new = button(self.tr("New code"), "small")
        self._copy = button(self.tr("Copy invite"), "small")
        self._at = Elided("", "smallcode")
        self._guests = label("", "", wraps=True)
        self._words, self._compare = label("", "secret", wraps=True), label("", "", wraps=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._same = button(self.tr("They are the same"), "smallprimary")
        self._differ = button(self.tr("They differ"), "small")
        self._start = button(self.tr("Start lending"), "small")
        self._stop = button(self.tr("Stop lending"), "small")
        self._locked = Switch(self.tr("Goes on while Freehold is locked"))
        self.trouble = Trouble()
        self._tick = QTimer(self)
        self._tick.setInterval(_SECOND_MS)
        self._tick.timeout.connect(self._count_down)
        self._lay_out()
        self._connect()
        self.show_lending(LendingShown())

    def _lay_out(self) -> None:
        box = frame("secretbox", column(self._code, self._good, spacing=2, margins=(12, 10, 12, 10)))
        self._inviting = QWidget()
        self._inviting.setLayout(column(box, row(self._new, self._copy, None), self._at, spacing=8))
        words = frame("secretbox", column(self._words, margins=(12, 10, 12, 10)))
        self._comparing = QWidget()
        self._comparing.setLayout(column(self._compare, words, row(self._same, self._differ, None), spacing=8))
        locked = label(self.tr("Goes on while Freehold is locked"), wraps=True)
        locked.setBuddy(self._locked)
        switch = row(locked, self._locked, spacing=12)
        switch.setStretch(0, 1)
        self.setLayout(
            column(
                row(label(self.tr("Lend this machine"), "heading"), None, self._pill), self._about, self._bar,
                self._comparing, self._inviting, self._guests, switch, self.trouble,
                row(self._start, self._stop, None), spacing=10, margins=(18, 14, 18, 14),
            )
        )  # fmt: skip

    def _connect(self) -> None:
        self._start.clicked.connect(self.start_asked)
        self._stop.clicked.connect(self.stop_asked)
        self._new.clicked.connect(self.code_asked)
        self._copy.clicked.connect(self._copy_invite)
        self._locked.toggled.connect(self.locked_wanted)
        self._same.clicked.connect(lambda: self._answer(self.agreed))
        self._differ.clicked.connect(lambda: self._answer(self.differed))

    def show_lending(self, lending: LendingShown) -> None:
        self._shown, self._left = lending, lending.seconds
        is_on, is_starting = lending.state == "on", lending.state == "starting"
        self._pill.say(self._pill_words(), "away" if is_on else "off")
        self._about.setText(self._about_words())
        self._bar.setVisible(is_starting)
        self._inviting.setVisible(is_on and self._newcomer is None)
        self._start.setVisible(lending.state == "off")
        self._stop.setVisible(lending.state != "off")
        self._at.say(self.tr("at {0}").format(lending.at) if lending.at else "")
        self._at.setVisible(bool(lending.at))
        self._copy.setEnabled(bool(lending.invite and lending.code))
        self._guests.setText("\n".join(map(guest_words, lending.guests)))
        self._guests.setVisible(is_on and bool(lending.guests))
        self._comparing.setVisible(self._newcomer is not None)
        self._locked.blockSignals(True)
        self._locked.setChecked(lending.while_locked)
        self._locked.blockSignals(False)
        self._locked.update()
        self._show_code()

    def show_newcomer(self, device: Agreed | None) -> None:
        """A device has typed the code: its screen shows the same words. None: that was answered."""
        self._newcomer = device
        if device is not None:
            told = self.tr("{0} has paired. Does its screen show these words, in this order?")
            self._compare.setText(told.format(one_line(device.name)))
            half = len(device.words) // 2
            self._words.setText("\n".join("   ".join(part) for part in (device.words[:half], device.words[half:])))
            self._words.setAccessibleName(self.tr("The words: {0}").format(" ".join(device.words)))
        self.show_lending(self._shown)

    def show_error(self, error: FreeholdError) -> None:
        self.trouble.show_error(error)

    def _pill_words(self) -> str:
        if self._shown.state == "starting":
            return self.tr("starting")
        if self._shown.state == "off":
            return self.tr("off")
        count = self._shown.connected
        if not count:
            return self.tr("nobody there")
        return self.tr("1 device there") if count == 1 else self.tr("{0} devices there").format(count_words(count))

    def _about_words(self) -> str:
        if self._shown.state == "starting":
            return self.tr("The model is loaded once more, for your devices alone.")
        if self._shown.state == "off":
            return self.tr(
                "Your other devices may let the model here answer. Freehold keeps nothing of what they ask. While it "
                "is lent, this machine listens in its network and says its name there."
            )
        done = self._shown.answered
        told = self.tr("1 answer given") if done == 1 else self.tr("{0} answers given").format(count_words(done))
        return f"{one_line(self._shown.model)}  ·  {told}" if self._shown.model else told

    def _show_code(self) -> None:
        is_good = bool(self._shown.code) and self._left > 0
        self._code.setText(spaced(self._shown.code) if is_good else "— —")
        self._code.setAccessibleName(self.tr("The code: {0}").format(" ".join(self._shown.code)) if is_good else "")
        self._good.setText(left_words(self._left) if is_good else self.tr("No code is good now. Make one to pair."))
        self._copy.setEnabled(is_good and bool(self._shown.invite))
        (self._tick.start if is_good and self._shown.state == "on" else self._tick.stop)()

    def _count_down(self) -> None:
        self._left = max(0.0, self._left - _SECOND_MS / 1000)
        self._show_code()

    def _copy_invite(self) -> None:
        QGuiApplication.clipboard().setText(self._shown.invite)

    def _answer(self, signal: object) -> None:
        device = self._newcomer
        self.show_newcomer(None)
        if device is not None:
            signal.emit(device.id)  # type: ignore[attr-defined] # a bound Signal
