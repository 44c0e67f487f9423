"""From the first frame to the open house: what cannot be opened is said in the window, a second start leaves."""

from __future__ import annotations

import pytest

from freehold.desktop.appearance import Appearance
from freehold.desktop.main import Opening
from freehold.desktop.window import Window
from freehold.foundation.errors import ProfileUnusable
from support.desk import FakeHousehold, plain_transcript

pytest_plugins = ("support.qt",)


@pytest.fixture
def window(qt):
    return qt.show(Window(plain_transcript), 1280, 800)


def test_the_first_frame_comes_before_anything_is_built(qt):
    window = Window(plain_transcript)
    painted = []
    window.painted.connect(lambda: painted.append(window.actions_by_name))
    qt.show(window, 1280, 800)
    qt.until(lambda: painted)
    assert painted == [{}]


def test_the_house_opens_on_a_thread_and_can_be_raised_from_one(qt, window, tmp_path):
    raising = []

    def open_house(raise_window, _lock):
        raising.append(raise_window)
        return FakeHousehold(tmp_path / "home")

    opening = Opening(window, Appearance(qt.app), open_house)
    opening.start()
    qt.until(lambda: opening.shell is not None and window.actions_by_name["new-chat"].isEnabled())
    window.showMinimized()
    raising[0]()
    qt.spin(0.05)
    assert not window.isMinimized()
    opening.close()


def test_a_profile_that_cannot_be_used_is_said_in_the_window(qt, window):
    def open_house(_raise, _lock):
        raise ProfileUnusable("/nowhere: Read-only file system")

    opening = Opening(window, Appearance(qt.app), open_house)
    opening.start()
    qt.until(window_says(window))
    assert "cannot be used" in window.chat.trouble._title.text()
    assert not window.chat.composer.isEnabled()
    opening.close()


def window_says(window):
    return lambda: window.has_page("chat") and window.chat.trouble.isVisible()


def test_where_another_freehold_has_the_profile_this_one_leaves(qt, window):
    opening = Opening(window, Appearance(qt.app), lambda _raise, _lock: None)
    opening.start()
    qt.until(lambda: not window.isVisible())
    assert opening.shell is None
    opening.close()
