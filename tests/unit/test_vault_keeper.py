"""The app's side of the vault, with the real process behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.foundation.errors import NeedsPassphrase, UsageError, VaultLocked, WrongPassphrase
from freehold.processes.worker import BadRequest
from freehold.vault.keeper import Vault
from support.vaults import RAW_KEY, opened, profile_in, vault_in
from support.workers import is_alive


def test_a_passphrase_vault_from_first_start_to_lock_and_back(tmp_path):
    vault = vault_in(tmp_path)
    assert vault.status().state == "new"
    assert not vault.is_open
    assert vault.create(passphrase="correct horse") is None
    assert (vault.is_open, vault.status().state, vault.status().slots) == (True, "open", ("passphrase",))
    vault.set_setting("system_prompt", "Be brief.")
    process = vault.pid
    vault.lock()
    assert (vault.is_open, vault.pid, is_alive(process)) == (False, None, False)

    with pytest.raises(WrongPassphrase):
        vault.unlock(passphrase="wrong horse")
    assert not vault.is_open
    vault.unlock(passphrase="correct horse")
    assert vault.setting("system_prompt") == "Be brief."
    vault.change_passphrase("better horse")
    code = vault.new_recovery_code()
    vault.try_recovery(code)
    vault.lock()
    vault.unlock(recovery=code.lower())
    vault.remove_slot("passphrase")
    assert vault.status().slots == ("recovery",)
    vault.lock()


def test_status_tells_size_and_schema_when_locked_and_when_open(tmp_path):
    with opened(tmp_path) as vault:
        was = vault.status()
    now = vault_in(tmp_path)
    assert (was.state, now.status().state) == ("open", "locked")
    assert was.schema == now.status().schema >= 3
    assert now.status().bytes > 4096
    now.lock()


def test_a_vault_without_protection_is_not_made(tmp_path):
    vault = vault_in(tmp_path)
    for create in (vault.create, lambda: vault.create(passphrase=" ")):
        with pytest.raises(NeedsPassphrase):
            create()
    with pytest.raises(NeedsPassphrase):
        vault.unlock()
    assert vault.status().state == "new"
    vault.lock()


def test_a_locked_vault_answers_nothing_and_starts_nothing(tmp_path):
    with opened(tmp_path) as vault:
        pass
    for ask in (
        lambda: vault.call("chats.every", trash=False),
        lambda: list(vault.stream("chats.branch", id="x")),
        lambda: vault.setting("system_prompt"),
        vault.check,
        lambda: vault.change_passphrase("x"),
        vault.add_keyring,
    ):
        with pytest.raises(VaultLocked):
            ask()
    assert vault.pid is None


def test_a_second_process_cannot_open_an_open_vault(tmp_path):
    with opened(tmp_path) as first:
        second = vault_in(tmp_path)
        with pytest.raises(Exception, match=r"vault\.db") as refused:
            second.unlock(raw=RAW_KEY)
        assert refused.value.code == "profile-busy"
        second.lock()
        assert first.call("chats.every", trash=False) == []


def test_private_settings_are_checked_and_have_defaults(tmp_path):
    with opened(tmp_path) as vault:
        assert vault.setting("system_prompt") == ""
        vault.set_setting("system_prompt", "Sei höflich.")
        assert vault.setting("system_prompt") == "Sei höflich."
        for name, value in (("system_prompt", 5), ("theme", "dark"), ("nothing", "x")):
            with pytest.raises(UsageError):
                vault.set_setting(name, value)


def test_ops_that_no_store_offers_are_refused(tmp_path):
    with opened(tmp_path) as vault:
        for op, args in (
            ("chats._erase", {"chats": [1]}),
            ("chats.MIGRATIONS", {}),
            ("vault.close", {}),
            ("vault.__init__", {}),
            ("chats.get", {"id": 5}),
            ("chats.get", {"id": "x", "more": 1}),
        ):
            with pytest.raises(BadRequest):
                vault.call(op, **args)


def test_the_vault_process_knows_nothing_of_its_surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEHOLD_PASSPHRASE", "correct horse")
    with opened(tmp_path) as vault:
        there = Path(f"/proc/{vault.pid}")
        assert b"correct horse" not in (there / "cmdline").read_bytes()
        if os.geteuid() == 0:  # others may not even look: the process has closed itself to its own user
            assert b"correct horse" not in (there / "environ").read_bytes()


def test_a_vault_knows_its_workers_without_being_told(tmp_path):
    """What app.py builds: no start given, nothing started until something is asked."""
    vault = Vault(profile_in(tmp_path))
    assert (vault.pid, vault.is_open) == (None, False)
    vault.lock()
