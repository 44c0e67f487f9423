"""The keys as the app has them: real signer, real vault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from freehold.foundation.errors import (
    ImportFailed,
    KeyMissing,
    KeyPassphraseWrong,
    MandateRefused,
    NeedsPassphrase,
    PlaceUnusable,
    UsageError,
    VaultLocked,
)
from freehold.identity import sealing, signatures
from freehold.identity.certificates import verify
from freehold.identity.ethereum import address_of
from freehold.identity.keystore import from_keystore
from freehold.identity.signer_worker import LENDING
from freehold.vault.handover import Receiver
from support.signers import AT, OTHER, PEER, WORKER, keys_in, keys_of
from support.vaults import RAW_KEY, open_vault, vault_in
from support.workers import is_alive, wait_until

SECRET = "correct horse"
JOB = json.dumps({"job": "1" * 32, "quote": "q", "sealed": "s"}).encode()


def open_job(keys, body: bytes = JOB, **options):
    return keys.sign_request(PEER, "POST", f"{AT}/v1/jobs", body, tokens=64, **options)


def test_before_there_is_a_key_nothing_is_started_and_afterwards_it_shows_what_is_public(tmp_path):
    with keys_in(tmp_path) as keys:
        assert not keys.has_key()
        with pytest.raises(KeyMissing):
            keys.show()
        assert keys.pid is None
        shown = keys.create()
        assert keys.has_key()
        assert keys.show() == shown
        assert shown.certified_until > time.time() + 6 * 86_400
        certificate = keys.certificate()
        verify(certificate, time.time())
        assert (certificate.name, certificate.owner, certificate.node_key) == ("desk", shown.address, shown.node_key)
        with pytest.raises(UsageError, match="a key already"):
            keys.create()


def test_a_device_whose_name_cannot_be_shown_is_called_freehold(tmp_path):
    with keys_in(tmp_path, name=lambda: "\n\x00 ") as keys:
        keys.create()
        assert keys.certificate().name == "Freehold"


def test_the_app_s_request_is_signed_within_the_mandate_and_the_owner_s_changes_count_at_once(tmp_path):
    with keys_in(tmp_path) as keys:
        keys.create()
        signed = signatures.verify_request(
            method="POST", url=f"{AT}/v1/jobs", headers=open_job(keys), body=JOB, now=time.time()
        )
        assert signed.node_key == keys.show().node_key
        assert keys.today().answers == {PEER.lower(): 1}
        keys.set_mandate(paused=True)
        with pytest.raises(MandateRefused, match="paused"):
            open_job(keys)
        assert keys.set_mandate(paused=False, answers_per_day=1).answers_per_day == 1
        with pytest.raises(MandateRefused, match="1 answers of today"):
            open_job(keys, JOB.replace(b"1", b"2"))
        assert keys.set_mandate(peer=PEER, documents=True).peers[PEER.lower()].documents
        with pytest.raises(UsageError, match="no such limit"):
            keys.set_mandate(wishes=3)
        with pytest.raises(UsageError):
            keys.set_mandate(answers_per_day=-1)


def test_locking_the_vault_ends_the_signer_and_the_next_unlocking_finds_everything(tmp_path):
    vault = open_vault(tmp_path, WORKER)
    keys = keys_of(tmp_path, vault)
    shown = keys.create()
    keys.set_mandate(answers_per_day=7)
    open_job(keys)
    pid = keys.pid
    assert pid is not None
    vault.lock()
    assert not is_alive(pid)
    assert keys.pid is None
    with pytest.raises(VaultLocked):
        keys.show()
    assert keys.pid is None
    vault.unlock(raw=RAW_KEY)
    assert keys.show() == shown
    assert keys.mandate().answers_per_day == 7
    assert keys.today().answers == {PEER.lower(): 1}
    vault.lock()


def test_a_vault_whose_process_dies_takes_the_signer_with_it(tmp_path):
    vault = open_vault(tmp_path, WORKER)
    keys = keys_of(tmp_path, vault)
    keys.create()
    os.kill(vault.pid, 9)
    wait_until(lambda: keys.pid is None)
    with pytest.raises(VaultLocked):
        keys.show()


def test_a_signer_that_is_killed_is_replaced_and_what_it_intended_still_counts(tmp_path):
    with keys_in(tmp_path) as keys:
        shown = keys.create()
        keys.set_mandate(answers_per_day=1)
        open_job(keys)
        before = keys.pid
        os.kill(before, 9)
        wait_until(lambda: keys.pid is None)
        assert keys.show() == shown
        assert keys.pid != before
        with pytest.raises(MandateRefused, match="1 answers of today"):
            open_job(keys, JOB.replace(b"1", b"2"))
        open_job(keys)  # the same once more


def test_an_idle_signer_ends_and_a_busy_one_does_not(tmp_path):
    with keys_in(tmp_path) as keys:
        assert not keys.end_if_idle(0)
        shown = keys.create()
        assert not keys.end_if_idle(3600)
        assert keys.end_if_idle(0)
        assert keys.pid is None
        assert keys.show() == shown


def test_nobody_has_to_look_after_an_idle_signer(tmp_path):
    with keys_in(tmp_path, idle=0.3) as keys:
        shown = keys.create()
        wait_until(lambda: keys.pid is None)
        assert keys.show() == shown
        wait_until(lambda: keys.pid is None)


def test_an_exported_key_is_an_ethereum_keystore_that_only_its_owner_reads(tmp_path):
    file = tmp_path / "key.json"
    with keys_in(tmp_path) as keys:
        shown = keys.create()
        with pytest.raises(NeedsPassphrase):
            keys.export(file, " ")
        assert not file.exists()
        keys.export(file, SECRET)
        assert file.stat().st_mode & 0o777 == 0o600
        fields = json.loads(file.read_text())
        assert (fields["version"], fields["crypto"]["kdf"]) == (3, "scrypt")
        assert "0x" + fields["address"].lower().removeprefix("0x") == shown.address.lower()
        assert address_of(from_keystore(file.read_text(), SECRET)) == shown.address
        with pytest.raises(PlaceUnusable, match="there already"):
            keys.export(file, SECRET)
        with pytest.raises(PlaceUnusable):
            keys.export(tmp_path / "nowhere" / "key.json", SECRET)


def test_an_imported_key_brings_its_owner_and_never_takes_another_s_place_unasked(tmp_path):
    file = tmp_path / "key.json"
    with keys_in(tmp_path / "one") as keys:
        theirs = keys.create()
        keys.export(file, SECRET)
    with keys_in(tmp_path / "two") as keys:
        with pytest.raises(KeyPassphraseWrong):
            keys.import_(file, "wrong")
        assert not keys.has_key()
        imported = keys.import_(file, SECRET)
        assert (imported.address, imported.node_key == theirs.node_key) == (theirs.address, False)
    with keys_in(tmp_path / "three") as keys:
        ours = keys.create()
        keys.set_mandate(answers_per_day=1)
        open_job(keys)
        with pytest.raises(UsageError, match="a key already"):
            keys.import_(file, SECRET)
        with pytest.raises(KeyPassphraseWrong):
            keys.import_(file, "wrong", replace=True)
        assert keys.show() == ours
        assert keys.import_(file, SECRET, replace=True).address == theirs.address
        assert keys.mandate().answers_per_day == 1
        with pytest.raises(MandateRefused, match="1 answers of today"):
            open_job(keys, JOB.replace(b"1", b"2"))


def test_a_whole_key_file_with_a_passphrase_opens_in_another_profile_and_is_the_same_device_there(tmp_path):
    with keys_in(tmp_path / "one") as keys:
        theirs = keys.create(passphrase=SECRET)
        keys.set_mandate(answers_per_day=9)
    file = tmp_path / "one" / "home" / "identity" / "key.json"
    with keys_in(tmp_path / "two") as keys:
        with pytest.raises(KeyPassphraseWrong):
            keys.import_(file, "wrong")
        assert keys.import_(file, SECRET) == theirs
        assert keys.mandate().answers_per_day == 9
        keys.lock()
        assert keys.show() == theirs
    with keys_in(tmp_path / "three") as keys:
        keys.create()
    with keys_in(tmp_path / "four") as keys, pytest.raises(ImportFailed, match="no passphrase of its own"):
        keys.import_(tmp_path / "three" / "home" / "identity" / "key.json", SECRET)


KEYSTORE = {
    "version": 3, "address": "00", "id": "x",
    "crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "00" * 16}, "ciphertext": "00" * 32, "mac": "00" * 32,
               "kdf": "scrypt", "kdfparams": {"n": 2, "r": 8, "p": 1, "dklen": 32, "salt": "00" * 16}},
}  # fmt: skip


def varied(**changes: object) -> str:
    numbers = {**KEYSTORE["crypto"]["kdfparams"], **{k: v for k, v in changes.items() if k in ("n", "r", "p", "dklen")}}
    rest = {k: v for k, v in changes.items() if k not in numbers}
    return json.dumps({**KEYSTORE, "crypto": {**KEYSTORE["crypto"], "kdfparams": numbers, **rest}})


@pytest.mark.parametrize(
    "text",
    [
        "", "junk", "[]", "null", "{}", "[" * 100_000, '{"version": 3}', '{"version": 3, "crypto": 5}',
        varied(n=2**40), varied(n=-2), varied(n="x"), varied(r=2**40), varied(p=2**40), varied(n=1.5), varied(n=3),
        varied(dklen=16), varied(kdf="md5"), varied(kdf=["scrypt"]), varied(cipher="none"), varied(ciphertext="zz"),
        varied(mac=None), varied(ciphertext=[1]),
    ],
)  # fmt: skip
def test_a_malformed_keystore_is_refused_in_words(text):
    with pytest.raises(ImportFailed):
        from_keystore(text, SECRET)


def test_a_keystore_of_another_passphrase_is_told_from_a_malformed_one():
    with pytest.raises(KeyPassphraseWrong):
        from_keystore(varied(), SECRET)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 2_000_000, b"[" * 100_000, b'"freehold-identity"', b"{}"])
def test_a_file_that_holds_no_key_leaves_everything_as_it_was(tmp_path, content):
    (tmp_path / "junk").write_bytes(content)
    with keys_in(tmp_path) as keys:
        with pytest.raises(ImportFailed):
            keys.import_(tmp_path / "junk", SECRET)
        with pytest.raises(PlaceUnusable):
            keys.import_(tmp_path / "nowhere", SECRET)
        assert not keys.has_key()


def test_a_restored_vault_brings_the_identity_back_and_the_counts_begin_where_nothing_was_signed(tmp_path):
    with keys_in(tmp_path) as keys:
        shown = keys.create()
        keys.set_mandate(answers_per_day=9)
        open_job(keys)
    for path in (tmp_path / "home" / "identity").iterdir():
        path.unlink()
    with keys_in(tmp_path) as keys:
        assert keys.has_key()
        assert keys.show() == shown
        assert keys.mandate().answers_per_day == 9
        assert keys.today().answers == {}
        open_job(keys)
    assert {path.name for path in (tmp_path / "home" / "identity").iterdir()} == {
        "key.json",
        "key.copy.json",
        "journal",
    }


def test_a_gateway_is_handed_its_keys_and_the_lending_journal_is_opened(tmp_path):
    gateway = Receiver()
    with keys_in(tmp_path) as keys:
        keys.create()
        given = json.loads(gateway.open(bytes.fromhex(keys.for_gateway(gateway.public.hex()))))
        assert given["certificate"] == keys.certificate().to_wire()
        line = sealing.seal(keys.show().hpke_key, b"who and when", LENDING).hex()
        assert keys.open_sealed([line, "junk"]) == [b"who and when"]


def test_no_secret_crosses_to_the_app(tmp_path):
    """What unlocks the file, and the keys in it, go sealed from worker to worker: nothing of them is in our memory."""
    with keys_in(tmp_path) as keys:
        keys.create()
        gateway = Receiver()
        keys.for_gateway(gateway.public.hex())
        assert OTHER not in keys.today().answers
    source = (
        "import sys, freehold.identity.keys, freehold.assistant.household;"
        "late = ('eth_account', 'eth_keyfile', 'cryptography', 'http_message_signatures');"
        "sys.exit(any(m.split('.')[0] in late for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


def test_erasing_the_profile_erases_the_keys(tmp_path):
    with keys_in(tmp_path) as keys:
        keys.create()
    vault_in(tmp_path, WORKER).erase()
    assert not (tmp_path / "home" / "identity").exists()
    assert not Path(tmp_path / "home" / "vault" / "header.a").exists()
