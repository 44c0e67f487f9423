"""`freehold ask`: one question, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from freehold.chats.values import NEW_CHAT, NO_DOCUMENTS, Scope
from freehold.foundation.errors import Interrupted, ModelMissing, UsageError
from freehold.library.errors import LibraryNotFound
from freehold.terminal.answering import Outcome, answer_document, say_provenance, show_answer
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import FAILED, INTERRUPTED, OK
from freehold.terminal.preview import show_preview

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.assistant.values import Reference

Collections = Annotated[
    list[str] | None,
    typer.Option("--collection", metavar="NAME", help="Answer from this collection of documents; may be repeated."),
]


def ask(  # noqa: PLR0917 - Typer passes them by name
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to ask; - reads it from standard input.")],
    chat: Annotated[str, typer.Option(metavar="ID", help="Go on with this chat; otherwise a new one begins.")] = "",
    model: Annotated[str, typer.Option(metavar="ID", help="Let this model answer, this once.")] = "",
    collection: Collections = None,
    no_documents: Annotated[bool, typer.Option("--no-documents", help="Do not look into documents.")] = False,
    attach: Annotated[
        list[str] | None,
        typer.Option("--attach", metavar="FILE", help="Answer from this file too, without keeping it in the library."),
    ] = None,
    where: Annotated[
        Literal["auto", "here", "peer"] | None,
        typer.Option(help="Where the answer may be made: here, by a paired device, or as the rule decides (auto)."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show who would answer, and every word that device would read.")
    ] = False,
    max_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="Longest answer, in tokens.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, metavar="T", help="0 answers the same way each time.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="Makes chance repeatable.")] = None,
) -> int:
    """Ask one question and print the answer.

    The answer is made on this computer, by the model in use or by the starter, or by a paired device of yours where you
    allow that (`freehold peers offload`). It is made from your documents where there are any: all of them unless you
    name collections. When they do not hold it, it says so, and no model is asked. Question and answer are kept in a
    chat; Ctrl-C stops the answer and keeps what was said.
    """
    from freehold.assistant.reply import Wish

    call = call_of(context)
    text = _question(call, question)
    household = call.opened()
    if model and household.models.find(model).state != "here":
        raise ModelMissing(model)
    household.assistant.check_where(where or "auto")
    wishes = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
    scope = NO_DOCUMENTS if no_documents else _scope(household, collection or ())
    files = tuple(household.assistant.attach(call.path(name), call.stop) for name in attach or ())
    wish = Wish(model, {name: value for name, value in wishes.items() if value is not None}, scope, files, where)
    conversations = household.conversations
    if preview:
        begun = conversations.find(chat) if chat else NEW_CHAT
        return show_preview(household.assistant.preview(begun, text, call.stop, wish), call.output, call.stop)
    id = conversations.find(chat).id if chat else conversations.create().id
    return _report(call, show_answer(household.assistant.reply(id, text, call.stop, wish), call.output, call.stop))


def _scope(household: Household, collections: Sequence[str]) -> Scope:
    """The collections that were named, or all. Raises LibraryNotFound."""
    known = {one.name for one in household.library.collections()} if collections else set()
    for name in collections:
        if name not in known:
            raise LibraryNotFound(name)
    return Scope(True, tuple(collections))


def _question(call: Call, question: str) -> str:
    text = call.input() if question == "-" else question
    if not text.strip():
        raise UsageError("the question is empty")
    # A terminal in another encoding hands over bytes that are no text; the vault keeps text.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _report(call: Call, outcome: Outcome) -> int:
    references = _references(call, outcome)
    document = answer_document(outcome.turn, references) if outcome.turn is not None else None
    if outcome.error is not None:
        was_wished = call.stop.is_set()  # a stop while the model loads ends the answer before it has a word
        call.output.fail(Interrupted() if was_wished else outcome.error, document)
        return INTERRUPTED if was_wished else FAILED
    assert document is not None and outcome.turn is not None, "a reply that was not answered and did not fail"
    if call.output.json:
        call.output.document(document)
    else:
        say_provenance(outcome.turn, call.output, references)
        if document["grounded"] is False:
            call.output.say("With --no-documents the model answers by itself.", "dim")
    return INTERRUPTED if call.stop.is_set() else OK


def _references(call: Call, outcome: Outcome) -> tuple[Reference, ...]:
    if outcome.turn is None or outcome.turn.provenance is None or not outcome.turn.provenance.sources:
        return ()
    return call.opened().assistant.quoted(outcome.turn)


JSON = """\
{chat, turn, answer, grounded, ending: "complete"|"stopped"|"length"|"broken", citations, nearest, provenance: {where,
model, model_sha256, sampler, seed, context: {tokens, limit, dropped_turns, passages}, notes, data_class, jobs}, timing:
{first_token_s, tokens, tokens_per_s}}; an answer that broke has its error beside it. With --preview: {where, why,
data_class: "words"|"documents", messages: [{role, text}], tokens, bytes}"""

EXAMPLES = (
    'freehold ask "What is a heat pump?"',
    'freehold ask "And how loud is one?" --chat 0193f2ab',
    'freehold ask "When does the lease end?" --collection letters',
    'freehold ask "What is this about?" --attach report.pdf',
    "git diff | freehold ask - --max-tokens 200",
    'freehold ask "Say yes or no" --temperature 0 --json',
    'freehold ask "Explain this clause" --where peer --preview',
)
