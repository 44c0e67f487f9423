"""The first run: at most three screens and two decisions, how the vault is protected and which model answers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from freehold.desktop.choices import ChoiceCard, group_of
from freehold.desktop.controls import Trouble
from freehold.desktop.model_row import fact_words
from freehold.desktop.passphrase import NewPassphrase
from freehold.desktop.pieces import Mark, button, column, label, row
from freehold.desktop.recovery_code import RecoveryCode
from freehold.desktop.words import size_words
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError

WIDTH = 560


class _Screen(QWidget):
    """One screen: mark, title, words, content, and the way on at the bottom."""

    _return_goes_on = True

    def __init__(self, title: str, words: str, step: str) -> None:
        super().__init__()
        self.trouble = Trouble()
        self.onward = button(self.tr("Continue"), "primary")
        self.content: QVBoxLayout = column(spacing=10)
        self._words, self._step = label(words, "muted", wraps=True), label(step, "note")
        self._foot = row(self._step, None, self.onward)
        inside = column(row(Mark(28), None), 6, label(title, "title"), self._words, 12, spacing=4)
        inside.addLayout(self.content)
        inside.addSpacing(8)
        inside.addWidget(self.trouble)
        inside.addSpacing(8)
        inside.addLayout(self._foot)
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(WIDTH)
        around = QWidget()
        middle = row(spacing=0, margins=(24, 24, 24, 24))
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        around.setLayout(column(None, middle, None))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(around)
        self.setLayout(column(area, spacing=0))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Return goes on from anywhere on the screen, as in a dialog; Space presses the button that has the focus."""
        if self._return_goes_on and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.onward.click()
        else:
            super().keyPressEvent(event)

    def add_way(self, way: QPushButton) -> None:
        """Another button beside the way on."""
        self._foot.insertWidget(self._foot.count() - 1, way)

    def set_busy(self, words: str) -> None:
        """`words` while something is going on, "" afterwards."""
        self.onward.setDisabled(bool(words))
        self.onward.setText(words or self.tr("Continue"))
        if words:
            self.trouble.clear()


class Welcome(_Screen):
    """What Freehold is, and the first decision."""

    passphrase_given = Signal(str)
    keyring_chosen = Signal()
    backup_asked = Signal()

    def __init__(self) -> None:
        super().__init__(
            self.tr("Welcome to Freehold"),
            self.tr(
                "An assistant that you hold outright. It runs on this computer, and what you say to it is kept here, "
                "encrypted. Nothing is sent anywhere. How do you want to open it?"
            ),
            self.tr("Step 1 of 2: protection"),
        )
        self.fields = NewPassphrase()
        self.passphrase = ChoiceCard(
            self.tr("With a passphrase"),
            self.tr("You type it when you open Freehold. Nobody can recover it for you."),
            self.fields,
        )
        self.keyring = ChoiceCard(self.tr("With this computer's keyring"), self.tr("Looking for a keyring…"))
        self.keyring.setDisabled(True)
        group_of(self, self.passphrase, self.keyring)
        self.content.addWidget(self.passphrase)
        self.content.addWidget(self.keyring)
        self.fields.is_good.connect(lambda _good: self._refresh())
        self.fields.entered.connect(self._go)
        self.passphrase.chosen.connect(self._refresh)
        self.keyring.chosen.connect(self._refresh)
        self.onward.clicked.connect(self._go)
        backup = button(self.tr("Bring a backup back…"), "plain")
        backup.clicked.connect(self.backup_asked)
        self.add_way(backup)
        self.passphrase.radio.setChecked(True)
        self._refresh()

    def show_keyring(self, backend: str | None) -> None:
        """`backend` is the usable keyring's name, None when there is none."""
        self.keyring.setEnabled(backend is not None)
        if backend is None:
            self.keyring.say(self.tr("No keyring that keeps secrets encrypted was found on this system."))
            return
        self.keyring.say(
            self.tr(
                "Opens by itself while you are logged in. You also get a recovery code, for when the keyring is gone."
            ),
            backend,
        )

    def _refresh(self) -> None:
        self.onward.setEnabled(self.keyring.is_chosen or bool(self.fields.value()))

    def _go(self) -> None:
        if not self.onward.isEnabled():
            return
        self.set_busy(self.tr("Making the vault…"))
        if self.keyring.is_chosen:
            self.keyring_chosen.emit()
        else:
            self.passphrase_given.emit(self.fields.value())


class CodeScreen(_Screen):
    """The recovery code, once."""

    kept = Signal()
    _return_goes_on = False  # a Return too many on the screen before must not pass this one by

    def __init__(self, code: str) -> None:
        super().__init__(
            self.tr("Your recovery code"),
            self.tr(
                "It opens the vault when the keyring cannot. It is shown only now: write it down, or save it elsewhere."
            ),
            self.tr("Nothing to decide here"),
        )
        self._code = RecoveryCode()
        self._code.show_code(code)
        self.content.addWidget(self._code)
        self.onward.setText(self.tr("I have kept it"))
        self.onward.clicked.connect(self._leave)

    def _leave(self) -> None:
        self._code.show_code("")
        self.kept.emit()


