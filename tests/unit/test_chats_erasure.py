"""What was erased is gone from every file, seen decrypted: pages, free pages, the log, the search index, the copies."""

from __future__ import annotations

import hashlib
import hmac as mac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from freehold.chats.conversations import Conversations
from freehold.chats.values import Chat, Ending, Provenance, Role, Turn
from freehold.foundation.ids import new_id
from freehold.vault.keys import subkey
from support.vaults import RAW_KEY, STORES, InProcess, closed_safe, open_safe, profile_in

PAGE, RESERVED = 4096, 80
SECRET = "zanzibar"  # a word that is in the text, hence in the index too
TITLE, DRAFT, PROMPT, NOTE = "titlefish", "draftfish", "promptfish", "notefish"
TRACES = [word.encode() for word in (SECRET, TITLE, DRAFT, PROMPT, NOTE)]


def decrypted(folder: Path) -> bytes:
    """Every page of the database and of its log, whether in use or not, as SQLCipher would read it."""
    key = subkey(RAW_KEY, "database")
    database = (folder / "vault.db").read_bytes()
    pages = [page[16:] if number == 0 else page for number, page in enumerate(_cut(database, PAGE))]
    log = folder / "vault.db-wal"
    frames = _cut(log.read_bytes()[32:], PAGE + 24) if log.exists() else []
    numbers = [int.from_bytes(frame[:4]) for frame in frames]
    pages += [frame[24 + (16 if number == 1 else 0) :] for frame, number in zip(frames, numbers, strict=True)]
    clear = b"".join(_page(key, page) for page in pages if len(page) > RESERVED)
    assert b"CREATE TABLE" in clear, "the key was wrong, and a search would prove nothing"
    return clear


def _page(key: bytes, page: bytes) -> bytes:
    body, iv = page[:-RESERVED], page[-RESERVED : -RESERVED + 16]
    reader = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return reader.update(body) + reader.finalize()


def _cut(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content) // size * size, size)]


def found_in(folder: Path) -> list[bytes]:
    content = decrypted(folder).lower()
    # The index keeps words split over pages or without their common beginning: six letters of each are looked for.
    return [word for word in TRACES if word in content or word[2:] in content]


def fill_and_mark(conversations, turns: int) -> Chat:
    chat = conversations.create(f"About {TITLE}")
    conversations.change(chat.id, system_prompt=f"Mention {PROMPT}.")
    conversations.save_draft(chat.id, f"half a {DRAFT}")
    parent = None
    for number in range(turns):
        parent = conversations.ask(chat.id, f"In {SECRET} number {number} " + "filler words " * 30, parent).id
        answer = conversations.begin_answer(chat.id, parent)
        conversations.extend(answer.id, f"{SECRET} is ")
        parent = conversations.seal(answer.id, Ending.COMPLETE, Provenance(notes=(NOTE,)), [1, 2, 3]).id
    unfinished = conversations.begin_answer(chat.id, parent)
    conversations.extend(unfinished.id, f"and {SECRET} was never finished")
    return chat


@pytest.fixture(params=["a small part of all", "nearly all"])
def vault(request, tmp_path):
    """An open vault with one chat to be erased among others; erasing a large share takes another way in the index."""
    safe = open_safe(tmp_path)
    conversations = Conversations(InProcess(safe))
    others = 600 if request.param == "a small part of all" else 5
    other = conversations.create("harmless")
    words = [Turn(new_id(), other.id, None, Role.USER, f"harmless number {n} " * 20, 1.0) for n in range(others)]
    conversations.adopt(other, words)
    chat = fill_and_mark(conversations, 25)
    yield safe, conversations, chat
    safe.close()


def test_an_erased_chat_leaves_no_trace_in_any_decrypted_page(vault, tmp_path):
    safe, conversations, chat = vault
    folder = profile_in(tmp_path).vault
    safe.database.fold_log()
    assert found_in(folder) == TRACES  # the search finds what is there
    conversations.move_to_trash(chat.id)
    conversations.erase(chat.id)
    assert found_in(folder) == []  # with the process still open, the log included
    assert len(conversations.search("harmless", 10_000)) >= 5
    assert safe.database.check() == []
    safe.close()
    assert found_in(folder) == []


