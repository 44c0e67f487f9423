"""The connections page and the promises: what left, what was refused, and the switch that refuses everything."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from PySide6.QtCore import Qt

from freehold.desktop.connections_list import outcome_words, when_words
from freehold.foundation.errors import VaultLocked
from freehold.foundation.promises import NOT_PROMISED, PROMISES
from freehold.network.values import Connection
from support.desk import Desk

pytest_plugins = ("support.qt",)

NOW = time.time()
DETAILS = Connection(1, NOW - 9, "model details", "hub.example", 443, 812, 4_100, ended=NOW)
DOWNLOAD = Connection(2, NOW - 5, "model download", "cdn.example", 8443, 1_350, 98_000_000)
REFUSED = Connection(3, NOW - 1, "model download", "cdn.example", 443, refused=True, error="offline", ended=NOW)


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


@pytest.fixture
def page(desk):
    desk.house.door.rows = [DETAILS, DOWNLOAD, REFUSED]
    desk.do("connections")
    return desk.page("connections")


def rows(page, column=2):
    model = page.table.connections
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_every_connection_is_listed_newest_first_with_all_that_is_known(page):
    assert rows(page) == ["cdn.example", "cdn.example:8443", "hub.example"]
    model = page.table.connections
    titles = [model.headerData(one, page.table.horizontalHeader().orientation()) for one in range(7)]
    assert titles == ["When", "For", "Host", "Sent", "Received", "What left", "Outcome"]
    assert [model.index(1, column).data() for column in range(1, 7)] == [
        "Model download", "cdn.example:8443", "1.4 kB", "98 MB", "The name of a public file", "Going on",
    ]  # fmt: skip
    assert page._sum.text() == "2 connections made, 1 refused; 2.2 kB sent, 98 MB received"


def test_where_there_is_no_room_what_left_is_told_by_the_outcome(desk, page):
    desk.window.resize(600, 500)
    desk.settle()
    assert page.table.isColumnHidden(5)
    outcome = page.table.connections.index(2, 6)
    assert outcome.data(Qt.ItemDataRole.ToolTipRole) == "Done\nWhat left: The name of a public file"


def test_a_filter_leaves_what_was_refused_or_what_its_words_say(page):
    page._kinds._buttons["refused"].click()
    assert rows(page, 6) == ["Refused: offline switch"]
    page._kinds._buttons["made"].click()
    assert len(rows(page)) == 2
    page._filter.setText("HUB details")
    assert rows(page) == ["hub.example"]
    page._filter.setText("nowhere")
    assert rows(page) == []
    assert page._sum.text() == "No connection fits this filter."


def test_a_vault_without_connections_says_so(desk):
    desk.do("connections")
    page = desk.page("connections")
    assert page._stack.currentIndex() == 1
    assert page._count.text() == "0 connections since start"
    assert page._dot.property("tone") == "here"


def test_the_live_line_and_the_list_follow_a_download(desk, page):
    door = desk.house.door
    door.connections_since_start = 1
    door.rows = [DETAILS]
    desk.qt.until(lambda: page._count.text() == "1 connection since start" and rows(page) == ["hub.example"])
    assert page._dot.property("tone") == "away"
    assert "1 since start" in desk.window.sidebar._pages["connections"].accessibleName()


def test_the_switch_on_the_page_is_the_setting_and_can_be_undone(desk, page):
    page.switch.click()
    desk.settle()
    assert desk.house.settings.is_on("offline")
    desk.qt.until(lambda: "Every connection is refused" in page._state.text())
    assert "offline" in desk.window.sidebar._pages["connections"].accessibleName()
    desk.do("offline")
    desk.qt.until(lambda: not page.switch.isChecked())
    assert not desk.house.settings.is_on("offline")


def test_locking_leaves_no_host_behind(desk, page):
    desk.do("lock")
    desk.qt.until(lambda: not desk.window.has_page("connections"))
    assert rows(page) == []


def test_a_ledger_that_cannot_be_read_is_said_on_the_page(desk, page, monkeypatch):
    def locked(_since):
        raise VaultLocked()

    monkeypatch.setattr(desk.house.door, "ledger", locked)
    desk.do("connections")
    desk.qt.until(page.trouble.isVisible)


def test_times_and_outcomes_read_as_people_say_them():
    noon = datetime(2026, 11, 25, 12, 0, tzinfo=datetime.now().astimezone().tzinfo)
    assert when_words(noon.timestamp(), noon) == "12:00:00"
    assert when_words(noon.timestamp() - 86_400, noon) == "24 Nov 12:00"
    assert outcome_words(DETAILS) == "Done"
    assert outcome_words(Connection(1, 0, "x", "y", 1, error="status 404", ended=1)) == "Status 404"
    assert outcome_words(Connection(1, 0, "x", "y", 1, refused=True, error="it is odd")) == "Refused: it is odd"


def test_the_promises_page_says_each_promise_its_proof_and_what_is_not_promised(desk, page):
    page.promises_asked.emit()
    desk.settle()
    assert desk.window.page == "promises"
    shown = " ".join(one.text() for one in desk.page("promises").findChildren(type(page._count)))
    for promise in PROMISES:
        for words in (promise.title, promise.words, promise.proof, promise.command, promise.missing):
            assert words in shown
    for title, words in NOT_PROMISED:
        assert title in shown and words in shown
