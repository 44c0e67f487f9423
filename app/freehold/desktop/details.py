"""Where an answer was made, by what, how fast, and what it saw: its provenance, in words."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Ending, Provenance, Turn, Use
from freehold.desktop.chat_page import facts_panel
from freehold.desktop.source_words import found_words, used_words
from freehold.desktop.transcript.made import left_out
from freehold.desktop.words import count_words


def _tr(text: str) -> str:
    return QCoreApplication.translate("Details", text)


def details_of(turn: Turn) -> dict[str, str]:
    """The facts of an answer by name, in the order they are shown."""
    told = {_tr("Ended"): _ending_words(turn.ending)}
    if turn.provenance is not None:
        told |= _provenance_words(turn.provenance)
    if turn.error:
        told[_tr("What broke")] = " ".join(filter(None, (turn.error.get("title", ""), turn.error.get("detail", ""))))
    return {name: value for name, value in told.items() if value}


def details_panel(facts: Mapping[str, str]) -> QWidget:
    return facts_panel(facts, _tr("Kept in your vault with the answer."))


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


def _provenance_words(made: Provenance) -> dict[str, str]:
    here = all(place == "here" for place in made.where)
    return {
        _tr("Made"): _tr("on this computer") if here else ", ".join(made.where),
        _tr("Documents"): _grounded_words(made),
        _tr("Passages"): used_words(made),
        _tr("Model"): made.model or (_tr("none was asked") if made.grounded is False else ""),
        _tr("Model's SHA-256"): made.model_sha256,
        _tr("Speed"): _speed_words(made) if made.tokens else "",
        **(_context_words(made) if made.context.limit else {}),
        _tr("Notes"): "\n".join(made.notes),
    }
