"""1,000 canaries: in no file when the vault is locked or has crashed, in no decrypted page once they were deleted.

Every search has a control that must find all of them: a search that cannot fail proves nothing.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from figures import Figure

from freehold import app
from freehold.assistant.household import Household
from freehold.chats.values import Ending
from freehold.foundation.paths import Profile
from freehold.processes.frames import pack_floats
from freehold.vault.keys import subkey

_PAGE, _RESERVED, _SALT = 4096, 80, 16
_LOG_HEAD, _FRAME_HEAD = 32, 24
_DIMENSIONS = 384
_OF_EACH = 332  # texts, names and vectors; four keys make it a thousand
_NEEDLE = 12  # of a canary's letters: an index stores words without the beginning they share with a neighbour

Needles = Mapping[str, Sequence[bytes]]  # each canary in all the forms that are looked for


def figures(*, quick: bool) -> Iterator[Figure]:
    of_each = 40 if quick else _OF_EACH
    with tempfile.TemporaryDirectory() as folder:
        yield from _at_rest(Path(folder) / "rest", of_each)
        yield from _deleted(Path(folder) / "deleted", of_each)


def _at_rest(folder: Path, of_each: int) -> Iterator[Figure]:
    household, key = _household(folder)
    needles = _keys(key) | _say(household, of_each)
    pid = household.vault.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _wait_for_end(pid)
    assert (household.profile.vault / "vault.db-wal").stat().st_size > 0
    yield _sweep(household.profile, needles, "crashed")
    household.vault.unlock(raw=key)
    household.close()
    yield _sweep(household.profile, needles, "locked")
    yield _control(household.profile, needles)


def _deleted(folder: Path, of_each: int) -> Iterator[Figure]:
    household, key = _household(folder)
    profile, page_key = household.profile, subkey(key, "database")
    needles = _say(household, of_each)
    _crash(household)
    before = _found(_decrypted(profile, page_key), needles)
    yield Figure("control: canaries in decrypted pages before deletion", len(before), f"of {len(needles)}",
                 goal=len(needles), better="exactly")  # fmt: skip
    household.vault.unlock(raw=key)
    copy = profile.backups / "before-upgrade-0-schema-1"  # as an upgrade leaves one; deletion has to reach it
    copy.mkdir()
    household.vault.lock()
    shutil.copyfile(profile.vault / "vault.db", copy / "vault.db")
    household.vault.unlock(raw=key)
    for chat in household.conversations.list():
        household.conversations.erase(chat.id)
    for source in household.vault.call("library.sources"):
        _drain(household.vault.stream("library.forget", documents=[], sources=[source["id"]]))
    _crash(household)
    left = _found(_decrypted(profile, page_key), needles)
    yield Figure("canaries in decrypted pages, freelist, log and copies after deletion", len(left),
                 f"of {len(needles)}", goal=0, better="exactly", note=", ".join(sorted(left)[:5]))  # fmt: skip
    household.close()


def _household(folder: Path) -> tuple[Household, bytes]:
    household, key = app.build(Profile(folder / "home")), secrets.token_bytes(32)
    household.holder.claim()
    household.vault.create(raw=key)
    return household, key


def _say(household: Household, of_each: int) -> dict[str, Sequence[bytes]]:
    """Chats, documents and vectors with a canary each, and the forms in which each might be found."""
    needles: dict[str, Sequence[bytes]] = {}
    chat, parent = household.conversations.create("Canaries").id, None
    for number in range(of_each):
        word = f"zq{secrets.token_hex(12)}"
        needles[f"text {number}"] = _forms(word)
        parent = household.conversations.ask(chat, f"The word is {word}.", parent).id
        answer = household.conversations.begin_answer(chat, parent)
        parent = household.conversations.seal(answer.id, Ending.COMPLETE, text="So it is.").id
    call = household.vault.call
    source = call("library.add_source", path="/canaries", collection="canaries")["id"]
    names = [f"zq{secrets.token_hex(12)}" for _ in range(of_each)]
    call("library.enqueue", source=source, files=[[f"/canaries/{name}.txt", 1, 1, 1, 1] for name in names])
    for row in call("library.waiting", limit=of_each):
        name = Path(row[1]).stem
        needles[f"name {row[0]}"] = _forms(name)
        call("library.write", document=row[0], place=0, start=0, chunks=[[f"document {row[0]}", 1, name, 3]])
        call("library.finish", document=row[0], state="words", title=name, pages=1, fingerprint=name)
    for _, digest, _ in call("library.unembedded", embedder="canary", after=0, limit=of_each):
        numbers = struct.unpack(f"<{_DIMENSIONS}f", struct.pack(f"<{_DIMENSIONS}I", *_floats()))
        needles[f"vector {digest}"] = [struct.pack("<8f", *numbers[place : place + 8]) for place in (0, 100, 376)]
        call("library.put_vectors", embedder="canary", vectors=[[digest, pack_floats(numbers)]])
    call("library.settle", embedder="canary")
    return needles


def _floats() -> Iterator[int]:
    """Random bits of floats between 1 and 2: no infinities, and nothing that occurs by chance."""
    return (0x3F800000 | secrets.randbits(23) for _ in range(_DIMENSIONS))


def _keys(key: bytes) -> dict[str, Sequence[bytes]]:
    secret = {"data key": key} | {
        f"{purpose} key": subkey(key, purpose) for purpose in ("database", "header", "backup")
    }
    return {
        name: [value, value.hex().encode(), value.hex().upper().encode(), base64.b64encode(value)[:40]]
        for name, value in secret.items()
    }


def _forms(word: str) -> Sequence[bytes]:
    end = word[-_NEEDLE:]
    return [
        form
        for text in (end, end.upper())
        for form in (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode())
    ]


def _sweep(profile: Profile, needles: Needles, state: str) -> Figure:
    """Every byte of every file of the profile."""
    found = _found((path.read_bytes() for path in profile.home.rglob("*") if path.is_file()), needles)
    return Figure(
        f"canaries in the profile's files, {state}", len(found), f"of {len(needles)}", goal=0, better="exactly",
        note=", ".join(sorted(found)[:5]),
    )  # fmt: skip


def _control(profile: Profile, needles: Needles) -> Figure:
    """The same sweep over the same profile with one file more, which holds them all."""
    planted = profile.logs / "planted"
    planted.write_bytes(b"\n".join(forms[0] for forms in needles.values()))
    found = _found((path.read_bytes() for path in profile.home.rglob("*") if path.is_file()), needles)
    return Figure("control: canaries found by the same sweep when one file holds them", len(found),
                  f"of {len(needles)}", goal=len(needles), better="exactly")  # fmt: skip


def _found(contents: Iterable[bytes], needles: Needles) -> set[str]:
    found: set[str] = set()
    for content in contents:
        found |= {
            name for name, forms in needles.items() if name not in found and any(form in content for form in forms)
        }
    return found


def _decrypted(profile: Profile, key: bytes) -> Iterator[bytes]:
    """The pages of the database, its log and every copy below the backups folder, as docs/vault-format.md says."""
    for path in [*profile.vault.rglob("*"), *profile.backups.rglob("*")]:
        if path.name.endswith("-wal"):
            content, step = path.read_bytes()[_LOG_HEAD:], _FRAME_HEAD + _PAGE
            places = range(0, len(content), step)
            yield b"".join(_page(content[place + _FRAME_HEAD : place + step], key) for place in places)
        elif path.is_file() and not path.name.startswith("header"):
            content = path.read_bytes()
            yield b"".join(_page(content[place : place + _PAGE], key) for place in range(0, len(content), _PAGE))


def _page(page: bytes, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    if len(page) < _PAGE:
        return b""
    vector, body = page[-_RESERVED : -_RESERVED + 16], page[:-_RESERVED]
    cipher = Cipher(AES(key), CBC(vector)).decryptor()
    plain = cipher.update(body) + cipher.finalize()
    first = Cipher(AES(key), CBC(vector)).decryptor()  # the first page begins with a salt in the clear
    return plain + first.update(body[_SALT:]) + first.finalize()


def _crash(household: Household) -> None:
    """End the vault process as it stands, so that its log stays to be read."""
    pid = household.vault.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _wait_for_end(pid)


def _wait_for_end(pid: int) -> None:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)


def _drain(parts: Iterator[object]) -> None:
    for _ in parts:
        pass
