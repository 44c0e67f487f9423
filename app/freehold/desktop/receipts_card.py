"""What devices signed about the answers they gave: listed, exported, and files of others verified."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.peer_values import ReceiptShown
from freehold.desktop.peer_words import check_advice, check_words, ending_words, name_words, tokens_words
from freehold.desktop.pieces import announce, button, column, label, row, set_tone
from freehold.desktop.receipts_list import ReceiptsView
from freehold.desktop.words import count_words
from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import one_line


class ReceiptsCard(QFrame):
    """`export_asked` carries a job's id and a path, `verify_asked` a file, `check_asked` a job's id."""

    export_asked = Signal(str, str)
    verify_asked = Signal(str)
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.table = ReceiptsView()
        self.table.chosen.connect(self.chosen)
        self._verify = button(self.tr("Verify a file…"), "small")
        self._verify.clicked.connect(self.choose_file)
        self._empty = label(
            self.tr(
                "For each answer a device gives, it signs a receipt: which model, how many tokens, and what exactly "
                "was asked and said. Anyone who has the model can hold it against that."
            ), "muted", wraps=True,
        )  # fmt: skip
        self._empty.setContentsMargins(10, 4, 10, 10)
        self._said = label("", "", wraps=True)
        self._said.setContentsMargins(10, 0, 10, 6)
        self._said.hide()
        self.trouble = Trouble()
        head = row(label(self.tr("Receipts"), "heading"), None, self._verify, margins=(10, 12, 10, 6))
        self.setLayout(
            column(head, self._said, self.trouble, self._empty, self.table, spacing=0, margins=(8, 2, 8, 8))
        )  # fmt: skip
        self.show_receipts(())

    def show_receipts(self, receipts: Sequence[ReceiptShown]) -> None:
        self.table.show_receipts(receipts)
        self.table.setVisible(bool(receipts))
        self._empty.setVisible(not receipts)

    def choose_file(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Choose a receipt's bundle"))
        dialog.setNameFilters([self.tr("Bundles (*.json)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.verify_asked)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def choose_place(self, job: str) -> None:
        dialog = QFileDialog(self.window(), self.tr("Export the receipt"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"receipt-{job[:8]}.json")
        dialog.fileSelected.connect(lambda path: self.export_asked.emit(job, path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def say(self, words: str, tone: str = "") -> None:
        """What came of it, in place."""
        self.trouble.clear()
        set_tone(self._said, tone)
        self._said.setText(words)
        self._said.setVisible(bool(words))
        announce(self, words)

    def show_error(self, error: FreeholdError) -> None:
        self._said.hide()
        self.trouble.show_error(error)


class ReceiptPanel(QWidget):
    """Everything known of one receipt, for the side panel."""

    export_asked = Signal(str)

    def __init__(self, one: ReceiptShown) -> None:
        super().__init__()
        from freehold.desktop.chat_page import facts_panel

        export = button(self.tr("Export with its content…"), "small")
        export.setEnabled(one.has_content)
        export.clicked.connect(lambda: self.export_asked.emit(one.job))
        told = self.tr("The file holds the question and the answer as the model reads them. It is not encrypted.")
        gone = self.tr("Its question and answer are no longer here, so it cannot be exported.")
        about = label(told if one.has_content else gone, "note", wraps=True)
        inside = column(facts_panel(receipt_facts(one)), spacing=0)
        inside.addLayout(column(row(export, None), about, None, spacing=6, margins=(20, 0, 20, 20)), 1)
        self.setLayout(inside)
        self.setFocusProxy(export)


def receipt_facts(one: ReceiptShown) -> dict[str, str]:
    """By name, in the order they are shown."""
    from PySide6.QtCore import QCoreApplication

    def _tr(text: str) -> str:
        return QCoreApplication.translate("ReceiptPanel", text)

    when = datetime.fromtimestamp(one.time).astimezone()
    check = check_words(one.check, can_check=one.can_check)
    margin = _tr("largest margin {0}").format(f"{one.check.margin:.2f}") if one.check and one.check.margin else ""
    facts = {
        _tr("Device"): name_words(one.device_name, one.device),
        _tr("Its address"): one.device,
        _tr("When"): f"{when:%Y-%m-%d %H:%M:%S}",
        _tr("Model"): one_line(one.model),
        _tr("Model's SHA-256"): one.model_sha256,
        _tr("Tokens"): tokens_words(one.tokens_in, one.tokens_out),
        _tr("Ended"): ending_words(one.ending),
        _tr("Check"): ", ".join(filter(None, (check, margin))),
        _tr("About the check"): check_advice(one),
        _tr("Job"): one.job,
    }
    return {name: value for name, value in facts.items() if value}


def verdict_words(valid: bool, checked_tokens: int, reason: str) -> tuple[str, str]:
    """What came of verifying a file, and its tone."""
    from PySide6.QtCore import QCoreApplication

    def _tr(text: str) -> str:
        return QCoreApplication.translate("ReceiptsCard", text)

    if not valid:
        return _tr("It does not hold: {0}.").format(
            one_line(reason).rstrip(".") or _tr("it is not what it says")
        ), "failed"
    if checked_tokens:
        count = count_words(checked_tokens)
        return _tr("It holds: signature, question and answer fit, and {0} tokens match the weights.").format(count), ""
    return _tr("Signature, question and answer fit. The weights are not here, so they were not checked."), ""