class ModelScreen(_Screen):
    """The second decision: which model answers."""

    starter_chosen = Signal()
    recommended_chosen = Signal(str)
    found_chosen = Signal(str)
    file_asked = Signal()

    def __init__(self) -> None:
        super().__init__(
            self.tr("Which model should answer?"),
            self.tr("You can change this at any time on the Models page."),
            self.tr("Step 2 of 2: model"),
        )
        self._recommended: Model | None = None
        self._found = QComboBox()
        self._found.setAccessibleName(self.tr("Model found on this disk"))
        self.starter = ChoiceCard(self.tr("The starter model"), self.tr("Looking…"))
        self.recommended = ChoiceCard(
            self.tr("The one recommended for this computer"), self.tr("Looking at this computer's memory…")
        )
        self.found = ChoiceCard(
            self.tr("One that is already on this disk"), self.tr("Looking for models of other apps…"), self._found
        )
        file = button(self.tr("Choose a file…"))
        file.clicked.connect(self.file_asked)
        self.add_way(file)
        group_of(self, self.starter, self.recommended, self.found)
        for card in (self.starter, self.recommended, self.found):
            card.setDisabled(True)
            card.chosen.connect(lambda: self.onward.setEnabled(True))
            self.content.addWidget(card)
        self.onward.setText(self.tr("Start chatting"))
        self.onward.setEnabled(False)
        self.onward.clicked.connect(self._go)

    def show_models(
        self, starter: Model | None, recommended: Model | None, found: Sequence[Model], *, is_offline: bool = False
    ) -> None:
        """What there is to choose from; `found` are models of other apps."""
        self._show_starter(starter)
        self._show_recommended(recommended, is_offline=is_offline)
        self._show_found(found)
        first = next((one for one in (self.starter, self.found, self.recommended) if one.isEnabled()), None)
        if first is not None:
            first.radio.setChecked(True)
            first.radio.setFocus()  # the arrow keys choose

    def set_busy(self, words: str) -> None:
        super().set_busy(words)
        self.onward.setText(words or self.tr("Start chatting"))

    def _show_starter(self, starter: Model | None) -> None:
        self.starter.setEnabled(starter is not None)
        if starter is None:
            self.starter.say(self.tr("It did not come with this installation."))
            return
        self.starter.say(
            self.tr("Ready at once, and tiny: fine for a first try, not for facts. {0}.").format(starter.name),
            self.tr("0 bytes to download"),
        )

    def _show_recommended(self, model: Model | None, *, is_offline: bool) -> None:
        self._recommended = model
        self.recommended.setEnabled(model is not None and not is_offline)
        if model is None:
            self.recommended.say(self.tr("No model of the catalogue fits this computer's memory."))
            return
        words = self.tr("{0}: {1}").format(model.name, model.words or fact_words(model))
        wait = self.tr("The starter answers until it is here.") if self.starter.isEnabled() else ""
        if is_offline:
            wait = self.tr("The offline switch is on.")
        self.recommended.say(f"{words} {wait}".strip(), self.tr("{0} to download").format(size_words(model.bytes)))

    def _show_found(self, found: Sequence[Model]) -> None:
        self.found.setEnabled(bool(found))
        self._found.clear()
        for one in found:
            self._found.addItem(f"{one.name}, {size_words(one.bytes)}", one.path)
        if found:
            self.found.say(self.tr("Used where it lies; nothing is copied."), self.tr("0 bytes to download"))
        else:
            self.found.say(self.tr("None was found of LM Studio, Jan, GPT4All, Ollama or the Hugging Face cache."))

    def _go(self) -> None:
        if self.starter.is_chosen:
            self.starter_chosen.emit()
        elif self.recommended.is_chosen and self._recommended is not None:
            self.recommended_chosen.emit(self._recommended.id)
        elif self.found.is_chosen:
            self.found_chosen.emit(str(self._found.currentData()))


class FirstRun(QStackedWidget):
    """The screens one after the other."""

    passphrase_given = Signal(str)
    keyring_chosen = Signal()
    code_kept = Signal()
    starter_chosen = Signal()
    recommended_chosen = Signal(str)
    found_chosen = Signal(str)
    file_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("entry")
        self.welcome = Welcome()
        self.model: ModelScreen | None = None
        self.welcome.passphrase_given.connect(self.passphrase_given)
        self.welcome.keyring_chosen.connect(self.keyring_chosen)
        self.addWidget(self.welcome)
        self.setFocusProxy(self.welcome.fields)

    def show_error(self, error: FreeholdError) -> None:
        """Something failed on the screen in view."""
        screen = self.currentWidget()
        assert isinstance(screen, _Screen)
        screen.set_busy("")
        screen.trouble.show_error(error)

    def show_code(self, code: str) -> None:
        screen = CodeScreen(code)
        screen.kept.connect(self.code_kept)
        self.addWidget(screen)
        self.setCurrentWidget(screen)

    def show_model_choice(self) -> ModelScreen:
        screen = ModelScreen()
        screen.starter_chosen.connect(self.starter_chosen)
        screen.recommended_chosen.connect(self.recommended_chosen)
        screen.found_chosen.connect(self.found_chosen)
        screen.file_asked.connect(self.file_asked)
        self.model = screen
        self.addWidget(screen)
        self.setCurrentWidget(screen)
        return screen
