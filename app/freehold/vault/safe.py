"""The vault itself: made, opened by one of its slots, its slots changed. Lives in the vault process.

The data key is made here and never leaves this object but wrapped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from freehold.foundation.errors import (
    BackupForeign,
    DiskFull,
    FreeholdError,
    KeyringUnavailable,
    NeedsPassphrase,
    ProfileUnusable,
    UsageError,
    VaultDamaged,
    VaultLocked,
    VaultMissing,
    VaultNewer,
    WrongPassphrase,
)
from freehold.foundation.ids import new_id
from freehold.foundation.paths import Profile
from freehold.vault import header as headers
from freehold.vault import keys, making, migrations, moving, recovery
from freehold.vault.age import Age, Older, newest, older
from freehold.vault.copies import forget_copies, keep_copy
from freehold.vault.database import Database
from freehold.vault.making import AGE, DATABASE
from freehold.vault.slots import FindKey, by_raw_key, by_slot, keyring_slot, with_slot
from freehold.vault.unpacked import Unpacked
from freehold.vault.values import Argon2Cost, Header, Slot, SlotKind, Status, can_stand_alone

_CHECK_DUE = "check due"
_CHECKED_AT_ONCE = 16 * 1024 * 1024  # a quarter of a second

_log = logging.getLogger(__name__)


class Safe:
    """One vault, closed or open. `tune` says what a passphrase shall cost on this machine."""

    def __init__(
        self, profile: Profile, stores: Sequence[type[Any]], *, tune: Callable[[], Argon2Cost] = keys.tuned_cost
    ) -> None:
        self._profile, self._folder = profile, profile.vault
        self._classes = tuple(stores)
        self._tune = tune
        self._data_key = b""
        self._header: Header | None = None
        self._older: Older = ""
        self._pending: Slot | None = None
        self.database: Database | None = None
        self.rooms: dict[str, Any] = {}

    @property
    def is_open(self) -> bool:
        return self.database is not None

    def status(self) -> Status:
        """Needs no key. Raises VaultNewer, VaultDamaged."""
        if self.is_new:
            return Status("new")
        header = self._header or self._copies()[0][0]
        kinds = tuple(slot.kind for slot in header.slots)
        size = sum(_size(self._folder / name) for name in (DATABASE, DATABASE + "-wal"))
        if self.database is None:
            return Status("locked", kinds, header.schema, size, vault=header.vault)
        is_due = self.database.noted(_CHECK_DUE) is not None
        return Status("open", kinds, header.schema, size, self._older, is_due, header.vault)

    @property
    def is_new(self) -> bool:
        """No vault yet."""
        return making.is_new(self._folder)

    def create(
        self, *, passphrase: str | None = None, keyring: Slot | None = None, keyring_secret: bytes = b"",
        raw: bytes | None = None,
    ) -> str | None:  # fmt: skip
        """Make the vault and open it; returns the recovery code, which comes with every keyring.

        Raises UsageError when there is one, NeedsPassphrase, DiskFull, ProfileUnusable; then there is still none.
        """
        if not self.is_new:
            raise UsageError("there is a vault here already")
        vault = new_id()
        data_key = keys.new_data_key() if raw is None else raw
        slots, code = [], None
        if passphrase is not None:
            slots.append(self._passphrase_slot(data_key, vault, passphrase))
        if keyring is not None:
            slots.append(keyring_slot(data_key, vault, keyring, keyring_secret))
            code = recovery.new_code()
            slots.append(keys.wrap(data_key, vault, "recovery", recovery.secret_of(code)))
        if not slots and raw is None:
            raise NeedsPassphrase()
        header = Header(vault, 1, 0, tuple(slots), raw is not None)
        self._open(making.make(self._folder, header, data_key, self._classes), data_key)
        return code

    def unlock(self, kind: SlotKind, secret: bytes, *, seen: int = 0) -> None:
        """Open with one slot's secret. Raises WrongPassphrase, KeyringUnavailable, VaultNewer, VaultDamaged.

        `seen` is the generation that the keyring has seen; a vault that was older then is told by `status`.
        """
        self._unlock(by_slot(kind, secret), seen)

    def unlock_raw(self, data_key: bytes) -> None:
        """Open a vault that was made with a raw key, for tests."""
        self._unlock(by_raw_key(data_key))

    def try_recovery(self, code: str) -> None:
        """A trial restore of the key from `code`, without opening anything. Raises WrongPassphrase."""
        header, _ = self._copies()[0]
        by_slot("recovery", recovery.secret_of(code))(header)

    def change_passphrase(self, new: str) -> None:
        """Also adds a passphrase where there was none."""
        key, header = self._opened()
        self._put_slot(self._passphrase_slot(key, header.vault, new))

    def propose_recovery(self) -> str:
        """A fresh code that does not count yet: `hold` gives a header with it, for a trial, until `accept_recovery`."""
        key, header = self._opened()
        code = recovery.new_code()
        self._pending = keys.wrap(key, header.vault, "recovery", recovery.secret_of(code))
        return code

    def accept_recovery(self) -> None:
        """Let the proposed code count; the old one opens nothing any more."""
        if self._pending is None:
            raise UsageError("no recovery code was proposed")
        self._put_slot(self._pending)
        self._pending = None

    def add_keyring(self, slot: Slot, secret: bytes) -> None:
        key, header = self._opened()
        if not can_stand_alone(frozenset(one.kind for one in header.slots)):
            raise UsageError("a keyring needs a passphrase or a recovery code beside it")
        self._put_slot(keyring_slot(key, header.vault, slot, secret))

    def remove_slot(self, kind: str) -> None:
        """Raises UsageError when the keyring, or nothing, would be left."""
        _, header = self._opened()
        rest = tuple(slot for slot in header.slots if slot.kind != kind)
        if not can_stand_alone(frozenset(slot.kind for slot in rest)):
            raise UsageError("a passphrase or a recovery code must stay")
        self._change(replace(header, slots=rest))

    def keyring_slot(self) -> Slot:
        """Where the keyring's secret lies. Raises KeyringUnavailable when the vault has no such slot."""
        if self.is_new:
            raise VaultMissing()
        slot = self._copies()[0][0].slot("keyring")
        if slot is None:
            raise KeyringUnavailable("this vault was not set up to be opened by a keyring")
        return slot

    def hold(self, *, proposed: bool = False) -> tuple[bytes, int]:
        """A backup's content: the header's bytes, and the size of the database's file, left alone until `let_go`.

        With `proposed`, the header has the recovery code that does not count yet.
        """
        key, header = self._opened()
        assert self.database is not None
        if proposed and self._pending is not None:
            header = with_slot(header, self._pending)
        return headers.encode(header, key), self.database.hold()

    def let_go(self) -> None:
        if self.database is not None:
            self.database.let_go()

    def seal(self, digest: bytes) -> bytes:
        """What only the owner of this vault can put under a backup's SHA-256."""
        return keys.seal_backup(self._opened()[0], digest)

    def subkey(self, purpose: str) -> bytes:
        """The key that another worker may have for one purpose: nothing else can be worked out from it."""
        return keys.subkey(self._opened()[0], purpose)

    def restore(self, unpacked: Unpacked, find_key: FindKey) -> None:
        """Become the vault of a backup, and open it.

        Raises UsageError where there is a vault, WrongPassphrase, BackupDamaged, VaultNewer; then there is still none.
        """
        if not self.is_new:
            raise UsageError("there is a vault here already; --merge brings the backup's contents into it")
        header, data_key = unpacked.authenticate(find_key)
        self._refuse_newer(header)
        making.take_over(self._folder, unpacked.database, header, data_key)
        self._open(header, data_key)

    def merge(
        self, unpacked: Unpacked, find_key: FindKey, *, keep: bool, from_another: bool
    ) -> Generator[str, None, dict[str, moving.Counts]]:
        """Take over what a backup has and this vault lacks, or, without `keep`, only count it. Yields rooms as they go.

        A backup of this vault needs no secret. Raises BackupForeign, BackupDamaged, WrongPassphrase, VaultNewer.
        """
        key, header = self._opened()
        assert self.database is not None
        is_ours = unpacked.header.vault == header.vault
        if not is_ours and not from_another:
            raise BackupForeign(f"vault …{unpacked.header.vault[-8:]}, this one is …{header.vault[-8:]}")
        theirs, their_key = unpacked.authenticate((lambda _: key) if is_ours else find_key)
        self._refuse_newer(theirs)
        database = Database(unpacked.database, their_key)
        try:
            migrations.upgrade(database, migrations.pending(migrations.versions(database), self._classes))
            rooms = {store.room: store(database) for store in self._classes}
            return (yield from moving.merge(self.database, self.rooms, rooms, keep=keep))
        finally:
            database.close()

    def check(self) -> list[str]:
        """What is wrong with the open vault, in technical words; empty when nothing is."""
        self._opened()
        assert self.database is not None
        found = self.database.check() or moving.faults_of(self.rooms.values())
        if not found and self.database.noted(_CHECK_DUE) is not None:
            self.database.note(_CHECK_DUE, None)
        return found

    def close(self) -> None:
        if self.database is not None:
            self.database.close()
        self.database, self.rooms, self._data_key, self._header = None, {}, b"", None
        self._older, self._pending = "", None

    def grow(self) -> int:
        """A new generation now, for the keyring to remember. Never keeps the owner out: a full disk leaves the old."""
        self._note_change()
        return self._opened()[1].generation

    def _unlock(self, find_key: FindKey, seen: int = 0) -> None:
        if self.is_open:
            raise UsageError("the vault is open already")
        header, data_key = self._authenticate(find_key)
        self._refuse_newer(header)
        if not (self._folder / DATABASE).exists():
            raise VaultDamaged(f"{DATABASE} is missing")
        self._open(header, data_key, seen)

    def _refuse_newer(self, header: Header) -> None:
        known = sum(len(store.MIGRATIONS) for store in self._classes)
        if header.schema > known:
            raise VaultNewer(f"schema {header.schema}, this Freehold knows {known}")

    def _authenticate(self, find_key: FindKey) -> tuple[Header, bytes]:
        """The newest copy of the header that opens and that the key's owner wrote."""
        for header, content in self._copies():
            data_key = find_key(header)
            if data_key is None:
                raise WrongPassphrase()
            if headers.is_authentic(content, data_key):
                return header, data_key
            if header.is_raw:
                raise WrongPassphrase()
        raise VaultDamaged("the vault's header was changed by someone else")

    def _open(self, header: Header, data_key: bytes, seen: int = 0) -> None:
        database, schema, age = self._upgraded(data_key)
        self._older = older(header.generation, age, seen)
        if self._older:
            _log.warning("an older copy of the %s was put back", self._older)
        self.database, self._data_key = database, data_key
        self._header = replace(header, generation=newest(header.generation, age, seen))
        self.rooms = {store.room: store(database) for store in self._classes}
        self._mend_header(header, schema)
        self._check_after_crash()
        database.before_change(self._note_change)

    def _mend_header(self, header: Header, schema: int) -> None:
        key, newest_header = self._opened()
        try:
            if schema != header.schema:
                self._change(replace(newest_header, schema=schema))
            else:
                headers.write(self._folder, header, key)
            headers.sweep(self._folder)
        except FreeholdError as error:
            _log.warning("the header could not be mended: %s", error.code)  # it opened; the next unlock tries again

    def _check_after_crash(self) -> None:
        """Verify everything after an unclean end: at once what is small, at the owner's wish what is large."""
        assert self.database is not None
        if not self.database.ended_badly:
            return
        try:
            if _size(self._folder / DATABASE) > _CHECKED_AT_ONCE or self.check():
                self.database.note(_CHECK_DUE, "1")
        except (DiskFull, ProfileUnusable) as error:
            _log.warning("the check after an unclean end could not be made: %s", error.code)

    def _note_change(self) -> None:
        """A session that changes anything is a generation of its own, so that an older copy can be told from it."""
        try:
            self._change(self._opened()[1])
        except (DiskFull, ProfileUnusable) as error:
            _log.warning("the generation could not grow: %s", error.code)

    def _upgraded(self, data_key: bytes) -> tuple[Database, int, Age | None]:
        """The open database at this program's schema, that schema, and its age. A copy is kept before a change."""
        database = self._connect(data_key)
        try:
            found = migrations.versions(database)
            steps = migrations.pending(found, self._classes)
            if steps:
                # Copied while closed: a copy beside an open connection would lose its locks (POSIX) or miss its log.
                database.close()
                keep_copy(self._profile, sum(found.values()))
                database = self._connect(data_key)
                migrations.upgrade(database, steps)
            return database, sum(migrations.versions(database).values()), _age(database)
        except BaseException:
            database.close()
            raise

    def _connect(self, data_key: bytes) -> Database:
        return Database(self._folder / DATABASE, data_key, forget_copies=partial(forget_copies, self._profile))

    def _copies(self) -> list[tuple[Header, bytes]]:
        if self.is_new:
            raise VaultMissing()
        copies = headers.read(self._folder)
        if not copies:
            raise VaultDamaged("both copies of the vault's header are missing")
        return copies

    def _opened(self) -> tuple[bytes, Header]:
        if self._header is None:
            raise VaultLocked()
        return self._data_key, self._header

    def _put_slot(self, slot: Slot) -> None:
        _, header = self._opened()
        if header.is_raw:
            raise UsageError("a vault with a raw key has no slots")
        self._change(with_slot(header, slot))

    def _change(self, header: Header) -> None:
        """Bring the header to this, as the next generation: written down first, made, then confirmed (age.py)."""
        assert self.database is not None
        newer = replace(header, generation=header.generation + 1)
        self.database.note(AGE, f"{newer.generation} changing")
        headers.write(self._folder, newer, self._data_key)
        self._header = newer
        with suppress(DiskFull, ProfileUnusable):  # an unconfirmed change looks like a crash, which harms nothing
            self.database.note(AGE, str(newer.generation))

    def _passphrase_slot(self, data_key: bytes, vault: str, passphrase: str) -> Slot:
        if not passphrase.strip():
            raise NeedsPassphrase("an empty passphrase protects nothing", advice="Choose a passphrase.")
        return keys.wrap(data_key, vault, "passphrase", keys.passphrase_bytes(passphrase), cost=self._tune())


def _age(database: Database) -> Age | None:
    noted = database.noted(AGE)
    if noted is None:
        return None
    number, _, word = noted.partition(" ")
    return Age(int(number), is_settled=not word)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
