"""Erasing a whole profile: keys first, everything after, and to its end even when interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from freehold.foundation.errors import ProfileUnusable, VaultDamaged
from freehold.vault import erasing
from support.furnished import WORKER, furnish
from support.vaults import RAW_KEY, opened, profile_in, vault_in
from support.workers import is_alive


@pytest.fixture
def profile(tmp_path):
    """A profile that was lived in: a vault, a copy from an upgrade, logs, settings, a model."""
    with opened(tmp_path, WORKER) as vault:
        furnish(vault)
    profile = profile_in(tmp_path)
    copy = profile.backups / "before-upgrade-1"
    copy.mkdir()
    (copy / "header.a").write_bytes((profile.vault / "header.a").read_bytes())
    (profile.logs / "freehold.log").write_text("a line")
    (profile.settings).write_text("{}")
    (profile.models / "tiny.gguf").write_text("weights")
    (profile.lock).touch()
    return profile


def left(profile):
    return sorted(path.relative_to(profile.home).as_posix() for path in profile.home.rglob("*"))


def test_everything_but_the_models_goes(profile, tmp_path):
    vault = vault_in(tmp_path, WORKER)
    vault.unlock(raw=RAW_KEY)
    process = vault.pid
    vault.erase()
    assert left(profile) == ["lock", "models", "models/tiny.gguf"]
    assert not is_alive(process)
    assert vault_in(tmp_path, WORKER).status().state == "new"


def test_the_models_go_too_when_that_was_meant(profile, tmp_path):
    vault_in(tmp_path, WORKER).erase(models=True)
    assert left(profile) == ["lock"]


def test_a_new_vault_can_be_made_at_once(profile, tmp_path):
    vault = vault_in(tmp_path, WORKER)
    vault.erase()
    profile.prepare()
    vault.create(raw=RAW_KEY)
    assert vault.call("chats.every", trash=False) == []
    vault.lock()


def test_a_damaged_vault_can_be_erased(profile, tmp_path):
    for name in ("header.a", "header.b"):
        (profile.vault / name).write_text("junk")
    vault = vault_in(tmp_path, WORKER)
    with pytest.raises(VaultDamaged):
        vault.status()
    vault.erase()
    assert left(profile) == ["lock", "models", "models/tiny.gguf"]


def test_what_refers_elsewhere_is_removed_and_not_followed(profile, tmp_path):
    """Links out of the profile: what they point to is not the profile's."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "header.a").write_text("mine")
    (profile.home / "link").symlink_to(outside)
    (profile.backups / "header.a").symlink_to(outside / "header.a")
    vault_in(tmp_path, WORKER).erase()
    assert (outside / "header.a").read_text() == "mine"
    assert left(profile) == ["lock", "models", "models/tiny.gguf"]


KILLED = """
import os, signal, sys
from pathlib import Path
from freehold.foundation.paths import Profile
from freehold.vault import erasing
left = int(sys.argv[2])
def counted(event, args):
    global left
    if event in ("os.remove", "os.rename", "os.rmdir", "open"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(counted)
erasing.begin(Profile(Path(sys.argv[1])), models=False)
"""


def test_an_erasure_that_is_killed_anywhere_is_finished_at_the_next_start(profile, tmp_path):
    """From the wish on there is no way back: at each step of it, what is left holds no key, or the vault is whole."""
    import shutil

    home = tmp_path / "kept"
    shutil.copytree(profile.home, home, symlinks=True)
    cut = 0
    for number in range(0, 60, 3):
        shutil.rmtree(profile.home)
        shutil.copytree(home, profile.home)
        done = subprocess.run([sys.executable, "-c", KILLED, str(profile.home), str(number)], check=False)
        assert done.returncode in (0, -signal.SIGKILL)
        wished = (profile.home / "erasing").exists()
        vault = vault_in(tmp_path, WORKER)
        state = vault.status().state
        cut += wished
        if wished or done.returncode == 0:
            assert state == "new"
        else:
            vault.unlock(raw=RAW_KEY)
            assert vault.check() == []
        vault.lock()
    assert cut > 3


def test_what_cannot_be_removed_is_said_and_tried_again(profile, tmp_path, monkeypatch):
    import shutil

    real = shutil.rmtree

    def stubborn(path, *args, **options):
        if path.name == "logs":
            raise PermissionError(13, "Permission denied")
        real(path, *args, **options)

    monkeypatch.setattr(shutil, "rmtree", stubborn)
    with pytest.raises(ProfileUnusable):
        erasing.begin(profile, models=False)
    assert list(profile.vault.glob("header*")) == []
    monkeypatch.undo()
    erasing.finish(profile)
    assert left(profile) == ["lock", "models", "models/tiny.gguf"]
