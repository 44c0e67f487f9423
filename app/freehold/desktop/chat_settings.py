"""The side panel of one chat: its own instructions, model and sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QWidget

from freehold.desktop.number_field import NumberField, number_field, put_number
from freehold.desktop.pieces import button, column, label, row
from freehold.foundation.settings import BY_NAME

_SAMPLED = ("temperature", "top_p", "top_k", "max_tokens")
_TYPING_MS = 600


class ChatSettings(QWidget):
    """Emits each change; `general` are the values in force where the chat has none of its own."""

    prompt_changed = Signal(object)
    sampling_changed = Signal(dict)
    model_changed = Signal(str)

    def __init__(
        self,
        *,
        prompt: str | None,
        general_prompt: str,
        sampling: Mapping[str, float | int],
        general: Mapping[str, float | int],
        model: str,
        models: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__()
        self._general = dict(general)
        self._prompt = QPlainTextEdit(prompt or "")
        self._prompt.setPlaceholderText(general_prompt or self.tr("None. The model's own manner."))
        self._prompt.setAccessibleName(self.tr("Instructions for this chat"))
        self._prompt.setFixedHeight(128)
        self._prompt.setTabChangesFocus(True)
        self._model = QComboBox()
        self._model.setAccessibleName(self.tr("Model of this chat"))
        for id, name in [("", self.tr("The one in use")), *models]:
            self._model.addItem(name, id)
        self._model.setCurrentIndex(max(0, self._model.findData(model)))
        self._fields = {name: _field(name, sampling.get(name, general[name])) for name in _SAMPLED}
        self._reset = button(self.tr("Back to the general settings"), "small")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self._lay_out()
        self._connect()
        self.setFocusProxy(self._prompt)

    def _lay_out(self) -> None:
        layout = column(spacing=6, margins=(20, 4, 20, 20))
        layout.addWidget(label(self.tr("Instructions"), "group"))
        layout.addWidget(self._prompt)
        layout.addWidget(
            label(self.tr("Empty means the instructions for every chat, from Settings."), "note", wraps=True)
        )
        layout.addSpacing(10)
        layout.addWidget(label(self.tr("Model"), "group"))
        layout.addWidget(self._model)
        layout.addSpacing(10)
        layout.addWidget(label(self.tr("Sampling"), "group"))
        for name, field in self._fields.items():
            title = label(BY_NAME[name].title)
            title.setToolTip(BY_NAME[name].words)
            title.setBuddy(field)
            layout.addLayout(row(title, None, field))
        layout.addSpacing(4)
        layout.addLayout(row(self._reset, None))
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self._prompt.textChanged.connect(self._timer.start)
        self._timer.timeout.connect(self._tell_prompt)
        self._model.activated.connect(lambda: self.model_changed.emit(self._model.currentData()))
        for field in self._fields.values():
            field.valueChanged.connect(self._tell_sampling)
        self._reset.clicked.connect(self._go_back)

    def flush(self) -> None:
        """Tell a prompt that is still being typed, before the panel goes."""
        if self._timer.isActive():
            self._timer.stop()
            self._tell_prompt()

    def _tell_prompt(self) -> None:
        self.prompt_changed.emit(self._prompt.toPlainText() or None)

    def _tell_sampling(self) -> None:
        """Only what differs from the general settings belongs to the chat."""
        chosen = {name: field.value() for name, field in self._fields.items()}
        self.sampling_changed.emit({name: value for name, value in chosen.items() if value != self._general[name]})

    def _go_back(self) -> None:
        for name, field in self._fields.items():
            put_number(field, self._general[name])
        self._tell_sampling()


def _field(name: str, value: float) -> NumberField:
    field = number_field(BY_NAME[name])
    put_number(field, value)
    return field
