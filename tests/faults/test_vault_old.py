"""A vault made by the first version opens for ever, by each of its slots, and is upgraded after a copy was kept."""

from __future__ import annotations

import hmac
import json
import shutil
from pathlib import Path

import pytest
import sqlcipher3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from freehold.chats.conversations import Conversations
from freehold.chats.values import Context, Ending, Provenance
from freehold.foundation.errors import VaultNewer
from freehold.vault.keys import passphrase_bytes
from freehold.vault.recovery import secret_of
from freehold.vault.safe import Safe
from support.vaults import STORES, InProcess, closed_safe, profile_in, vault_in

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "vault-v1"
PASSPHRASE = "correct horse battery stäple"
SECRETS = {
    "passphrase": passphrase_bytes(PASSPHRASE),
    "keyring": bytes(range(32)),
    "recovery": secret_of((OLD / "recovery-code.txt").read_text()),
}


@pytest.fixture
def folder(tmp_path):
    """A profile that an old Freehold left behind."""
    for name in ("header.a", "header.b", "vault.db"):
        shutil.copyfile(OLD / name, profile_in(tmp_path).vault / name)
    return tmp_path


@pytest.mark.parametrize("slot", SECRETS)
def test_every_slot_of_the_old_vault_still_opens_it(folder, slot):
    safe = closed_safe(folder)
    safe.unlock(slot, SECRETS[slot])
    assert safe.database.check() == []
    assert safe.rooms["settings"].get("system_prompt") == "Call me by my name."
    safe.close()


def test_everything_that_was_said_is_there(folder):
    safe = closed_safe(folder)
    safe.unlock("recovery", SECRETS["recovery"])
    conversations = Conversations(InProcess(safe))
    unfinished, chat = conversations.list()
    assert (chat.title, chat.turns, chat.draft) == ("What is a freehold?", 3, "half a thought")
    assert (chat.system_prompt, chat.sampling, chat.model) == ("Be brief.", {"temperature": 0.1}, "tiny")
    question, answer, last = conversations.branch(chat.id)
    assert (question.text, answer.text, last.text) == (
        "What is a freehold?", "Property held outright.", "And a leasehold? Größe ✓",
    )  # fmt: skip
    assert answer.tokens == (1, 2, 3, 4)
    assert answer.provenance == Provenance(
        model="tiny", model_sha256="ab" * 32, sampler={"temperature": 0.5}, seed=1, context=Context(10, 100),
        tokens=4, tokens_per_s=9.5,
    )  # fmt: skip
    broken = conversations.turns(conversations.siblings(answer.id))[1]
    assert (broken.ending, broken.text, broken.error["code"]) == (Ending.BROKEN, "Prop", "engine-stopped")
    assert [chat.title for chat in conversations.list(trash=True)] == ["In the trash"]
    assert len(conversations.recover()) == 1
    assert conversations.branch(unfinished.id)[-1].text == "I was"
    assert [hit.turn for hit in conversations.search("grosse leasehold")] == []
    assert [hit.turn for hit in conversations.search("leasehold GROßE")] == [last.id]
    assert [hit.turn for hit in conversations.search("leasehold grö")] == [last.id]
    safe.close()


def test_this_version_upgrades_it_and_keeps_a_copy_first(folder):
    """Through the real process, with every store there is now; the copy is the old vault, byte for byte."""
    vault = vault_in(folder)
    assert vault.status().slots == ("passphrase", "keyring", "recovery")
    vault.unlock(passphrase=PASSPHRASE)
    assert vault.status().schema > 2
    assert len(Conversations(vault).list()) == 2
    vault.lock()
    (copy,) = profile_in(folder).backups.iterdir()
    for name in ("header.a", "header.b", "vault.db"):
        assert (copy / name).read_bytes() == (OLD / name).read_bytes()


def test_a_program_older_than_the_vault_refuses_it_in_words(folder):
    class BeforeChats:
        room = STORES[0].room
        MIGRATIONS = ()

    safe = Safe(profile_in(folder), (BeforeChats, STORES[1]))
    with pytest.raises(VaultNewer):
        safe.unlock("recovery", SECRETS["recovery"])
    for name in ("header.a", "header.b", "vault.db"):
        assert (profile_in(folder).vault / name).read_bytes() == (OLD / name).read_bytes()


def test_the_old_vault_can_be_read_by_what_the_documentation_says(tmp_path):
    """docs/vault-format.md, followed with nothing of ours."""
    header = json.loads((OLD / "header.a").read_bytes())
    slot = next(slot for slot in header["slots"] if slot["kind"] == "recovery")
    code = (OLD / "recovery-code.txt").read_text().strip().replace("-", "")

    def hkdf(key, salt, info):
        extracted = hmac.new(salt or bytes(32), key, "sha256").digest()
        return hmac.new(extracted, info + b"\x01", "sha256").digest()

    wrapping = hkdf(code[:26].encode(), bytes.fromhex(slot["salt"]), b"freehold vault 1 recovery slot")
    bound = json.dumps(["freehold-vault", 1, header["vault"], "recovery", slot["salt"], None, "", ""])
    data_key = AESGCM(wrapping).decrypt(
        bytes.fromhex(slot["nonce"]), bytes.fromhex(slot["wrapped"]), bound.replace(" ", "").encode()
    )
    said = {name: value for name, value in header.items() if name not in ("mac", "checksum")}
    plain = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    assert hmac.new(hkdf(data_key, b"", b"freehold vault 1 header"), plain, "sha256").hexdigest() == header["mac"]

    copy = shutil.copyfile(OLD / "vault.db", tmp_path / "vault.db")
    database = sqlcipher3.connect(str(copy))
    database.execute(f"PRAGMA key = \"x'{hkdf(data_key, b'', b'freehold vault 1 database').hex()}'\"")
    assert database.execute("SELECT room, version FROM vault_rooms").fetchall() == [("chats", 1), ("settings", 1)]
    database.close()
