"""`freehold library embedder`: the model that finds by meaning, and others to take its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import INTERRUPTED, OK
from freehold.terminal.indexing import read_all
from freehold.terminal.models import follow
from freehold.terminal.page import Page
from freehold.terminal.words import size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.library.embed.models import Listed

EmbedderId = Annotated[str, typer.Argument(metavar="ID", help="The model's id, or a unique beginning of it.")]

_MODEL = """\
{id, name, kind: "embedder"|"reranker", bytes, licence, languages, state: "here"|"available"|"partial", in_use}"""
_TOLD = ("id", "name", "kind", "bytes", "licence", "languages", "state")
_CHANGE = "{id, passages, of}"

page = Page(
    "embedder",
    "Choose the model that finds by meaning.",
    ("freehold library embedder list", "freehold library embedder get multilingual-e5-small"),
)


@page.command("list", ("freehold library embedder list",), f"{{models: [{_MODEL}], coming: {_CHANGE} or null}}")
def list_embedders(context: typer.Context) -> None:
    """List the models that find by meaning: those that are here, and those that can be downloaded."""
    call = call_of(context)
    house = call.opened()
    found, in_use = house.embedder_models.list(), {house.library.embedder, house.library.reranker}
    rows = [_document(one, in_use) for one in found]
    call.output.result({"models": rows, "coming": _coming(call)}, lambda: _table(found, in_use))
    if coming := house.library.coming_embedder:
        call.output.say(
            f"{coming[0]} has read {coming[1]:,} of {coming[2]:,} passages and then takes over from "
            f"{house.library.embedder or 'words alone'}."
        )


@page.command("get", ("freehold library embedder get multilingual-e5-small",), _MODEL)
def get(context: typer.Context, id: EmbedderId) -> None:
    """Download a model: its settings and its weights, never code.

    It can be interrupted: the next try goes on where this one stopped.
    """
    call = call_of(context)
    house = call.opened()
    model = follow(call, house.embedder_models.get(house.embedder_models.find(id).id, call.stop))
    words = f"{model.name} is here ({size(model.bytes)}). `freehold library embedder use {model.id}` lets it find."
    call.output.result(_document(model, {house.library.embedder}), words)


@page.command("use", ("freehold library embedder use multilingual-e5-small --wait",), f"{_CHANGE}, the last line")
def use(
    context: typer.Context,
    id: EmbedderId,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it has read everything.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Switch a model that puts results in order off.")] = False,
) -> int:
    """Let another model find by meaning, or put results in order.

    One that finds reads every passage first, in the background; the old one serves until then. Naming the one that
    serves takes a change back. One that puts the best results in order does so from now on.
    """
    call = call_of(context)
    house = call.opened()
    model = house.embedder_models.find(id)
    if model.state != "here":
        raise UsageError(f"{model.name} is not here yet: freehold library embedder get {model.id}")
    if model.kind == "reranker":
        house.library.use_reranker("" if off else model.id)
        words = "Results keep their order." if off else f"{model.name} puts the best results in order from now on."
        call.output.result({"id": "" if off else model.id}, words)
        return OK
    if off:
        raise UsageError(f"{model.name} finds by meaning: name another one to take its place")
    house.library.use_embedder(model.id)
    if wait:
        read_all(call, house.library)
    elif call.is_served:
        house.library.attend()
    coming = house.library.coming_embedder
    document = {"id": model.id, "passages": coming[1], "of": coming[2]} if coming else {"id": model.id}
    if call.output.json:
        call.output.document_line(document, is_last=True)
    elif coming is None:
        call.output.line(f"{model.name} finds by meaning from now on.")
    else:
        call.output.line(
            f"{model.name} takes over when it has read {coming[2]:,} passages; until then nothing changes."
        )
        if not call.is_served:
            call.output.say("It reads while a window or a chat is open, or with --wait.")
    return INTERRUPTED if call.stop.is_set() else OK


@page.command("import", ("freehold library embedder import ~/models/my-embedder",), _MODEL)
def import_folder(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="What sentence-transformers saved.")],
) -> None:
    """Copy a model of your own from a folder.

    Weights have to be safetensors; a folder with code of its own is refused.
    """
    call = call_of(context)
    house = call.household()
    model = house.embedder_models.import_folder(call.path(folder))
    call.output.result(_document(model, set()), f"{model.name} is here; `freehold library embedder use {model.id}`.")


@page.command("remove", ("freehold library embedder remove multilingual-e5-small",), "{removed, bytes}")
def remove(context: typer.Context, id: EmbedderId) -> None:
    """Delete a model that was downloaded or imported; not the one that serves."""
    call = call_of(context)
    house = call.opened()
    model = house.embedder_models.find(id)
    coming = house.library.coming_embedder
    if model.id in {house.library.embedder, house.library.reranker, coming[0] if coming else ""}:
        raise UsageError(f"{model.name} is in use: switch it off first, or let another one take its place")
    house.embedder_models.remove(model.id)
    call.output.result({"removed": model.id, "bytes": model.bytes}, f"{model.name} is gone.")


def _document(model: Listed, in_use: set[str]) -> dict[str, Any]:
    return {name: getattr(model, name) for name in _TOLD} | {"in_use": model.id in in_use}


def _coming(call: Call) -> dict[str, Any] | None:
    coming = call.opened().library.coming_embedder
    return {"id": coming[0], "passages": coming[1], "of": coming[2]} if coming else None


def _table(models: list[Listed], in_use: set[str]) -> RenderableType:
    from freehold.terminal.tables import table

    rows = [
        (
            "*" if one.id in in_use else "", one.id, size(one.bytes),
            {"here": "here", "partial": "begun"}.get(one.state, ""),
            "puts in order" if one.kind == "reranker" else "finds", one.languages,
        )
        for one in models
    ]  # fmt: skip
    return table("", "id", "size", "state", "does", "languages", rows=rows, wide="id", cuts=True)
