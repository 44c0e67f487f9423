"""What the owner allows this computer to ask of devices, in plain words. The signer holds to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from freehold.desktop.controls import Switch, Trouble
from freehold.desktop.number_field import WholeField, put_number, whole_field
from freehold.desktop.peer_values import LimitsShown
from freehold.desktop.peer_words import today_words
from freehold.desktop.pieces import column, label, row

MOST = 1_000_000


class LimitsCard(QFrame):
    """`changed` carries the name of a limit and its new value."""

    changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._today, self._bar = label(""), QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setProperty("tone", "away")
        self._bar.setAccessibleName(self.tr("Answers asked of devices today"))
        self._per_day = whole_field(0, MOST, self.tr("Answers a day"))
        self._per_answer = whole_field(1, MOST, self.tr("Longest answer, in tokens"))
        self._ask_first = Switch(self.tr("Ask me before each answer"))
        self._paused = Switch(self.tr("Pause all devices"))
        self._closed = label(
            self.tr("What was counted today cannot be read, so nothing is asked of devices until tomorrow."),
            "note", wraps=True,
        )  # fmt: skip
        self._closed.setProperty("tone", "failed")
        self.trouble = Trouble()
        self._lay_out()
        self._connect()
        self.show_limits(LimitsShown())

    def _lay_out(self) -> None:
        note = label(
            self.tr(
                "Documents stay here but for the devices you release them to. The key signs nothing beyond this, "
                "whatever the rest of Freehold asks."
            ), "note", wraps=True,
        )  # fmt: skip
        self.setLayout(
            column(
                label(self.tr("What I allow"), "heading"), 2, row(label(self.tr("Today")), None, self._today),
                self._bar, self._closed, 2, self._line(self.tr("Answers a day"), self._per_day),
                self._line(self.tr("Longest answer, in tokens"), self._per_answer),
                self._line(self.tr("Ask me before each answer"), self._ask_first),
                self._line(self.tr("Pause all devices"), self._paused), note, self.trouble,
                spacing=8, margins=(18, 14, 18, 14),
            )
        )  # fmt: skip

    def _line(self, title: str, control: QWidget) -> QWidget:
        name, made = label(title, wraps=True), QWidget()
        name.setBuddy(control)
        inside = row(name, control, spacing=12)
        inside.setStretch(0, 1)
        made.setLayout(inside)
        return made

    def _connect(self) -> None:
        self._per_day.valueChanged.connect(lambda value: self.changed.emit("answers_per_day", value))
        self._per_answer.valueChanged.connect(lambda value: self.changed.emit("tokens_per_answer", value))
        self._ask_first.toggled.connect(lambda on: self.changed.emit("ask_first", on))
        self._paused.toggled.connect(lambda on: self.changed.emit("paused", on))

    def show_limits(self, limits: LimitsShown) -> None:
        self._today.setText(today_words(limits))
        self._bar.setMaximum(max(1, limits.answers_per_day))
        self._bar.setValue(min(limits.today, limits.answers_per_day))
        self._closed.setVisible(limits.is_closed)
        _put_unless_typing(self._per_day, limits.answers_per_day)
        _put_unless_typing(self._per_answer, limits.tokens_per_answer)
        for switch, on in ((self._ask_first, limits.ask_first), (self._paused, limits.paused)):
            switch.blockSignals(True)
            switch.setChecked(on)
            switch.blockSignals(False)
            switch.update()


def _put_unless_typing(field: WholeField, value: int) -> None:
    """A number that is being typed is the owner's until it is finished."""
    if not (field.hasFocus() and field.lineEdit().isModified()):
        put_number(field, value)
