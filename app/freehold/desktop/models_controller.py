"""Joins the models page and the household: lists, downloads, imports, inspects, removes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.models_page import ModelsPage
from freehold.desktop.needs import Household
from freehold.desktop.toasts import Toast
from freehold.desktop.words import count_words, parameters_words, size_words
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError


@dataclass(frozen=True, slots=True)
class _Found:
    models: Sequence[Model]
    in_use: str
    recommended: str


class ModelsController(QObject):
    """`changed` says that another model may answer now."""

    changed = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: ModelsPage, toast: Toast) -> None:
        super().__init__()
        self._household, self._bridge, self._page, self._toast = household, bridge, page, toast
        self._models = household.models
        self._listed: Sequence[Model] = ()
        self._elsewhere: Sequence[Model] = ()
        self._in_use, self._recommended = "", ""
        self._wanted = ""
        self._downloads: dict[str, tuple[Job, int, int]] = {}
        self._leaving: set[str] = set()
        page.get_asked.connect(self.get)
        page.pause_asked.connect(self.pause)
        page.use_asked.connect(self.use)
        page.inspect_asked.connect(self.inspect)
        page.remove_asked.connect(self.remove)
        page.import_asked.connect(self.choose_file)
        page.file_dropped.connect(self.import_file)

    def reload(self) -> None:
        """List again, and look for other apps' files, which may take a moment on a cold disk."""
        self._bridge.run(
            lambda _stop: self._find(), done=self._took, failed=self._page.trouble.show_error, lane="models"
        )
        self._bridge.run(lambda _stop: self._models.elsewhere(), done=self._took_elsewhere, failed=lambda _error: None)

    def get(self, model: str) -> None:
        """Download, or go on with a download that was begun."""
        if model in self._downloads:
            return
        name = self._name(model)
        job = self._bridge.run(
            lambda stop: self._models.get(model, stop),
            steps=partial(self._progress, model),
            done=partial(self._got, model),
            failed=partial(self._get_failed, model),
            words=self.tr("Downloading {0}").format(name),
        )
        self._downloads[model] = (job, 0, 0)
        self._page.show_progress(model, 0, 0, 0.0, self.tr("Starting"))

    def get_and_use(self, model: str) -> None:
        """Download it, and let it answer once it is here."""
        self._wanted = model
        self.get(model)

    def go_on(self, wanted: Sequence[Model]) -> None:
        """What was on its way when the vault was locked, or Freehold ended."""
        waiting = [model for model in wanted if model.id not in self._downloads]
        if not waiting:
            return
        self._listed = self._listed or waiting  # for their names, until the list is read
        name = waiting[0].name if len(waiting) == 1 else self.tr("{0} models").format(count_words(len(waiting)))
        if self._household.door.is_offline:
            self._toast.say(self.tr("The download of {0} waits: the offline switch is on.").format(name))
            return
        self._toast.say(self.tr("The download of {0} goes on.").format(name))
        for model in waiting:
            self.get(model.id)

    def pause(self, model: str) -> None:
        if model in self._downloads:
            self._downloads[model][0].stop.set()
            self._bridge.call(lambda: self._models.pause(model))

    def use(self, model: str) -> None:
        foreign = next((one for one in self._elsewhere if one.id == model), None)
        if foreign is not None:
            self._take_in(foreign.path, then_use=True)
            return
        self._bridge.run(
            lambda _stop: self._models.use(model),
            done=lambda _: self._used(),
            failed=partial(self._page.show_model_error, model),
        )

    def inspect(self, model: str) -> None:
        known = next((one for one in (*self._listed, *self._elsewhere) if one.id == model), None)
        if known is None or not known.path:
            return
        self._bridge.run(
            lambda _stop: self._models.inspect(Path(known.path)),
            done=lambda facts: self._page.show_facts(known.name, self._fact_words(known, facts)),
            failed=partial(self._page.show_model_error, model),
        )

    def remove(self, model: str) -> None:
        """The file goes when nobody undid it."""
        self._leaving.add(model)
        self._show()
        size = next((one.bytes for one in self._listed if one.id == model), 0)
        words = self.tr("{0} removed, {1} freed.").format(self._name(model), size_words(size))
        self._toast.say(words, partial(self._keep, model), partial(self._remove_now, model))

    def choose_file(self) -> None:
        dialog = QFileDialog(self._page.window(), self.tr("Import a model file"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.import_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def import_file(self, path: str) -> None:
        self._take_in(path, then_use=False)

    def _take_in(self, path: str, *, then_use: bool) -> None:
        def work(_stop: object) -> Any:
            model = yield from self._models.import_file(Path(path))
            if then_use:
                self._models.use(model.id)
            return model

        self._page.show_import(0, 0, self.tr("Checking the file"))
        self._bridge.run(
            work, steps=self._importing, done=lambda _: self._used(), failed=self._import_failed,
            words=self.tr("Importing a model"),
        ).ended.connect(self._page.end_import)  # fmt: skip

    def _importing(self, steps: list[Any]) -> None:
        self._page.show_import(steps[-1].done, steps[-1].total, steps[-1].words)

    def _import_failed(self, error: FreeholdError) -> None:
        self._page.trouble.show_error(error)

    def _find(self) -> _Found:
        """Runs on a thread."""
        models = self._models.list()
        return _Found(models, _id_of(self._models.in_use), _id_of(self._models.recommended))

    def _took(self, found: _Found) -> None:
        self._listed, self._in_use, self._recommended = found.models, found.in_use, found.recommended
        self._show()

    def _took_elsewhere(self, models: Sequence[Model]) -> None:
        self._elsewhere = models
        self._page.show_elsewhere(models)
        self._show_downloads()

    def _show(self) -> None:
        shown = [one for one in self._listed if one.id not in self._leaving]
        self._page.show_models(shown, self._in_use, self._recommended)
        self._show_downloads()

    def _show_downloads(self) -> None:
        for model, (_, done, total) in self._downloads.items():
            self._page.show_progress(model, done, total, 0.0)

    def _progress(self, model: str, steps: list[Any]) -> None:
        last = steps[-1]
        if model in self._downloads:
            self._downloads[model] = (self._downloads[model][0], last.done, last.total)
        self._page.show_progress(model, last.done, last.total, getattr(last, "rate", 0.0), last.words)

    def _got(self, model: str, _here: Model) -> None:
        self._downloads.pop(model, None)
        self._toast.say(self.tr("{0} is here and checked.").format(self._name(model)))
        if model == self._wanted:
            self._wanted = ""
            self.use(model)
        else:
            self._used()

    def _get_failed(self, model: str, error: FreeholdError) -> None:
        job, done, total = self._downloads.pop(model)
        if job.stop.is_set():
            self._page.show_paused(model, done, total)
        else:
            self._page.show_model_error(model, error)

    def _used(self) -> None:
        self.reload()
        self.changed.emit()

    def _keep(self, model: str) -> None:
        self._leaving.discard(model)
        self._show()

    def _remove_now(self, model: str) -> None:
        def gone(_: object) -> None:
            self._leaving.discard(model)
            self._used()

        self._bridge.call(lambda: self._models.remove(model), gone)

    def _name(self, model: str) -> str:
        return next((one.name for one in (*self._listed, *self._elsewhere) if one.id == model), model)

    def _fact_words(self, model: Model, facts: Any) -> dict[str, str]:
        """What a file says of itself, by name; `facts` is what `Models.inspect` gives."""
        told = {
            self.tr("Architecture"): facts.architecture,
            self.tr("Parameters"): parameters_words(facts.parameters),
            self.tr("Layers"): str(facts.layers),
            self.tr("Context"): self.tr("{0} tokens").format(count_words(facts.context)),
            self.tr("Quantisation"): facts.quantisation,
            self.tr("Size"): size_words(model.bytes),
            self.tr("Chat template"): self.tr("its own") if facts.template else self.tr("none; Freehold's is used"),
            self.tr("Licence"): facts.licence or model.licence or self.tr("not stated in the file"),
            self.tr("SHA-256"): getattr(facts, "sha256", "") or model.sha256,
            self.tr("File"): model.path,
        }
        return {name: value for name, value in told.items() if value}


def _id_of(find: Callable[[], Model]) -> str:
    try:
        return find().id
    except FreeholdError:
        return ""  # no model at all: the page says what to do
