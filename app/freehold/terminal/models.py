"""`freehold models`: which model answers, and which are here."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from freehold.foundation.errors import FreeholdError, Interrupted
from freehold.terminal.call import Call, call_of
from freehold.terminal.digest import sha256_of
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.words import count, size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.engine.values import Model
    from freehold.network.values import Progress

Fetched = TypeVar("Fetched")
ModelId = Annotated[str, typer.Argument(metavar="ID", help="The model's id or name, or a unique beginning of it.")]
ModelFile = Annotated[str, typer.Argument(metavar="FILE", help="A GGUF file.")]

_MODEL = """\
{id, name, bytes, quantisation, context, licence, sha256, state: "here"|"available"|"partial", fit: "fits"|"slow"|"no",
in_use}"""
_FACTS = "{architecture, layers, context, quantisation, parameters, licence, template, sha256}"
_TOLD = ("id", "name", "bytes", "quantisation", "context", "licence", "sha256", "state", "fit")
_FIT = {"fits": "fits this machine", "slow": "slow here", "no": "will not fit"}

page = Page(
    "models",
    "List, download, choose and remove models.",
    ("freehold models list", "freehold models get qwen3-4b", "freehold models use qwen3-4b"),
)


@page.command("list", ("freehold models list", "freehold models list --json"), f"{{models: [{_MODEL}]}}")
def list_models(context: typer.Context) -> None:
    """List models, and whether they fit here.

    Those that are on this machine and those that can be downloaded. Works while the vault is locked, and asks nobody.
    """
    call = call_of(context)
    models = call.glance().models
    found = models.list()
    in_use = _id_in_use(call)
    call.output.result({"models": [_document(model, in_use) for model in found]}, lambda: _list(found, in_use))


@page.command("get", ("freehold models get qwen3-4b",), _MODEL)
def get(context: typer.Context, id: ModelId) -> None:
    """Download a model.

    It can be interrupted: the next try goes on where this one stopped.
    """
    call = call_of(context)
    models = call.opened().models
    wanted = models.find(id).id
    try:
        model = follow(call, models.get(wanted, call.stop))
    except Interrupted:
        models.pause(wanted)
        raise
    call.output.result(_document(model, _id_in_use(call)), f"{model.name} is here ({size(model.bytes)}).")


@page.command("use", ("freehold models use qwen3-4b",), _MODEL)
def use(context: typer.Context, id: ModelId) -> None:
    """Let a model answer from now on."""
    call = call_of(context)
    models = call.household().models
    model = models.find(id)
    models.use(model.id)
    call.output.result(_document(models.find(model.id), _id_in_use(call)), f"{model.name} answers from now on.")


@page.command("import", ("freehold models import ~/Downloads/model.gguf",), _MODEL)
def import_file(context: typer.Context, file: ModelFile) -> None:
    """Add a GGUF file of your own.

    It is checked first; a broken one is refused with the reason.
    """
    call = call_of(context)
    models = call.household().models
    model = follow(call, models.import_file(call.path(file)))
    call.output.result(_document(model, _id_in_use(call)), f"{model.name} is here; `freehold models use {model.id}`.")


@page.command("inspect", ("freehold models inspect ~/Downloads/model.gguf",), _FACTS)
def inspect(context: typer.Context, file: ModelFile) -> None:
    """Look into a GGUF file without loading it."""
    call = call_of(context)
    document = inspected(call, file)
    call.output.result(document, lambda: _facts(document))


@page.command("remove", ("freehold models remove qwen3-4b",), "{removed, bytes}")
def remove(context: typer.Context, id: ModelId) -> None:
    """Delete a model from Freehold's folder.

    Files that other programs own stay where they are.
    """
    call = call_of(context)
    models = call.household().models
    model = models.find(id)
    models.remove(model.id)
    call.output.result({"removed": model.id, "bytes": model.bytes}, f"{model.name} is gone; {size(model.bytes)} freed.")


def follow(call: Call, steps: Generator[Progress, None, Fetched]) -> Fetched:
    """Show the progress of `steps` to its end. Raises Interrupted when Ctrl-C ended it."""
    with stops_on_interrupt(call.stop), call.output.progress() as progress:
        try:
            while True:
                step = next(steps)
                progress.update(step.words, step.done, step.total)
                if call.stop.is_set():
                    steps.close()
                    raise Interrupted
        except StopIteration as end:
            fetched: Fetched = end.value
            return fetched
        except FreeholdError as error:
            if call.stop.is_set():
                raise Interrupted from error
            raise


def _id_in_use(call: Call) -> str:
    """The id of the model that would answer now; empty where there is none."""
    try:
        return call.glance().models.in_use().id
    except FreeholdError:
        return ""


def _document(model: Model, in_use: str) -> dict[str, Any]:
    return {name: getattr(model, name) for name in _TOLD} | {"in_use": model.id == in_use}


def _list(models: list[Model], in_use: str) -> RenderableType:
    rows = [
        (
            "*" if model.id == in_use else "",
            model.id,
            size(model.bytes),
            {"here": "here", "partial": "begun"}.get(model.state, ""),
            _FIT[model.fit],
        )
        for model in models
    ]
    from freehold.terminal.tables import table

    return table("", "id", "size", "state", "fit", rows=rows, wide="id", cuts=True)


def inspected(call: Call, file: str) -> dict[str, Any]:
    """The result of `models inspect --json`. Raises ModelMalformed."""
    path = call.path(file)
    facts = call.glance().models.inspect(path)
    with call.output.progress() as progress:
        digest = sha256_of(path, progress)
    return {
        "architecture": facts.architecture,
        "layers": facts.layers,
        "context": facts.context,
        "quantisation": facts.quantisation,
        "parameters": facts.parameters,
        "licence": facts.licence,
        "template": facts.template,
        "sha256": digest,
    }


def _facts(document: dict[str, Any]) -> RenderableType:
    words = {
        "architecture": document["architecture"],
        "layers": str(document["layers"]),
        "context": count(document["context"], "token"),
        "quantisation": document["quantisation"],
        "parameters": f"{document['parameters']:,}",
        "licence": document["licence"] or "not said",
        "template": "its own" if document["template"] else "none; Freehold's is used",
        "sha256": document["sha256"],
    }
    from freehold.terminal.tables import table

    return table("fact", "value", rows=list(words.items()), wide="value")
