"""A recovery code counts once it has restored the vault in a trial: real processes, a real backup, a real restore."""

from __future__ import annotations

import pytest

from freehold.foundation.errors import DiskFull, VaultLocked, WrongPassphrase
from freehold.vault import backup as files
from freehold.vault.recovery import kit, new_code, secret_of
from freehold.vault.trial import try_restore
from support.furnished import ROOMS, WORKER, contents, furnish
from support.vaults import CHEAP, Safe, profile_in, vault_in


@pytest.fixture
def vault(tmp_path):
    safe = Safe(profile_in(tmp_path), ROOMS, tune=lambda: CHEAP)
    safe.create(passphrase="correct horse")
    safe.close()
    vault = vault_in(tmp_path, WORKER)
    vault.unlock(passphrase="correct horse")
    furnish(vault)
    yield vault
    vault.lock()


def test_a_new_code_was_tried_in_a_real_restore_and_leaves_nothing_of_it(vault, tmp_path):
    before = contents(vault)
    code = vault.new_recovery_code()
    assert sorted(profile_in(tmp_path).scratch.iterdir()) == []
    assert contents(vault) == before
    try_restore(vault, profile_in(tmp_path), code)
    vault.lock()
    vault.unlock(recovery=code)


def test_a_code_whose_trial_fails_does_not_count_and_the_old_one_does(vault, tmp_path, monkeypatch):
    old = vault.new_recovery_code()

    def full(*_, **__):
        raise DiskFull
        yield

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(DiskFull):
        vault.new_recovery_code()
    monkeypatch.undo()
    vault.try_recovery(old)
    try_restore(vault, profile_in(tmp_path), old)  # and no backup knows the code that failed


def test_a_code_that_is_another_is_told(vault, tmp_path):
    vault.new_recovery_code()
    with pytest.raises(WrongPassphrase):
        try_restore(vault, profile_in(tmp_path), new_code())
    assert sorted(profile_in(tmp_path).scratch.iterdir()) == []


def test_a_locked_vault_has_no_trial(vault, tmp_path):
    vault.lock()
    with pytest.raises(VaultLocked):
        vault.new_recovery_code()


def test_the_kit_can_be_printed_and_read_back():
    code = new_code()
    page = kit(code, "0123456789abcdef", "2026-11-25")
    assert max(len(line) for line in page.splitlines()) <= 80
    assert page.isascii()
    (line,) = [line.strip() for line in page.splitlines() if line.count("-") == 6]
    assert secret_of(line) == secret_of(code)
    assert "89abcdef" in page
