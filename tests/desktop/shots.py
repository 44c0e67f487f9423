"""Screenshots to look at before a page is called done: `python tests/desktop/shots.py FOLDER [NAME]... [--scale 2]`.

Runs the real window over fakes (support/desk.py) with the offscreen platform, light and dark, at 1280x800 and, with
`--scale 2`, at 200%. Give QT_QPA_PLATFORM=xcb (under Xvfb) for what a real display shows.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "--scale" in sys.argv:
    os.environ["QT_SCALE_FACTOR"] = sys.argv[sys.argv.index("--scale") + 1]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from desktop import shots_library, shots_vault
from freehold.desktop.appearance import Appearance, load_first_fonts
from freehold.desktop.bridge import Bridge
from freehold.desktop.shell import Shell
from freehold.desktop.window import Window
from freehold.foundation.errors import DownloadFailed, EngineStopped, WrongPassphrase
from freehold.foundation.stop import Stop
from freehold.network.values import Connection
from support import desk

DAY = 86_400.0
LEASE = """The lease ends on **30 September 2027**. You must give notice in writing at least **three months** before, \
so no later than 30 June 2027.

Two details that matter:

- Notice counts from the day the landlord receives it, not the day you send it.
- Without notice, the lease renews for twelve months at the indexed rent.
"""
CODE = """Counting the lines of a file without reading it all into memory:

```python
from pathlib import Path

def count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)  # one line at a time
```

