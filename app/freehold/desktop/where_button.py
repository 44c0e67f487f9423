"""The pill that says where the next message is answered; a button where there is something to choose."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy

from freehold.desktop.destination import HERE, Destination
from freehold.desktop.icons import icon
from freehold.desktop.pieces import Dot, Elided, row, set_tone
from freehold.desktop.theme import LIGHT, Theme

MOST_NAME = 160  # pixels of a device's name
_ARROW = 14


class WhereButton(QPushButton):
    """Green for this computer, amber with the device's name for what would leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "where")
        self._theme = LIGHT
        self._dot, self._name, self._arrow = Dot("here"), Elided(""), QLabel()
        self._name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._name.setMaximumWidth(MOST_NAME)
        for part in (self._dot, self._name, self._arrow):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setLayout(row(self._dot, self._name, self._arrow, spacing=6, margins=(10, 0, 8, 0)))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(False)
        self.show_destination(HERE)

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        self._draw_arrow()

    def show_destination(self, to: Destination) -> None:
        tone = "away" if to.leaves else "here"
        self._name.say(to.name)
        self._dot.set_tone(tone)
        set_tone(self, tone)
        self._arrow.setVisible(to.is_choice)
        self.setEnabled(to.is_choice)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if to.is_choice else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if to.is_choice else Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(self.tr("The next message is answered: {0}").format(to.name))
        self.setToolTip(self.tr("Where the next message is answered") if to.is_choice else "")
        self._draw_arrow()
        self.updateGeometry()

    @property
    def words(self) -> str:
        return self._name.whole

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        layout = self.layout()
        assert layout is not None
        return QSize(layout.sizeHint().width(), super().sizeHint().height())

    def _draw_arrow(self) -> None:
        colour = self._theme.away if self.property("tone") == "away" else self._theme.here
        self._arrow.setPixmap(icon("chevron", colour).pixmap(QSize(_ARROW, _ARROW), self.devicePixelRatioF()))
