"""Everything the window can be told to do, as one table: shortcuts, menus and the command palette derive from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do. `needs_open` deeds wait until the vault is open."""

    name: str
    text: str
    shortcut: str = ""
    needs_open: bool = True


DEEDS: tuple[Deed, ...] = (
    Deed("new-chat", "New chat", "Ctrl+N"),
    Deed("palette", "Search chats, everything said, and actions", "Ctrl+K"),
    Deed("stop", "Stop the answer", "Ctrl+."),  # Esc does it too, where nothing else claims it
    Deed("retry", "Answer the last question again", "Ctrl+R"),
    Deed("edit-last", "Edit the last question", "Ctrl+E"),
    Deed("copy-last", "Copy the last answer", "Ctrl+Shift+C"),
    Deed("choose-documents", "Choose the documents for this chat", "Ctrl+Alt+D"),
    Deed("attach", "Attach a file to the next message…", "Ctrl+Alt+A"),
    Deed("choose-where", "Choose where the next message is answered", "Ctrl+Alt+W"),
    Deed("peer-view", "Show what a device would read of the next message", "Ctrl+Alt+R"),
    Deed("write", "Go to the message box", "Ctrl+J"),
    Deed("next-chat", "Next chat", "Ctrl+PgDown"),
    Deed("previous-chat", "Previous chat", "Ctrl+PgUp"),
    Deed("rename-chat", "Rename this chat", "F2"),
    Deed("delete-chat", "Move this chat to the trash", "Ctrl+Shift+Backspace"),
    Deed("chat-settings", "Instructions and sampling of this chat", "Ctrl+I"),
    Deed("export-chat", "Export this chat…", "Ctrl+Shift+E"),
    Deed("export-all", "Export all chats…", "Ctrl+Alt+E"),
    Deed("import-chats", "Import chats of ChatGPT, Claude, Open WebUI or Freehold…", "Ctrl+Alt+I"),
    Deed("undo", "Undo the last removal", "Ctrl+Alt+Z"),
    Deed("chats", "Chats", "Ctrl+1"),
    Deed("models", "Models", "Ctrl+2"),
    Deed("library", "Library", "Ctrl+3"),
    Deed("search", "Search documents", "Ctrl+Shift+F"),
    Deed("connections", "Connections", "Ctrl+4"),
    Deed("peers", "Peers: your devices, receipts, lending", "Ctrl+5"),
    Deed("toggle-peers", "Let my devices answer, or no longer", "Ctrl+Alt+B"),
    Deed("pause-peers", "Pause asking my devices, or go on", "Ctrl+Alt+X"),
    Deed("pair-device", "Pair a device…", "Ctrl+Alt+N"),
    Deed("lend", "Lend this machine to my devices, or end that", "Ctrl+Alt+G"),
    Deed("new-code", "Make a new code for pairing", "Ctrl+Alt+C"),
    Deed("verify-receipt", "Verify the file of a receipt…", "Ctrl+Alt+V"),
    Deed("export-key", "Export my key…", "Ctrl+Alt+K"),
    Deed("import-key", "Import a key…", "Ctrl+Alt+J"),
    Deed("promises", "What Freehold promises", "Ctrl+Alt+P"),
    Deed("settings", "Settings", "Ctrl+,"),
    Deed("trash", "Trash", "Ctrl+Shift+T"),
    Deed("import-model", "Import a model file…", "Ctrl+Shift+I"),
    Deed("add-files", "Add files to the library…", "Ctrl+Shift+A"),
    Deed("add-folder", "Add a folder to the library…", "Ctrl+Shift+L"),
    Deed("pause-library", "Pause or resume reading documents", "Ctrl+Shift+P"),
    Deed("rescan-library", "Look for changed files now", "Ctrl+Shift+R"),
    Deed("check-library", "Check what searching documents finds", "Ctrl+Shift+H"),
    Deed("offline", "Turn the offline switch on or off", "Ctrl+Shift+O"),
    Deed("lock", "Lock now", "Ctrl+L"),
    Deed("sidebar", "Show or hide the chat list", "Ctrl+B", needs_open=False),
    Deed("larger", "Larger text", "Ctrl++", needs_open=False),
    Deed("smaller", "Smaller text", "Ctrl+-", needs_open=False),
    Deed("colours", "Switch between light and dark", "Ctrl+Shift+D", needs_open=False),
    Deed("quit", "Quit Freehold", "Ctrl+Q", needs_open=False),
)


def make_actions(window: QWidget) -> Mapping[str, QAction]:
    """One QAction a deed, added to `window` so that the shortcuts work everywhere in it."""
    made: dict[str, QAction] = {}
    for deed in DEEDS:
        action = QAction(QCoreApplication.translate("actions", deed.text), window)
        action.setObjectName(deed.name)
        shortcuts = [QKeySequence(deed.shortcut)] if deed.shortcut else []
        if deed.name == "larger":
            shortcuts.append(QKeySequence("Ctrl+="))  # the same key without Shift on most keyboards
        action.setShortcuts(shortcuts)
        action.setEnabled(not deed.needs_open)
        window.addAction(action)
        made[deed.name] = action
    return made


def set_open(actions: Mapping[str, QAction], is_open: bool) -> None:
    """Let the deeds that need the vault be done, or not."""
    for deed in DEEDS:
        if deed.needs_open:
            actions[deed.name].setEnabled(is_open)
