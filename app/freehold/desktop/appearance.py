"""Fonts, colours and text size of the whole application, following the system unless its owner said otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from freehold.desktop.theme import TEXT_FAMILY, Theme, theme_for
from freehold.foundation.paths import resources

if TYPE_CHECKING:
    from PySide6.QtGui import QStyleHints

_FIRST_FACES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")
_LATER_FACES = (
    "Inter-Bold.otf", "Inter-Italic.otf", "Inter-BoldItalic.otf", "JetBrainsMono-Regular.ttf", "JetBrainsMono-Bold.ttf",
)  # fmt: skip
_USUAL_POINTS = 11.0  # what desktops set when nobody asked for larger text


def load_first_fonts() -> None:
    """The faces that the first painted window needs. A missing file costs looks, nothing else."""
    _load(_FIRST_FACES)


def load_later_fonts() -> None:
    """The faces of italics and code, which only an answer needs."""
    _load(_LATER_FACES)


def _load(faces: tuple[str, ...]) -> None:
    for face in faces:
        QFontDatabase.addApplicationFont(str(resources() / "fonts" / face))


class System(NamedTuple):
    """What the system asks of every window."""

    is_dark: bool
    has_contrast: bool = False


class Appearance(QObject):
    """Says through `changed` which theme and text size (pixels) are in force. Nothing is shown before `apply`.

    The first frame takes light or dark from the system's palette; `follow_system` then asks the system itself. To ask
    is to name `Qt`, and making that class takes Python longer than building and painting the window.
    """

    changed = Signal(object, int)

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self._app = app
        # Asked before we set a font and colours of our own: the owner of the desktop may have asked for larger text.
        self._scale = max(1.0, min(app.font().pointSizeF() / _USUAL_POINTS, 2.0))
        self._wish, self._text_size = "system", 14
        self._system = System(is_dark=app.palette().color(QPalette.ColorRole.Window).lightness() < 128)
        self.theme = theme_for(dark=False)

    @property
    def text_size(self) -> int:
        return round(self._text_size * self._scale)

    def wish(self, theme: str, text_size: int) -> None:
        """`theme` is "system", "light" or "dark"; `text_size` the body text in pixels before the system's scale."""
        self._wish, self._text_size = theme, text_size
        self.apply()

    def follow_system(self) -> None:
        """Take light or dark and contrast from the system, now and whenever they change there."""
        hints = self._app.styleHints()
        hints.colorSchemeChanged.connect(self._ask_system)
        accessibility = getattr(hints, "accessibility", None)  # Qt 6.10 and later
        if accessibility is not None:
            accessibility().contrastPreferenceChanged.connect(self._ask_system)
        self._ask_system()

    def _ask_system(self) -> None:
        told = system_of(self._app.styleHints(), self._system)
        if told != self._system:
            self._system = told
            self.apply()

    def apply(self) -> None:
        dark = self._system.is_dark if self._wish == "system" else self._wish == "dark"
        self.theme = theme_for(dark=dark, high_contrast=self._system.has_contrast)
        font = QFont(TEXT_FAMILY)
        font.setPixelSize(self.text_size)
        self._app.setFont(font)
        self._app.setPalette(palette_for(self.theme))
        self.changed.emit(self.theme, self.text_size)


def system_of(hints: QStyleHints, before: System) -> System:
    """What the system says now; where it knows nothing of light and dark, what counted `before` stays."""
    from PySide6.QtCore import Qt

    scheme, is_dark, has_contrast = hints.colorScheme(), before.is_dark, False
    if scheme != Qt.ColorScheme.Unknown:
        is_dark = scheme == Qt.ColorScheme.Dark
    accessibility = getattr(hints, "accessibility", None)
    if accessibility is not None:
        has_contrast = accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
    return System(is_dark, has_contrast)


def palette_for(theme: Theme) -> QPalette:
    """The theme as Qt's palette, from which widgets that paint themselves take their colours."""
    role = QPalette.ColorRole
    palette = QPalette()
    for part, colour in (
        (role.Window, theme.paper), (role.Base, theme.card), (role.AlternateBase, theme.panel),
        (role.Button, theme.card), (role.WindowText, theme.ink), (role.Text, theme.ink),
        (role.ButtonText, theme.ink), (role.PlaceholderText, theme.muted), (role.Mid, theme.line),
        (role.Highlight, theme.selected), (role.HighlightedText, theme.ink), (role.Accent, theme.here),
        (role.Link, theme.here), (role.LinkVisited, theme.here), (role.BrightText, theme.failed),
        (role.ToolTipBase, theme.ink), (role.ToolTipText, theme.paper), (role.Light, theme.card),
        (role.Midlight, theme.panel), (role.Dark, theme.line), (role.Shadow, theme.line),
    ):  # fmt: skip
        palette.setColor(part, QColor(colour))
    for part in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, part, QColor(theme.muted))
    return palette
