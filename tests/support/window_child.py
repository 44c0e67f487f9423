"""The real program in its real window, in which somebody opens chat after chat: `python window_child.py HOME CHATS`.

Says "opened" on stdout when every chat was in view. Locking puts another process in the place of this one.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from freehold import app
from freehold.desktop.window import Window

_EACH_MS = 120


class Reader:
    """Goes to the next chat, looks at it, and so on."""

    def __init__(self, chats: int) -> None:
        self._left = chats
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(_EACH_MS)

    def _look(self) -> None:
        window = next((one for one in QApplication.topLevelWidgets() if isinstance(one, Window)), None)
        if window is None or "next-chat" not in window.actions_by_name:
            return
        following = window.actions_by_name["next-chat"]
        if not following.isEnabled() or not window.sidebar.chats.chats.ids():
            return
        if self._left:
            following.trigger()
            self._left -= 1
        else:
            self._timer.stop()
            print("opened", flush=True)


if __name__ == "__main__":
    application = QApplication(["freehold", "-style", "fusion"])
    reader = Reader(int(sys.argv[2]))
    sys.exit(app.main(["--home", sys.argv[1]]))
