"""Making the vault, opening it by each of its slots, and changing them."""

from __future__ import annotations

import os

import pytest

from freehold.foundation.errors import (
    KeyringUnavailable,
    NeedsPassphrase,
    UsageError,
    VaultDamaged,
    VaultLocked,
    VaultMissing,
    WrongPassphrase,
)
from freehold.vault import header as headers
from freehold.vault.keys import passphrase_bytes, tuned_cost, unwrap, wrap
from freehold.vault.recovery import secret_of
from freehold.vault.safe import Safe
from freehold.vault.values import Argon2Cost, Slot
from support.vaults import CHEAP, RAW_KEY, STORES, closed_safe, open_safe, profile_in

KEYRING = Slot("keyring", b"", b"", b"", backend="Secret Service", account="a" * 32)
SECRET = bytes(range(32, 64))


@pytest.fixture
def safe(tmp_path):
    safe = closed_safe(tmp_path)
    yield safe
    safe.close()


def reopened(safe, kind, secret):
    """The same vault, closed and opened by one slot."""
    safe.close()
    safe.unlock(kind, secret)
    return safe


def slots(safe):
    return safe.status().slots


def test_a_profile_without_a_vault_is_new_and_cannot_be_opened(safe):
    assert safe.status().state == "new"
    with pytest.raises(VaultMissing):
        safe.unlock("passphrase", b"anything")


def test_a_passphrase_opens_the_vault_and_no_other_does(safe):
    assert safe.create(passphrase="correct horse") is None
    assert (safe.status().state, slots(safe)) == ("open", ("passphrase",))
    safe.rooms["settings"].put("name", "kept")
    safe.close()
    assert safe.status().state == "locked"
    with pytest.raises(WrongPassphrase):
        safe.unlock("passphrase", b"correct horse ")
    safe.unlock("passphrase", b"correct horse")
    assert safe.rooms["settings"].get("name") == "kept"


def test_the_same_letters_typed_another_way_are_the_same_passphrase():
    assert passphrase_bytes("Cafe\u0301") == passphrase_bytes("Caf\u00e9") != passphrase_bytes("Cafe")


def test_the_files_hold_no_key_and_no_words(safe):
    safe.create(passphrase="correct horse")
    key = safe._data_key
    safe.rooms["settings"].put("system_prompt", "call me Ishmael")
    safe.close()
    content = b"".join(path.read_bytes() for path in safe._folder.iterdir())
    for secret in (key, key.hex().encode(), b"correct horse", b"Ishmael", b"SQLite format"):
        assert secret not in content
    assert b"freehold-vault" in content  # so the search above can find something


def test_every_file_is_for_its_owner_alone(safe):
    safe.create(passphrase="correct horse")
    modes = {path.name: path.stat().st_mode & 0o777 for path in safe._folder.iterdir()}
    assert modes == dict.fromkeys(("header.a", "header.b", "vault.db", "vault.db-wal"), 0o600)


@pytest.mark.parametrize("passphrase", ["", "   ", None])
def test_a_vault_without_protection_is_not_made(safe, passphrase):
    with pytest.raises(NeedsPassphrase):
        safe.create(passphrase=passphrase)
    assert safe.status().state == "new"


def test_a_second_vault_is_not_made_over_the_first(safe):
    safe.create(passphrase="first")
    with pytest.raises(UsageError):
        safe.create(passphrase="second")
    safe.close()
    with pytest.raises(UsageError):
        closed_safe(safe._profile.home.parent).create(passphrase="second")


def test_a_keyring_always_comes_with_a_recovery_code_that_opens(safe):
    code = safe.create(keyring=KEYRING, keyring_secret=SECRET)
    assert slots(safe) == ("keyring", "recovery")
    safe.rooms["settings"].put("x", 1)
    assert reopened(safe, "keyring", SECRET).rooms["settings"].get("x") == 1
    assert reopened(safe, "recovery", secret_of(code.lower())).rooms["settings"].get("x") == 1
    assert (safe.keyring_slot().backend, safe.keyring_slot().account) == ("Secret Service", "a" * 32)


def test_a_keyring_with_another_secret_is_told_apart_from_a_mistyped_passphrase(safe):
    safe.create(keyring=KEYRING, keyring_secret=SECRET)
    safe.close()
    with pytest.raises(KeyringUnavailable):
        safe.unlock("keyring", bytes(32))


def test_a_slot_that_is_not_there_opens_nothing(safe):
    safe.create(passphrase="correct horse")
    safe.close()
    with pytest.raises(WrongPassphrase, match="recovery code"):
        safe.unlock("recovery", b"x")
    with pytest.raises(KeyringUnavailable):
        safe.keyring_slot()


