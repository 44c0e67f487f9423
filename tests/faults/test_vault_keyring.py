"""Keyrings that are absent, locked, lying, hanging or not to be trusted."""

from __future__ import annotations

import pytest
from keyring.backend import KeyringBackend

from freehold.foundation.errors import KeyringUnavailable, WrongPassphrase
from freehold.vault.handover import Misdirected, Receiver, seal
from freehold.vault.keyring_worker import ENVIRONMENT, REAL_KEYRINGS, Keyrings
from support import keyrings
from support.vaults import profile_in, python_worker, vault_in

ACCOUNT = "a" * 32


class Asked:
    """The worker's ops over one fake keyring of support/keyrings.py, with what they say meanwhile left out."""

    def __init__(self, ring):
        self.usable = ring.usable
        self._ring = ring

    def keep(self, *args):
        return finished(self._ring.keep(*args))

    def give(self, *args):
        return finished(self._ring.give(*args))["sealed"]


def finished(parts):
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def asked(kind):
    keyrings.IN_MEMORY.clear()
    return Asked(Keyrings({"Fake": f"support.keyrings.{kind}"}))


def vault_with(tmp_path, kind, prompts=False, **options):
    """A vault whose keyring process is real and whose keyring is a file-backed fake."""
    source = f"""
import sys; sys.path.insert(0, {str(keyrings.TESTS)!r})
from support import keyrings
keyrings.FILE = {str(tmp_path / "fake-keyring.json")!r}
from freehold.processes.worker import serve
from freehold.vault.keyring_worker import Keyrings
serve("keyring", Keyrings({{"Fake": "support.keyrings.{kind}"}}, lambda name: {prompts}).ops())
"""
    start = python_worker(profile_in(tmp_path), source, ENVIRONMENT)
    return vault_in(tmp_path, start_keyring=start, **options)


def test_a_secret_is_kept_and_given_sealed_to_the_asker_alone():
    ring, first, second = asked("Honest"), Receiver(), Receiver()
    kept = ring.keep(ACCOUNT, first.public.hex())
    assert kept["backend"] == "Fake"
    given = ring.give("Fake", ACCOUNT, second.public.hex())
    secret = second.open(bytes.fromhex(given))
    assert len(secret) == 32
    assert first.open(bytes.fromhex(kept["sealed"])) == secret
    with pytest.raises(Misdirected):
        first.open(bytes.fromhex(given))
    assert secret.hex() not in given


@pytest.mark.parametrize("kind", ["Locked", "Refusing", "Forgetful", "Lying", "Absent", "Exploding"])
def test_a_keyring_that_does_not_keep_the_secret_is_not_used(kind):
    with pytest.raises(KeyringUnavailable):
        asked(kind).keep(ACCOUNT, Receiver().public.hex())


@pytest.mark.parametrize(
    "text", ["", "freehold1:", "freehold1:" + "A" * 44, "hunter2", "freehold2:" + "A" * 43 + "=", "x" * 10**6]
)
def test_something_else_under_our_name_is_refused(text):
    ring = asked("Honest")
    keyrings.IN_MEMORY[ACCOUNT] = text
    with pytest.raises(KeyringUnavailable):
        ring.give("Fake", ACCOUNT, Receiver().public.hex())


def test_what_a_later_version_adds_behind_the_secret_is_ignored():
    ring, receiver = asked("Honest"), Receiver()
    keyrings.IN_MEMORY[ACCOUNT] = "freehold1:" + "A" * 43 + "=:generation=7"
    assert receiver.open(bytes.fromhex(ring.give("Fake", ACCOUNT, receiver.public.hex()))) == bytes(32)


def test_only_real_keyrings_are_accepted_whatever_the_library_or_the_environment_says(monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "support.keyrings.Honest")
    real = Asked(Keyrings())
    for name in ("keyring.backends.fail.Keyring", "keyring.backends.null.Keyring", "Fake", "PlaintextKeyring"):
        with pytest.raises(KeyringUnavailable):
            real.give(name, ACCOUNT, Receiver().public.hex())
    assert "PYTHON_KEYRING_BACKEND" not in ENVIRONMENT
    assert not any(word in path for path in REAL_KEYRINGS.values() for word in ("alt", "fail", "null", "chainer"))


def test_every_accepted_class_is_one_that_the_library_has():
    import importlib

    for path in REAL_KEYRINGS.values():
        module, _, kind = path.rpartition(".")
        if "macOS" in module:
            continue  # its import needs a Mac
        assert issubclass(getattr(importlib.import_module(module), kind), KeyringBackend)


