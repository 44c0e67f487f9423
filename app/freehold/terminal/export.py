"""`freehold vault export` and `import`: everything in a folder that any program can read, and back from it."""

from __future__ import annotations

from typing import Annotated

import typer

from freehold.terminal.backup import news, rooms_shown
from freehold.terminal.call import call_of
from freehold.terminal.words import count, size

EXPORT_EXAMPLES = ("freehold vault export ~/freehold-export",)
EXPORT_JSON = "{folder, files, bytes}"
IMPORT_EXAMPLES = ("freehold vault import ~/freehold-export",)
IMPORT_JSON = "{new: {ROOM: {WHAT: count}}, skipped: [{item, reason}]}"


def export(
    context: typer.Context, folder: Annotated[str, typer.Argument(metavar="DIR", help="A new or empty folder.")]
) -> None:
    """Write everything you own to a folder, readable by any program.

    JSON lines, Markdown, the text of your documents, and a manifest with the SHA-256 of each file. It is not
    encrypted: for keeping, `freehold vault backup` is better.
    """
    from freehold.assistant.belongings import export_all

    call = call_of(context)
    household = call.opened()
    path = call.path(folder)
    steps = export_all(household.vault, household.conversations, path, household.profile.settings)
    done = rooms_shown(call, "Writing", steps)
    words = f"{count(done.files, 'file')}, {size(done.bytes)}, in {path}. They are not encrypted."
    call.output.result({"folder": str(path), "files": done.files, "bytes": done.bytes}, words)


def take_in(
    context: typer.Context, folder: Annotated[str, typer.Argument(metavar="DIR", help="The exported folder.")]
) -> None:
    """Bring in what an export has and is not here.

    Every file is compared with the manifest first. Nothing that is here is changed, and importing twice adds nothing.
    """
    from freehold.assistant.belongings import import_all

    call = call_of(context)
    household = call.opened()
    done = rooms_shown(call, "Reading", import_all(household.vault, household.conversations, call.path(folder)))
    skipped = [{"item": one.item, "reason": one.reason} for one in done.skipped]
    lines = [news(done.new, keep=True), *(f"Left out {one.item}: {one.reason}" for one in done.skipped)]
    call.output.result({"new": done.new, "skipped": skipped}, "\n".join(lines))
