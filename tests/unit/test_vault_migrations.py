"""Upgrading a vault: a copy first, every step whole, a newer one left alone."""

from __future__ import annotations

import pytest

from freehold.chats.store import ChatStore
from freehold.foundation.errors import VaultDamaged, VaultNewer
from freehold.foundation.paths import Profile
from freehold.vault.migrations import statements
from freehold.vault.safe import Safe
from freehold.vault.settings_store import SettingsStore
from support.vaults import RAW_KEY, STORES, closed_safe, open_safe, profile_in


class Garden:
    """A room that grows."""

    room = "garden"
    MIGRATIONS = ("CREATE TABLE beds (name TEXT);",)

    def __init__(self, database):
        self.db = database

    def names(self):
        return [row[0] for row in self.db.query("SELECT name FROM beds ORDER BY name")]

    def plant(self, name):
        with self.db.transaction() as execute:
            execute("INSERT INTO beds (name) VALUES (?)", name)


class GrownGarden(Garden):
    MIGRATIONS = (*Garden.MIGRATIONS, "ALTER TABLE beds ADD COLUMN width INTEGER DEFAULT 2; UPDATE beds SET width = 3;")


class BrokenGarden(Garden):
    MIGRATIONS = (
        *Garden.MIGRATIONS,
        "CREATE TABLE paths (name TEXT); INSERT INTO paths VALUES ('a');",
        "CREATE TABLE trees (name TEXT); INSERT INTO nowhere VALUES (1);",
    )


def contents(profile: Profile) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in profile.vault.iterdir()}


def test_an_older_vault_is_copied_and_brought_up_to_date(tmp_path):
    old = open_safe(tmp_path, (Garden,))
    old.rooms["garden"].plant("roses")
    old.close()
    before = contents(profile_in(tmp_path))

    grown = open_safe(tmp_path, (GrownGarden,))
    assert grown.database.query("SELECT name, width FROM beds") == [("roses", 3)]
    assert grown.status().schema == 2
    assert grown.database.query("PRAGMA user_version") == [(2,)]
    grown.close()

    (copy,) = profile_in(tmp_path).backups.iterdir()
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in [copy, *copy.iterdir()])


def test_the_copy_opens_as_the_vault_it_was(tmp_path):
    old = open_safe(tmp_path, (Garden,))
    old.rooms["garden"].plant("roses")
    old.close()
    open_safe(tmp_path, (GrownGarden,)).close()
    (copy,) = profile_in(tmp_path).backups.iterdir()
    there = profile_in(tmp_path / "restored")
    for part in copy.iterdir():
        part.rename(there.vault / part.name)
    restored = open_safe(tmp_path / "restored", (Garden,))
    assert restored.rooms["garden"].names() == ["roses"]
    restored.close()


def test_an_up_to_date_vault_is_not_copied(tmp_path):
    open_safe(tmp_path, (Garden,)).close()
    open_safe(tmp_path, (Garden,)).close()
    assert list(profile_in(tmp_path).backups.iterdir()) == []


def test_a_room_that_is_new_in_this_version_is_added(tmp_path):
    open_safe(tmp_path, (SettingsStore,)).close()
    safe = open_safe(tmp_path, (SettingsStore, Garden))
    assert safe.rooms["garden"].names() == []
    safe.close()


def test_three_copies_are_kept(tmp_path):
    class Growing(Garden):
        MIGRATIONS = Garden.MIGRATIONS

    open_safe(tmp_path, (Growing,)).close()
    for number in range(5):
        Growing.MIGRATIONS = (*Growing.MIGRATIONS, f"CREATE TABLE more_{number} (x);")
        open_safe(tmp_path, (Growing,)).close()
    names = sorted(path.name for path in profile_in(tmp_path).backups.iterdir())
    assert [name.rpartition("-")[2] for name in names] == ["3", "4", "5"]


def test_a_step_that_fails_leaves_those_before_it_and_nothing_of_its_own(tmp_path):
    open_safe(tmp_path, (Garden,)).close()
    with pytest.raises(Exception, match="nowhere"):
        open_safe(tmp_path, (BrokenGarden,))

    class Mended(Garden):
        MIGRATIONS = (*BrokenGarden.MIGRATIONS[:2], "CREATE TABLE trees (name TEXT);")

    safe = open_safe(tmp_path, (Mended,))
    assert safe.database.query("SELECT name FROM paths") == [("a",)]
    assert safe.database.query("SELECT name FROM trees") == []
    safe.close()


def test_a_newer_vault_is_refused_in_words_and_not_touched(tmp_path):
    open_safe(tmp_path, (GrownGarden,)).close()
    before = contents(profile_in(tmp_path))
    with pytest.raises(VaultNewer):
        open_safe(tmp_path, (Garden,))
    assert contents(profile_in(tmp_path)) == before
    open_safe(tmp_path, (GrownGarden,)).close()


def test_a_vault_with_a_room_we_do_not_know_is_newer(tmp_path):
    open_safe(tmp_path, (*STORES, Garden)).close()
    with pytest.raises(VaultNewer):
        open_safe(tmp_path, STORES)


def test_a_newer_database_under_an_older_header_is_refused_too(tmp_path):
    """Someone put back only the headers of a copy."""
    open_safe(tmp_path, (Garden,)).close()
    folder = profile_in(tmp_path).vault
    headers = {name: (folder / name).read_bytes() for name in ("header.a", "header.b")}
    open_safe(tmp_path, (GrownGarden,)).close()
    for name, content in headers.items():
        (folder / name).write_bytes(content)
    with pytest.raises(VaultNewer):
        open_safe(tmp_path, (Garden,))


def test_an_emptied_database_is_damage_and_not_a_new_start(tmp_path):
    open_safe(tmp_path).close()
    (profile_in(tmp_path).vault / "vault.db").write_bytes(b"")
    with pytest.raises(VaultDamaged):
        open_safe(tmp_path)


def test_a_missing_database_is_damage_and_not_a_new_start(tmp_path):
    open_safe(tmp_path).close()
    (profile_in(tmp_path).vault / "vault.db").unlink()
    safe = closed_safe(tmp_path)
    assert safe.status().state == "locked"
    with pytest.raises(VaultDamaged):
        safe.unlock_raw(RAW_KEY)


def test_a_script_is_cut_into_statements_with_triggers_whole():
    script = "CREATE TABLE a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; SELECT ';'; END;\n"
    assert [one.split()[1] for one in statements(script)] == ["TABLE", "TRIGGER"]
    with pytest.raises(ValueError):
        list(statements("CREATE TABLE a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a;"))
    for store in (ChatStore, SettingsStore):
        for one in store.MIGRATIONS:
            assert list(statements(one))


def test_a_safe_knows_nothing_of_stores_it_was_not_given(tmp_path):
    safe = Safe(profile_in(tmp_path), (Garden,))
    safe.create(raw=RAW_KEY)
    assert list(safe.rooms) == ["garden"]
    safe.close()
