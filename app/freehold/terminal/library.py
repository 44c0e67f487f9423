"""`freehold library`: documents added, followed, checked and forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import INTERRUPTED, OK
from freehold.terminal.indexing import Tally, read_all, read_words, show_files
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.searching import CollectionName, OnePath, check_collections, place_of, say_words_only
from freehold.terminal.words import count

if TYPE_CHECKING:
    from freehold.library.library import Checked, Library

_CHECKED = "{questions, words, meaning, hybrid, embedder}"
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
    places = [place_of(call, path) for path in paths]
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
    check_collections(library, collection)
    found = library.status(collection or None)
    call.output.result(
        {"documents": [one.to_json() for one in found]},
        (lambda: documents_table(found)) if found else "Nothing was added yet. `freehold library add PATH` does.",
    )
    if library.is_paused:
        call.output.say("Paused; `freehold library resume` goes on.")
    if library.refuses_by_words:
        model = library.embedder
        call.output.say(
            f"Whether documents hold an answer is decided by words alone: {model} is not calibrated for it."
        )


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
    place = place_of(call, path)
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
    place = place_of(call, path)
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
    place = place_of(call, path)
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


def _ask_password(call: Call) -> str:
    from freehold.terminal.passphrases import DOCUMENT_PASSWORD

    given = call.secrets.given(DOCUMENT_PASSWORD)
    if given is None and not call.secrets.can_ask:
        raise UsageError("standard input holds no password")
    return given or call.secrets.ask(DOCUMENT_PASSWORD, "The file's password:")


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
        say_words_only(call)
    elif call.is_served:
        call.output.say("The Freehold that is open goes on reading.")
    else:
        call.output.say("The rest is done while a window or a chat is open, or by `freehold library add PATH --wait`.")
