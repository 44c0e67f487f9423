"""Screenshots of the transcript, to be looked at: python tests/desktop/shots_transcript.py FOLDER [SCALE]."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtWidgets import QApplication

from freehold.chats.values import Context, Ending, Mark, Provenance, Role, Turn
from freehold.desktop.theme import DARK, LIGHT
from freehold.desktop.transcript.view import TranscriptView
from support.qt import application, spin, until

if len(sys.argv) > 2:
    os.environ["QT_SCALE_FACTOR"] = sys.argv[2]

MADE = Provenance(
    model="Qwen3 4B Instruct Q4_K_M", model_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    seed=42, context=Context(1204, 8192), first_token_s=0.42, tokens=311, tokens_per_s=14.2,
)  # fmt: skip
ANSWER = """The lease ends on **30 September 2027**. You must give notice in writing at least **three months** before, \
so no later than 30 June 2027.

Two details that matter:

- Notice counts from the day the landlord *receives* it, not the day you send it.
- Without notice, the lease renews for twelve months at the `indexed rent`.

## How to work it out

1. Find the end of the term.
2. Go back three months:

   ```python
   from datetime import date

   def last_day(end: date) -> date:
       # three months before, same day
       return end.replace(month=end.month - 3)  # 30 June 2027

   print(f"Give notice by {last_day(date(2027, 9, 30)):%d %B %Y}, and keep the receipt of the registered letter")
   ```

3. Post the letter by then.

| clause | what it says | page |
|:-------|:-------------|-----:|
| 7 | Term from 1 October 2024 | 2 |
| 9 | Notice of **three months**, in writing | 6 |

> Either party may terminate by written notice of three months, received before the end of the term.
>
> > As amended in 2025.

See [the tenancy guide](https://www.example.com/guide) and https://example.org/notice. ~~Not the old one.~~

---

The rent follows $r_{n+1} = r_n \\cdot i$ where \\(i\\) is the index. ![a chart](http://example.com/x.png)
"""
THINKING = "<think>The user wants dates.\n\nThe term ends on 30 September, so three months before is 30 June.</think>"


def turn(name: str, role: Role, text: str, **more: object) -> Turn:
    return Turn(name, "c", None, role, text, 0.0, **more)  # type: ignore[arg-type]


QUESTION = turn("q", Role.USER, "When does my flat lease end, and how much notice do I have to give?")
SHORT = turn("q2", Role.USER, "Write the notice letter, dated today.")


def answer(name: str, text: str, ending: Ending = Ending.COMPLETE, **more: object) -> Turn:
    return turn(name, Role.ASSISTANT, text, ending=ending, provenance=MADE, **more)


def marks(*turns: Turn, siblings: dict[str, tuple[int, int]] | None = None) -> list[Mark]:
    places = siblings or {}
    return [Mark(one.id, one.role, len(one.text), *places.get(one.id, (0, 1))) for one in turns]


def show(view: TranscriptView, *turns: Turn, at: str | None = None, **more: object) -> None:
    view.show(marks(*turns, **more), at)  # type: ignore[arg-type]
    view.provide(turns)
    spin(0.15)


def long(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER), SHORT, at="q")


def long_end(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER))


def streaming(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER[:460]), SHORT)
    view.begin_answer(turn("b", Role.ASSISTANT, ""))
    view.add_words("b", "To the landlord,\n\nI hereby give notice to end the lease of the flat at 12 Mill Lane")
    spin(0.2)


def waiting(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER[:460]), SHORT)
    view.begin_answer(turn("b", Role.ASSISTANT, ""))
    view.set_notice("b", "Reading: 1,024 of 4,000 tokens")
    spin(0.2)


def failed(view: TranscriptView) -> None:
    stopped = answer("s", "The lease ends on 30 September 2027, and", Ending.STOPPED)
    broken = answer("f", "To the landlord,\n\nI hereby give", Ending.BROKEN)
    show(view, QUESTION, stopped, SHORT, broken)
    view.fail(
        "f", "The model stopped working",
        "What was said so far is kept. Ask again, or choose a smaller model.", "exit code 9 (killed)",
    )  # fmt: skip
    spin(0.1)


def thinking(view: TranscriptView) -> None:
    told = answer("t", THINKING + "\n\nIt ends on **30 September 2027**.")
    show(view, QUESTION, told, SHORT, answer("u", THINKING + "Dear landlord,"))
    from freehold.desktop.transcript.answer import AnswerView

    first = view.findChildren(AnswerView)[0]
    first._fold.click()
    spin(0.1)


def siblings(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER[:460]), SHORT, siblings={"q": (0, 3), "a": (1, 3)})
    from freehold.desktop.transcript.footer import Footer

    next(one for one in view.findChildren(Footer) if one.isVisible())._made.click()
    spin(0.1)


def editing(view: TranscriptView) -> None:
    show(view, QUESTION, answer("a", ANSWER[:460]), SHORT)
    from freehold.desktop.transcript.question import QuestionView

    next(one for one in view.findChildren(QuestionView) if one.turn is SHORT).start_editing()
    spin(0.1)


def missing(view: TranscriptView) -> None:
    view.show(marks(QUESTION, answer("a", ANSWER), SHORT))
    spin(0.1)


def found(view: TranscriptView) -> None:
    more = [one for n in range(8) for one in (turn(f"q{n}x", Role.USER, f"Question {n}"), answer(f"a{n}x", ANSWER))]
    show(view, *more)
    view.scroll_to("a3x", "registered letter")
    view.scroll_to("a3x", "written notice")
    spin(0.2)


SCENES = (long, long_end, streaming, waiting, failed, thinking, siblings, editing, missing, found)


def main(folder: Path) -> None:
    app: QApplication = application()
    folder.mkdir(parents=True, exist_ok=True)
    for theme in (LIGHT, DARK):
        for scene in SCENES:
            view = TranscriptView()
            view.set_theme(theme)
            view.resize(708, 740)
            view.show()
            scene(view)
            until(lambda view=view: not view._tick.isActive())
            view.grab().save(str(folder / f"{scene.__name__}-{theme.name}.png"))
            view.close()
            view.deleteLater()
            spin()
    app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
