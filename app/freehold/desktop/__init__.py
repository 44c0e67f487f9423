"""Qt: the window, its pages and widgets. The only room that imports PySide6."""

from freehold.desktop.references import hold_constants

hold_constants()