def test_emptying_the_trash_leaves_no_trace_either(vault, tmp_path):
    _, conversations, chat = vault
    conversations.move_to_trash(chat.id)
    assert conversations.empty_trash(1) == 0
    assert conversations.empty_trash(0) == 1
    assert found_in(profile_in(tmp_path).vault) == []


def test_a_trashed_chat_is_still_there_which_shows_that_the_search_works(vault, tmp_path):
    safe, conversations, chat = vault
    conversations.move_to_trash(chat.id)
    safe.close()
    assert found_in(profile_in(tmp_path).vault) == TRACES


def test_what_was_erased_gives_its_room_back(vault, tmp_path):
    safe, conversations, chat = vault
    conversations.adopt(chat, [Turn(new_id(), chat.id, None, Role.USER, "long " * 100_000, 1.0)])
    safe.database.fold_log()
    before = safe.status().bytes
    conversations.erase(chat.id)
    assert safe.status().bytes < before - 500_000


def test_many_words_of_their_own_go_too_and_the_rest_is_still_found(tmp_path):
    """Found by the canaries: with hundreds of different words the index kept those it had only marked as deleted."""
    safe = open_safe(tmp_path)
    conversations = Conversations(InProcess(safe))
    kept, doomed = conversations.create("Kept"), conversations.create("Doomed")
    root = conversations.ask(kept.id, "The harmless heron", None)
    growing = conversations.begin_answer(kept.id, root.id)
    conversations.extend(growing.id, "unfinished umbrella")
    words = [f"{number:04d}{hashlib.sha256(str(number).encode()).hexdigest()[:20]}" for number in range(400)]
    parent = None
    for word in words:
        parent = conversations.ask(doomed.id, f"The word is {word}.", parent).id
        answer = conversations.begin_answer(doomed.id, parent)
        parent = conversations.seal(answer.id, Ending.COMPLETE, text="So it is.").id
    content = decrypted(profile_in(tmp_path).vault)
    assert all(word[-12:].encode() in content for word in words)
    conversations.erase(doomed.id)
    content = decrypted(profile_in(tmp_path).vault)
    assert [word for word in words if word[-12:].encode() in content] == []
    assert [hit.turn for hit in conversations.search("heron")] == [root.id]
    conversations.seal(growing.id, Ending.COMPLETE)
    assert [hit.turn for hit in conversations.search("umbrella")] == [growing.id]
    assert safe.check() == []
    safe.close()


def test_copies_from_before_an_upgrade_go_too(vault, tmp_path):
    _, conversations, chat = vault
    copy = profile_in(tmp_path).backups / "before-upgrade-01-schema-1"
    copy.mkdir()
    (copy / "vault.db").write_bytes(b"the chat is in here")
    conversations.erase(chat.id)
    assert list(profile_in(tmp_path).backups.iterdir()) == []


def test_an_erasure_cut_short_is_finished_at_the_next_start(vault, tmp_path):
    """Killed after the commit and before the log was emptied: the old pages still lie in the database file."""
    safe, conversations, chat = vault
    folder = profile_in(tmp_path).vault
    safe.database.fold_log()
    safe.database._forget = lambda: None
    conversations.erase(chat.id)
    files = {path: path.read_bytes() for path in folder.iterdir()}
    assert found_in(folder) != []
    safe.close()
    for path, content in files.items():
        path.write_bytes(content)
    again = closed_safe(tmp_path, STORES)
    again.unlock_raw(RAW_KEY)
    assert found_in(folder) == []
    assert again.database.query("SELECT * FROM vault_forgetting") == []
    again.close()


def test_the_pages_this_test_decrypts_are_sealed_as_documented(vault, tmp_path):
    """docs/vault-format.md: AES-256-CBC, then HMAC-SHA512 over page, initial vector and page number."""
    vault[0].close()
    first = (profile_in(tmp_path).vault / "vault.db").read_bytes()[:PAGE]
    salt, key = first[:16], subkey(RAW_KEY, "database")
    hmac_key = hashlib.pbkdf2_hmac("sha512", key, bytes(byte ^ 0x3A for byte in salt), 2, 32)
    body = first[16 : PAGE - 64]
    assert mac.new(hmac_key, body + (1).to_bytes(4, "little"), "sha512").digest() == first[PAGE - 64 :]
