"""Files for one message: read while the owner writes on, kept beside the draft, sent with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from freehold.chats.values import Attachment
from freehold.desktop.bridge import Bridge
from freehold.desktop.composer import Composer
from freehold.desktop.in_view import InView
from freehold.desktop.library_words import name_of
from freehold.desktop.needs import Household
from freehold.desktop.pending_file import PendingFile
from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import one_line


class Attaching(QObject):
    """Each chat's files by its id, "" for a new one. `changed` carries those of the chat in view that can be sent."""

    library_asked = Signal()
    changed = Signal(object)

    def __init__(self, household: Household, bridge: Bridge, composer: Composer, view: InView) -> None:
        super().__init__()
        self._household, self._bridge, self._composer, self._view = household, bridge, composer, view
        self._files: dict[str, list[PendingFile]] = {}
        composer.attach_asked.connect(self.choose)
        composer.files_given.connect(self.add)
        composer.file_removed.connect(self._remove)
        composer.file_password_given.connect(self._read)
        composer.trouble.acted.connect(self.library_asked)

    def choose(self) -> None:
        dialog = QFileDialog(self._composer.window(), self.tr("Files for this message"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.add)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def add(self, paths: Sequence[str]) -> None:
        """Begin to read files. A folder is no file: the library is for those."""
        here = self._files.setdefault(self._view.chat, [])
        known = {one.path for one in here}
        for path in map(Path, dict.fromkeys(paths)):
            if path.is_dir():
                self._composer.trouble.show_words(
                    self.tr("A folder goes into the library"),
                    self.tr("Add it there. Then choose its documents here, below the message."),
                    act=self.tr("Open the library"),
                )
            elif path not in known:
                one = PendingFile(name_of(str(path)), path)
                here.append(one)
                self._read(one)
        self.show()

    def take(self) -> tuple[Attachment, ...]:
        """The files that were read, which go with the message now."""
        here = self._files.pop(self._view.chat, [])
        self.show()
        return tuple(one.file for one in here if one.file is not None)

    def take_back(self, files: Sequence[Attachment]) -> None:
        """The message could not be sent: its files stand beside the draft again."""
        here = self._files.setdefault(self._view.chat, [])
        here[:0] = [PendingFile(one_line(file.name), file=file) for file in files]
        self.show()

    def move(self, before: str, after: str) -> None:
        """A chat has its place now."""
        if before != after and before in self._files:
            self._files[after] = self._files.pop(before)

    def show(self) -> None:
        """Show the files of the chat in view."""
        here = self._files.get(self._view.chat, [])
        self._composer.show_files(here)
        self.changed.emit(tuple(one.file for one in here if one.file is not None))

    def forget(self) -> None:
        for one in [one for files in self._files.values() for one in files]:
            _stop(one)
        self._files.clear()
        self.show()

    def _read(self, one: PendingFile, password: str | None = None) -> None:
        path, assistant = one.path, self._household.assistant
        if path is None:
            return
        one.error = None
        job = self._bridge.run(
            lambda stop: assistant.attach(path, stop, password),
            done=partial(self._took, one), failed=partial(self._failed, one), words=self.tr("Reading a file"),
        )  # fmt: skip
        one.stop = job.stop
        self.show()

    def _took(self, one: PendingFile, file: Attachment) -> None:
        one.stop, one.file = None, file
        self.show()

    def _failed(self, one: PendingFile, error: FreeholdError) -> None:
        one.stop, one.error = None, error
        self.show()

    def _remove(self, one: PendingFile) -> None:
        _stop(one)
        here = self._files.get(self._view.chat, [])
        if one in here:
            here.remove(one)
        self.show()


def _stop(one: PendingFile) -> None:
    if one.stop is not None:
        one.stop.set()
