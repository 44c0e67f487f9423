"""Backups that are cut, altered, from the future or another hand; full disks and kills while one is made or used."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import threading

import pytest

from freehold.chats.conversations import Conversations
from freehold.foundation.errors import (
    BackupDamaged,
    DiskFull,
    FreeholdError,
    PlaceUnusable,
    ProfileUnusable,
    VaultLocked,
    VaultNewer,
    WorkerStopped,
)
from freehold.vault.backups import back_up, look_into, unpacked
from support.furnished import WORKER, contents, furnish, say
from support.steps import drained
from support.vaults import RAW_KEY, open_vault, opened, profile_in, vault_in


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a backup."""
    folder = tmp_path_factory.mktemp("good")
    with opened(folder, WORKER) as vault:
        furnish(vault)
        drained(back_up(vault, profile_in(folder), folder / "all.backup"))
    return (folder / "all.backup").read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bad.backup"


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]


def refusal(path):
    with pytest.raises(FreeholdError) as refused:
        drained(look_into(path))
    return type(refused.value)


def resealed(content, **facts):
    """A backup that says something else of itself, with a digest that is right: what an attacker can write."""
    first, rest = content[:-64].split(b"\n", 1)
    first = json.dumps(json.loads(first) | facts, sort_keys=True, separators=(",", ":")).encode()
    body = first + b"\n" + rest
    return body + hashlib.sha256(body).digest() + content[-32:]


def restore(folder, path, **secret):
    vault = vault_in(folder, WORKER)
    try:
        with unpacked(vault, profile_in(folder), path) as steps:
            drained(steps).restore(**(secret or {"raw": RAW_KEY.hex()}))
        return contents(vault)
    finally:
        vault.lock()


def test_a_flipped_byte_anywhere_is_refused_before_anyone_is_asked_for_a_secret(good, path):
    lines = good.index(b"\n", good.index(b"\n") + 1) + 1
    dice = random.Random(1)
    places = [*range(lines), *(dice.randrange(lines, len(good) - 32) for _ in range(150)), len(good) - 33]
    for place in places:
        path.write_bytes(flipped(good, place))
        assert refusal(path) in (BackupDamaged, VaultNewer), place


def test_a_seal_that_was_altered_is_refused_with_the_key(good, path, tmp_path):
    for place in (len(good) - 32, len(good) - 1):
        path.write_bytes(flipped(good, place))
        with pytest.raises(BackupDamaged):
            restore(tmp_path, path)
    assert vault_in(tmp_path).status().state == "new"


