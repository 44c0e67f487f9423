"""What becomes of the keys when files are cut, flipped, older or gone, the disk is full, and the signer is killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from freehold.foundation.errors import (
    DiskFull,
    FreeholdError,
    KeyDamaged,
    KeyPassphraseWrong,
    MandateRefused,
    ProfileUnusable,
    WorkerStopped,
)
from freehold.foundation.paths import Profile
from freehold.identity import keyfile
from freehold.identity.bundle import Bundle
from freehold.identity.journal import Journal
from freehold.identity.keychest import Chest
from freehold.identity.keyfile import NAMES, KeyFile
from freehold.identity.tally import DAY
from freehold.processes.spawn import spawn
from support.signers import AT, KEY, NOON, PEER, Clock, ask, keys_in, open_signer
from support.vaults import CHEAP

SECRET = "correct horse"


@pytest.fixture
def folder(tmp_path) -> Path:
    place = Profile(tmp_path / "home").identity
    place.mkdir(parents=True)
    return place


def chest_in(folder: Path, key: bytes = KEY) -> Chest:
    return Chest(folder, key, lambda: CHEAP)


def begun(folder: Path, passphrase: str | None = None) -> Chest:
    chest = chest_in(folder)
    chest.begin(Bundle.new(b"\x11" * 32), passphrase)
    return chest


def test_one_copy_may_be_cut_anywhere_and_is_mended(folder):
    made = begun(folder)
    whole = (folder / NAMES[0]).read_bytes()
    for length in [*range(0, len(whole), 41), len(whole) - 1]:
        for name in NAMES:
            (folder / name).write_bytes(whole[:length])
            chest = chest_in(folder)
            assert chest.open()
            assert chest.bundle == made.bundle
            assert [(folder / one).read_bytes() for one in NAMES] == [whole, whole]


def test_with_both_cut_or_flipped_it_is_refused_in_words_unless_the_vault_has_its_own_copy(folder):
    made = begun(folder)
    whole = (folder / NAMES[0]).read_bytes()
    flips = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 37)]
    for damaged in [whole[: len(whole) // 2], b"", b"{}", b"null", b"[" * 50_000, b"\xff" * 100, *flips]:
        for name in NAMES:
            (folder / name).write_bytes(damaged)
        with pytest.raises(KeyDamaged):
            chest_in(folder).open()
        assert (folder / NAMES[0]).read_bytes() == damaged
        chest = chest_in(folder)
        assert chest.open(whole.decode())
        assert chest.bundle == made.bundle
        assert (folder / NAMES[0]).read_bytes() == whole


def test_the_newest_copy_counts_wherever_it_is(folder):
    chest = begun(folder)
    old = chest.content()
    chest.keep(Bundle.new(b"\x22" * 32))
    (folder / NAMES[0]).write_text(old)
    again = chest_in(folder)
    again.open()
    assert again.bundle == chest.bundle
    newer = chest.content()
    for name in NAMES:
        (folder / name).write_text(old)
    again = chest_in(folder)
    again.open(newer)
    assert again.bundle == chest.bundle
    assert (folder / NAMES[1]).read_text() == newer


def test_every_slot_opens_with_its_own_secret_alone_and_vouches_for_every_word_of_itself(folder):
    chest = begun(folder, SECRET)
    file = keyfile.decode(chest.content().encode())
    with pytest.raises(KeyDamaged, match="another vault"):
        chest_in(folder, bytes(32)).open()
    stranger = chest_in(folder.parent / "vault")
    with pytest.raises(KeyPassphraseWrong):
        stranger.take_over(chest.content(), "wrong")
    for kind, secret in (("vault", KEY), ("passphrase", SECRET.encode())):
        slot = file.slot(kind)
        assert keyfile.unwrap(slot, file.id, secret) is not None
        assert keyfile.unwrap(slot, "0" * 32, secret) is None
        for change in ({"salt": bytes(16)}, {"nonce": bytes(12)}, {"wrapped": bytes(48)}):
            assert keyfile.unwrap(_with(slot, **change), file.id, secret) is None


def test_a_slot_that_was_added_taken_away_or_exchanged_is_noticed(folder):
    chest = begun(folder, SECRET)
    file = keyfile.decode(chest.content().encode())
    foreign = keyfile.wrap(b"k" * 32, file.id, "vault", KEY)
    for slots in (file.slots[:1], (foreign, file.slots[1]), tuple(reversed(file.slots))):
        for name in NAMES:
            (folder / name).write_bytes(keyfile.encode(_with(file, slots=slots)))
        with pytest.raises(KeyDamaged):
            chest_in(folder).open()


def test_a_file_of_a_newer_freehold_is_left_alone(folder):
    chest = begun(folder)
    newer = json.dumps({**json.loads(chest.content()), "version": 2}).encode()
    for name in NAMES:
        (folder / name).write_bytes(newer)
    with pytest.raises(KeyDamaged, match="newer Freehold"):
        chest_in(folder).open()
    assert (folder / NAMES[0]).read_bytes() == newer


def test_a_slot_may_not_ask_for_an_impossible_amount_of_work(folder):
    fields = json.loads(begun(folder, SECRET).content())
    fields["slots"][1]["argon2id"] = [2**40, 1, 4]
    with pytest.raises(KeyDamaged):
        keyfile.decode(json.dumps(fields).encode())


def test_a_folder_that_cannot_be_written_to_leaves_no_half_a_key(folder):
    chest = begun(folder)
    before = chest.bundle
    shutil.rmtree(folder)
    with pytest.raises(ProfileUnusable):
        chest.keep(Bundle.new(b"\x22" * 32))
    assert chest.bundle == before


def test_a_journal_that_is_cut_in_its_last_line_goes_on_and_loses_only_that(tmp_path):
    signer = open_signer(tmp_path)
    ask(signer, 1)
    journal = tmp_path / "home" / "identity" / "journal"
    before = journal.stat().st_size
    ask(signer, 2)
    whole = journal.read_bytes()
    for length in range(before, len(whole)):
        journal.write_bytes(whole[:length])
        again = open_signer(tmp_path)
        assert again.mandate() | {"mandate": 0} == {"mandate": 0, "today": {PEER.lower(): 1}, "closed": False}
    ask(again, 3)  # after what was left of the line
    assert open_signer(tmp_path).mandate()["today"] == {PEER.lower(): 2}


def test_a_journal_that_is_flipped_exchanged_or_gone_closes_the_day_until_tomorrow_or_the_owner_s_word(tmp_path):
    ask(open_signer(tmp_path), 1)
    journal = tmp_path / "home" / "identity" / "journal"
    whole = journal.read_bytes()
    lines = whole.split(b"\n")
    flips = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole) - 1, 61)]
    exchanged = b"\n".join([lines[0], lines[2], lines[1], b""])
    for damaged in [None, b"", b"junk", b"junk\n", exchanged, b"\n".join([lines[0], lines[2], b""]), *flips]:
        journal.unlink(missing_ok=True)
        if damaged is not None:
            journal.write_bytes(damaged)
        clock = Clock()
        signer = open_signer(tmp_path, clock)
        with pytest.raises(MandateRefused, match="could not be read"):
            ask(signer, 9)
        with pytest.raises(MandateRefused, match="could not be read"):
            ask(open_signer(tmp_path, clock), 9)
        if damaged:
            assert journal.with_name("journal.damaged").read_bytes() == damaged
        clock.now += DAY
        ask(signer, 9)
    signer.set_mandate(signer.mandate()["mandate"])
    ask(signer, 10)


def test_on_a_full_disk_nothing_is_signed_and_nothing_is_counted(tmp_path):
    is_full = False

    def write(handle: int, content: bytes) -> int:
        if is_full and len(content) <= 30:
            raise OSError(errno.ENOSPC, "no space left on device")
        return os.write(handle, content[: 30 if is_full else len(content)])

    signer = open_signer(tmp_path, write=write)
    ask(signer, 1)
    is_full = True
    for _ in range(3):
        with pytest.raises(DiskFull):
            ask(signer, 2)
    assert signer.mandate()["today"] == {PEER.lower(): 1}
    assert open_signer(tmp_path).mandate()["today"] == {PEER.lower(): 1}
    is_full = False
    ask(signer, 2)
    assert open_signer(tmp_path).mandate()["today"] == {PEER.lower(): 2}


DIES = """
import os, signal
from pathlib import Path
from freehold.identity.signer_worker import Signer
from freehold.processes.worker import serve

