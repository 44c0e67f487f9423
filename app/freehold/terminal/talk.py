"""The chat in view in a terminal, and what can be done with it besides asking: the commands behind a slash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from freehold.assistant.reply import Wish
from freehold.assistant.values import Step
from freehold.chats.values import NEW_CHAT, NO_DOCUMENTS, Attachment, Chat, Role, Scope, Turn, Where
from freehold.foundation.errors import FreeholdError, Interrupted, UsageError
from freehold.foundation.paths import from_home
from freehold.foundation.stop import Stop
from freehold.rendering.visible import visible
from freehold.terminal.answering import say_provenance, show_answer
from freehold.terminal.lines import Lines
from freehold.terminal.output import Output
from freehold.terminal.preview import show_preview
from freehold.terminal.tables import table
from freehold.terminal.words import context_line, count, moment

if TYPE_CHECKING:
    from freehold.assistant.household import Household

PROMPT = "> "
_LISTED = 20

HELP = """\
/new            begin another chat
/list [NUMBER]  list the latest chats, or open one of them
/retry          answer the last question again
/edit [TEXT]    ask the last question in other words
/branch [NUMBER]  list the other versions of this chat, or go to one
/title [TEXT]   show or change this chat's title
/system [TEXT]  show or change its instructions; /system - goes back to the general ones
/model [ID]     show or change the model that answers here
/documents [all|none|NAME, NAME]  show or change which documents answers are made from
/where [auto|here|peer]  show or change where answers here may be made
/preview TEXT   show who would answer this, and every word that device would read
/attach FILE    answer the next question from this file too
/help           this list
/quit           leave (so does Ctrl-D)

