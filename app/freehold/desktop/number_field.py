"""A field for a number, of the settings table or of its own bounds."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

from freehold.foundation.settings import Setting

WIDTH = 104
_STEP = 0.05


class WholeField(QSpinBox):
    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()  # a wheel that scrolls the page must not change what it happens to pass over


class FractionField(QDoubleSpinBox):
    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()  # as above


NumberField = WholeField | FractionField


def number_field(setting: Setting) -> NumberField:
    """Bounds and kind as the table says; Up and Down change it, typing counts when it is finished."""
    field: NumberField
    if isinstance(setting.default, float):
        field = FractionField()
        field.setDecimals(2)
        field.setSingleStep(_STEP)
        field.setRange(setting.least or 0.0, setting.most if setting.most is not None else 1e9)
        _dress(field, setting.title)
    else:
        most = int(setting.most if setting.most is not None else 2**31 - 1)
        field = whole_field(int(setting.least or 0), most, setting.title)
    field.setAccessibleDescription(setting.words)
    return field


def whole_field(least: int, most: int, title: str) -> WholeField:
    """A whole number between the two."""
    field = WholeField()
    field.setGroupSeparatorShown(True)
    field.setRange(least, most)
    _dress(field, title)
    return field


def _dress(field: NumberField, title: str) -> None:
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setKeyboardTracking(False)
    field.setFixedWidth(WIDTH)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.lineEdit().setTextMargins(8, 0, 10, 0)
    field.setAccessibleName(title)


def put_number(field: NumberField, value: float) -> None:
    """Show `value` without telling."""
    field.blockSignals(True)
    if isinstance(field, WholeField):
        field.setValue(int(value))
    else:
        field.setValue(float(value))
    field.blockSignals(False)
