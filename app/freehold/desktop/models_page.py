"""The models page: what is here, what other apps have on this disk, and what can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QIcon
from PySide6.QtWidgets import QProgressBar, QScrollArea, QVBoxLayout, QWidget

from freehold.desktop.chat_page import SidePanel, facts_panel
from freehold.desktop.controls import Trouble
from freehold.desktop.model_row import ModelRow
from freehold.desktop.pieces import button, column, frame, label, line, row
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError


class ModelsPage(QWidget):
    """Shows models; every wish leaves as a signal with the model's id."""

    get_asked = Signal(str)
    pause_asked = Signal(str)
    use_asked = Signal(str)
    inspect_asked = Signal(str)
    remove_asked = Signal(str)
    import_asked = Signal()
    file_dropped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self._rows: dict[str, ModelRow] = {}
        self._elsewhere: Sequence[Model] | None = None
        self._models: Sequence[Model] = ()
        self._in_use, self._recommended = "", ""
        self._import = button(self.tr("Import a file…"))
        self._import.clicked.connect(self.import_asked)
        self._importing, self._import_words = QProgressBar(), label("", "note")
        self._importing.setTextVisible(False)
        self.trouble = Trouble()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._panel = SidePanel()
        self._panel.closed.connect(self._panel.hide)
        self._lay_out()
        self.end_import()
        self._rebuild()

    def _lay_out(self) -> None:
        words = label(
            self.tr("A model is the file that answers. It runs on this computer, with no account."), "muted", wraps=True
        )
        head = row(column(label(self.tr("Models"), "title"), words, spacing=4), self._import, spacing=24)
        head.setStretch(0, 1)
        head.setAlignment(self._import, Qt.AlignmentFlag.AlignTop)
        left = column(head, self._importing, self._import_words, self.trouble, spacing=8, margins=(34, 28, 0, 0))
        left.addSpacing(4)
        left.addWidget(self._area, 1)
        for one in (head,):
            one.setContentsMargins(0, 0, 34, 0)
        whole = row(spacing=0)
        whole.addLayout(left, 1)
        whole.addWidget(self._panel)
        self.setLayout(whole)

    def show_models(self, models: Sequence[Model], in_use: str, recommended: str = "") -> None:
        """All of the catalogue and what is here. `in_use` and `recommended` are ids."""
        self._models, self._in_use, self._recommended = models, in_use, recommended
        self._rebuild()

    def show_elsewhere(self, models: Sequence[Model]) -> None:
        """Files of other apps on this disk, usable where they lie."""
        self._elsewhere = models
        self._rebuild()

    def show_progress(self, model: str, done: int, total: int, rate: float, words: str = "") -> None:
        if model in self._rows:
            self._rows[model].show_progress(done, total, rate, words)

    def show_paused(self, model: str, done: int, total: int) -> None:
        if model in self._rows:
            self._rows[model].show_paused(done, total)

    def show_model_error(self, model: str, error: FreeholdError) -> None:
        if model in self._rows:
            self._rows[model].show_error(error)
        else:
            self.trouble.show_error(error)

    def show_import(self, done: int, total: int, words: str) -> None:
        """A file is being checked and taken in; sizes in bytes."""
        self.trouble.clear()
        self._importing.setMaximum(1000 if total else 0)
        self._importing.setValue(round(done / total * 1000) if total else 0)
        self._import_words.setText(words)
        self._importing.show()
        self._import_words.show()

    def end_import(self) -> None:
        self._importing.hide()
        self._import_words.hide()

    def show_facts(self, title: str, facts: Mapping[str, str]) -> None:
        self._panel.fill(title, facts_panel(facts))

    def dress(self, close: QIcon) -> None:
        self._panel.dress(close)

    @property
    def rows(self) -> Mapping[str, ModelRow]:
        return self._rows

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if _model_file(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()  # the window takes it, for the library

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        self.file_dropped.emit(_model_file(event.mimeData()))

    def _rebuild(self) -> None:
        place = self._area.verticalScrollBar().value()
        self._rows = {}
        inside = QWidget()
        layout = column(spacing=8, margins=(0, 4, 26, 24))
        if not self._models:
            layout.addWidget(label(self.tr("Looking at what is here…"), "muted"))
        here = [one for one in self._models if one.state == "here"]
        self._add_group(layout, self.tr("On this computer"), here)
        known = {one.sha256 for one in here if one.sha256} | {one.path for one in here}
        others = [one for one in self._elsewhere or () if one.path not in known and one.sha256 not in known]
        self._add_group(
            layout,
            self.tr("Found in other apps on this disk: usable where they are, no download"),
            others,
            foreign=True,
        )
        rest = sorted((one for one in self._models if one.state != "here"), key=self._order)
        self._add_group(layout, self.tr("To download"), rest)
        layout.addStretch(1)
        inside.setLayout(layout)
        self._area.setWidget(inside)
        self._area.verticalScrollBar().setValue(place)

    def _order(self, model: Model) -> tuple[bool, bool, int, int]:
        """Begun first, the recommended next, then what fits; smaller before larger."""
        fits = ("fits", "slow", "no").index(model.fit)
        return model.state != "partial", model.id != self._recommended, fits, model.bytes

    def _add_group(self, layout: QVBoxLayout, title: str, models: Sequence[Model], *, foreign: bool = False) -> None:
        if not models:
            return
        layout.addWidget(label(title, "group"))
        rows = column(spacing=0, margins=(18, 2, 14, 2))
        for place, model in enumerate(models):
            if place:
                rows.addWidget(line())
            rows.addWidget(self._row(model, foreign=foreign))
        layout.addWidget(frame("card", rows))
        layout.addSpacing(12)

    def _row(self, model: Model, *, foreign: bool) -> ModelRow:
        recommended = model.id == self._recommended and model.state != "here"
        made = ModelRow(model, in_use=model.id == self._in_use, is_recommended=recommended, is_foreign=foreign)
        made.get_asked.connect(self.get_asked)
        made.pause_asked.connect(self.pause_asked)
        made.use_asked.connect(self.use_asked)
        made.inspect_asked.connect(self.inspect_asked)
        made.remove_asked.connect(self.remove_asked)
        self._rows[model.id] = made
        return made


def _model_file(dropped: QMimeData) -> str:
    """The first model in what was dropped; other files go to the library."""
    paths = (url.toLocalFile() for url in dropped.urls() if url.isLocalFile())
    return next((path for path in paths if path.lower().endswith(".gguf")), "")
