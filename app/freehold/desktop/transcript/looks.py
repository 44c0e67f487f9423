"""The transcript's measures, fonts and style sheet, all from a theme and a text size."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from PySide6.QtGui import QColor, QFont

from freehold.desktop.theme import CODE_FAMILY, LIGHT, TEXT_FAMILY, TextSizes, Theme

WIDEST = 720  # pixels of a line of text; the composer keeps to the same column
MARGIN = 40
_MONO = (CODE_FAMILY, "DejaVu Sans Mono", "Menlo", "Consolas", "monospace")
_TEXT = (TEXT_FAMILY, "Segoe UI", "Helvetica Neue", "DejaVu Sans", "sans-serif")

_SHEET = Template("""
#transcript { background: $paper; border: 0; }
#transcript QTextBrowser, #transcript QPlainTextEdit { background: transparent; border: 0; padding: 0; margin: 0;
  color: $ink; selection-background-color: $selection; selection-color: $ink; }
#transcript QTextBrowser[tone="muted"] { color: $muted; }
#transcript QPushButton { font-weight: 400; }
#transcript QPlainTextEdit#editor { background: $card; border: 1px solid $muted; border-radius: 10px;
  padding: 8px 10px; }
#transcript QScrollBar:horizontal { background: transparent; height: 8px; margin: 0; }
#transcript QScrollBar::handle:horizontal { background: $line; border-radius: 3px; min-width: 32px; }
#transcript QScrollBar::handle:horizontal:hover { background: $muted; }
#transcript QScrollBar::add-line, #transcript QScrollBar::sub-line { width: 0; height: 0; }
#transcript QScrollBar::add-page, #transcript QScrollBar::sub-page { background: transparent; }
#transcript > QScrollBar:vertical, #transcript QWidget > QScrollBar:vertical { background: transparent; width: 10px;
  margin: 2px; }
#transcript QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 32px; }
#transcript QScrollBar::handle:vertical:hover { background: $muted; }
""")


def text_font(size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The reading face at `size` pixels."""
    font = QFont()
    font.setFamilies(list(_TEXT))
    font.setPixelSize(size)
    font.setWeight(weight)
    return font


def code_font(size: int) -> QFont:
    """The face of code at `size` pixels, without ligatures: what is shown is what is copied."""
    font = QFont()
    font.setFamilies(list(_MONO))
    font.setPixelSize(size)
    font.setStyleHint(QFont.StyleHint.Monospace)
    if hasattr(font, "setFeature"):  # Qt 6.7 and later
        for feature in ("liga", "calt"):
            font.setFeature(QFont.Tag(feature), 0)
    return font


@dataclass(frozen=True, slots=True)
class Looks:
    """What every part of the transcript needs to draw itself."""

    theme: Theme = LIGHT
    size: int = 14

    @property
    def sizes(self) -> TextSizes:
        return TextSizes(self.size)

    @property
    def line_height(self) -> int:
        return round(self.size * 1.5)

    @property
    def code_size(self) -> int:
        return max(9, round(self.size * 13 / 14))

    @property
    def body(self) -> QFont:
        return text_font(self.size)

    @property
    def note(self) -> QFont:
        return text_font(self.sizes.note)

    def colour(self, name: str) -> QColor:
        return QColor(getattr(self.theme, name))

    def sheet(self) -> str:
        colours = {name: getattr(self.theme, name) for name in Theme.__slots__}
        # A selection must be seen on paper, panel and card alike; green would say "on this computer".
        selection = "#4A534E" if self.theme.is_dark else "#D9D5C6"
        return _SHEET.substitute(colours, selection=selection)


def column(width: int) -> tuple[int, int]:
    """Where the column of text begins in a page of `width`, and how wide it is. The scroll bar does not move it."""
    margin = MARGIN if width >= 480 else 16
    wide = max(160, min(WIDEST, width - 2 * margin))
    return max(0, (width - wide) // 2), wide


def utf16_length(text: str) -> int:
    """Length in UTF-16 units, which is how Qt counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
