"""`freehold vault backup` and `restore`: everything in one encrypted file, and back from it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from freehold.foundation.errors import BackupForeign, UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.opening import try_secrets
from freehold.terminal.passphrases import BACKUP_PASSPHRASE, PASSPHRASE
from freehold.terminal.words import count, moment, size

if TYPE_CHECKING:
    from freehold.vault.backup import Backup
    from freehold.vault.backups import Opened

_T = TypeVar("_T")

File = Annotated[str, typer.Argument(metavar="FILE", help="The backup's file.")]

BACKUP_EXAMPLES = ("freehold vault backup /media/stick/freehold.backup",)
BACKUP_JSON = "{file, bytes}"
RESTORE_EXAMPLES = (
    "freehold --home ~/restored vault restore freehold.backup",
    "freehold vault restore freehold.backup --merge --dry-run",
    "freehold vault restore freehold.backup --merge",
)
RESTORE_JSON = (
    "{restored, backup: {made, bytes, vault, schema, slots}}, "
    "or with --merge {merged, backup, new: {ROOM: {WHAT: count}}}"
)

_KNOWN = {
    "chats": "chat", "turns": "turn", "places": "watched place", "documents": "document", "chunks": "piece of text",
    "connections": "line of the ledger", "settings": "private setting",
}  # fmt: skip
_MANY = {"places": "watched places", "chunks": "pieces of text", "connections": "lines of the ledger"}


def backup(context: typer.Context, file: File) -> None:
    """Write everything the vault holds to one encrypted file.

    Freehold may go on working meanwhile. The backup opens with the passphrase and the recovery code that the vault
    has now. An older backup of that name is replaced. Models and the settings file are not in it.
    """
    from freehold.vault.backups import back_up

    call = call_of(context)
    household = call.opened()
    path = call.path(file)
    written = _shown(call, "Backing up", back_up(household.vault, household.profile, path))
    words = f"{size(written)} written to {path}. It is encrypted; what opens the vault opens it."
    call.output.result({"file": str(path), "bytes": written}, words)


def restore(
    context: typer.Context,
    file: File,
    merge: Annotated[bool, typer.Option("--merge", help="Bring what is not here into the vault that is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come. Nothing is changed.")] = False,
    from_another: Annotated[
        bool, typer.Option("--from-another", help="With --merge: also when the backup is of another vault.")
    ] = False,
) -> None:
    """Bring a backup back.

    Where there is no vault yet, the backup becomes it. With --merge, what it has and this vault lacks is added, and
    nothing that is here is changed. Without a terminal its passphrase is read from FREEHOLD_BACKUP_PASSPHRASE, or
    else is FREEHOLD_PASSPHRASE.
    """
    call = call_of(context)
    if merge:
        _merge(call, file, keep=not dry_run, from_another=from_another)
    elif dry_run:
        from freehold.vault.backups import look_into

        found = _shown(call, "Reading the backup", look_into(call.path(file)))
        call.output.result({"restored": False, "backup": _fields(found)}, _described(found))
    else:
        _restore(call, file)


def _restore(call: Call, file: str) -> None:
    from freehold.vault.backups import unpacked

    household = call.household()
    if household.vault.status().state != "new":
        raise UsageError(
            "there is a vault here already",
            advice="Add --merge to bring the backup's contents into it, or restore into another folder with --home.",
        )
    with unpacked(household.vault, household.profile, call.path(file)) as steps:
        opened = _shown(call, "Reading the backup", steps)
        try_secrets(call, opened.slots, opened.restore, _given(call), BACKUP_PASSPHRASE)
        household.conversations.recover()
    chats = count(len(household.conversations.list()), "chat")
    words = f"{_described(opened.backup)}\nIt is this profile's vault now, with {chats}."
    call.output.result({"restored": True, "backup": _fields(opened.backup)}, words)


def _merge(call: Call, file: str, *, keep: bool, from_another: bool) -> None:
    from freehold.vault.backups import unpacked

    household = call.opened()
    with unpacked(household.vault, household.profile, call.path(file)) as steps:
        opened = _shown(call, "Reading the backup", steps)
        new = _merged(call, opened, keep=keep, from_another=from_another)
    document = {"merged": keep, "backup": _fields(opened.backup), "new": new}
    call.output.result(document, f"{_described(opened.backup)}\n{news(new, keep=keep)}")


def _merged(call: Call, opened: Opened, *, keep: bool, from_another: bool) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}

    def merge_by(**secret: str) -> None:
        found.update(rooms_shown(call, "Comparing", opened.merge(secret, keep=keep, from_another=bool(secret))))

    try:
        merge_by()  # a backup of this vault needs no secret
    except BackupForeign:
        if not from_another:
            raise
        try_secrets(call, opened.slots, merge_by, _given(call), BACKUP_PASSPHRASE)
    return found


def _given(call: Call) -> str | None:
    return call.secrets.given(BACKUP_PASSPHRASE) or call.secrets.given(PASSPHRASE)


def _shown(call: Call, words: str, steps: Generator[tuple[int, int], None, _T]) -> _T:
    """Run a flow whose steps are (bytes done, bytes in all), with a bar. Ctrl-C ends it between two steps."""
    with call.output.progress() as bar:
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                result: _T = end.value
                return result
            bar.update(words, done, total)


def rooms_shown(call: Call, words: str, steps: Generator[str, None, _T]) -> _T:
    """Run a flow whose steps name what is being worked on."""
    with call.output.progress() as bar:
        while True:
            try:
                room = next(steps)
            except StopIteration as end:
                result: _T = end.value
                return result
            bar.update(f"{words}: {room}")


def _fields(backup: Backup) -> dict[str, Any]:
    header = backup.header
    return {
        "made": backup.made, "bytes": backup.size, "vault": header.vault, "schema": header.schema,
        "slots": [slot.kind for slot in header.slots],
    }  # fmt: skip


def _described(backup: Backup) -> str:
    opens = ", ".join(slot.kind for slot in backup.header.slots)
    return f"A whole backup, made {moment(backup.made)}, {size(backup.size)}. It opens with: {opens or 'a test key'}."


def news(new: Mapping[str, Mapping[str, int]], *, keep: bool) -> str:
    """What was added, or would be."""
    counts = {what: number for room in new.values() for what, number in room.items() if number}
    left_out = counts.pop("left_out", 0)
    parts = [count(number, _KNOWN.get(what, what), _MANY.get(what, "")) for what, number in counts.items()]
    words = f"{'Added' if keep else 'Would be added'}: {', '.join(parts) or 'nothing'}."
    if left_out:
        words += f"\n{count(left_out, 'chat')} left out: turns of it stand in another chat here."
    return words if keep else words + "\nNothing was changed."
