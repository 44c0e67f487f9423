"""Headers that are cut, flipped, hostile or from another time. One good copy is enough; two bad ones are said to be."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from freehold.foundation.errors import VaultDamaged, VaultNewer, WrongPassphrase
from freehold.vault import header as headers
from support.vaults import RAW_KEY, closed_safe, open_safe, profile_in


@pytest.fixture
def folder(tmp_path):
    safe = open_safe(tmp_path)
    safe.rooms["settings"].put("name", "kept")
    safe.close()
    return profile_in(tmp_path).vault


@pytest.fixture
def safe(folder):
    safe = closed_safe(folder.parent.parent)
    yield safe
    safe.close()


def broken(content):
    """Every way to cut it, and a flipped bit in every third byte."""
    yield from (content[:length] for length in range(len(content)))
    for place in range(0, len(content), 3):
        yield content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]


def resealed(folder, **changes):
    """A header that says something else, with a checksum that is right: what an attacker can write."""
    fields = json.loads((folder / "header.a").read_bytes()) | changes
    del fields["checksum"]
    fields["checksum"] = sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("name", headers.NAMES)
def test_a_copy_broken_anywhere_is_replaced_by_the_other(folder, safe, name):
    good = (folder / name).read_bytes()
    for bad in broken(good):
        (folder / name).write_bytes(bad)
        safe.unlock_raw(RAW_KEY)
        assert safe.rooms["settings"].get("name") == "kept"
        safe.close()
        assert (folder / name).read_bytes() == good


def test_two_copies_broken_anywhere_are_damage_and_stay_as_they_are(folder, safe):
    for bad in list(broken((folder / "header.a").read_bytes())):
        for name in headers.NAMES:
            (folder / name).write_bytes(bad)
        with pytest.raises(VaultDamaged):
            safe.unlock_raw(RAW_KEY)
        with pytest.raises(VaultDamaged):
            safe.status()
        assert {(folder / name).read_bytes() for name in headers.NAMES} == {bad}


@pytest.mark.parametrize("missing", [("header.a",), ("header.b",)])
def test_a_missing_copy_is_written_again(folder, safe, missing):
    for name in missing:
        (folder / name).unlink()
    safe.unlock_raw(RAW_KEY)
    assert (folder / "header.a").read_bytes() == (folder / "header.b").read_bytes()


def test_what_a_crash_left_of_a_header_being_written_is_removed(folder, safe):
    (folder / ".header.a.x8k2").write_bytes(b"an old slot")
    safe.unlock_raw(RAW_KEY)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_a_database_without_any_header_is_damage_and_not_a_new_start(folder, safe):
    for name in headers.NAMES:
        (folder / name).unlink()
    with pytest.raises(VaultDamaged):
        safe.status()
    with pytest.raises(VaultDamaged):
        safe.unlock_raw(RAW_KEY)


def test_the_newest_copy_counts(tmp_path):
    """Killed between the two writes of a changed passphrase: the new one holds."""
    safe = closed_safe(tmp_path)
    safe.create(passphrase="old")
    folder = profile_in(tmp_path).vault
    before = (folder / "header.b").read_bytes()
    safe.change_passphrase("new")
    safe.close()
    (folder / "header.b").write_bytes(before)
    with pytest.raises(WrongPassphrase):
        safe.unlock("passphrase", b"old")
    safe.unlock("passphrase", b"new")
    assert (folder / "header.b").read_bytes() == (folder / "header.a").read_bytes()
    safe.close()


def test_a_header_from_a_newer_version_is_refused_in_words(folder, safe):
    newer = resealed(folder, version=2, new_field={"anything": [1, 2]})
    for name in headers.NAMES:
        (folder / name).write_bytes(newer)
    with pytest.raises(VaultNewer):
        safe.status()
    with pytest.raises(VaultNewer):
        safe.unlock_raw(RAW_KEY)
    assert (folder / "header.a").read_bytes() == newer


def test_a_header_that_says_the_database_is_newer_is_refused(folder, safe):
    newer = replace(headers.decode((folder / "header.a").read_bytes()), schema=99, generation=9)
    headers.write(folder, newer, RAW_KEY)
    with pytest.raises(VaultNewer):
        safe.unlock_raw(RAW_KEY)


@pytest.mark.parametrize(
    "cost",
    [[64 * 1024 * 1024, 3, 4], [65536, 10**9, 4], [65536, 1, 10**6], [0, 1, 4], [-1, 1, 4], [65536, 0, 4], [65536, 1],
     "much", [65536, 1, 4, 4], [1024 * 1024, 64, 4], [1e400, 1, 1]],
)  # fmt: skip
def test_a_header_cannot_ask_for_impossible_work(folder, safe, cost):
    slot = {"kind": "passphrase", "argon2id": cost, "salt": "00" * 16, "nonce": "00" * 12, "wrapped": "00" * 48}
    for name in headers.NAMES:
        (folder / name).write_bytes(resealed(folder, slots=[slot], raw=False))
    with pytest.raises((VaultDamaged, WrongPassphrase)):
        safe.unlock("passphrase", b"secret")


@pytest.mark.parametrize(
    "changes",
    [{"slots": None}, {"slots": [1]}, {"slots": [{"kind": "backdoor"}]}, {"generation": "many"}, {"generation": 1e400},
     {"vault": 7}, {"raw": "yes"}, {"schema": None}, {"extra": 1}, {"slots": {"kind": "keyring"}}],
)  # fmt: skip
def test_a_header_of_the_wrong_shape_is_damage(folder, safe, changes):
    for name in headers.NAMES:
        (folder / name).write_bytes(resealed(folder, **changes))
    with pytest.raises(VaultDamaged):
        safe.unlock_raw(RAW_KEY)


def test_a_header_nobody_with_the_key_wrote_opens_nothing(folder, safe):
    """Right checksum, wrong seal: someone without the key raised the generation."""
    (folder / "header.a").write_bytes(resealed(folder, generation=10**6))
    with pytest.raises(WrongPassphrase):
        safe.unlock_raw(RAW_KEY)


def test_an_endless_header_is_not_read_to_its_end(folder, safe):
    for name in headers.NAMES:
        with (folder / name).open("wb") as file:
            file.truncate(10 << 30)
    with pytest.raises(VaultDamaged):
        safe.status()


@pytest.mark.parametrize("content", [b"[" * 60_000, b"null", b"\xff\xfe", b'{"format":"freehold-vault"}', b"{}"])
def test_junk_in_place_of_a_header_is_damage(folder, safe, content):
    for name in headers.NAMES:
        (folder / name).write_bytes(content)
    with pytest.raises(VaultDamaged):
        safe.status()