def write(handle, content):
    written = os.write(handle, content)
    if Path({mark!r}).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return written

serve("signer", Signer(write=write).ops())
"""


def test_killed_between_intention_and_signature_it_counts_an_answer_that_never_was_and_signs_the_same_request_again(
    tmp_path,
):
    mark = tmp_path / "die"
    source = DIES.format(mark=str(mark))
    scratch = tmp_path / "home" / "scratch"

    def job(number: int) -> bytes:
        return json.dumps({"job": f"{number:032x}", "quote": "q", "sealed": "s"}).encode()

    with keys_in(tmp_path, start=lambda: spawn([sys.executable, "-c", source], scratch)) as keys:
        keys.create()
        keys.set_mandate(answers_per_day=2)
        mark.touch()
        with pytest.raises(WorkerStopped):
            keys.sign_request(PEER, "POST", f"{AT}/v1/jobs", job(1), tokens=64)
        mark.unlink()
        assert keys.today().answers == {PEER.lower(): 1}
        keys.sign_request(PEER, "POST", f"{AT}/v1/jobs", job(1), tokens=64)
        assert keys.today().answers == {PEER.lower(): 1}
        keys.sign_request(PEER, "POST", f"{AT}/v1/jobs", job(2), tokens=64)
        with pytest.raises(MandateRefused):
            keys.sign_request(PEER, "POST", f"{AT}/v1/jobs", job(3), tokens=64)


def test_nothing_of_what_was_asked_or_of_the_keys_can_be_read_in_the_folder(tmp_path):
    signer = open_signer(tmp_path)
    ask(signer, 0xABCDEF, salt="the very words")
    folder = tmp_path / "home" / "identity"
    found = b"".join(path.read_bytes() for path in folder.iterdir())
    shown = signer.show("desk")
    readable = (b"very words", PEER[2:].lower().encode(), b"abcdef", shown["address"][2:].encode(), b"words")
    for word in (*readable, shown["node_key"].encode()):
        assert word not in found
    journal = Journal(folder, signer._bundle().journal)  # the control: with its key it tells
    journal.open(NOON)
    assert f"{0xABCDEF:032x}" in journal.tally.jobs
    journal.close()
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_junk_that_claims_to_be_a_key_file_ends_in_words():
    for junk in (b"", b"1", b"{}", b"[]", b'{"format": "freehold-identity", "version": "1"}', b'{"format": 1}'):
        with pytest.raises(FreeholdError):
            keyfile.decode(junk)
    assert KeyFile("0" * 32, 1, ()).slot("vault") is None


def _with(value, **changes):
    from dataclasses import replace

    return replace(value, **changes)
