"""One encrypted file that holds the vault, made while it is worked in; back from it whole, or only what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.chats.conversations import Conversations
from freehold.chats.values import Ending
from freehold.foundation.errors import (
    BackupForeign,
    PlaceUnusable,
    ProfileBusy,
    UsageError,
    VaultLocked,
    WrongPassphrase,
)
from freehold.vault.backups import back_up, look_into, unpacked
from support.furnished import ROOMS, WORKER, contents, furnish, say, shelve
from support.steps import drained
from support.vaults import CHEAP, RAW_KEY, InProcess, Safe, open_vault, opened, profile_in, vault_in

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "backup-v1"


@pytest.fixture
def vault(tmp_path):
    with opened(tmp_path, WORKER) as vault:
        furnish(vault)
        yield vault


@pytest.fixture
def path(tmp_path):
    return tmp_path / "all.backup"


def backed_up(vault, folder, path):
    drained(back_up(vault, profile_in(folder), path))
    return path


def restored(folder, path, **secret):
    """A vault of a new profile in `folder`, made from the backup."""
    vault = vault_in(folder, WORKER)
    with unpacked(vault, profile_in(folder), path) as steps:
        drained(steps).restore(**(secret or {"raw": RAW_KEY.hex()}))
    return vault


def merged(vault, folder, path, keep=True, from_another=False, **secret):
    with unpacked(vault, profile_in(folder), path) as steps:
        return drained(drained(steps).merge(secret, keep=keep, from_another=from_another))


def test_a_backup_restored_elsewhere_is_the_same_vault(vault, tmp_path, path):
    backed_up(vault, tmp_path, path)
    again = restored(tmp_path / "new", path)
    assert contents(again) == contents(vault)
    assert [(chat.title, chat.draft) for chat in Conversations(again).list()] == [
        ("With a file", ""), ("Empty", ""), ("Heat pumps", "half a thought"),
    ]  # fmt: skip
    assert again.check() == []
    again.lock()
    assert sorted(path.name for path in profile_in(tmp_path / "new").scratch.iterdir()) == []


def test_a_backup_opens_with_the_slots_the_vault_had(tmp_path, path):
    safe = Safe(profile_in(tmp_path), ROOMS, tune=lambda: CHEAP)
    safe.create(passphrase="correct horse")
    code = safe.propose_recovery()
    safe.accept_recovery()
    safe.close()
    vault = vault_in(tmp_path, WORKER)
    vault.unlock(passphrase="correct horse")
    say(vault, "Kept", "Hello")
    backed_up(vault, tmp_path, path)
    vault.lock()
    for number, secret in enumerate(({"passphrase": "correct horse"}, {"recovery": code})):
        again = restored(tmp_path / str(number), path, **secret)
        assert [chat.title for chat in Conversations(again).list()] == ["Kept"]
        again.lock()
    with pytest.raises(WrongPassphrase):
        restored(tmp_path / "wrong", path, passphrase="wrong horse")
    assert vault_in(tmp_path / "wrong").status().state == "new"


def test_reading_a_backup_is_done_when_all_of_it_is(vault, tmp_path, path):
    backed_up(vault, tmp_path, path)
    steps = [*look_into(path)]
    assert steps[-1][0] == steps[-1][1] > 0
    with unpacked(vault, profile_in(tmp_path), path) as steps:
        taken = [*steps]
    assert taken[-1][0] == taken[-1][1] > 0


def test_what_is_done_meanwhile_goes_on_and_is_not_in_it(vault, tmp_path, path):
    conversations = Conversations(vault)
    before = contents(vault)
    size = profile_in(tmp_path).vault.joinpath("vault.db").stat().st_size
    steps = back_up(vault, profile_in(tmp_path), path)
    next(steps)
    for number in range(40):
        say(vault, f"During {number}", "word " * 3000)
    conversations.erase(conversations.list()[-1].id)
    drained(steps)
    again = restored(tmp_path / "new", path)
    assert contents(again) == before
    again.lock()
    assert len(conversations.list()) == 42
    assert path.stat().st_size < size + 1000


def test_what_is_erased_while_a_backup_is_made_leaves_the_file_at_its_end(tmp_path, path):
    safe = Safe(profile_in(tmp_path), ROOMS)
    safe.create(raw=RAW_KEY)
    vault = InProcess(safe)
    chat = say(vault, "Doomed", "zanzibar " * 2000)
    safe.hold()
    Conversations(vault).erase(chat)
    assert safe.database.query("SELECT * FROM vault_forgetting") != []
    safe.let_go()
    assert safe.database.query("SELECT * FROM vault_forgetting") == []
    assert safe.database.check() == []
    safe.close()


def test_one_backup_at_a_time(vault, tmp_path, path):
    first = back_up(vault, profile_in(tmp_path), path)
    next(first)
    with pytest.raises(ProfileBusy):
        drained(back_up(vault, profile_in(tmp_path), tmp_path / "other"))
    first.close()
    backed_up(vault, tmp_path, path)


def test_a_vault_locked_half_way_leaves_no_half_backup(vault, tmp_path, path):
    steps = back_up(vault, profile_in(tmp_path), path)
    next(steps)
    vault.lock()
    with pytest.raises(VaultLocked):
        drained(steps)
    assert not path.exists()
    assert [one for one in tmp_path.iterdir() if "unfinished" in one.name] == []


def test_a_file_that_is_no_backup_is_not_written_over(vault, tmp_path, path):
    path.write_text("my thesis")
    with pytest.raises(PlaceUnusable):
        backed_up(vault, tmp_path, path)
    assert path.read_text() == "my thesis"
    path.unlink()
    backed_up(vault, tmp_path, path)
    say(vault, "Later", "Hello")
    backed_up(vault, tmp_path, path)  # an older backup is replaced
    for place in (tmp_path, tmp_path / "no" / "such" / "folder"):
        with pytest.raises(PlaceUnusable):
            backed_up(vault, tmp_path, place)


def test_a_vault_is_never_replaced_by_a_backup(vault, tmp_path, path):
    backed_up(vault, tmp_path, path)
    before = contents(vault)
    with pytest.raises(UsageError):
        restored(tmp_path, path)
    assert contents(vault) == before


def test_a_log_that_an_older_vault_left_behind_is_not_read_into_the_restored_one(vault, tmp_path, path):
    backed_up(vault, tmp_path, path)
    (profile_in(tmp_path / "new").vault / "vault.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(9000))
    again = restored(tmp_path / "new", path)
    assert contents(again) == contents(vault)
    again.lock()


def test_what_a_backup_says_of_itself_needs_no_key(vault, tmp_path, path):
    backup = drained(look_into(backed_up(vault, tmp_path, path)))
    assert (backup.header.is_raw, backup.size % 4096, backup.header.schema) == (True, 0, vault.status().schema)


def test_merging_brings_back_what_is_missing_by_id_and_changes_nothing_else(vault, tmp_path, path):
    conversations = Conversations(vault)
    heat = next(chat for chat in conversations.list() if chat.title == "Heat pumps")
    backed_up(vault, tmp_path, path)
    whole = contents(vault)
    conversations.erase(heat.id)
    drained(vault.stream("library.forget", documents=[], sources=[1]))
    empty = next(chat for chat in conversations.list() if chat.title == "Empty")
    conversations.rename(empty.id, "Not empty any more")
    vault.call("settings.put", name="system_prompt", value="Be brief.")
    new = say(vault, "New", "Only here")

    would = merged(vault, tmp_path, path, keep=False)
    assert would == {
        "chats": {"chats": 1, "turns": 5, "left_out": 0}, "ledger": {"connections": 0},
        "library": {"places": 1, "documents": 1, "chunks": 2}, "settings": {"settings": 0},
        "market": {"devices": 0, "jobs": 0, "receipts": 1, "lent": 0},
    }  # fmt: skip
    assert {chat.title for chat in conversations.list()} == {"Not empty any more", "New", "With a file"}
    assert merged(vault, tmp_path, path) == would
    now = contents(vault)
    assert [item for item in now["library"] if item not in whole["library"]] == []
    assert {chat.title for chat in conversations.list()} == {"Heat pumps", "Not empty any more", "New", "With a file"}
    assert conversations.tree(heat.id)[0].text == "What is a heat pump?"
    assert conversations.get(heat.id).draft == "half a thought"
    assert [turn.text for turn in conversations.branch(new)] == ["Only here"]
    assert vault.setting("system_prompt") == "Be brief."
    assert vault.call("library.search", query="lease")["passages"][0]["text"] == "The lease begins in May."
    assert vault.check() == []
    again = merged(vault, tmp_path, path)
    assert not any(number for room in again.values() for number in room.values())


def test_a_chat_that_went_on_in_both_places_has_both_branches(vault, tmp_path, path):
    conversations = Conversations(vault)
    chat = next(chat for chat in conversations.list() if chat.title == "Heat pumps")
    root = conversations.branch(chat.id)[0]
    there = restored(tmp_path / "there", backed_up(vault, tmp_path, path))
    away = Conversations(there).begin_answer(chat.id, root.id)
    Conversations(there).seal(away.id, Ending.COMPLETE, text="Said elsewhere")
    backed_up(there, tmp_path / "there", path)
    there.lock()
    here = conversations.begin_answer(chat.id, root.id)
    conversations.seal(here.id, Ending.COMPLETE, text="Said here")
    merged(vault, tmp_path, path)
    texts = [turn.text for turn in conversations.turns(conversations.siblings(here.id))]
    assert texts[-2:] == ["Said here", "Said elsewhere"]


def test_a_backup_of_another_vault_is_refused_unless_it_was_meant(vault, tmp_path, path):
    other = vault_in(tmp_path / "other", WORKER)
    key = bytes(range(1, 33))
    other.create(raw=key)
    say(other, "From elsewhere", "Hello")
    shelve(other, "/papers/other.txt", "Another lease.")
    backed_up(other, tmp_path / "other", path)
    other.lock()
    before = contents(vault)
    with pytest.raises(BackupForeign):
        merged(vault, tmp_path, path)
    with pytest.raises(WrongPassphrase):
        merged(vault, tmp_path, path, from_another=True, raw=RAW_KEY.hex())
    assert contents(vault) == before
    assert merged(vault, tmp_path, path, from_another=True, raw=key.hex())["chats"]["chats"] == 1
    assert "From elsewhere" in {chat.title for chat in Conversations(vault).list()}


def test_a_chat_and_a_document_longer_than_a_piece_arrive_whole(tmp_path, path):
    with opened(tmp_path, WORKER) as vault:
        chat = say(vault, "Long", *(f"{number} " + "word " * 100_000 for number in range(9)))
        shelve(vault, "/papers/book.txt", *(f"chunk {number} of the book" for number in range(1000)))
        backed_up(vault, tmp_path, path)
        whole = contents(vault)
    other = open_vault(tmp_path / "other", WORKER)
    merged(other, tmp_path / "other", path, from_another=True, raw=RAW_KEY.hex())
    assert contents(other)["chats"] == whole["chats"]
    assert contents(other)["library"] == whole["library"]
    assert len(Conversations(other).branch(chat)) == 9
    assert [row["chunks"] for row in other.call("library.documents")] == [1000]
    other.lock()


def test_a_document_that_came_in_part_is_read_again_from_its_file(tmp_path):
    """What an import that was cut off between two pieces leaves."""
    safe = Safe(profile_in(tmp_path), ROOMS)
    safe.create(raw=RAW_KEY)
    vault = InProcess(safe)
    shelve(vault, "/papers/book.txt", *(f"chunk {number}" for number in range(900)))
    pages = list(vault.stream("library.everything"))
    safe.close()
    other = Safe(profile_in(tmp_path / "other"), ROOMS)
    other.create(raw=RAW_KEY)
    for page in pages[:-1]:
        other.rooms["library"].take(page)
    assert [row["state"] for row in other.rooms["library"].documents()] == ["waiting"]
    other.close()


def test_a_merge_that_fails_half_way_leaves_everything_as_it_was(tmp_path):
    safe = Safe(profile_in(tmp_path), ROOMS)
    safe.create(raw=RAW_KEY)
    furnish(InProcess(safe))
    before = contents(InProcess(safe))

    class Full(ZeroDivisionError):
        pass

    with pytest.raises(Full), safe.database.together(keep=True):
        say(InProcess(safe), "Half", "way")
        raise Full
    assert contents(InProcess(safe)) == before
    with safe.database.together(keep=False):
        say(InProcess(safe), "Only", "a rehearsal")
    assert contents(InProcess(safe)) == before
    assert safe.check() == []
    safe.close()


def test_a_backup_of_the_first_version_is_restored_for_ever(tmp_path):
    passphrase, code = "correct horse battery stäple", (OLD / "recovery-code.txt").read_text()
    for number, secret in enumerate(({"passphrase": passphrase}, {"recovery": code})):
        again = restored(tmp_path / str(number), OLD / "freehold.backup", **secret)
        titles = {chat.title for chat in Conversations(again).list()}
        assert titles == {"Heat pumps", "Empty"}
        assert again.call("library.search", query="lease")["passages"][0]["path"] == "/papers/lease.txt"
        assert again.check() == []
        again.lock()


def test_a_backup_can_be_read_by_what_the_documentation_says(vault, tmp_path, path):
    """docs/vault-format.md: two lines, the database as it is, a digest, a seal."""
    backed_up(vault, tmp_path, path)
    profile = profile_in(tmp_path)
    content = path.read_bytes()
    _, header, rest = content.split(b"\n", 2)
    assert header + b"\n" == (profile.vault / "header.a").read_bytes()
    folder = profile_in(tmp_path / "hand").vault
    for name in ("header.a", "header.b"):
        (folder / name).write_bytes(header + b"\n")
    (folder / "vault.db").write_bytes(rest[:-64])
    with opened(tmp_path / "hand", WORKER) as by_hand:
        assert contents(by_hand) == contents(vault)


def test_what_the_window_calls_goes_the_whole_way(vault, tmp_path, path):
    drained(vault.back_up(path))
    assert drained(vault.look_into(path)).slots == ()  # a test key opens it
    _, nothing_new = drained(vault.take_in(path, {}, keep=False))
    assert not any(number for room in nothing_new.values() for number in room.values())
    again = vault_in(tmp_path / "new", WORKER)
    profile_in(tmp_path / "new")
    drained(again.bring_back(path, {"raw": RAW_KEY.hex()}))
    say(vault, "After the backup", "What came after?", "This.")
    assert contents(again) != contents(vault)
    later = tmp_path / "later.backup"
    drained(vault.back_up(later))
    _, new = drained(again.take_in(later, {}, keep=True))
    assert new["chats"]["turns"]
    assert contents(again) == contents(vault)
    again.lock()
