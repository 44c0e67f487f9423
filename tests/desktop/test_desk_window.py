"""The window as a whole: reachable by keyboard, named for screen readers, true in its bottom line."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QWidget,
)

from freehold.desktop.actions import DEEDS
from freehold.desktop.appearance import Appearance, System, palette_for, system_of
from freehold.desktop.icons import icon
from freehold.desktop.link_panel import host_of
from freehold.desktop.stylesheet import blend, stylesheet
from freehold.desktop.theme import DARK, LIGHT, theme_for
from freehold.desktop.words import left_out_words, size_words, time_left_words
from support.desk import Desk, FakeVault

pytest_plugins = ("support.qt",)
CONTROLS = (QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox, QProgressBar, QAbstractItemView)


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path)
    made.house.say("When does the lease end?", "In September.", title="The lease")
    made.start()
    yield made
    made.close()


def unnamed(window):
    """Visible controls that a screen reader would call nothing."""
    found = []
    for kind in CONTROLS:
        for control in window.findChildren(kind):
            inner = control.objectName().startswith("qt_")
            if (
                control.isVisible()
                and not inner
                and not control.accessibleName()
                and not getattr(control, "text", str)()
            ):
                found.append(control)
    return found


@pytest.mark.parametrize("page", ["chats", "models", "settings", "chat-settings", "palette"])
def test_every_control_has_a_name(desk, page):
    if page == "chat-settings":
        desk.do("next-chat")
    desk.do(page)
    assert unnamed(desk.window) == []


def test_the_way_in_has_names_too(qt, tmp_path):
    desk = Desk(qt, tmp_path, vault=FakeVault("new", ())).start()
    assert unnamed(desk.window.entry) == []
    desk.close()


def test_every_action_is_in_the_table_once_with_its_own_shortcut():
    shortcuts = [deed.shortcut for deed in DEEDS]
    assert all(shortcuts)
    assert len(set(shortcuts)) == len(shortcuts)
    assert len({deed.name for deed in DEEDS}) == len(DEEDS)


@pytest.mark.parametrize(
    ("key", "modifiers", "page"),
    [
        (Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier, "models"),
        (Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier, "settings"),
    ],
)
def test_pages_open_by_shortcut_from_the_message_box(desk, key, modifiers, page):
    QTest.keyClick(desk.window.chat.composer.box, key, modifiers)
    desk.settle()
    assert desk.window.page == page


def test_control_k_opens_the_palette_while_writing(desk):
    QTest.keyClicks(desk.window.chat.composer.box, "half a thought")
    QTest.keyClick(desk.window.chat.composer.box, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    assert desk.window.palette_panel().isVisible()
    assert desk.window.chat.composer.text() == "half a thought"


def test_tab_reaches_the_side_bar_the_header_and_the_message_box(desk):
    reached = set()
    for _ in range(14):
        focused = desk.qt.app.focusWidget()
        reached.add(focused.accessibleName() or focused.text())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert {"New chat", "Search everything", "Chats", "Message", "Models, SmolLM2 135M", "Settings"} <= reached


def test_the_bottom_line_tells_the_truth(desk):
    status = desk.window.status
    assert (status._count.text(), status._since.text()) == ("0 connections", "since start")
    assert status._vault.text() == "Vault open, locks after 10 min"
    assert status._model.whole == "SmolLM2 135M, 318 MB in memory"
    desk.house.door.connections_since_start = 1
    desk.shell._refresh_status()
    assert status._count.text() == "1 connection"
    assert status._dot.property("tone") == "away"


def test_a_narrow_window_hides_the_chat_list_and_a_wide_one_brings_it_back(desk):
    desk.window.resize(640, 400)
    desk.qt.spin()
    assert not desk.window.sidebar.isVisible()
    desk.window.resize(1280, 800)
    desk.qt.spin()
    assert desk.window.sidebar.isVisible()


def test_a_hidden_chat_list_stays_hidden(desk):
    desk.do("sidebar")
    desk.window.resize(640, 400)
    desk.window.resize(1280, 800)
    desk.qt.spin()
    assert not desk.window.sidebar.isVisible()


def test_a_link_is_copied_by_default_and_opened_only_by_choice(desk):
    desk.do("next-chat")
    desk.transcript.link_asked.emit("https://user@example.org/path")
    panel = desk.window.link_panel()
    assert panel._host.text() == "example.org"
    QTest.keyClick(panel, Qt.Key.Key_Return)
    assert QGuiApplication.clipboard().text() == "https://user@example.org/path"
    assert not panel.isVisible()


def test_a_link_of_another_kind_cannot_be_opened(desk):
    panel = desk.window.link_panel()
    panel.ask("file:///etc/passwd")
    assert not panel._open.isVisible()
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.isVisible()


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://a.example/x", "a.example"), ("https://bank.example@evil.example/", "evil.example"),
     ("mailto:me@example.org?subject=x", "me@example.org"), ("https://[bad", ""), ("javascript:1", "")],
)  # fmt: skip
def test_the_host_is_where_a_link_really_leads(url, host):
    assert host_of(url) == host


def test_the_first_frame_is_told_once(desk):
    seen = []
    desk.window.painted.connect(lambda: seen.append(1))
    desk.window.update()
    desk.qt.spin(0.05)
    assert seen == []


def test_another_start_raises_the_window(desk):
    desk.window.showMinimized()
    desk.window.raise_to_front()
    desk.qt.spin(0.05)
    assert not desk.window.isMinimized()


class Flashes(QObject):
    """Notes every window that is shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(watched)
        return False


