"""Qt: the window, its pages and widgets. The only room that imports PySide6."""