`sum` adds a 1 for each line the file yields.
"""


def transcript() -> object:
    try:
        from freehold.desktop.transcript.view import TranscriptView
    except ImportError:
        return desk.plain_transcript()
    return TranscriptView()


class Stage:
    """One window with its household, and what a shot needs to bring it where it should be."""

    def __init__(self, theme: str, home: Path, vault: desk.FakeVault | None = None) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.household = desk.FakeHousehold(home, vault=vault or desk.FakeVault())
        self.household.settings.set("theme", theme)
        self.appearance = Appearance(app)
        self.appearance.wish(theme, 14)
        self.window = Window(transcript, self.appearance.theme, self.appearance.text_size)
        self.appearance.changed.connect(self.window.dress)
        self.window.resize(1280, 800)
        self.window.show()
        self.bridge = Bridge()
        self.fill()
        self.shell = Shell(self.household, self.window, self.appearance, self.bridge)
        self.shell.start()
        self.spin(0.4)

    def fill(self) -> None:
        house = self.household
        house.say("How do I count the lines of a file in Python?", CODE, title="Counting lines", age=DAY * 5)
        house.say("Write a letter to the insurer", "Dear Sir or Madam,", title="Letter to the insurer", age=DAY * 4)
        house.say("Which dates are in the school letter?", "Three.", title="Dates in the school letter", age=DAY * 3)
        house.say("What should I pack?", "It depends.", title="Packing list for Lisbon", age=3600)
        self.lease = house.say("When does my flat lease end, and how much notice do I have to give?", LEASE,
                               title="When does the lease end?")  # fmt: skip

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QCoreApplication.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            time.sleep(0.005)

    def open_lease(self) -> None:
        self.window.sidebar.chats.opened.emit(self.lease)
        self.spin(0.4)

    def ask(self, text: str) -> None:
        self.window.chat.composer.box.setPlainText(text)
        self.window.chat.composer.box.sent.emit()
        self.spin(0.6)

    def do(self, action: str) -> None:
        self.window.actions_by_name[action].trigger()
        self.spin(0.4)

    def close(self) -> None:
        self.window.close()
        self.shell.close()
        self.window.deleteLater()
        self.spin(0.05)


def locked() -> desk.FakeVault:
    return desk.FakeVault("locked", ("passphrase", "keyring", "recovery"))


def first_run_welcome(stage: Stage) -> None:
    stage.window.entry.welcome.fields._first.setText("four words I like")


def first_run_code(stage: Stage) -> None:
    stage.window.entry.welcome.keyring.radio.setChecked(True)
    stage.window.entry.welcome.onward.click()
    stage.spin(0.4)


def first_run_model(stage: Stage) -> None:
    stage.window.entry.passphrase_given.emit("correct horse battery")
    stage.spin(0.5)


def chat_empty(stage: Stage) -> None:
    stage.window.chat.composer.box.setPlainText("")


def chat_streaming(stage: Stage) -> None:
    stage.open_lease()
    stage.household.assistant.script = desk.Script(
        ["To the landlord,\n\n", "I hereby give notice ", "to end the lease of the flat at 12 Mill Lane"], gate=Stop()
    )
    stage.ask("Write the notice letter, dated today.")


def chat_done(stage: Stage) -> None:
    stage.open_lease()
    stage.household.assistant.script = desk.Script([CODE], left_out=4)
    stage.ask("Now something else: how do I count the lines of a large file in Python?")


def chat_failed(stage: Stage) -> None:
    stage.open_lease()
    stage.household.assistant.script = desk.Script(
        ["To the landlord,\n\nI hereby "], error=EngineStopped("engine: ended by SIGKILL")
    )
    stage.ask("Write the notice letter, dated today.")


def chat_settings(stage: Stage) -> None:
    stage.open_lease()
    stage.do("chat-settings")


def chat_details(stage: Stage) -> None:
    stage.open_lease()
    turn = next(one for one in stage.household.conversations.kept.values() if one.text == LEASE)
    stage.window.chat.transcript.details_asked.emit(turn.id)
    stage.spin(0.3)


def chat_toast(stage: Stage) -> None:
    stage.open_lease()
    stage.do("delete-chat")


def chat_full_disk(stage: Stage) -> None:
    from freehold.foundation.errors import DiskFull

    stage.open_lease()
    stage.household.assistant.script = desk.Script(refused=DiskFull("vault.db"))
    stage.ask("Write the notice letter, dated today.\nAnd make it polite.")


def link(stage: Stage) -> None:
    stage.open_lease()
    stage.window.chat.transcript.link_asked.emit("https://example.org/a/rather/long/path?with=questions&and=answers")
    stage.spin(0.2)


def models_list(stage: Stage) -> None:
    stage.do("models")


def models_downloading(stage: Stage) -> None:
    stage.household.models.gate = Stop()
    stage.do("models")
    stage.window._named["models"].get_asked.emit(desk.SMALL.id)
    stage.spin(0.4)


def models_failed(stage: Stage) -> None:
    stage.household.models.error = DownloadFailed("the server closed the connection after 1.0 of 2.5 GB")
    stage.do("models")
    stage.window._named["models"].get_asked.emit(desk.SMALL.id)
    stage.spin(0.4)


def models_inspect(stage: Stage) -> None:
    stage.do("models")
    stage.window._named["models"].inspect_asked.emit(desk.STARTER.id)
    stage.spin(0.4)


def settings_top(stage: Stage) -> None:
    stage.household.settings.set("context", 16384)
    stage.do("settings")


def connections(*, is_offline: bool = False) -> Callable[[Stage], None]:
    def prepare(stage: Stage) -> None:
        door, now = stage.household.door, time.time()
        stage.household.settings.set("offline", is_offline)
        door.connections_since_start = 0 if is_offline else 2
        door.rows = [
            Connection(1, now - 30 * DAY, "model details", "huggingface.co", 443, 812, 4_100, ended=now),
            Connection(2, now - 30 * DAY, "model download", "huggingface.co", 443, 1_204, 2_331, ended=now),
            Connection(3, now - 30 * DAY + 2, "model download", "cdn-lfs.huggingface.co", 443, 1_350, 98_362_432,
                       ended=now),
            Connection(4, now - 9 * DAY, "model download", "models.example.org", 443, error="its name leads to a "
                       "private address", refused=True, ended=now),
            Connection(5, now - 3 * DAY, "model details", "huggingface.co", 443, refused=True, error="offline",
                       ended=now),
        ]  # fmt: skip
        if not is_offline:
            door.rows += [
                Connection(6, now - 95, "model details", "huggingface.co", 443, 820, 4_212, ended=now),
                Connection(7, now - 90, "model download", "cdn-lfs.huggingface.co", 443, 1_350, 1_204_551_000),
            ]
        stage.do("connections")
        stage.spin(1.2)

    return prepare


def connections_empty(stage: Stage) -> None:
    stage.do("connections")


def promises(stage: Stage) -> None:
    stage.do("promises")


def promises_end(stage: Stage) -> None:
    stage.do("promises")
    bar = stage.window._named["promises"].findChild(QScrollArea).verticalScrollBar()
    bar.setValue(bar.maximum())
    stage.spin(0.2)


def settings_code(stage: Stage) -> None:
    stage.do("settings")
    page = stage.window._named["settings"]
    page.vault.recovery_asked.emit()
    page.vault._change.click()
    stage.spin(0.3)
    page.scroll_to(page.vault)
    stage.spin(0.2)


def palette_empty(stage: Stage) -> None:
    stage.open_lease()
    stage.do("palette")


def palette_found(stage: Stage) -> None:
    stage.open_lease()
    stage.do("palette")
    stage.window.palette_panel()._field.setText("le")
    stage.spin(0.6)


def trash(stage: Stage) -> None:
    conversations = stage.household.conversations
    for number, chat in enumerate(list(conversations.chats)[:3]):
        conversations.chats[chat] = replace(conversations.chats[chat], deleted=time.time() - number * DAY)
    stage.do("trash")


def unlock(stage: Stage) -> None:
    stage.window.entry._field.setText("something")


def unlock_wrong(stage: Stage) -> None:
    stage.window.entry._field.setText("something")
    stage.window.entry.show_error(WrongPassphrase())


NEW = {"vault": lambda: desk.FakeVault("new", (), keyring="GNOME Keyring")}
NO_KEYRING = {"vault": lambda: desk.FakeVault("new", ())}
LOCKED = {"vault": locked}
SHOTS: dict[str, tuple[Callable[[Stage], None], dict[str, Callable[[], desk.FakeVault]]]] = {
    "first-run-1": (first_run_welcome, NO_KEYRING), "first-run-1-keyring": (lambda _: None, NEW),
    "first-run-2-code": (first_run_code, NEW), "first-run-3-model": (first_run_model, NEW),
    "chat-empty": (chat_empty, {}), "chat-streaming": (chat_streaming, {}), "chat-done": (chat_done, {}),
    "chat-failed": (chat_failed, {}), "chat-settings": (chat_settings, {}), "chat-details": (chat_details, {}),
    "chat-toast": (chat_toast, {}), "chat-full-disk": (chat_full_disk, {}), "link": (link, {}),
    "models": (models_list, {}), "models-downloading": (models_downloading, {}), "models-failed": (models_failed, {}),
    "models-inspect": (models_inspect, {}), "settings": (settings_top, {}), "connections": (connections(), {}),
    "connections-empty": (connections_empty, {}), "connections-offline": (connections(is_offline=True), {}),
    "promises": (promises, {}), "promises-end": (promises_end, {}),
    "settings-code": (settings_code, {}), "palette": (palette_empty, {}), "palette-found": (palette_found, {}),
    "trash": (trash, {}), **shots_library.SHOTS, **shots_vault.SHOTS,
    **{name: (shot, LOCKED) for name, shot in shots_vault.LOCKED_SHOTS.items()},
    "unlock": (unlock, LOCKED), "unlock-wrong": (unlock_wrong, LOCKED),
}  # fmt: skip


def picture_of(window: QWidget) -> QPixmap:
    """The window, with the menu that is open over it."""
    picture, menu = window.grab(), QApplication.activePopupWidget()
    if menu is not None:
        painter = QPainter(picture)
        painter.drawPixmap(menu.mapToGlobal(QPoint()) - window.mapToGlobal(QPoint()), menu.grab())
        painter.end()
        menu.close()
    return picture


def main(arguments: list[str]) -> None:
    scale = arguments[arguments.index("--scale") + 1] if "--scale" in arguments else ""
    if scale:
        at = arguments.index("--scale")
        del arguments[at : at + 2]
    folder, wanted = Path(arguments[0]), arguments[1:]
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication(["freehold-shots"])
    app.setStyle("Fusion")
    load_first_fonts()
    for name, (prepare, options) in SHOTS.items():
        if wanted and name not in wanted:
            continue
        for theme in ("light", "dark"):
            with tempfile.TemporaryDirectory() as home:
                stage = Stage(theme, Path(home) / "home", **{key: make() for key, make in options.items()})
                prepare(stage)
                stage.spin(0.15)
                picture_of(stage.window).save(str(folder / f"{name}-{theme}{'-200' if scale else ''}.png"))
                stage.close()


if __name__ == "__main__":
    main(sys.argv[1:])
