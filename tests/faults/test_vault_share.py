"""A profile on a network folder, whose file system knows less than a disk's: it works, or is refused in words."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from freehold.chats.conversations import Conversations
from freehold.foundation.errors import ProfileBusy, ProfileUnusable
from freehold.processes.holder import Holder
from freehold.vault import backup
from support.vaults import InProcess, closed_safe, open_safe, opened, profile_in

fcntl = pytest.importorskip("fcntl")


def refusing(number: int):
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_share_whose_folders_cannot_be_synced_holds_a_vault_all_the_same(tmp_path, monkeypatch, number):
    sync = os.fsync

    def sync_files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            refusing(number)()
        sync(handle)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    safe = open_safe(tmp_path)
    kept = Conversations(InProcess(safe)).create("Kept").id
    header, size = safe.hold()
    database = profile_in(tmp_path).vault / "vault.db"
    written = backup.write(tmp_path / "all.backup", database, made=1.0, size=size, header=header, seal=safe.seal)
    assert [*written][-1] == size
    safe.let_go()
    safe.close()
    safe = open_safe(tmp_path)
    assert Conversations(InProcess(safe)).get(kept).title == "Kept"
    assert safe.check() == []
    safe.close()


def test_a_share_whose_folders_fail_to_sync_for_another_reason_is_not_trusted(tmp_path, monkeypatch):
    sync = os.fsync

    def sync_files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            refusing(errno.EIO)()
        sync(handle)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    safe = closed_safe(tmp_path)
    with pytest.raises(ProfileUnusable):
        safe.create(raw=bytes(32))
    safe.close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ESTALE])
def test_a_share_that_knows_no_locks_is_refused_in_words(tmp_path, monkeypatch, number):
    """Two programs could otherwise write there at once."""
    profile = profile_in(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", refusing(number))
        with pytest.raises(ProfileUnusable) as refused:
            Holder(profile).claim()
    assert os.strerror(number) in refused.value.detail
    assert refused.value.next_step
    holder = Holder(profile)
    holder.claim()  # nothing was left behind
    holder.release()


def test_a_share_that_another_machine_has_locked_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refusing(errno.EAGAIN))
    with pytest.raises(ProfileBusy):
        Holder(profile_in(tmp_path)).claim()


def test_a_share_that_takes_no_sockets_serves_no_commands_and_nothing_else_changes(tmp_path, monkeypatch):
    profile = profile_in(tmp_path)
    holder = Holder(profile)
    holder.claim()
    profile.socket.mkdir()  # nothing can be bound there, as on a share
    holder.serve(lambda *_: None)
    assert not profile.socket.is_socket()
    with opened(tmp_path) as vault:
        assert Conversations(vault).create("Kept").title == "Kept"
    holder.release()
