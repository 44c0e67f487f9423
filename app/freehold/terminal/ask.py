"""`freehold ask`: one question, one answer."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from freehold.foundation.errors import Interrupted, ModelMissing, NotFound, OffloadOff, UsageError
from freehold.terminal.answering import Outcome, answer_document, say_provenance, show_answer
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import FAILED, INTERRUPTED, OK

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
    where: Annotated[Literal["auto", "here", "peer"], typer.Option(help="Where the answer may be made.")] = "auto",
    max_tokens: Annotated[int | None, typer.Option(min=1, metavar="N", help="Longest answer, in tokens.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, metavar="T", help="0 answers the same way each time.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="Makes chance repeatable.")] = None,
) -> int:
    """Ask one question and print the answer.

    The answer is made on this computer, by the model in use or by the starter. Question and answer are kept in a
    chat; Ctrl-C stops the answer and keeps what was said.
    """
    from freehold.assistant.reply import Wish

    call = call_of(context)
    text = _question(call, question)
    if where == "peer":
        raise OffloadOff
    if collection and not no_documents:
        raise NotFound(f"no collection is called {collection[0]}", advice="There are no document collections yet.")
    household = call.opened()
    if model and household.models.find(model).state != "here":
        raise ModelMissing(model)
    wishes = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
    wish = Wish(model, {name: value for name, value in wishes.items() if value is not None})
    conversations = household.conversations
    id = conversations.find(chat).id if chat else conversations.create().id
    return _report(call, show_answer(household.assistant.reply(id, text, call.stop, wish), call.output, call.stop))


def _question(call: Call, question: str) -> str:
    text = call.input() if question == "-" else question
    if not text.strip():
        raise UsageError("the question is empty")
    # A terminal in another encoding hands over bytes that are no text; the vault keeps text.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _report(call: Call, outcome: Outcome) -> int:
    document = answer_document(outcome.turn) if outcome.turn is not None else None
    if outcome.error is not None:
        was_wished = call.stop.is_set()  # a stop while the model loads ends the answer before it has a word
        call.output.fail(Interrupted() if was_wished else outcome.error, document)
        return INTERRUPTED if was_wished else FAILED
    assert document is not None and outcome.turn is not None, "a reply that was not answered and did not fail"
    if call.output.json:
        call.output.document(document)
    else:
        say_provenance(outcome.turn, call.output)
    return INTERRUPTED if call.stop.is_set() else OK


JSON = """\
{chat, turn, answer, grounded, ending: "complete"|"stopped"|"length"|"broken", citations, nearest, provenance: {where,
model, model_sha256, sampler, seed, context: {tokens, limit, dropped_turns, passages}, notes}, timing: {first_token_s,
tokens, tokens_per_s}}; an answer that broke has its error beside it"""

EXAMPLES = (
    'freehold ask "What is a heat pump?"',
    'freehold ask "And how loud is one?" --chat 0193f2ab',
    "git diff | freehold ask - --max-tokens 200",
    'freehold ask "Say yes or no" --temperature 0 --json',
)