def test_a_new_passphrase_replaces_the_old_one(safe):
    safe.create(passphrase="old")
    safe.change_passphrase("new")
    assert slots(safe) == ("passphrase",)
    safe.close()
    with pytest.raises(WrongPassphrase):
        safe.unlock("passphrase", b"old")
    safe.unlock("passphrase", b"new")


def test_a_new_recovery_code_replaces_the_old_one_once_it_is_accepted(safe):
    old = safe.create(keyring=KEYRING, keyring_secret=SECRET)
    new = safe.propose_recovery()
    safe.try_recovery(old)  # still: the new one does not count yet
    with pytest.raises(WrongPassphrase):
        safe.try_recovery(new)
    safe.accept_recovery()
    safe.try_recovery(new)
    with pytest.raises(WrongPassphrase):
        safe.try_recovery(old)
    reopened(safe, "recovery", secret_of(new))


def test_the_keyring_is_never_the_only_way_in(safe):
    safe.create(keyring=KEYRING, keyring_secret=SECRET)
    with pytest.raises(UsageError):
        safe.remove_slot("recovery")
    safe.change_passphrase("now there is one")
    safe.remove_slot("recovery")
    with pytest.raises(UsageError):
        safe.remove_slot("passphrase")
    safe.remove_slot("keyring")
    assert slots(safe) == ("passphrase",)
    with pytest.raises(UsageError):
        safe.remove_slot("passphrase")


def test_a_keyring_can_be_added_later(safe):
    safe.create(passphrase="first")
    safe.add_keyring(KEYRING, SECRET)
    assert set(slots(safe)) == {"passphrase", "keyring"}
    reopened(safe, "keyring", SECRET)


def test_a_locked_vault_changes_nothing(safe):
    safe.create(passphrase="first")
    safe.close()
    for change in (lambda: safe.change_passphrase("x"), safe.propose_recovery, lambda: safe.remove_slot("keyring")):
        with pytest.raises(VaultLocked):
            change()


def test_a_raw_vault_opens_by_its_key_alone(tmp_path):
    safe = open_safe(tmp_path)
    assert slots(safe) == ()
    safe.close()
    with pytest.raises(WrongPassphrase):
        safe.unlock_raw(bytes(32))
    with pytest.raises(WrongPassphrase):
        safe.unlock("passphrase", RAW_KEY)
    safe.unlock_raw(RAW_KEY)
    with pytest.raises(UsageError):
        safe.change_passphrase("a raw vault has no slots")
    safe.close()


def test_an_ordinary_vault_does_not_open_by_its_raw_key(safe):
    safe.create(passphrase="first")
    key = safe._data_key
    safe.close()
    with pytest.raises(WrongPassphrase):
        safe.unlock_raw(key)


def test_a_vault_whose_making_was_cut_short_is_made_again(tmp_path):
    """Killed after the headers and before the database had its name."""
    safe = open_safe(tmp_path)
    safe.close()
    folder = profile_in(tmp_path).vault
    (folder / "vault.db").rename(folder / "vault.db.new")
    again = closed_safe(tmp_path)
    assert again.status().state == "new"
    again.create(passphrase="this time")
    assert slots(again) == ("passphrase",)
    assert not (folder / "vault.db.new").exists()
    again.close()


def test_a_header_of_another_vault_does_not_open_this_one(tmp_path):
    ours, theirs = (Safe(profile_in(tmp_path / name), STORES, tune=lambda: CHEAP) for name in ("ours", "theirs"))
    for safe in (ours, theirs):
        safe.create(passphrase="the same")
        safe.close()
    for name in headers.NAMES:
        (ours._folder / name).write_bytes((theirs._folder / name).read_bytes())
    with pytest.raises(VaultDamaged):
        ours.unlock("passphrase", b"the same")


@pytest.mark.parametrize("field", ["vault", "kind", "salt", "cost", "backend", "account"])
def test_nothing_a_slot_says_of_itself_can_be_changed(field):
    from dataclasses import replace

    key = os.urandom(32)
    slot = wrap(key, "v1", "passphrase", b"secret", cost=CHEAP)
    assert unwrap(slot, "v1", b"secret") == key
    if field == "vault":
        assert unwrap(slot, "v2", b"secret") is None
        return
    other = {"kind": "recovery", "salt": bytes(16), "cost": Argon2Cost(64 * 1024, 2), "backend": "x", "account": "x"}
    assert unwrap(replace(slot, **{field: other[field]}), "v1", b"secret") is None


def test_the_cost_of_a_passphrase_is_tuned_within_what_a_header_may_ask():
    cost = tuned_cost()
    assert cost.is_sane
    assert cost.memory >= 64 * 1024
