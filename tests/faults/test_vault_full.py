"""A full disk, a read-only one, a used-up limit: said in words, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import subprocess

import pytest

from freehold.chats.conversations import Conversations
from freehold.foundation.errors import DiskFull, FreeholdError, ProfileUnusable, WrongPassphrase
from freehold.vault.safe import Safe
from support.vaults import RAW_KEY, WORKER, InProcess, closed_safe, open_safe, opened, profile_in, vault_in

WORDS = "word " * 400


def ask_until_it_fails(conversations, chat, kind=DiskFull):
    """The questions that were acknowledged."""
    kept, parent = [], None
    with pytest.raises(kind):
        for number in range(20_000):
            parent = conversations.ask(chat.id, f"{number} {WORDS}", parent).id
            kept.append(parent)
    assert kept
    return kept


@pytest.fixture
def small_disk(tmp_path):
    """profile_in(tmp_path)'s vault folder on a disk of 1 MiB of its own; returns what changes that disk."""
    folder = profile_in(tmp_path).vault
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk of its own needs the right to mount one (root)")

    def remount(options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    yield remount
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_database_that_may_not_grow_keeps_what_it_has_and_goes_on_later(tmp_path):
    safe = open_safe(tmp_path)
    conversations = Conversations(InProcess(safe))
    chat = conversations.create()
    safe.database.query("PRAGMA max_page_count = 120")
    kept = ask_until_it_fails(conversations, chat)
    assert [turn.id for turn in conversations.branch(chat.id)] == kept
    assert len(conversations.search("word", 1000)) == len(kept)
    safe.database.query("PRAGMA max_page_count = 100000")
    conversations.ask(chat.id, "goes on", kept[-1])
    assert safe.database.check() == []
    safe.close()


def test_a_full_disk_keeps_what_was_said_can_be_read_and_goes_on_when_there_is_room(tmp_path, small_disk):
    with opened(tmp_path) as vault:
        conversations = Conversations(vault)
        chat = conversations.create()
        kept = ask_until_it_fails(conversations, chat)
        assert [turn.id for turn in conversations.branch(chat.id)] == kept
        with pytest.raises(DiskFull):
            conversations.save_draft(chat.id, WORDS * 200)
    with opened(tmp_path) as vault:  # still full
        conversations = Conversations(vault)
        assert [turn.id for turn in conversations.branch(chat.id)] == kept
        small_disk("size=8m")
        conversations.ask(chat.id, "goes on", kept[-1])
        assert vault.check() == []


def test_erasing_makes_room_on_a_full_disk(tmp_path, small_disk):
    with opened(tmp_path) as vault:
        conversations = Conversations(vault)
        chat = conversations.create()
        ask_until_it_fails(conversations, chat)
        small_disk("size=4m")  # the log of the erasure itself needs some
        conversations.erase(chat.id)
        other = conversations.create()
        for number in range(50):
            conversations.ask(other.id, f"{number} {WORDS}", None)


def test_no_vault_is_half_made_on_a_full_disk(tmp_path, small_disk):
    small_disk("size=28k")
    safe = closed_safe(tmp_path)
    with pytest.raises(DiskFull):
        safe.create(passphrase="correct horse")
    assert safe.status().state == "new"
    small_disk("size=4m")
    safe.create(passphrase="correct horse")
    safe.close()


def test_a_passphrase_that_could_not_be_changed_is_still_the_old_one(tmp_path, small_disk):
    safe = closed_safe(tmp_path)
    safe.create(passphrase="old")
    filler = safe._folder / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(DiskFull):
        safe.change_passphrase("new")
    filler.unlink()
    safe.close()
    with pytest.raises(WrongPassphrase):
        safe.unlock("passphrase", b"new")
    safe.unlock("passphrase", b"old")
    safe.close()


def test_an_upgrade_whose_header_cannot_be_written_still_opens(tmp_path):
    class Room:
        room = "garden"
        MIGRATIONS = ("CREATE TABLE beds (name TEXT);",)

        def __init__(self, database):
            self.db = database

    open_safe(tmp_path, (Room,)).close()
    Room.MIGRATIONS = (*Room.MIGRATIONS, "CREATE TABLE paths (name TEXT);")
    safe = Safe(profile_in(tmp_path), (Room,))
    safe._change = lambda header: (_ for _ in ()).throw(DiskFull())
    safe.unlock_raw(RAW_KEY)
    assert safe.database.query("SELECT * FROM paths") == []
    safe.close()
    again = open_safe(tmp_path, (Room,))
    assert again.status().schema == 2
    again.close()


def test_a_read_only_profile_is_said_to_be_one(tmp_path, small_disk):
    with opened(tmp_path):
        pass
    small_disk("ro")
    vault = vault_in(tmp_path)
    assert vault.status().state == "locked"
    with pytest.raises(ProfileUnusable):
        vault.unlock(raw=RAW_KEY)
    vault.lock()
    small_disk("rw")
    with opened(tmp_path):
        pass


def test_a_file_size_limit_is_an_error_in_words_and_loses_nothing(tmp_path):
    """The unprivileged way to a disk that takes no more: SQLite sees a failed write, not a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
    with opened(tmp_path, limit + WORKER) as vault:
        conversations = Conversations(vault)
        chat = conversations.create()
        kept = ask_until_it_fails(conversations, chat, kind=FreeholdError)
        assert [turn.id for turn in conversations.branch(chat.id)] == kept
    with opened(tmp_path) as vault:
        conversations = Conversations(vault)
        assert [turn.id for turn in conversations.branch(chat.id)] == kept
        conversations.ask(chat.id, "goes on", kept[-1])
        assert vault.check() == []


def test_a_copy_that_does_not_fit_stops_the_upgrade_before_anything_is_changed(tmp_path):
    class Room:
        room = "garden"
        MIGRATIONS = ("CREATE TABLE beds (name TEXT);",)

        def __init__(self, database):
            self.db = database

    profile = profile_in(tmp_path)
    open_safe(tmp_path, (Room,)).close()
    before = {path.name: path.read_bytes() for path in profile.vault.iterdir()}
    profile.backups.rmdir()
    profile.backups.write_text("a file where the folder should be")
    Room.MIGRATIONS = (*Room.MIGRATIONS, "DROP TABLE beds;")
    with pytest.raises(ProfileUnusable):
        Safe(profile, (Room,)).unlock_raw(RAW_KEY)
    assert {path.name: path.read_bytes() for path in profile.vault.iterdir()} == before
