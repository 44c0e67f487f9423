"""How fast a long chat opens from a real vault and how smooth it stays while words stream, offscreen, no model."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from figures import Figure
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from freehold import app as root
from freehold.chats.conversations import Conversations
from freehold.chats.values import Chat, Context, Ending, Mark, Provenance, Role, Turn
from freehold.desktop.transcript.view import TranscriptView
from freehold.foundation.paths import Profile
from freehold.rendering.stream import StreamRenderer, render

_TEXT = """the lease ends on and you must give notice in writing at least three months before so no later than June
what matters is when landlord receives it not sent without term renews for twelve at rent indexed by clause"""
_WORDS = _TEXT.split()
_MADE = Provenance(model="m", model_sha256="b179c9523d0e", context=Context(900, 8192), tokens=200, tokens_per_s=20.0)
_CODE = "```python\nfor day in range(30):\n    print(f'day {day}')  # counted\n```\n\n"


def answer_text(dice: random.Random, paragraphs: int) -> str:
    """Something like what models write: paragraphs with styles, lists, code, a table now and then."""
    parts = []
    for number in range(paragraphs):
        kind = dice.random()
        if kind < 0.1:
            parts.append(_CODE)
        elif kind < 0.25:
            parts.append("".join(f"- {_sentence(dice, 8)}\n" for _ in range(4)) + "\n")
        elif kind < 0.3:
            parts.append("| day | what |\n|---|---|\n" + f"| {number} | {_sentence(dice, 4)} |\n" * 3 + "\n")
        else:
            parts.append(f"{_sentence(dice, 20)} **{_sentence(dice, 2)}** {_sentence(dice, 25)}.\n\n")
    return "".join(parts)


def long_chat(count: int) -> list[Turn]:
    """`count` turns by turns of the owner and the model."""
    dice, turns = random.Random(1), list[Turn]()
    for number in range(count):
        parent = turns[-1].id if turns else None
        if number % 2 == 0:
            turns.append(Turn(f"t{number}", "c", parent, Role.USER, _sentence(dice, 14) + "?", 0.0))
        else:
            text = answer_text(dice, dice.randint(1, 8))
            turns.append(Turn(f"t{number}", "c", parent, Role.ASSISTANT, text, 0.0, Ending.COMPLETE, _MADE))
    return turns


def open_figure(count: int = 10_000, rounds: int = 5) -> Figure:
    """Milliseconds from the click until the end of a chat of `count` turns is painted (median), its outline and its
    words fetched from a real vault in its own process.

    The baseline is the same with twenty turns: what a chat of any length costs.
    """
    with tempfile.TemporaryDirectory() as home:
        household = root.build(Profile(Path(home)))
        household.vault.create(raw=secrets.token_bytes(32))
        try:
            for id, turns in (("long", long_chat(count)), ("short", long_chat(20))):
                mine = [Turn.from_wire(turn.to_wire() | _renamed(turn, id)) for turn in turns]
                household.conversations.adopt(Chat(id, id, 0.0, 0.0, leaf=mine[-1].id), mine)
            _opened(household.conversations, "short")  # libraries are imported once, not each time
            pairs = [
                (_opened(household.conversations, "long"), _opened(household.conversations, "short"))
                for _ in range(rounds)
            ]
        finally:
            household.close()
    long, short = _median([pair[0] for pair in pairs]), _median([pair[1] for pair in pairs])
    return _figure(f"open a chat of {count:,} turns from the vault", long, "ms", short, 300.0)


def frame_figure(count: int = 10_000, seconds: float = 5.0, rate: int = 200) -> Figure:
    """The 99th percentile of the gaps of a 0 ms timer, in ms, while `rate` tokens a second stream into a long chat.

    Each gap holds what the event loop did between two of its turns, painting included: a frame cannot be later. The
    baseline is the same stream appended to a bare QPlainTextEdit.
    """
    tokens = itertools.cycle(_tokens(answer_text(random.Random(3), 60)))
    turns = long_chat(count)
    view = _opened_view(turns)
    view.append_question(Turn("q", "c", turns[-1].id, Role.USER, "And then?", 0.0))
    view.begin_answer(Turn("a", "c", "q", Role.ASSISTANT, "", 0.0))
    value = _gaps(lambda: view.add_words("a", next(tokens)), seconds, rate)
    _close(view)
    box = QPlainTextEdit()
    box.resize(708, 740)
    box.show()
    baseline = _gaps(lambda: box.insertPlainText(next(tokens)), seconds, rate)
    _close(box)
    return _figure(f"frame time p99 at {rate} tokens/s into a chat of {count:,} turns", value, "ms", baseline, 50.0)


def flood_figure() -> Figure:
    """Seconds for the slowest of the hostile texts at the renderer's limits; the baseline is as much honest text."""
    size = 200_000
    floods = (
        "[", "![", "*a _", "> ", "- ", "`", "<a", "|", "\\(", "$a", "http://", "[a](", "]", "_a*", "- x\n", "> a\n",
        "[a]: /x\n", "*", "~a", "1. ", "&", "a@b.c ", "\u200bx", "|-|\n",
    )  # fmt: skip
    worst = max(_seconds(lambda text=text: render(text * (size // len(text)))) for text in floods)
    honest = answer_text(random.Random(5), 1_200)[:size]
    return _figure("rendering the worst 200,000 characters", worst, "s", _seconds(lambda: render(honest)), 10.0)


def stream_figure() -> Figure:
    """Seconds of work to render 8,000 tokens in updates 30 times a second; the baseline renders the end result once."""
    text = answer_text(random.Random(9), 200)[:32_000]
    pieces = [text[at : at + 27] for at in range(0, len(text), 27)]  # 200 tokens/s, 4 characters each, 30 updates

    def stream() -> None:
        renderer = StreamRenderer()
        for piece in pieces:
            renderer.feed(piece)
            renderer.update()
        renderer.finish()

    return _figure(
        "rendering 32,000 characters as they stream", _seconds(stream), "s", _seconds(lambda: render(text)), 4.0
    )


def transcript_figures(*, quick: bool = False) -> Iterator[Figure]:
    """All of this file's figures; `quick` measures a shorter chat for a shorter time and leaves out what has no goal in
    an issue.
    """
    count, seconds, rounds = (2_000, 1.5, 3) if quick else (10_000, 8.0, 7)
    yield open_figure(count, rounds)
    yield frame_figure(count, seconds)
    if not quick:
        yield stream_figure()
        yield flood_figure()


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choice(_WORDS) for _ in range(words))


def _tokens(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _application() -> QApplication:
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication(["bench"])


def _renamed(turn: Turn, chat: str) -> dict[str, Any]:
    """A vault holds each id once: the turns of two chats need two names."""
    return {"id": chat + turn.id, "chat": chat, "parent": None if turn.parent is None else chat + turn.parent}


def _opened(conversations: Conversations, chat: str) -> float:
    app = _application()
    app.processEvents()
    start = time.perf_counter()
    view = _view(conversations.outline(chat), conversations.turns)
    took = (time.perf_counter() - start) * 1000
    _close(view)
    return took


def _opened_view(turns: list[Turn]) -> TranscriptView:
    known = {turn.id: turn for turn in turns}
    outline = [Mark(turn.id, turn.role, len(turn.text), 0, 1) for turn in turns]
    return _view(outline, lambda ids: [known[one] for one in ids])


def _view(outline: Sequence[Mark], words: Callable[[Sequence[str]], list[Turn]]) -> TranscriptView:
    """A view at the end of a chat, painted, with all that is in sight and near; words are given when it asks."""
    app = _application()
    view = TranscriptView()
    view.turns_needed.connect(lambda ids: QTimer.singleShot(0, view, lambda: view.provide(words(ids))))
    view.resize(708, 740)
    view.show()
    view.show(outline)
    while view.waits_for_words or not view.is_settled:
        app.processEvents()
    view.viewport().repaint()
    return view


def _gaps(step: Any, seconds: float, rate: int) -> float:
    """p99 in ms of the gaps between the turns of the event loop while `step` runs `rate` times a second."""
    app, gaps, start, done = _application(), list[float](), time.perf_counter(), 0
    last = start
    timer = QTimer(interval=0)

    def turn() -> None:
        nonlocal last, done
        now = time.perf_counter()
        gaps.append((now - last) * 1000)
        last = now
        while done < (now - start) * rate:
            step()
            done += 1

    timer.timeout.connect(turn)
    timer.start()
    while time.perf_counter() - start < seconds:
        app.processEvents()
    timer.stop()
    # Idle turns of the loop are no frames: only gaps that a person could notice count, one frame each at 60 Hz.
    frames = sorted(gap for gap in gaps if gap >= 1.0) or [0.0]
    return frames[min(len(frames) - 1, int(len(frames) * 0.99))]


def _close(widget: Any) -> None:
    widget.close()
    widget.deleteLater()
    _application().processEvents()


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _figure(name: str, value: float, unit: str, baseline: float, goal: float) -> Figure:
    ratio = value / baseline if baseline else None
    return Figure(name, value, unit, goal, baseline=baseline, ratio=ratio, absolute=True)