@pytest.mark.parametrize("state", ["open", "new", "locked"])
def test_no_part_of_the_window_flashes_up_as_a_window_of_its_own(qt, tmp_path, state):
    flashes = Flashes()
    qt.app.installEventFilter(flashes)
    desk = Desk(qt, tmp_path, vault=FakeVault(state)).start()
    if state == "open":
        desk.ask("hello")
        for page in ("models", "settings", "trash", "chat-settings", "palette"):
            desk.do(page)
    qt.app.removeEventFilter(flashes)
    assert flashes.seen == [desk.window]
    desk.close()


def test_closing_ends_the_household(qt, tmp_path):
    desk = Desk(qt, tmp_path).start()
    desk.close()
    assert desk.house.is_closed


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read(theme):
    for ground in (theme.paper, theme.panel, theme.card):
        assert contrast(theme.ink, ground) >= 7
        assert contrast(theme.muted, ground) >= 4.4  # the design's own grey on its panel; 4.5 on paper and card
        assert contrast(theme.failed, ground) >= 4.5
    assert contrast(theme.here, theme.here_soft) >= 4.5
    assert contrast(theme.away, theme.away_soft) >= 4.1


@pytest.mark.parametrize("dark", [False, True])
def test_high_contrast_makes_every_line_and_note_plain(dark):
    theme = theme_for(dark=dark, high_contrast=True)
    assert contrast(theme.line, theme.paper) >= 3
    assert contrast(theme.muted, theme.paper) >= 7
    assert theme.is_dark is dark


def test_the_sheet_leaves_no_blank_open():
    sheet = stylesheet(DARK, 16)
    assert "$" not in sheet
    assert DARK.ink in sheet
    assert blend("#000000", "#FFFFFF", 0.5) == "#808080"


def test_the_palette_carries_the_theme(qt):
    assert palette_for(LIGHT).window().color() == QColor(LIGHT.paper)
    assert not icon("close", "#000000").isNull()


def test_numbers_read_as_people_say_them():
    assert [size_words(size) for size in (0, 999, 98_362_432, 2_497_280_256)] == [
        "0 bytes",
        "999 bytes",
        "98 MB",
        "2.5 GB",
    ]
    assert [time_left_words(wait) for wait in (0.2, 59, 600, 7500)] == [
        "1 s left", "59 s left", "10 min left", "2 h 5 min left",
    ]  # fmt: skip
    assert left_out_words(1).startswith("The oldest message")


_FIRST_FRAME = """
import os, sys
from pathlib import Path
from PySide6 import QtCore
from freehold.desktop.main import run
from freehold.foundation.paths import Profile

def tell():
    heavy = ("numpy", "markdown_it", "pygments", "httpx", "psutil", "sqlite3", "freehold.assistant.household")
    print([name for name in heavy if name in sys.modules], "Qt" in vars(QtCore), flush=True)
    os._exit(0)

run(lambda profile: None, Profile(Path(sys.argv[1])), painted=tell)
"""


def test_the_window_is_painted_before_anything_heavy_is_imported(tmp_path):
    """`Qt` counts as heavy: making that Python class takes longer than building and painting the window."""
    told = subprocess.run(
        [sys.executable, "-c", _FIRST_FRAME, str(tmp_path)], capture_output=True, text=True, check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert told.stdout.strip() == "[] False"


@pytest.fixture
def system_palette(qt):
    """The palette that the system gave the application; what a test sets is taken back."""
    before = qt.app.palette()
    yield qt.app.setPalette
    qt.app.setPalette(before)


def test_a_dark_system_is_seen_before_the_first_frame(qt, system_palette):
    system_palette(palette_for(DARK))
    appearance = Appearance(qt.app)
    appearance.wish("system", 14)
    assert appearance.theme == DARK
    appearance.wish("light", 14)
    assert appearance.theme == LIGHT


def test_the_systems_own_word_counts_where_it_has_one():
    scheme, contrast = Qt.ColorScheme, Qt.ContrastPreference
    assert system_of(hints(scheme.Dark, contrast.NoPreference), System(is_dark=False)) == System(True, False)
    assert system_of(hints(scheme.Light, contrast.HighContrast), System(is_dark=True)) == System(False, True)
    assert system_of(hints(scheme.Unknown, contrast.NoPreference), System(is_dark=True)) == System(True, False)


def hints(scheme, contrast):
    accessibility = SimpleNamespace(contrastPreference=lambda: contrast)
    return SimpleNamespace(colorScheme=lambda: scheme, accessibility=lambda: accessibility)
