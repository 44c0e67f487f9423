"""Flipped bits and lost pieces in the database and its log: damage is said, never an empty or shorter answer."""

from __future__ import annotations

import random

import pytest

from freehold.chats.conversations import Conversations
from freehold.chats.values import Ending
from freehold.foundation.errors import VaultDamaged
from support.vaults import RAW_KEY, InProcess, closed_safe, open_safe, profile_in

TURNS = 60


def everything(safe):
    """All there is to read, through every path a window takes."""
    conversations = Conversations(InProcess(safe))
    said = []
    for chat in conversations.list():
        conversations.outline(chat.id)
        said += [turn.text for turn in conversations.branch(chat.id)]
        said += [hit.turn for hit in conversations.search("word", 1000)]
    return said


def fill(safe):
    conversations = Conversations(InProcess(safe))
    chat, parent = conversations.create("Long"), None
    for number in range(TURNS):
        if number % 2 == 0:
            parent = conversations.ask(chat.id, f"word {number} " * 50, parent).id
        else:
            answer = conversations.begin_answer(chat.id, parent)
            parent = conversations.seal(answer.id, Ending.COMPLETE, text=f"answer word {number} " * 80).id


@pytest.fixture
def full(tmp_path):
    """A closed vault with sixty turns, and what is in it."""
    safe = open_safe(tmp_path)
    fill(safe)
    said = everything(safe)
    safe.close()
    return profile_in(tmp_path).vault / "vault.db", said


@pytest.fixture
def crashed(tmp_path):
    """As a kill leaves it: most of it in a log that was never folded in."""
    safe = open_safe(tmp_path)
    safe.database.query("PRAGMA wal_autocheckpoint = 0")  # else what lies behind the newest change may be an older log
    fill(safe)
    said = everything(safe)
    files = {path: path.read_bytes() for path in profile_in(tmp_path).vault.iterdir()}
    safe.close()
    log = next(path for path in files if path.name.endswith("-wal"))
    assert len(files[log]) > 100_000

    def restore(changed=None):
        for path, content in files.items():
            path.write_bytes(content)
        if changed is not None:
            log.write_bytes(changed)

    restore()
    return restore, files[log], said


def read_again(folder):
    safe = closed_safe(folder)
    try:
        safe.unlock_raw(RAW_KEY)
        return everything(safe)
    finally:
        safe.close()


def test_a_flipped_bit_anywhere_is_noticed_or_harmless(full, tmp_path):
    path, said = full
    good = path.read_bytes()
    dice = random.Random(1)
    places = [0, 15, 16, 100, 4095, len(good) - 1] + [dice.randrange(len(good)) for _ in range(120)]
    noticed = 0
    for place in places:
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << place % 8)]) + good[place + 1 :])
        try:
            assert read_again(tmp_path) == said  # in a page that nobody had to read
        except VaultDamaged:
            noticed += 1
    assert noticed > len(places) // 2


def test_a_check_finds_a_flipped_bit_that_nobody_read(full, tmp_path):
    path, _ = full
    good = path.read_bytes()
    for place in range(5000, len(good), 40_000):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        safe = closed_safe(tmp_path)
        try:
            safe.unlock_raw(RAW_KEY)
            assert safe.database.check() != []
        except VaultDamaged:
            pass
        safe.close()
    path.write_bytes(good)
    safe = open_safe(tmp_path)
    assert safe.database.check() == []
    safe.close()


@pytest.mark.parametrize("length", [1, 512, 4096, 4097, 20_000, -4096, -1])
def test_a_database_cut_short_is_damage(full, tmp_path, length):
    path, said = full
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(VaultDamaged):
        assert read_again(tmp_path) == said


def test_a_page_put_in_another_place_is_damage(full, tmp_path):
    path, said = full
    content = bytearray(path.read_bytes())
    second, third = content[8192:12288], content[12288:16384]
    path.write_bytes(content[:8192] + third + second + content[16384:])
    with pytest.raises(VaultDamaged):
        assert read_again(tmp_path) == said


def test_nothing_is_written_to_a_database_that_showed_damage(full, tmp_path):
    path, _ = full
    content = bytearray(path.read_bytes())
    for page in range(3, len(content) // 4096):
        content[page * 4096 + 99] ^= 1
    path.write_bytes(content)
    safe = closed_safe(tmp_path)
    with pytest.raises(VaultDamaged):
        safe.unlock_raw(RAW_KEY)
        everything(safe)
    if safe.is_open:
        with pytest.raises(VaultDamaged):
            safe.rooms["settings"].put("a", 1)
    safe.close()


def test_a_log_left_by_a_crash_is_read(crashed, tmp_path):
    _, _, said = crashed
    assert read_again(tmp_path) == said


def test_a_log_cut_anywhere_loses_its_end_at_most(crashed, tmp_path):
    """Cut off is what a kill in the middle of a write looks like: turns may miss, from the end, whole."""
    restore, log, said = crashed
    texts = [text for text in said if "word" in text]
    dice = random.Random(2)
    for length in [1, 31, 32, 55, 56, len(log) - 1, *(dice.randrange(len(log)) for _ in range(20))]:
        restore(log[:length])
        found = [text for text in read_again(tmp_path) if "word" in text]
        assert found == texts[: len(found)] or "" in found


def test_a_flipped_bit_in_the_log_is_damage_unless_in_its_last_change(crashed, tmp_path):
    """SQLite itself would drop the rest of the log without a word."""
    restore, log, said = crashed
    last_change = 12 * (4096 + 24)
    dice, noticed = random.Random(3), 0
    for place in [0, 5, 8, 20, 31, 32, 36, 40, 50, 60, *(dice.randrange(len(log) - last_change) for _ in range(40))]:
        restore(log[:place] + bytes([log[place] ^ (1 << place % 8)]) + log[place + 1 :])
        try:
            assert read_again(tmp_path) == said  # in a number that nobody reads
        except VaultDamaged:
            noticed += 1
    assert noticed > 40


def test_a_damaged_log_is_left_as_it_is(crashed, tmp_path):
    restore, log, _ = crashed
    bad = log[:9000] + bytes([log[9000] ^ 1]) + log[9001:]
    restore(bad)
    with pytest.raises(VaultDamaged):
        read_again(tmp_path)
    (path,) = profile_in(tmp_path).vault.glob("*-wal")
    assert path.read_bytes() == bad
