"""Opens the peer view beside the chat and keeps it true while the message is written."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from freehold.assistant.values import Preview, Step
from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.needs import Household
from freehold.desktop.placing import Asked, Placing, ready
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop

if TYPE_CHECKING:
    from freehold.desktop.peer_view import PeerView

_TYPING_MS = 500


class PeerViewController(QObject):
    """Looks again half a second after the last change; only the newest look is shown."""

    def __init__(self, household: Household, bridge: Bridge, page: ChatPage, placing: Placing) -> None:
        super().__init__()
        self._household, self._bridge, self._page, self._placing = household, bridge, page, placing
        self._view: PeerView | None = None
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self._timer.timeout.connect(self._look)
        page.composer.box.textChanged.connect(self._wait)
        placing.changed.connect(lambda _to: self._wait())

    @property
    def is_open(self) -> bool:
        return self._view is not None and not self._page.panel.isHidden() and self._page.panel.content is self._view

    def toggle(self) -> None:
        """Open it, or close it again."""
        if self.is_open:
            self._page.close_panel()
            return
        from freehold.desktop.peer_view import PeerView

        self._page.set_settings_open(False)
        view = PeerView()
        self._page.show_panel(self.tr("What would be read"), view)
        self._view = view
        view.destroyed.connect(partial(self._lost, view))
        self._look()

    def _lost(self, view: PeerView, _object: QObject | None = None) -> None:
        if self._view is view:
            self._view = None
            self._stop()

    def _stop(self) -> None:
        self._timer.stop()
        if self._job is not None:
            self._job.stop.set()
            self._job = None

    def _wait(self) -> None:
        if self.is_open:
            self._timer.start()

    def _look(self) -> None:
        self._stop()
        view = self._view
        if not self.is_open or view is None:
            return
        view.show_looking()
        household, text = self._household, self._page.composer.text()
        asked, where = self._placing.asked, self._placing.wished
        job = self._bridge.run(
            lambda stop: preview_of(household, replace(asked, once=where), text, stop), lane="peer view",
            done=lambda preview: self._show(job, preview), failed=lambda error: self._fail(job, error),
        )  # fmt: skip
        self._job = job

    def _show(self, job: Job, preview: Preview) -> None:
        if job is self._job and self.is_open and self._view is not None:
            self._view.show_preview(preview)

    def _fail(self, job: Job, error: FreeholdError) -> None:
        """A look that was stopped fails too, and says nothing."""
        if job is self._job and self.is_open and self._view is not None:
            self._view.show_error(error)


def preview_of(household: Household, asked: Asked, text: str, stop: Stop) -> Generator[Step, None, Preview]:
    """Runs on a thread. Nothing is saved, and the device is told nothing of it."""
    chat, wish = ready(household, asked)
    return (yield from household.assistant.preview(chat, text, stop, wish))
