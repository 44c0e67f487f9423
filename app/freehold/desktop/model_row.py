"""One model on the models page: what it is, whether it fits this machine, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QProgressBar, QPushButton, QSizePolicy, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.pieces import Pill, button, column, label, row
from freehold.desktop.words import count_words, parameters_words, size_words, time_left_words
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelRow", text)


def fit_words(model: Model) -> str:
    """What a person should know before they download."""
    return {
        "fits": _tr("Fits this machine"), "slow": _tr("Slow on this machine"), "no": _tr("Will not fit"),
    }[model.fit]  # fmt: skip


def fact_words(model: Model) -> str:
    """Size, quantisation, context, licence and memory on one line, as far as they are known."""
    facts = [
        size_words(model.bytes) if model.bytes else "",
        parameters_words(model.parameters),
        model.quantisation,
        _tr("context {0}").format(count_words(model.context)) if model.context else "",
        _tr("needs {0} of memory").format(size_words(model.memory)) if model.memory else "",
        model.licence,
    ]
    return "  ·  ".join(fact for fact in facts if fact)


def progress_words(done: int, total: int, rate: float) -> str:
    """How far a download is: done and total in bytes, rate in bytes a second (0: not known yet)."""
    parts = [_tr("{0} of {1}").format(size_words(done), size_words(total)) if total else size_words(done)]
    if rate > 0:
        parts.append(_tr("{0} a second").format(size_words(rate)))
        if total > done:
            parts.append(time_left_words((total - done) / rate))
    return "  ·  ".join(parts)


class ModelRow(QWidget):
    """Shows one `Model`; every button names its model to a screen reader."""

    get_asked = Signal(str)
    pause_asked = Signal(str)
    use_asked = Signal(str)
    inspect_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(self, model: Model, *, in_use: bool, is_recommended: bool, is_foreign: bool = False) -> None:
        super().__init__()
        self.model = model
        self._in_use, self._is_recommended, self._is_foreign = in_use, is_recommended, is_foreign
        self._name = label(model.name, "heading")
        self._name.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self._bar, self._progress = QProgressBar(), label("", "note")
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Download of {0}").format(model.name))
        self._get = self._button(self.tr("Get"), self.get_asked, "smallprimary" if is_recommended else "small")
        self._pause = self._button(self.tr("Pause"), self.pause_asked)
        self._use = self._button(self.tr("Use"), self.use_asked, "smallprimary" if is_foreign else "small")
        self._inspect = self._button(self.tr("Inspect"), self.inspect_asked, "plain")
        self._remove = self._button(self.tr("Remove"), self.remove_asked, "plain")
        self.trouble = Trouble()
        self.trouble.acted.connect(lambda: self.get_asked.emit(model.id))
        self._lay_out()
        self._show_idle()

    def _button(self, text: str, signal: object, kind: str = "small") -> QPushButton:
        made = button(text, kind, words=f"{text}: {self.model.name}")
        made.clicked.connect(lambda: signal.emit(self.model.id))  # type: ignore[attr-defined] # a bound Signal
        return made

    def _lay_out(self) -> None:
        model = self.model
        head = row(self._name, 4)
        if self._in_use:
            head.addWidget(Pill(self.tr("In use"), "here"))
        fit = Pill(fit_words(model), "off", dot=False)
        head.addWidget(fit)
        if self._is_recommended:
            head.addWidget(Pill(self.tr("Recommended for this machine"), "off", dot=False))
        head.addStretch(1)
        for one in (self._inspect, self._remove, self._use, self._get, self._pause):
            head.addWidget(one)
        words = label(model.words, "muted", wraps=True)
        if not model.words:
            words.hide()
        facts = label(fact_words(model), "note", wraps=True)
        self._going_on = QWidget()
        self._going_on.setLayout(column(self._bar, self._progress, self.trouble, spacing=4, margins=(0, 6, 0, 0)))
        self.setLayout(column(head, words, facts, self._going_on, spacing=4, margins=(0, 12, 0, 12)))

    def show_progress(self, done: int, total: int, rate: float, words: str = "") -> None:
        """A download is going on; sizes in bytes, rate in bytes a second."""
        self.trouble.clear()
        self._show_bar(done, total)
        self._progress.setText(
            f"{words}  ·  {progress_words(done, total, rate)}" if words else progress_words(done, total, rate)
        )
        self._get.hide()
        self._pause.show()

    def show_paused(self, done: int, total: int) -> None:
        """A download that was begun and can go on."""
        self._show_bar(done, total)
        self._progress.setText(self.tr("Paused at {0}").format(progress_words(done, total, 0.0)))
        self._pause.hide()
        self._get.setText(self.tr("Resume"))
        self._get.setAccessibleName(self.tr("Resume: {0}").format(self.model.name))
        self._get.show()

    def show_error(self, error: FreeholdError) -> None:
        self._show_idle()
        self._get.hide()
        self._going_on.show()
        self.trouble.show_error(error, self.tr("Try again"))

    def _show_bar(self, done: int, total: int) -> None:
        self._bar.setMaximum(1000 if total else 0)
        self._bar.setValue(round(done / total * 1000) if total else 0)
        self._bar.show()
        self._progress.show()
        self._going_on.show()

    def _show_idle(self) -> None:
        here = self.model.state == "here"
        self._bar.hide()
        self._progress.hide()
        self._pause.hide()
        self._get.setVisible(not here)
        self._get.setText(self.tr("Resume") if self.model.state == "partial" else self.tr("Get"))
        self._use.setVisible(here and not self._in_use)
        self._inspect.setVisible(here)
        self._remove.setVisible(here and not self._is_foreign and self.model.source != "starter")
        self._going_on.setVisible(self.model.state == "partial")
        if self.model.state == "partial":
            self._progress.setText(self.tr("Begun earlier. It continues where it stopped."))
            self._progress.show()