def test_a_backup_altered_by_someone_who_mends_the_digest_is_refused_with_the_key(good, path, tmp_path):
    """A page from elsewhere, or an older database under the same header."""
    for bad in (resealed(good, made=0.0), resealed(flipped(good, len(good) // 2))):
        path.write_bytes(bad)
        assert drained(look_into(path)).size  # nothing to be seen without the key
        with pytest.raises(BackupDamaged):
            restore(tmp_path, path)
    assert vault_in(tmp_path).status().state == "new"


def test_a_backup_cut_anywhere_or_with_more_behind_it_is_refused(good, path):
    lines = good.index(b"\n", good.index(b"\n") + 1) + 1
    dice = random.Random(2)
    lengths = [*range(lines + 1), *(dice.randrange(len(good)) for _ in range(100)), len(good) - 1]
    for length in lengths:
        path.write_bytes(good[:length])
        assert refusal(path) is BackupDamaged, length
    path.write_bytes(good + b"\0")
    assert refusal(path) is BackupDamaged


def test_a_backup_of_a_newer_version_is_refused_in_words(good, path, tmp_path):
    path.write_bytes(resealed(good, version=2, anything=[1]))
    assert refusal(path) is VaultNewer
    with pytest.raises(VaultNewer, match="version 2"):
        restore(tmp_path, path)


def test_a_backup_with_a_schema_from_the_future_is_refused(good, path, tmp_path):
    """Its seal is right: this program is too old for it."""
    source = "\nfrom freehold.chats.store import ChatStore\nChatStore.MIGRATIONS = ()\n" + WORKER
    path.write_bytes(good)
    vault = vault_in(tmp_path, source)
    with unpacked(vault, profile_in(tmp_path), path) as steps, pytest.raises(VaultNewer):
        drained(steps).restore(raw=RAW_KEY.hex())
    assert vault.status().state == "new"
    vault.lock()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n{}\n", b"[" * 5000, b"null\n", b"\xff\xfe" * 100, b"PK\x03\x04",
     b'{"format":"freehold-backup","version":1}\n', b'{"format":"freehold-backup","version":true}\n',
     b'{"bytes":1e999,"format":"freehold-backup","made":1,"version":1}\n{}\n',
     b'{"bytes":-5,"format":"freehold-backup","made":1,"version":1}\n{}\n'],
)  # fmt: skip
def test_what_is_no_backup_is_said_to_be_none(path, content):
    path.write_bytes(content)
    assert refusal(path) is BackupDamaged


def test_what_is_no_file_is_said_to_be_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("missing", "pipe", "loop", "."):
        assert refusal(tmp_path / name) is PlaceUnusable


def test_an_altered_backup_is_refused_before_the_vault_that_is_here_is_touched(good, path, tmp_path):
    with opened(tmp_path, WORKER) as vault:
        say(vault, "Mine", "Hello")
        before = contents(vault)
        path.write_bytes(resealed(flipped(good, len(good) // 2)))
        with unpacked(vault, profile_in(tmp_path), path) as steps, pytest.raises(BackupDamaged):
            drained(drained(steps).merge({"raw": RAW_KEY.hex()}, keep=True, from_another=True))
        assert contents(vault) == before


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own, of the size that is asked for."""
    made = []

    def mount(folder, size):
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
        if os.name != "posix" or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("a disk of its own needs the right to mount one (root)")
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_backup_that_does_not_fit_leaves_the_older_one(tmp_path, small_disk):
    stick = small_disk(tmp_path / "stick", "300k")
    with opened(tmp_path, WORKER) as vault:
        say(vault, "Small", "Hello")
        drained(back_up(vault, profile_in(tmp_path), stick / "all.backup"))
        before = (stick / "all.backup").read_bytes()
        say(vault, "Large", "word " * 100_000)
        with pytest.raises(DiskFull):
            drained(back_up(vault, profile_in(tmp_path), stick / "all.backup"))
        assert [(path.name, path.read_bytes()) for path in stick.iterdir()] == [("all.backup", before)]
        assert vault.check() == []


def test_a_restore_that_does_not_fit_leaves_no_vault_and_goes_well_when_there_is_room(
    good, path, tmp_path, small_disk
):  # fmt: skip
    home = small_disk(tmp_path / "home", "100k")
    path.write_bytes(good)
    with pytest.raises(DiskFull):
        restore(tmp_path, path)
    assert vault_in(tmp_path).status().state == "new"
    subprocess.run(["mount", "-o", "remount,size=4m", str(home)], check=True)
    assert len(restore(tmp_path, path)["chats"]) == 4


def test_a_read_only_profile_cannot_be_restored_into_and_says_so(good, path, tmp_path, small_disk):
    home = small_disk(tmp_path / "home", "4m")
    profile_in(tmp_path)
    subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
    path.write_bytes(good)
    with pytest.raises(ProfileUnusable):
        restore(tmp_path, path)


def test_a_vault_killed_while_a_backup_is_made_leaves_no_half_of_it(tmp_path, path):
    with opened(tmp_path, WORKER) as vault:
        say(vault, "Kept", "word " * 500_000)
    vault = open_vault(tmp_path, WORKER)
    steps = back_up(vault, profile_in(tmp_path), path)
    next(steps)
    os.kill(vault.pid, signal.SIGKILL)
    with pytest.raises((VaultLocked, WorkerStopped)):
        drained(steps)
    vault.lock()
    assert not path.exists()
    with opened(tmp_path, WORKER) as again:
        assert [chat.title for chat in Conversations(again).list()] == ["Kept"]


@pytest.mark.parametrize("what", ["restore", "merge"])
def test_a_kill_at_a_random_moment_leaves_the_old_state_or_the_new(good, path, tmp_path, what):
    path.write_bytes(good)
    dice = random.Random(5)
    for number in range(8):
        folder = tmp_path / str(number)
        vault = vault_in(folder, WORKER)
        if what == "merge":
            vault.create(raw=bytes(range(1, 33)))
        else:
            vault.status()
        killer = threading.Timer(dice.uniform(0.0, 0.12), os.kill, (vault.pid, signal.SIGKILL))
        try:
            with unpacked(vault, profile_in(folder), path) as steps:
                backup = drained(steps)
                killer.start()
                if what == "merge":
                    drained(backup.merge({"raw": RAW_KEY.hex()}, keep=True, from_another=True))
                else:
                    backup.restore(raw=RAW_KEY.hex())
        except FreeholdError as error:
            assert isinstance(error, WorkerStopped | VaultLocked), error
        killer.join()
        vault.lock()
        again = vault_in(folder, WORKER)
        if again.status().state == "new":
            continue
        again.unlock(raw=RAW_KEY if what == "restore" else bytes(range(1, 33)))
        chats = len(contents(again)["chats"])
        assert chats in (0, 4)
        assert again.check() == []
        again.lock()
