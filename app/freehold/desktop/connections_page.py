"""The connections page: how many since the start, the offline switch, and every connection ever made or refused."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QStackedWidget, QWidget

from freehold.desktop.connections_list import ConnectionsView
from freehold.desktop.controls import Segments, Switch, Trouble
from freehold.desktop.pieces import Dot, Mark, button, column, frame, label, row
from freehold.desktop.words import count_words, size_words
from freehold.network.values import Connection


class ConnectionsPage(QWidget):
    """Shows what it is given. `offline_asked` is the switch, `promises_asked` the way to the promises."""

    offline_asked = Signal(bool)
    promises_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that no button of it has the keyboard unasked
        self._all: Sequence[Connection] = ()
        self._wanted = "all"
        self.trouble = Trouble()
        self.table = ConnectionsView()
        self.switch = Switch(self.tr("Offline switch"))
        self._dot, self._count, self._state = Dot("here"), label("", "heading"), label("", "note", wraps=True)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText(self.tr("Filter by host or purpose"))
        self._filter.setAccessibleName(self.tr("Filter connections by host or purpose"))
        self._filter.setClearButtonEnabled(True)
        self._kinds = Segments(
            self.tr("Show"), [("all", self.tr("All")), ("made", self.tr("Made")), ("refused", self.tr("Refused"))]
        )
        self._kinds.set_value("all")
        self._sum = label("", "note")
        self._promises = button(self.tr("What is promised"), "plain")
        self._stack = QStackedWidget()
        self._stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._lay_out()
        self.switch.toggled.connect(self.offline_asked)
        self._promises.clicked.connect(self.promises_asked)
        self._filter.textChanged.connect(lambda _text: self._show_wanted())
        self._kinds.chosen.connect(self._choose)
        self.show_state(0, is_offline=False)
        self.show_connections(())

    def _lay_out(self) -> None:
        words = label(
            self.tr(
                "Everything that left this computer through Freehold, and everything that was refused. The list is "
                "kept in your vault."
            ),
            "muted", wraps=True,
        )  # fmt: skip
        head = row(column(label(self.tr("Connections"), "title"), words, spacing=4), self._promises, spacing=24)
        head.setStretch(0, 1)
        head.setAlignment(self._promises, Qt.AlignmentFlag.AlignTop)
        for one in (self._build_list(), self._build_empty()):
            self._stack.addWidget(one)
        layout = column(head, self.trouble, self._build_state(), spacing=16, margins=(34, 28, 34, 20))
        layout.addWidget(self._stack, 1)
        self.setLayout(layout)

    def _build_state(self) -> QFrame:
        count = row(self._dot, self._count, None, spacing=10)
        switch = label(self.tr("Offline switch"))
        switch.setBuddy(self.switch)
        inside = row(column(count, self._state, spacing=4), switch, self.switch, spacing=12, margins=(18, 14, 16, 14))
        inside.setStretch(0, 1)
        return frame("card", inside)

    def _build_list(self) -> QWidget:
        tools = row(self._kinds, self._filter, spacing=12)
        tools.setStretch(1, 1)
        card = frame("card", column(self.table, margins=(8, 4, 8, 8)))
        inside = column(tools, spacing=12)
        inside.addWidget(card, 1)
        inside.addWidget(self._sum)
        whole = QWidget()
        whole.setLayout(inside)
        return whole

    def _build_empty(self) -> QWidget:
        title = label(self.tr("No connection was ever made"), "heading")
        words = label(
            self.tr(
                "Chats, documents and search work without any. Freehold connects only when you download a model, or "
                "let a device of yours answer. Then every connection stands here, those that were refused too."
            ),
            "muted", wraps=True,
        )  # fmt: skip
        for one in (title, words):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words.setFixedWidth(440)
        inside = column(None, row(None, Mark(36), None), 8, title, row(None, words, None), None, None, spacing=6)
        whole = QWidget()
        whole.setLayout(inside)
        return whole

    def show_state(self, count: int, *, is_offline: bool) -> None:
        """The live line. One connection made means that something may have left: amber."""
        words = self.tr("1 connection since start") if count == 1 else self.tr("{0} connections since start")
        self._count.setText(words.format(count_words(count)))
        self._dot.set_tone("away" if count else "here")
        if is_offline:
            state = self.tr("Every connection is refused. The only process that could make one is not started.")
        elif count:
            state = self.tr("Each stands below, with what it was for and what left with it.")
        else:
            state = self.tr("Nothing has left this computer since Freehold was started.")
        self._state.setText(state)
        self.switch.blockSignals(True)
        self.switch.setChecked(is_offline)
        self.switch.blockSignals(False)
        self.switch.update()

    def show_connections(self, connections: Sequence[Connection]) -> None:
        """All that the ledger has, in any order."""
        self._all = sorted(connections, key=lambda one: (one.time, one.id), reverse=True)
        self._show_wanted()

    def _choose(self, kind: str) -> None:
        self._wanted = kind
        self._show_wanted()

    def _show_wanted(self) -> None:
        words = self._filter.text().casefold().split()
        shown = [one for one in self._all if self._is_wanted(one, words)]
        self.table.connections.show(shown)
        self._stack.setCurrentIndex(0 if self._all else 1)
        self._sum.setText(self._sum_words(shown))

    def _is_wanted(self, one: Connection, words: Sequence[str]) -> bool:
        fits = {"made": not one.refused, "refused": one.refused}.get(self._wanted, True)
        told = f"{one.host} {one.purpose}".casefold()
        return fits and all(word in told for word in words)

    def _sum_words(self, shown: Sequence[Connection]) -> str:
        if not shown:
            return self.tr("No connection fits this filter.")
        refused = sum(one.refused for one in shown)
        made = self.tr("1 connection") if len(shown) - refused == 1 else self.tr("{0} connections")
        return self.tr("{0} made, {1} refused; {2} sent, {3} received").format(
            made.format(count_words(len(shown) - refused)), count_words(refused),
            size_words(sum(one.bytes_out for one in shown)), size_words(sum(one.bytes_in for one in shown)),
        )  # fmt: skip
