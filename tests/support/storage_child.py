"""Runs what a user does to a vault again and again, each time with another storage call that fails or kills.

Run with the shim preloaded: `python storage_child.py FOLDER`, then a JSON request a line on stdin and a result a line
back. Request: {"op", "mode", "nths"}, nths being numbers of calls, or null for all until the operation succeeds.
Result: {"rounds", "bad": [words], "starts": [seconds]}.
"""

from __future__ import annotations

import ctypes
import errno
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from freehold.chats.conversations import Conversations
from freehold.chats.values import Ending
from freehold.foundation.errors import FreeholdError, WrongPassphrase
from freehold.foundation.paths import Profile
from freehold.processes.frames import pack_floats
from freehold.vault import backup as files
from freehold.vault.safe import Safe
from freehold.vault.slots import by_slot
from freehold.vault.unpacked import Unpacked
from freehold.vault.values import Slot
from support.furnished import EMBEDDER, ROOMS, contents, furnish
from support.steps import drained
from support.vaults import CHEAP, InProcess

OPENS, WRITES, SYNCS, NAMES, READS = 1, 2, 4, 8, 16
CHANGES = OPENS | WRITES | SYNCS | NAMES
MODES = {  # the error, the calls it may strike, whether it stays
    "ENOSPC": (errno.ENOSPC, CHANGES, 0),
    "ENOSPC from there on": (errno.ENOSPC, CHANGES, 1),
    "EIO": (errno.EIO, CHANGES | READS, 0),
    "EMFILE": (errno.EMFILE, OPENS, 0),
    "kill": (0, CHANGES, 0),
}
KEYRING, SECRET = Slot("keyring", b"", b"", b"", backend="Fake", account="a" * 32), bytes(range(32))

shim = ctypes.CDLL(None)
Steps = Iterator[None]


def opened(profile: Profile) -> Safe:
    safe = Safe(profile, ROOMS, tune=lambda: CHEAP)
    if safe.is_new:
        return safe
    safe.unlock("keyring", SECRET)
    return safe


def ask(safe: Safe) -> Steps:
    conversations = Conversations(InProcess(safe))
    heat = next(chat for chat in conversations.list() if chat.title == "Heat pumps")
    question = conversations.ask(heat.id, "And underground? " * 50, conversations.leaf(heat.id))
    yield
    answer = conversations.begin_answer(heat.id, question.id)
    yield
    conversations.extend(answer.id, "Warmer. " * 200)
    yield
    conversations.seal(answer.id, Ending.COMPLETE)
    yield


def tidy(safe: Safe) -> Steps:
    conversations = Conversations(InProcess(safe))
    chat = next(chat for chat in conversations.list() if chat.title == "Heat pumps")
    conversations.rename(chat.id, "Warmth")
    yield
    conversations.save_draft(chat.id, "another thought")
    yield
    conversations.move_to_trash(chat.id)
    yield
    conversations.restore(chat.id)
    yield


def erase_chat(safe: Safe) -> Steps:
    conversations = Conversations(InProcess(safe))
    conversations.erase(next(chat for chat in conversations.list() if chat.title == "Heat pumps").id)
    yield


def empty_trash(safe: Safe) -> Steps:
    Conversations(InProcess(safe)).empty_trash(-1)
    yield


def read_document(safe: Safe) -> Steps:
    library = safe.rooms["library"]
    source = library.add_source(path="/new", collection="new")["id"]
    yield
    library.enqueue(source=source, files=[["/new/mills.txt", 10, 1, 1, 1]])
    yield
    ((document, *_),) = library.waiting(limit=1)
    chunks = [["Mills grind corn. " * 40, 1, "Mills", 9], ["The river turns them.", 1, "Mills", 5]]
    library.write(document=document, place=0, start=0, chunks=chunks)
    yield
    library.finish(document=document, state="words", title="Mills", pages=1, fingerprint="print")
    yield
    waiting = library.unembedded(embedder=EMBEDDER, after=0, limit=10)
    library.put_vectors(embedder=EMBEDDER, vectors=[[digest, pack_floats([1.0] * 8)] for _, digest, _ in waiting])
    yield
    library.settle(embedder=EMBEDDER)
    yield


