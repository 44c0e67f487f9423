"""`freehold library search` and `library text`: passages found, and the text they point into."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.words import since

if TYPE_CHECKING:
    from freehold.library.library import Library

CollectionName = Annotated[str, typer.Option("--collection", metavar="NAME", help="In this collection only.")]
OnePath = Annotated[str, typer.Argument(metavar="PATH", help="A file that was added, or lies in a folder that was.")]
ManyResults = Annotated[int, typer.Option("--k", metavar="N", min=1, max=200, help="How many passages at most.")]
How = Annotated[
    Literal["hybrid", "words", "meaning"], typer.Option("--mode", help="By words, by meaning, or by both together.")
]

_CITATION = "{document, path, page, start, end, text, score}"
SEARCH_EXAMPLES = (
    'freehold library search "notice period"',
    'freehold library search "how do I get out of the contract" --mode meaning --k 3',
    'freehold library search "rent" --type pdf --since 2024-01-01 --until 2025-01-01',
    "freehold library search --batch questions.jsonl",
)
SEARCH_JSON = f"{{results: [CITATION]}}, best first, CITATION being {_CITATION}"
TEXT_EXAMPLES = ("freehold library text ~/Documents/letter.pdf",)
TEXT_JSON = "{path, pages: [{page, start, end}], text}"


class Wishes(TypedDict):
    """What `search` takes beside its query and collection."""

    k: int
    mode: Literal["hybrid", "words", "meaning"]
    kinds: list[str]
    since: float | None
    until: float | None


def search(  # noqa: PLR0917 - Typer passes them by name
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words, or a question.")] = "",
    collection: CollectionName = "",
    k: ManyResults = 10,
    mode: How = "hybrid",
    batch: Annotated[
        str,
        typer.Option(
            "--batch",
            metavar="FILE",
            help="Lines of {id, query, collection}, - for standard input; prints {id, results}.",
        ),
    ] = "",
    kinds: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="SUFFIX", help="In files of this type only, as pdf; repeat it."),
    ] = None,
    after: Annotated[
        str, typer.Option("--since", metavar="T", help="In files last changed from then on: 7d, or a date.")
    ] = "",
    before: Annotated[str, typer.Option("--until", metavar="T", help="In files last changed before then.")] = "",
) -> None:
    """Find passages in your documents, without a model that answers."""
    from freehold.terminal.library_words import passages_text

    call = call_of(context)
    if bool(batch) == bool(query.strip()):
        raise UsageError("search takes a query, or a file with --batch")
    now = time.time()
    wishes: Wishes = {
        "k": k, "mode": mode, "kinds": [_suffix(kind) for kind in kinds or ()],
        "since": since(after, now) if after else None, "until": since(before, now) if before else None,
    }  # fmt: skip
    if batch:
        _search_all(call, batch, collection, wishes)
        return
    library = call.opened().library
    check_collections(library, collection)
    found = library.search(query, collections=[collection] if collection else None, wait=True, **wishes)
    call.output.result(
        {"results": [one.to_json() for one in found.passages]},
        (lambda: passages_text(found.passages)) if found.passages else "Nothing was found.",
    )
    if found.mode != mode:
        say_words_only(call)


def text(context: typer.Context, path: OnePath) -> None:
    """Print the text that was read from a document.

    What search results' start and end point into, counted in characters (Unicode code points).
    """
    call = call_of(context)
    found = call.opened().library.text(place_of(call, path))
    pages = [{"page": number, "start": start, "end": end} for number, start, end in found.pages]
    call.output.result({"path": found.path, "pages": pages, "text": found.text}, found.text)


def place_of(call: Call, name: str) -> Path:
    """The path as the library keeps it: whole, with links left as they are."""
    return Path(os.path.abspath(call.path(name)))  # noqa: PTH100 - resolve() would follow links


def check_collections(library: Library, *names: str) -> None:
    """Raises LibraryNotFound for a name that no collection has; an empty one means all of them."""
    from freehold.library.errors import LibraryNotFound

    wanted = {name for name in names if name}
    if wanted and (missing := wanted - {one.name for one in library.collections()}):
        raise LibraryNotFound(min(missing))


def say_words_only(call: Call) -> None:
    from freehold.library.errors import EmbedderMissing

    call.output.say(f"{EmbedderMissing.title}. {EmbedderMissing.advice}")


def _search_all(call: Call, batch: str, collection: str, wishes: Wishes) -> None:
    from freehold.terminal.library_words import questions

    source = call.input() if batch == "-" else _read(call, batch)
    asked = questions(source, collection)
    library = call.opened().library
    check_collections(library, *{one.collection for one in asked})
    with stops_on_interrupt(call.stop):
        for number, one in enumerate(asked, 1):
            wanted = [one.collection] if one.collection else None
            found = library.search(one.query, collections=wanted, wait=True, **wishes)
            results = [passage.to_json() for passage in found.passages]
            call.output.document_line({"id": one.id, "results": results}, is_last=number == len(asked))
            if call.stop.is_set():
                raise KeyboardInterrupt


def _suffix(kind: str) -> str:
    """`pdf`, `.PDF` and `*.pdf` mean the same."""
    return "." + kind.lower().lstrip("*.")


def _read(call: Call, name: str) -> str:
    try:
        return call.path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read") from error
