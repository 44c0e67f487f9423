"""Where an answer was made, by what, how fast, and what it saw: its provenance, in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Ending, Provenance, Turn, Use
from freehold.desktop.chat_page import facts_panel
from freehold.desktop.peer_values import ReceiptShown
from freehold.desktop.peer_view import class_words
from freehold.desktop.peer_words import check_advice, check_words, name_words, tokens_words
from freehold.desktop.pieces import button, column, row
from freehold.desktop.source_words import found_words, used_words
from freehold.desktop.transcript.made import HERE, leaves, left_out
from freehold.desktop.words import count_words
from freehold.rendering.visible import one_line


def _tr(text: str) -> str:
    return QCoreApplication.translate("Details", text)


def details_of(turn: Turn, receipts: Sequence[ReceiptShown] = ()) -> dict[str, str]:
    """The facts of an answer by name, in the order they are shown."""
    told = {_tr("Ended"): _ending_words(turn.ending)}
    if turn.provenance is not None:
        told |= _provenance_words(turn.provenance, receipts)
    if turn.error:
        told[_tr("What broke")] = " ".join(filter(None, (turn.error.get("title", ""), turn.error.get("detail", ""))))
    return {name: value for name, value in told.items() if value}


class DetailsPanel(QWidget):
    """`receipt_asked` carries the job of a receipt that the owner wants to see."""

    receipt_asked = Signal(str)

    def __init__(self, turn: Turn, receipts: Sequence[ReceiptShown] = ()) -> None:
        super().__init__()
        inside = column(spacing=0)
        inside.addWidget(facts_panel(details_of(turn, receipts), _tr("Kept in your vault with the answer.")))
        buttons = column(spacing=6, margins=(20, 0, 20, 20))
        for one in receipts:
            name = name_words(one.device_name, one.device)
            words = _tr("Open the receipt") if len(receipts) == 1 else _tr("Open the receipt of {0}").format(name)
            opened = button(words, "small")
            opened.clicked.connect(lambda _checked=False, job=one.job: self.receipt_asked.emit(job))
            buttons.addLayout(row(opened, None))
        inside.addLayout(buttons)
        inside.addStretch(1)
        self.setLayout(inside)


def _makers_words(made: Provenance) -> str:
    here = _tr("on this computer")
    makers = [here if where == HERE else _tr("by {0}").format(one_line(where)) for where in made.where]
    return _tr(", then ").join(makers)


def receipts_words(made: Provenance, receipts: Sequence[ReceiptShown]) -> dict[str, str]:
    """What the devices that wrote an answer signed about it, and how that was checked."""
    if not leaves(made):
        return {}
    if not receipts:
        return {_tr("Receipt"): _tr("none was signed"), _tr("Check"): _tr("unverified")}
    signed = [
        _tr("{0} signed {1}").format(
            name_words(one.device_name, one.device), tokens_words(one.tokens_in, one.tokens_out)
        )
        for one in receipts
    ]
    checks = [check_words(one.check, can_check=one.can_check) for one in receipts]
    return {
        _tr("Receipt") if len(receipts) == 1 else _tr("Receipts"): "\n".join(signed),
        _tr("Check"): "\n".join(checks),
        _tr("About the check"): "\n".join(filter(None, map(check_advice, receipts))),
    }


def _ending_words(ending: Ending | None) -> str:
    return {
        None: _tr("being written"),
        Ending.COMPLETE: _tr("complete"),
        Ending.STOPPED: _tr("stopped by you"),
        Ending.LENGTH: _tr("at the longest answer allowed"),
        Ending.BROKEN: _tr("broken off"),
    }[ending]


def _speed_words(made: Provenance) -> str:
    return _tr("{0} tokens, {1:.1f} a second, the first after {2:.1f} s").format(
        count_words(made.tokens), made.tokens_per_s, made.first_token_s
    )


def _grounded_words(made: Provenance) -> str:
    """What documents had to do with the answer."""
    if made.grounded is None:
        return _tr("A file beside the question") if made.sources else ""
    if not made.grounded:
        return _tr("They do not say. This was decided from how well they fit, before a model was asked.")
    read = [source.document for source in made.sources if source.use in (Use.CITED, Use.USED)]
    return _tr("Made from {0}").format(found_words(len(read), len(set(read))))


def _context_words(made: Provenance) -> dict[str, str]:
    context = made.context
    return {
        _tr("Context read"): _tr("{0} of {1} tokens").format(count_words(context.tokens), count_words(context.limit)),
        _tr("Left out"): left_out(made),
        _tr("Sampling"): ", ".join(f"{name} {value}" for name, value in sorted(made.sampler.items())),
        _tr("Seed"): str(made.seed),
    }


def _provenance_words(made: Provenance, receipts: Sequence[ReceiptShown]) -> dict[str, str]:
    return {
        _tr("Made"): _makers_words(made),
        _tr("It read"): class_words(made.data_class) if leaves(made) else "",
        **receipts_words(made, receipts),
        _tr("Documents"): _grounded_words(made),
        _tr("Passages"): used_words(made),
        _tr("Model"): made.model or (_tr("none was asked") if made.grounded is False else ""),
        _tr("Model's SHA-256"): made.model_sha256,
        _tr("Speed"): _speed_words(made) if made.tokens else "",
        **(_context_words(made) if made.context.limit else {}),
        _tr("Notes"): "\n".join(made.notes),
    }
