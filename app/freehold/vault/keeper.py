"""The app's side of the vault: starts and ends its process, opens it, passes calls on. Holds no key."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.errors import (
    FreeholdError,
    KeyringUnavailable,
    NeedsPassphrase,
    UsageError,
    VaultLocked,
    WorkerStopped,
)
from freehold.foundation.ids import new_id
from freehold.foundation.paths import Profile
from freehold.foundation.settings import BY_NAME
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command
from freehold.vault import erasing
from freehold.vault.keyring_worker import ENVIRONMENT
from freehold.vault.values import Status

if TYPE_CHECKING:
    from freehold.vault.backup import Backup
    from freehold.vault.moving import Counts

_log = logging.getLogger(__name__)

_OPENING_SECONDS = 600.0  # an upgrade copies the whole database first
_LOCK_SECONDS = 1.5  # to fold the log in; then the process is ended as it stands

Start = Callable[[], "subprocess.Popen[bytes]"]


class Vault:
    """The owner's vault. Every method may raise the vault's FreeholdErrors, VaultLocked when it is not open.

    Locking ends the process that holds the key. When that process dies by itself, what was acknowledged is on disk;
    a vault opened by the keyring opens itself again, any other is locked and says so. `start` and `start_keyring`
    start the two workers; `keyring_seconds` is how long a keyring may take, a prompt included.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        start: Start | None = None,
        start_keyring: Start | None = None,
        keyring_seconds: float = 5.0,
        died: Callable[[WorkerStopped], None] = lambda _: None,
    ) -> None:
        self._profile, self._home = profile, str(profile.home)
        self._opened_by = ""
        self._opening = threading.Lock()
        self._died = died
        self._when_locked: list[Callable[[], None]] = []
        self._keyring_seconds = keyring_seconds
        self._start_keyring = start_keyring or (
            lambda: spawn(worker_command("keyring"), profile.scratch, also=ENVIRONMENT)
        )
        start = start or (lambda: spawn(worker_command("vault"), profile.scratch))
        self._link = Link("vault", start, silence=120.0, died=self._note_death)

    @property
    def is_open(self) -> bool:
        return self._opened_by != ""

    @property
    def pid(self) -> int | None:
        """Of the vault process, when one runs."""
        return self._link.pid

    def status(self) -> Status:
        """Needs no key. Raises VaultNewer, VaultDamaged."""
        if erasing.finish(self._profile):
            self._profile.prepare()
        fields = self._link.call("vault.status", home=self._home)
        return Status(**{**fields, "slots": tuple(fields["slots"])})

    def create(self, *, passphrase: str | None = None, keyring: bool = False, raw: bytes | None = None) -> str | None:
        """Make the vault and open it. Returns a recovery code, to be shown once, when the keyring is chosen.

        `raw` is a test vault's data key, 32 bytes, instead of any slot.
        """
        if raw is not None:
            self._open("vault.create_raw", by="raw", data_key=raw.hex())
            return None
        if passphrase is None and not keyring:
            raise NeedsPassphrase()
        kept = self._keep_in_keyring() if keyring else None
        by = "keyring" if keyring else "passphrase"
        code = self._open("vault.create", by=by, passphrase=passphrase, keyring=kept)
        return None if code is None else str(code)

    def unlock(
        self,
        *,
        passphrase: str | None = None,
        recovery: str | None = None,
        keyring: bool = False,
        raw: bytes | None = None,
    ) -> None:
        """Open by exactly one of these. Raises WrongPassphrase, KeyringUnavailable, VaultNewer, VaultDamaged."""
        if raw is not None:
            self._open("vault.unlock_raw", by="raw", data_key=raw.hex())
        elif keyring:
            self._unlock_by_keyring()
        elif recovery is not None:
            self._open("vault.unlock", by="recovery", recovery=recovery)
        elif passphrase is not None:
            self._open("vault.unlock", by="passphrase", passphrase=passphrase)
        else:
            raise NeedsPassphrase()

    def lock(self) -> None:
        """End the vault process: no key and no word of the owner is left in memory when this returns.

        What hangs on the vault (`when_locked`) ends first.
        """
        self._opened_by = ""
        try:
            self._tell_locked()
        finally:
            self._link.end(_LOCK_SECONDS)

    def when_locked(self, hook: Callable[[], None]) -> None:
        """Call `hook`, from any thread, each time the vault is locked or its process has died and it stays locked."""
        self._when_locked.append(hook)

    def hand_over(self, purpose: str, public_key: str) -> str:
        """The vault's key for `purpose`, sealed (handover.py) to a worker's `public_key`: nobody else can read it."""
        return str(self.call("vault.hand_over", purpose=purpose, public_key=public_key))

    def change_passphrase(self, new: str) -> None:
        """Also adds a passphrase where there was none."""
        self.call("vault.change_passphrase", new=new)

    def new_recovery_code(self) -> str:
        """A fresh code, once it has restored this vault in a trial; the old one opens nothing any more."""
        from freehold.vault.trial import new_recovery_code  # it copies files, which the window's start does not

        return new_recovery_code(self, self._profile)

    def try_recovery(self, code: str) -> None:
        """A trial of a code someone wrote down. Raises WrongPassphrase when it would not open the vault."""
        self._link.call("vault.try_recovery", home=self._home, code=code)

    def try_restore(self, code: str) -> None:
        """Restore a backup by a recovery code someone wrote down, in a trial. Raises WrongPassphrase."""
        from freehold.vault.trial import try_restore

        try_restore(self, self._profile, code)

    def back_up(self, path: Path) -> Generator[tuple[int, int], None, int]:
        """A flow: one encrypted file with all there is (backups.py). Yields bytes done and in all, returns the size."""
        from freehold.vault.backups import back_up

        return back_up(self, self._profile, path)

    def look_into(self, path: Path) -> Generator[tuple[int, int], None, Backup]:
        """A flow: what a backup says of itself (backups.py)."""
        from freehold.vault.backups import look_into

        return look_into(path)

    def bring_back(self, path: Path, secret: Mapping[str, str]) -> Generator[tuple[int, int], None, None]:
        """A flow: become the vault of a backup where there is none yet, and open (backups.py)."""
        from freehold.vault.backups import bring_back

        return bring_back(self, self._profile, path, secret)

    def take_in(
        self, path: Path, secret: Mapping[str, str], *, keep: bool
    ) -> Generator[Any, None, tuple[Backup, dict[str, Counts]]]:
        """A flow: merge a backup, or tell what would come (backups.py)."""
        from freehold.vault.backups import take_in

        return take_in(self, self._profile, path, secret, keep=keep)

    def erase(self, *, models: bool = False) -> None:
        """Everything in the profile, for good: keys first, so that what cannot be removed cannot be read either.

        Needs no secret, and works on a damaged vault. One that is interrupted goes on at the next `status`.
        """
        place = None
        with suppress(FreeholdError):
            place = self._link.call("vault.keyring_place", home=self._home)
        self.lock()
        erasing.begin(self._profile, models=models)
        if place is not None:
            with suppress(KeyringUnavailable), self._keyring() as keyring:
                keyring("keyring.forget", **place)

    def add_keyring(self) -> None:
        """Let the system's keyring open the vault too."""
        self._refuse_locked()
        self.call("vault.add_keyring", keyring=self._keep_in_keyring())

    def remove_slot(self, kind: str) -> None:
        """Raises UsageError when the keyring alone, or nothing, would be left."""
        place = self._link.call("vault.keyring_place", home=self._home) if kind == "keyring" else None
        self.call("vault.remove_slot", kind=kind)
        if place is not None:
            with suppress(KeyringUnavailable), self._keyring() as keyring:  # what is left behind opens nothing
                keyring("keyring.forget", **place)

    def keyring_usable(self) -> str | None:
        """The name of the keyring that could be used on this system, or None."""
        try:
            with self._keyring() as keyring:
                name = keyring("keyring.usable")
        except KeyringUnavailable:
            return None
        return None if name is None else str(name)

    def check(self) -> list[str]:
        """Verify every page of the database: what is wrong, in technical words; empty when nothing is."""
        return [str(line) for line in self.call("vault.check", silence=_OPENING_SECONDS)]

    def restore(self, backup: dict[str, str], secret: Mapping[str, str]) -> None:
        """Become the vault of an unpacked backup (backups.py), opened by one of its secrets."""
        by = next(iter(secret), "")
        self._open("vault.restore", by=by, backup=backup, secret=dict(secret))

    def call(self, op: str, *, silence: float | None = None, **args: Any) -> Any:
        """The result of a store's op."""
        parts = self.stream(op, silence=silence, **args)
        while True:
            try:
                next(parts)
            except StopIteration as end:
                return end.value

    def stream(self, op: str, *, silence: float | None = None, **args: Any) -> Generator[Any, None, Any]:
        """The parts of an op that yields."""
        self._refuse_locked()
        try:
            return (yield from self._link.stream(op, silence=silence, **args))
        except VaultLocked:
            # The process died and a new one answered, without a key and without having done anything.
            if self._opened_by != "keyring":
                self._opened_by = ""
                raise VaultLocked("the vault's process stopped; nothing saved is lost") from None
        except WorkerStopped as error:
            if not self.is_open:
                raise VaultLocked() from error
            raise
        self._open_again()
        return (yield from self._link.stream(op, silence=silence, **args))

    def setting(self, name: str) -> str:
        """A private setting's words (foundation/settings.py); its default when it was never set or no longer fits."""
        setting = BY_NAME[name]
        try:
            return str(setting.check(self.call("settings.get", name=name)))
        except UsageError:
            return str(setting.default)

    def set_setting(self, name: str, value: object) -> None:
        """Raises UsageError for a name or value that the table does not allow."""
        if name not in BY_NAME or not BY_NAME[name].private:
            raise UsageError(f"there is no private setting called {name}")
        self.call("settings.put", name=name, value=BY_NAME[name].check(value))

    def _open(self, op: str, *, by: str, **args: Any) -> Any:
        result = self._link.call(op, silence=_OPENING_SECONDS, home=self._home, **args)
        self._opened_by = by
        return result

    def _unlock_by_keyring(self) -> None:
        place = self._link.call("vault.keyring_place", home=self._home)
        public = self._link.call("vault.public_key")
        with self._keyring() as keyring:
            given = keyring("keyring.give", **place, public_key=public)
            generation = self._open("vault.unlock_by_keyring", by="keyring", **given)
            with suppress(KeyringUnavailable):  # then an old copy put back is noticed one opening later
                keyring("keyring.remember", **place, generation=generation)

    def _open_again(self) -> None:
        """After the process died: only a keyring can be asked without asking its owner."""
        with self._opening:
            if self._link.call("vault.status", home=self._home)["state"] == "open":
                return  # another thread was faster
            self._opened_by = ""
            self._unlock_by_keyring()

    def _keep_in_keyring(self) -> dict[str, str]:
        account = new_id()
        public = self._link.call("vault.public_key")
        with self._keyring() as keyring:
            kept = keyring("keyring.keep", account=account, public_key=public)
        return {"account": account, "backend": kept["backend"], "sealed": kept["sealed"]}

    @contextmanager
    def _keyring(self) -> Iterator[Callable[..., Any]]:
        """Ask the keyring, in a process of its own that is ended whatever happens: keyrings have hung before."""
        link = Link("keyring", self._start_keyring, silence=self._keyring_seconds)

        def ask(op: str, **args: Any) -> Any:
            try:
                return link.call(op, **args)
            except WorkerStopped as error:
                raise KeyringUnavailable(f"the keyring did not answer within {self._keyring_seconds:g} s") from error

        try:
            yield ask
        finally:
            link.kill()

    def _refuse_locked(self) -> None:
        if not self.is_open:
            raise VaultLocked()

    def _note_death(self, error: WorkerStopped) -> None:
        _log.warning("the vault process stopped")
        if self._opened_by != "keyring":
            self._opened_by = ""
            self._tell_locked()
        self._died(error)

    def _tell_locked(self) -> None:
        for hook in self._when_locked:
            hook()
