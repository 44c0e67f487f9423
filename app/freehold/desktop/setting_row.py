"""One setting as a row: its title and words, and the control that its type in the table asks for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from freehold.desktop.controls import Segments, Switch
from freehold.desktop.number_field import FractionField, WholeField, number_field, put_number
from freehold.desktop.pieces import button, column, label, row
from freehold.foundation.settings import Setting, Value

_TYPING_MS = 500


def _tr(text: str) -> str:
    return QCoreApplication.translate("Settings", text)


class SettingRow(QWidget):
    """Emits a value when the owner chose one; `show_value` does not."""

    changed = Signal(str, object)

    def __init__(self, setting: Setting, choices: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.setting = setting
        self._choices = choices or [(one, _tr(one.capitalize())) for one in setting.choices]
        self._title = label(_tr(setting.title))
        self._words = label(_tr(setting.words), "note", wraps=True)
        self._error = label("", "note", wraps=True)
        self._error.setProperty("tone", "failed")
        self._error.hide()
        self._reset = button(
            self.tr("Back to the default"), "plain", words=self.tr("Back to the default: {0}").format(setting.title)
        )
        self._reset.clicked.connect(lambda: self._choose(setting.default))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self.control = self._make_control()
        self.control.setAccessibleName(_tr(setting.title))
        self.control.setAccessibleDescription(_tr(setting.words))
        self._title.setBuddy(self.control)
        self._lay_out()
        self.show_value(setting.default)

    def _lay_out(self) -> None:
        words = column(self._title, self._words, self._error, spacing=2)
        layout: QVBoxLayout
        if isinstance(self.control, QPlainTextEdit):
            layout = column(words, self.control, row(self._reset, None), spacing=6, margins=(0, 12, 0, 12))
        else:
            beside = row(words, self._reset, self.control, spacing=12)
            beside.setStretch(0, 1)
            for one in (self._reset, self.control):
                beside.setAlignment(one, Qt.AlignmentFlag.AlignVCenter)
            layout = column(beside, margins=(0, 12, 0, 12))
        self.setLayout(layout)

    def show_value(self, value: Value) -> None:
        self._error.hide()
        self.control.blockSignals(True)
        _put(self.control, value)
        self.control.blockSignals(False)
        self._value = value
        self._reset.setVisible(value != self.setting.default)

    def show_error(self, words: str) -> None:
        self._error.setText(words)
        self._error.show()

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """New choices (value, words) for a setting whose choices are not in the table, such as the model."""
        if isinstance(self.control, QComboBox):
            self.control.blockSignals(True)
            self.control.clear()
            for value, words in choices:
                self.control.addItem(words, value)
            self.control.blockSignals(False)
            _put(self.control, self._value)

    def flush(self) -> None:
        """Tell text that is still being typed."""
        if self._timer.isActive():
            self._timer.stop()
            self._tell_text()

    def _make_control(self) -> QWidget:
        setting = self.setting
        if setting.choices:
            return self._segments()
        if isinstance(setting.default, bool):
            switch = Switch(setting.title)
            switch.toggled.connect(self._choose)
            return switch
        if isinstance(setting.default, int | float):
            return self._number()
        return self._combo() if self._choices else self._text()

    def _segments(self) -> QWidget:
        segments = Segments(_tr(self.setting.title), self._choices)
        segments.chosen.connect(self._choose)
        return segments

    def _combo(self) -> QWidget:
        combo = QComboBox()
        combo.setMinimumWidth(200)
        for value, words in self._choices:
            combo.addItem(words, value)
        combo.activated.connect(lambda: self._choose(combo.currentData()))
        return combo

    def _number(self) -> QWidget:
        field = number_field(self.setting)
        field.valueChanged.connect(self._choose)
        return field

    def _text(self) -> QWidget:
        if self.setting.private:
            field = QPlainTextEdit()
            field.setTabChangesFocus(True)
            field.setFixedHeight(96)
            field.setPlaceholderText(self.tr("None. The model's own manner."))
            field.textChanged.connect(self._timer.start)
            self._timer.timeout.connect(self._tell_text)
            return field
        line = QLineEdit()
        line.setMinimumWidth(200)
        line.editingFinished.connect(lambda: self._choose(line.text()))
        return line

    def _tell_text(self) -> None:
        assert isinstance(self.control, QPlainTextEdit)
        self._choose(self.control.toPlainText())

    def _choose(self, value: Value) -> None:
        if value == self._value:
            return
        if isinstance(self.control, QPlainTextEdit) and self.control.toPlainText() == value:
            self._value = value  # leave the text and its cursor alone while it is being typed
            self._reset.setVisible(value != self.setting.default)
        else:
            self.show_value(value)
        self.changed.emit(self.setting.name, value)


def _put(control: QWidget, value: Value) -> None:
    if isinstance(control, Segments):
        control.set_value(str(value))
    elif isinstance(control, Switch):
        control.setChecked(value is True)
        control.update()
    elif isinstance(control, WholeField | FractionField):
        put_number(control, float(value))
    elif isinstance(control, QComboBox):
        control.setCurrentIndex(max(0, control.findData(value)))
    elif isinstance(control, QPlainTextEdit):
        control.setPlainText(str(value))
    elif isinstance(control, QLineEdit):
        control.setText(str(value))