Ctrl-C stops an answer. A line that ends in a backslash goes on in the next one;
a question that begins with a slash is typed with two."""


_WHERE: Mapping[str, Where] = {"auto": "auto", "here": "here", "peer": "peer"}
_WHERE_WORDS: Mapping[Where, str] = {
    "auto": "a paired device answers where it does better and you allow it.",
    "here": "answers are made on this computer.",
    "peer": "a paired device answers.",
}


class Leave(Exception):
    """The person is done."""


class Talk:
    """One chat at a time. A new one begins with its first question, so that nothing empty is kept."""

    def __init__(self, household: Household, output: Output, lines: Lines, chat: str = "") -> None:
        """`chat` is the beginning of an id. Raises NotFound."""
        self._house, self._output, self._lines = household, output, lines
        self._chat = household.conversations.find(chat) if chat else None
        self._choices: list[str] = []
        self._files: list[Attachment] = []
        self.commands: dict[str, Callable[[str], None]] = {
            "new": self._new,
            "list": self._list,
            "retry": self._retry,
            "edit": self._edit,
            "branch": self._branch,
            "title": self._title,
            "system": self._system,
            "model": self._model,
            "documents": self._documents,
            "where": self._where,
            "preview": self._preview,
            "attach": self._attach,
            "help": lambda _: self._output.say(HELP),
            "quit": self._quit,
        }

    @property
    def chat(self) -> str | None:
        """The id of the chat in view."""
        return self._chat.id if self._chat is not None else None

    @property
    def prompt(self) -> str:
        """What stands before the next question: the name of the device that would read it, nothing while it stays."""
        placed, _ = self._house.assistant.placed(self._chat or NEW_CHAT, Wish(attachments=tuple(self._files)))
        return f"{visible(placed.devices[0].name)} {PROMPT}" if placed.devices else PROMPT

    def greet(self) -> None:
        self._output.say(f"{self._name_of_model() or 'Freehold'}, on this computer. /help lists what can be typed.")
        if self._chat is not None:
            self._open(self._chat)

    def ask(self, text: str) -> None:
        if self._chat is None:
            self._chat = self._house.conversations.create()
        chat = self._chat.id
        wish = Wish(attachments=tuple(self._files))
        self._files.clear()
        self._show(lambda stop: self._house.assistant.reply(chat, text, stop, wish))

    def _show(self, flow: Callable[[Stop], Iterator[Step]]) -> None:
        """Run a flow of the assistant with a wish to stop of its own."""
        stop = Stop()
        outcome = show_answer(flow(stop), self._output, stop)
        if outcome.error is not None:
            raise Interrupted if stop.is_set() else outcome.error
        if outcome.turn is not None:
            say_provenance(outcome.turn, self._output, self._house.assistant.quoted(outcome.turn))
        if stop.is_set() and not self._lines.is_person:
            raise Interrupted  # nobody is there to go on with the next question
        context = self._house.assistant.measure(self._current().id)
        if context.limit and context.tokens * 2 > context.limit:
            self._output.say(context_line(context), "dim")

    def _new(self, _: str) -> None:
        self._chat = None
        self._output.say("A new chat begins with your next question.")

    def _list(self, wish: str) -> None:
        chats = self._house.conversations.list()[:_LISTED]
        if wish:
            self._open(chats[_choice(wish, len(chats))])
            return
        rows = [(str(n), chat.title or "New chat", moment(chat.updated)) for n, chat in enumerate(chats, 1)]
        if rows:
            self._output.show(table("", "chat", "updated", rows=rows, wide="chat", cuts=True))
        self._output.say("/list NUMBER opens one." if rows else "There are no chats yet.")

    def _open(self, chat: Chat) -> None:
        self._chat = chat
        turns = self._house.conversations.branch(chat.id)
        self._lines.forget()
        self._lines.remember([turn.text for turn in turns if turn.role is Role.USER and "\n" not in turn.text])
        self._output.say(chat.title or "New chat", "bold")
        self._show_last(turns)

    def _show_last(self, turns: list[Turn]) -> None:
        from freehold.terminal.transcript import body

        if len(turns) > 2:
            self._output.say(f"({len(turns) - 2} earlier turns; `freehold chats show` prints them)", "dim")
        for turn in turns[-2:]:
            if turn.role is Role.USER:
                self._output.line(PROMPT + turn.text)
            else:
                self._output.show(body(turn))

    def _retry(self, _: str) -> None:
        last = self._last_turn()
        self._show(lambda stop: self._house.assistant.retry(last.id, stop))

    def _edit(self, text: str) -> None:
        turns = self._house.conversations.branch(self._current().id)
        question = next((turn for turn in reversed(turns) if turn.role is Role.USER), None)
        if question is None:
            raise UsageError("nothing was asked yet")
        if not text and self._lines.is_person:
            text = self._lines.read(PROMPT, before=question.text.replace("\n", " "))
        if not text.strip():
            raise UsageError("write the new question behind /edit")
        self._show(lambda stop: self._house.assistant.edit(question.id, text, stop))

    def _branch(self, wish: str) -> None:
        """List every other version of what is in view, or go to the one with this number."""
        if wish:
            self._house.conversations.show(self._choices[_choice(wish, len(self._choices))])
            self._show_last(self._house.conversations.branch(self._current().id))
            return
        conversations = self._house.conversations
        self._choices, rows = [], []
        for mark in conversations.outline(self._current().id):
            if mark.siblings < 2:
                continue
            versions = conversations.siblings(mark.id)
            for turn in conversations.turns(versions):
                self._choices.append(turn.id)
                speaker = "you" if turn.role is Role.USER else "answer"
                here = "*" if turn.id == mark.id else ""
                rows.append((str(len(self._choices)), here, speaker, visible(turn.text[:200])))
        if rows:
            self._output.show(table("", "", "", "version", rows=rows, wide="version", cuts=True))
        self._output.say("/branch NUMBER goes to that version." if rows else "This chat has one version only.")

    def _title(self, title: str) -> None:
        chat = self._current()
        if title:
            self._house.conversations.rename(chat.id, title)
        self._output.say(self._house.conversations.get(chat.id).title or "New chat")

    def _system(self, prompt: str) -> None:
        chat = self._current()
        if prompt:
            self._house.conversations.change(chat.id, system_prompt=None if prompt == "-" else prompt)
        now = self._house.conversations.get(chat.id).system_prompt
        self._output.say("The general instructions are used." if now is None else f"Instructions: {now}")

    def _model(self, id: str) -> None:
        if id:
            model = self._house.models.find(id)
            self._house.conversations.change(self._current().id, model=model.id)
        self._output.say(self._name_of_model() or "No model is here yet; see `freehold models list`.")

    def _documents(self, wish: str) -> None:
        from freehold.library.errors import LibraryNotFound

        known = {one.name: one.documents for one in self._house.library.collections()}
        if wish:
            names = () if wish in ("all", "none") else tuple(name.strip() for name in wish.split(","))
            for name in names:
                if name not in known:
                    raise LibraryNotFound(name)
            self._house.conversations.change(self._current().id, scope=Scope(wish != "none", names))
        chosen = self._house.conversations.get(self._chat.id).scope if self._chat is not None else NO_DOCUMENTS
        self._output.say(_scope_words(chosen, known))

    def _where(self, wish: str) -> None:
        if wish:
            if wish not in _WHERE:
                raise UsageError("/where takes auto, here or peer")
            self._chat = self._house.conversations.change(self._current().id, where=_WHERE[wish])
        chat = self._chat or NEW_CHAT
        placed, _ = self._house.assistant.placed(chat, Wish(attachments=tuple(self._files)))
        names = " or ".join(visible(one.name) for one in placed.devices)
        goes = f"Your next question goes to {names}." if names else "Your next question stays on this computer."
        self._output.say(f"{chat.where}: {_WHERE_WORDS[chat.where]} {goes} {placed.why}".strip())

    def _preview(self, text: str) -> None:
        if not text.strip():
            raise UsageError("write the question behind /preview")
        stop, wish = Stop(), Wish(attachments=tuple(self._files))
        show_preview(self._house.assistant.preview(self._chat or NEW_CHAT, text, stop, wish), self._output, stop)

    def _attach(self, name: str) -> None:
        if not name:
            raise UsageError("write the file's name behind /attach")
        file = self._house.assistant.attach(from_home(name).absolute(), Stop())
        self._files.append(file)
        self._output.say(f"{file.name} goes with your next question ({count(file.length, 'character')}).")

    def _quit(self, _: str) -> None:
        raise Leave

    def _current(self) -> Chat:
        """The chat itself, begun now if it was not."""
        if self._chat is None:
            self._chat = self._house.conversations.create()
        return self._chat

    def _last_turn(self) -> Turn:
        turns = self._house.conversations.branch(self._current().id)
        if not turns:
            raise UsageError("nothing was asked yet")
        return turns[-1]

    def _name_of_model(self) -> str:
        chosen = self._house.conversations.get(self._chat.id).model if self._chat is not None else ""
        try:
            return (self._house.models.find(chosen) if chosen else self._house.models.in_use()).name
        except FreeholdError:
            return ""

    def transcript(self) -> list[dict[str, object]]:
        from freehold.terminal.transcript import turn_document

        if self._chat is None:
            return []
        return [turn_document(turn) for turn in self._house.conversations.branch(self._chat.id)]


def _scope_words(scope: Scope, known: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} ({count(many, 'document')})" for name, many in known.items())
    there = f"There are: {listed}." if listed else "The library is empty; see `freehold library add`."
    if not scope.reads:
        return f"Answers here are made without documents. {there}"
    return f"Answers here are made from {', '.join(scope.collections) or 'all documents'}. {there}"


def _choice(text: str, most: int) -> int:
    """The place (from 0) that a typed number names. Raises UsageError."""
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise UsageError(f"{text} is not one of the numbers listed")
    return int(text) - 1
