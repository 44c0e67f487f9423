"""A locked Freehold holds no readable content: the memory of the real window, searched before and after."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, and replaces the process by exec"),
]


def test_a_locked_window_remembers_nothing_of_the_chats_that_were_opened_in_it(tmp_path: Path) -> None:
    from support.locked_window import search_a_locked_window

    found = search_a_locked_window(tmp_path, 12)
    assert found.before == found.planted, "the control: the same search finds every one before"
    assert found.after == 0
    assert not found.keeps_passphrase
    assert found.old_workers == 0