def forget_document(safe: Safe) -> Steps:
    drained(safe.rooms["library"].forget(documents=[1], sources=[1]))
    yield


def connect(safe: Safe) -> Steps:
    ledger = safe.rooms["ledger"]
    row = ledger.begin(time=5.0, purpose="download", host="example.net", port=443, data_class="public-file")
    yield
    ledger.end(row=row, time=6.0, bytes_out=10, bytes_in=20)
    yield


def set_setting(safe: Safe) -> Steps:
    safe.rooms["settings"].put("system_prompt", "Be brief.")
    yield


def change_keys(safe: Safe) -> Steps:
    safe.change_passphrase("second")
    yield
    safe.propose_recovery()
    safe.accept_recovery()
    yield


def back_up(safe: Safe) -> Steps:
    header, size = safe.hold()
    folder = safe._profile.home
    try:
        written = files.write(
            folder / "all.backup", folder / "vault" / "vault.db", made=1.0, size=size, header=header, seal=safe.seal
        )
        for _ in written:
            pass
    finally:
        safe.let_go()
    yield


def merge(safe: Safe) -> Steps:
    drained(safe.merge(_taken_apart(safe), by_slot("keyring", SECRET), keep=True, from_another=True))
    yield


def restore(safe: Safe) -> Steps:
    safe.restore(_taken_apart(safe), by_slot("keyring", SECRET))
    yield


def create(safe: Safe) -> Steps:
    safe.create(passphrase="first", keyring=KEYRING, keyring_secret=SECRET)
    yield


def check(safe: Safe) -> Steps:
    safe.check()  # what cannot be read it calls a fault, or refuses in words
    yield


def _taken_apart(safe: Safe) -> Unpacked:
    folder = safe._profile.scratch / "unpacked"
    backup = drained(files.unpack(safe._profile.home / "other.backup", folder))
    return Unpacked(folder, backup.digest, backup.seal)


OPERATIONS: dict[str, Callable[[Safe], Steps]] = {
    operation.__name__: operation
    for operation in (
        ask, tidy, erase_chat, empty_trash, read_document, forget_document, connect, set_setting, change_keys, back_up,
        merge, restore, create, check,
    )
}  # fmt: skip
ON_NOTHING = ("restore", "create")  # operations that begin without a vault


