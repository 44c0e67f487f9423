"""`freehold library`: documents added, followed, searched, read back and forgotten."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import INTERRUPTED, OK
from freehold.terminal.indexing import Tally, read_all, read_words, show_files
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.words import count, since

if TYPE_CHECKING:
    from freehold.library.library import Checked, Library

CollectionName = Annotated[str, typer.Option("--collection", metavar="NAME", help="In this collection only.")]
OnePath = Annotated[str, typer.Argument(metavar="PATH", help="A file that was added, or lies in a folder that was.")]
ManyResults = Annotated[int, typer.Option("--k", metavar="N", min=1, max=200, help="How many passages at most.")]
How = Annotated[
    Literal["hybrid", "words", "meaning"], typer.Option("--mode", help="By words, by meaning, or by both together.")
]


class Wishes(TypedDict):
    """What `search` takes beside its query and collection."""

    k: int
    mode: Literal["hybrid", "words", "meaning"]
    kinds: list[str]
    since: float | None
    until: float | None


_CHECKED = "{questions, words, meaning, hybrid, embedder}"
_CITATION = "{document, path, page, start, end, text, score}"
_ADDED = """\
lines of {done, total, path, state}, then {files: {indexed, empty, failed, unsupported}, chunks, seconds, waiting}"""
_DOCUMENT = """\
{path, collection, state: "waiting"|"words"|"indexed"|"empty"|"failed"|"unsupported", reason, pages, chunks}"""

page = Page(
    "library",
    "Add documents, and find what they say.",
    ("freehold library add ~/Documents --watch --wait", 'freehold library search "notice period"'),
)


@page.command("add", ("freehold library add ~/Documents --wait", "freehold library add letters --watch"), _ADDED)
def add(  # noqa: PLR0917 - Typer passes them by name
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders.")],
    collection: Annotated[
        str, typer.Option("--collection", metavar="NAME", help="Put them in this collection.")
    ] = "documents",
    watch: Annotated[
        bool, typer.Option("--watch", help="Remember the folders and follow what changes in them.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until everything is found by its meaning too.")] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Leave such names out, as *.log; repeat it."),
    ] = None,
) -> int:
    """Add files and folders.

    Words are found when this returns; meaning with --wait, or as soon as a window or a chat is open. One that is open
    already does the reading, and this returns at once. The same path again reads only what changed. Ctrl-C keeps what
    was done, and the next time goes on from there.
    """
    call = call_of(context)
    library = call.opened().library
    places = [_place(call, path) for path in paths]
    tally = Tally(library, places, collection)
    library.recover()
    library.add(places, collection=collection, watch=watch, excluded=exclude or ())
    if wait:
        read_all(call, library)
    elif call.is_served:
        library.attend()
    else:
        read_words(call, library)
    _tell_added(call, library, tally)
    if watch and not call.is_served:
        call.output.say("Changes are followed while a window, a chat or `freehold library watch` is open.")
    return INTERRUPTED if call.stop.is_set() else OK


@page.command("status", ("freehold library status", "freehold library status --json"), f"{{documents: [{_DOCUMENT}]}}")
def status(context: typer.Context, collection: CollectionName = "") -> None:
    """List the documents: how far each has come, and why where one was not read."""
    from freehold.terminal.library_words import documents_table

    call = call_of(context)
    library = call.opened().library
    _check_collections(library, collection)
    found = library.status(collection or None)
    call.output.result(
        {"documents": [one.to_json() for one in found]},
        (lambda: documents_table(found)) if found else "Nothing was added yet. `freehold library add PATH` does.",
    )
    if library.is_paused:
        call.output.say("Paused; `freehold library resume` goes on.")


@page.command(
    "collections",
    ("freehold library collections",),
    "{collections: [{name, documents, sources: [{path, watched, excluded}]}]}",
)
def collections(context: typer.Context) -> None:
    """List the collections, and the files and folders they are made of."""
    from freehold.terminal.library_words import collections_table

    call = call_of(context)
    found = call.opened().library.collections()
    rows = [
        {
            "name": one.name,
            "documents": one.documents,
            "sources": [{"path": s.path, "watched": s.watched, "excluded": list(s.excluded)} for s in one.sources],
        }
        for one in found
    ]
    call.output.result(
        {"collections": rows}, (lambda: collections_table(found)) if found else "There are no collections yet."
    )


@page.command("forget", ("freehold library forget ~/Documents/letter.pdf",), "{path, forgotten}")
def forget(context: typer.Context, path: OnePath) -> None:
    """Remove a file, or all that lies in a folder, from the library for good.

    Its text, its vectors and its name are erased from the vault. The files themselves stay where they are.
    """
    call = call_of(context)
    place = _place(call, path)
    gone = call.opened().library.forget(place)
    call.output.result(
        {"path": str(place), "forgotten": gone}, f"{count(gone, 'document')} forgotten. The files themselves stay."
    )


@page.command(
    "retry",
    ("freehold library retry ~/Documents/contract.pdf --password", "freehold library retry ~/Documents"),
    _ADDED,
)
def retry(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file or a folder of the library.")],
    has_password: Annotated[
        bool,
        typer.Option("--password", help="Ask for the file's password; a script gives it on standard input."),
    ] = False,
) -> int:
    """Read a file again, or all in a folder that something was said of in `status`.

    After installing what reads pictures or old files, or to give a password. That is used once and kept nowhere: when
    the file changes, it is asked for again.
    """
    call = call_of(context)
    typed = "" if call.secrets.can_ask or not has_password else call.input()
    library = call.opened().library
    place = _place(call, path)
    password = (typed.partition("\n")[0].rstrip("\r") or _ask_password(call)) if has_password else None
    tally = Tally(library, [place])
    library.retry(place, password)
    if call.is_served:
        library.attend()
    else:
        read_words(call, library)
    _tell_added(call, library, tally)
    for one in tally.documents():
        if one.path == str(place) and one.reason:
            call.output.say(one.reason)
    return INTERRUPTED if call.stop.is_set() else OK


@page.command("pause", ("freehold library pause",), "{paused}")
def pause(context: typer.Context) -> None:
    """Stop reading after the file in hand, until `resume`."""
    call = call_of(context)
    call.opened().library.pause()
    call.output.result({"paused": True}, "Paused, over restarts too. What was read is found as before.")


@page.command("resume", ("freehold library resume",), "{paused}")
def resume(context: typer.Context) -> None:
    """Go on reading."""
    call = call_of(context)
    library = call.opened().library
    library.resume()
    if call.is_served:
        library.attend()
    words = "Going on." if call.is_served else "Not paused any more; a window, a chat or `library watch` goes on."
    call.output.result({"paused": False}, words)


@page.command(
    "check", ("freehold library check",), f"{_CHECKED[:-1]}, advice, before: {_CHECKED} or null}}, shares of 1"
)
def check(context: typer.Context) -> None:
    """See whether searching finds your own passages again.

    Takes words out of some of them, searches for these, and counts how often the passage is among the first five. Worth
    doing before and after another embedding model: it remembers the last result and compares.
    """
    call = call_of(context)
    library = call.opened().library
    steps = library.check()
    with stops_on_interrupt(call.stop), call.output.progress() as progress:
        while True:
            try:
                progress.update("Asking your documents", next(steps))
            except StopIteration as end:
                found = end.value
                break
            if call.stop.is_set():
                raise KeyboardInterrupt
    document = _shares(found) | {"advice": found.advice, "before": _shares(found.before) if found.before else None}
    words = [f"Of {count(found.questions, 'passage')}, among the first five results: {_told(found)}."]
    if found.before:
        words.append(f"The last time, of {found.before.questions}: {_told(found.before)}.")
    call.output.result(document, "\n".join([*(words if found.questions else []), found.advice]))


def _shares(found: Checked) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("questions", "words", "meaning", "hybrid", "embedder")}


def _told(found: Checked) -> str:
    meaning = "" if found.meaning is None else f", by meaning {found.meaning:.0%} ({found.embedder})"
    return f"by words {found.words:.0%}{meaning}, together {found.hybrid:.0%}"


@page.command("rescan", ("freehold library rescan", "freehold library rescan --full"), _ADDED)
def rescan(
    context: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Compare every file by its content, whatever its size and time say.")
    ] = False,
) -> int:
    """Look at all files and folders again, and read what changed.

    Sizes, times and inodes decide, so that nothing unchanged is opened; with --full every file is hashed.
    """
    call = call_of(context)
    library = call.opened().library
    tally = Tally(library, [Path(source.path) for source in library.sources()])
    library.recover()
    library.rescan(full=full)
    read_all(call, library)
    _tell_added(call, library, tally)
    return INTERRUPTED if call.stop.is_set() else OK


@page.command("unwatch", ("freehold library unwatch ~/Documents",), "{path, watched}")
def unwatch(context: typer.Context, path: OnePath) -> None:
    """Follow a folder no longer. What was read of it stays."""
    call = call_of(context)
    place = _place(call, path)
    call.opened().library.unwatch(place)
    call.output.result({"path": str(place), "watched": False}, "Changes there are no longer followed.")


@page.command("watch", ("freehold library watch",), _ADDED)
def watch(context: typer.Context) -> int:
    """Follow the watched folders until Ctrl-C, and serve other commands meanwhile.

    Needed only where neither a window nor a chat is open: those follow them too.
    """
    from freehold.terminal.served import served_commands

    call = call_of(context)
    household = call.opened()
    library = household.library
    places = [Path(source.path) for source in library.sources() if source.watched]
    tally = Tally(library, places)
    if call.is_served:
        library.attend()
        call.output.say("The Freehold that is open follows these folders already.")
    elif not places:
        call.output.say("Nothing is watched. `freehold library add PATH --watch` adds a folder.")
    else:
        household.holder.serve(served_commands(household))
        call.output.say(f"Following {count(len(places), 'place')}. Ctrl-C ends it.")
        library.recover()
        show_files(call, library.watch(call.stop), library.counts())
    _tell_added(call, library, tally)
    return INTERRUPTED if call.stop.is_set() else OK


@page.command(
    "search",
    (
        'freehold library search "notice period"',
        'freehold library search "how do I get out of the contract" --mode meaning --k 3',
        'freehold library search "rent" --type pdf --since 2024-01-01 --until 2025-01-01',
        "freehold library search --batch questions.jsonl",
    ),
    f"{{results: [CITATION]}}, best first, CITATION being {_CITATION}",
)
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
    _check_collections(library, collection)
    found = library.search(query, collections=[collection] if collection else None, wait=True, **wishes)
    call.output.result(
        {"results": [one.to_json() for one in found.passages]},
        (lambda: passages_text(found.passages)) if found.passages else "Nothing was found.",
    )
    if found.mode != mode:
        _say_words_only(call)


@page.command("text", ("freehold library text ~/Documents/letter.pdf",), "{path, pages: [{page, start, end}], text}")
def text(context: typer.Context, path: OnePath) -> None:
    """Print the text that was read from a document.

    What search results' start and end point into, counted in characters (Unicode code points).
    """
    call = call_of(context)
    found = call.opened().library.text(_place(call, path))
    pages = [{"page": number, "start": start, "end": end} for number, start, end in found.pages]
    call.output.result({"path": found.path, "pages": pages, "text": found.text}, found.text)


def _ask_password(call: Call) -> str:
    from freehold.terminal.passphrases import DOCUMENT_PASSWORD

    given = call.secrets.given(DOCUMENT_PASSWORD)
    if given is None and not call.secrets.can_ask:
        raise UsageError("standard input holds no password")
    return given or call.secrets.ask(DOCUMENT_PASSWORD, "The file's password:")


def _search_all(call: Call, batch: str, collection: str, wishes: Wishes) -> None:
    from freehold.terminal.library_words import questions

    source = call.input() if batch == "-" else _read(call, batch)
    asked = questions(source, collection)
    library = call.opened().library
    _check_collections(library, *{one.collection for one in asked})
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


def _place(call: Call, name: str) -> Path:
    """The path as the library keeps it: whole, with links left as they are."""
    return Path(os.path.abspath(call.path(name)))  # noqa: PTH100 - resolve() would follow links


def _check_collections(library: Library, *names: str) -> None:
    """Raises LibraryNotFound for a name that no collection has; an empty one means all of them."""
    from freehold.library.errors import LibraryNotFound

    wanted = {name for name in names if name}
    if wanted and (missing := wanted - {one.name for one in library.collections()}):
        raise LibraryNotFound(min(missing))


def _tell_added(call: Call, library: Library, tally: Tally) -> None:
    document = tally.document()
    if call.output.json:
        call.output.document_line(document, is_last=True)
    else:
        call.output.line(tally.words())
    if not document["waiting"]:
        return
    if library.is_paused:
        call.output.say("The library is paused; `freehold library resume` goes on.")
    elif not library.finds_meaning:
        _say_words_only(call)
    elif call.is_served:
        call.output.say("The Freehold that is open goes on reading.")
    else:
        call.output.say("The rest is done while a window or a chat is open, or by `freehold library add PATH --wait`.")


def _say_words_only(call: Call) -> None:
    from freehold.library.errors import EmbedderMissing

    call.output.say(f"{EmbedderMissing.title}. {EmbedderMissing.advice}")