def test_a_system_without_a_keyring_is_told_so():
    assert Keyrings().usable() in (None, *REAL_KEYRINGS)
    assert asked("Absent").usable() is None
    assert asked("Honest").usable() == "Fake"


def test_junk_in_place_of_a_sealed_secret_opens_nothing():
    receiver = Receiver()
    for junk in (b"", bytes(12), bytes(92), seal(receiver.public, b"x")[:-1]):
        with pytest.raises(Misdirected):
            receiver.open(junk)
    with pytest.raises(Misdirected):
        seal(bytes(5), b"x")
    with pytest.raises(KeyringUnavailable):
        asked("Honest").keep(ACCOUNT, "00" * 5)


def test_a_vault_opens_by_the_keyring_and_by_its_recovery_code_when_that_is_gone(tmp_path):
    vault = vault_with(tmp_path, "Filed")
    assert vault.keyring_usable() == "Fake"
    code = vault.create(keyring=True)
    assert vault.status().slots == ("keyring", "recovery")
    vault.set_setting("system_prompt", "kept")
    vault.lock()
    vault.unlock(keyring=True)
    assert vault.setting("system_prompt") == "kept"
    vault.lock()

    (tmp_path / "fake-keyring.json").unlink()
    with pytest.raises(KeyringUnavailable):
        vault.unlock(keyring=True)
    assert not vault.is_open
    vault.unlock(recovery=code)
    assert vault.setting("system_prompt") == "kept"
    vault.lock()


def test_a_vault_opened_by_the_keyring_opens_itself_again_after_a_crash_and_not_after_a_lock(tmp_path):
    import os
    import signal

    from support.workers import wait_until

    vault = vault_with(tmp_path, "Filed")
    vault.create(keyring=True)
    vault.set_setting("system_prompt", "kept")
    before = vault.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: vault.pid is None)
    assert vault.setting("system_prompt") == "kept"
    assert vault.pid != before
    vault.lock()
    with pytest.raises(Exception, match="locked"):
        vault.setting("system_prompt")
    vault.lock()


def test_a_hanging_keyring_is_given_up_and_its_process_ended(tmp_path):
    vault = vault_with(tmp_path, "Hanging", keyring_seconds=1.5)
    with pytest.raises(KeyringUnavailable, match=r"1\.5 s"):
        vault.create(keyring=True)
    assert vault.status().state == "new"
    assert vault.keyring_usable() == "Fake"
    vault.create(passphrase="then by passphrase")
    vault.lock()


def test_a_keyring_that_is_asking_its_owner_for_a_password_is_waited_for(tmp_path):
    """It takes twice as long as a hanging one may, and says each second that it is waiting."""
    vault = vault_with(tmp_path, "Slow", prompts=True, keyring_seconds=1.5)
    assert vault.create(keyring=True)
    vault.lock()
    again = vault_with(tmp_path, "Slow", prompts=False, keyring_seconds=1.5)
    with pytest.raises(KeyringUnavailable):
        again.unlock(keyring=True)
    again.lock()


def test_a_keyring_process_that_dies_is_a_keyring_that_cannot_be_used(tmp_path):
    vault = vault_with(tmp_path, "Deadly")
    with pytest.raises(KeyringUnavailable):
        vault.create(keyring=True)
    vault.lock()


def test_a_keyring_that_gives_another_secret_later_does_not_open_and_harms_nothing(tmp_path):
    vault = vault_with(tmp_path, "Filed")
    code = vault.create(keyring=True)
    vault.lock()
    (tmp_path / "fake-keyring.json").write_text(
        (tmp_path / "fake-keyring.json").read_text().replace("freehold1:", "freehold1:AAAA", 1)[:-6] + '"}'
    )
    for _ in range(2):
        with pytest.raises(KeyringUnavailable):
            vault.unlock(keyring=True)
    with pytest.raises(WrongPassphrase):
        vault.unlock(passphrase="anything")
    vault.unlock(recovery=code)
    vault.lock()


def test_removing_the_keyring_forgets_its_secret(tmp_path):
    vault = vault_with(tmp_path, "Filed")
    vault.create(keyring=True, passphrase="as well")
    vault.remove_slot("keyring")
    assert set(vault.status().slots) == {"passphrase", "recovery"}
    assert (tmp_path / "fake-keyring.json").read_text() == "{}"
    vault.add_keyring()
    vault.lock()
    vault.unlock(keyring=True)
    vault.lock()