class Rounds:
    """One folder: what operations begin with, and the place where they are run."""

    def __init__(self, folder: Path) -> None:
        self._home, self._begin = Profile(folder / "home"), folder / "begin"
        self._pictures: dict[str, list[Any]] = {}
        self._make(folder)
        shim.storage_watch(str(self._home.home).encode())

    def _make(self, folder: Path) -> None:
        """A furnished vault, and a backup of another one with a chat of its own."""
        other, mine = Profile(folder / "other"), Profile(self._begin)
        for profile in (other, mine):
            profile.prepare()
            safe = Safe(profile, ROOMS, tune=lambda: CHEAP)
            safe.create(passphrase="first", keyring=KEYRING, keyring_secret=SECRET)
            if profile is mine:
                furnish(InProcess(safe))
            else:
                Conversations(InProcess(safe)).create("From elsewhere")
            for _ in back_up(safe):
                pass
            safe.close()
        (other.home / "all.backup").rename(mine.home / "other.backup")
        (mine.home / "all.backup").unlink()

    def pictures(self, name: str) -> list[Any]:
        """What is to be seen after each acknowledged step of an operation that nothing disturbs."""
        if name not in self._pictures:
            self._prepare(name)
            safe = opened(self._home)
            first = self._picture(safe, name)
            self._pictures[name] = [first, *(self._picture(safe, name) for _ in OPERATIONS[name](safe))]
            safe.close()
        return self._pictures[name]

    def fail(self, name: str, mode: str, nths: list[int] | None) -> dict[str, Any]:
        error, which, sticky = MODES[mode]
        wanted, result = self.pictures(name), {"rounds": 0, "bad": [], "starts": []}
        nth = 0
        while nths is None or nths:
            nth = nths.pop(0) if nths is not None else nth
            self._prepare(name)
            run = self._killed if mode == "kill" else self._failed
            done, words, struck = run(name, (nth, error, which, sticky))
            if not struck:
                break
            result["rounds"] += 1
            began = time.monotonic()
            problem = words or self._problem(name, done, wanted)
            result["starts"].append(time.monotonic() - began)
            if problem:
                result["bad"].append(f"{name}, {mode} at call {nth}: {problem}")
            nth += 1
        return result

    def _prepare(self, name: str) -> None:
        shutil.rmtree(self._home.home, ignore_errors=True)
        shutil.copytree(self._begin, self._home.home)
        if name in ON_NOTHING:
            shutil.rmtree(self._home.vault)
        self._home.prepare()

    def _failed(self, name: str, how: tuple[int, int, int, int]) -> tuple[int | None, str, bool]:
        """Steps done (None when it said that it ended well), what was wrong with how it failed, whether it was hit."""
        safe, done, words, ended = opened(self._home), 0, "", False
        shim.storage_arm(*how)
        try:
            for _ in OPERATIONS[name](safe):
                done += 1
            ended = True
        except FreeholdError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever else rises is what is looked for
            words = f"ended in {type(error).__name__} and not in words"
        finally:
            shim.storage_disarm()
        with suppress(FreeholdError):
            safe.close()
        return (None if ended else done), words, bool(shim.storage_struck())

    def _killed(self, name: str, how: tuple[int, int, int, int]) -> tuple[int | None, str, bool]:
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            safe = opened(self._home)
            shim.storage_arm(*how)
            for _ in OPERATIONS[name](safe):
                os.write(tell, b".")
            os._exit(0)
        os.close(tell)
        done = 0
        while os.read(told, 1):
            done += 1
        os.close(told)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return done, "", True
        return None, "" if os.WEXITSTATUS(status) == 0 else "did not run", False

    def _problem(self, name: str, done: int | None, wanted: list[Any]) -> str:
        """Why the vault, opened as the next start would, is neither as before the failing step nor as after it."""
        allowed = wanted[-1:] if done is None else [*wanted[done : done + 2], _TO_BE_READ]
        try:
            self._home.clear_leftovers()
            safe = opened(self._home)
            found = self._picture(safe, name)
            faults = safe.check() if safe.is_open else []
            safe.close()
        except FreeholdError as error:
            return f"does not open: {error.code} {error.detail}"
        if found not in allowed:
            return f"after {done} steps it is neither as before nor as after"
        return f"check: {faults}" if faults else ""

    def _picture(self, safe: Safe, name: str) -> Any:
        """All there is to see, without ids and times."""
        if not safe.is_open:
            return "new"
        if name == "back_up":
            return (_plain(contents(InProcess(safe))), _is_backup(self._home.home / "all.backup"))
        if name == "change_keys":
            return (len(safe._opened()[1].slots), _opens(self._home, b"first"), _opens(self._home, b"second"))
        if name == "forget_document" and any(row["state"] == "waiting" for row in safe.rooms["library"].documents()):
            return _TO_BE_READ
        return _plain(contents(InProcess(safe)))


_TO_BE_READ = "a document that was being forgotten is read again from its file"


def _plain(found: Any) -> Any:
    """`found` without what differs from run to run; order does not count."""
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items() if not _differs(name, value)}
    if isinstance(found, list):
        return sorted((_plain(item) for item in found), key=repr)
    return found


def _differs(name: str, value: Any) -> bool:
    is_id = name in ("id", "parent", "leaf") or (name == "chat" and isinstance(value, str))
    return is_id or name in ("created", "updated", "deleted")


def _is_backup(path: Path) -> bool:
    if not path.exists():
        return False
    drained(files.inspect(path))
    return True


def _opens(profile: Profile, passphrase: bytes) -> bool:
    safe = Safe(profile, ROOMS)
    header, _ = safe._copies()[0]
    try:
        return by_slot("passphrase", passphrase)(header) is not None
    except WrongPassphrase:
        return False


def main() -> None:
    logging.disable()
    rounds = Rounds(Path(sys.argv[1]))
    for line in sys.stdin:
        wish = json.loads(line)
        print(json.dumps(rounds.fail(wish["op"], wish["mode"], wish["nths"])), flush=True)


if __name__ == "__main__":
    main()
