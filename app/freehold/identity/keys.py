"""The app's side of the signer: starts and ends its process, keeps its file in the vault, passes requests on.

Holds no key, and sees none: what unlocks the key file goes from the vault to the signer sealed.
"""

from __future__ import annotations

import base64
import json
import logging
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from freehold.foundation.errors import (
    DiskFull,
    FreeholdError,
    ImportFailed,
    KeyMissing,
    PlaceUnusable,
    ProfileUnusable,
    UsageError,
    VaultLocked,
)
from freehold.foundation.paths import Profile, write_atomically
from freehold.identity.keyfile import FORMAT, NAMES
from freehold.identity.values import MOST_NAME, DataClass, Mandate, NodeCertificate
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

IDLE_SECONDS = 600.0  # a signer that was asked nothing for so long is ended

_MOST_FILE = 1024 * 1024  # bytes of a file with a key; ours has some 3,000

_log = logging.getLogger(__name__)


class Vault(Protocol):
    @property
    def is_open(self) -> bool: ...
    def call(self, op: str, **args: Any) -> Any: ...
    def hand_over(self, purpose: str, public_key: str) -> str: ...
    def when_locked(self, hook: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What is public of the keys: the owner's address, the device's Ed25519 and X25519 keys and its TLS certificate's
    SHA-256, all in hex; until when the node certificate is valid, in seconds since 1970.
    """

    address: str
    node_key: str
    hpke_key: str
    tls: str
    certified_until: int


@dataclass(frozen=True, slots=True)
class Today:
    """Answers counted today, by the address of the device; `closed` when what was counted could not be read."""

    answers: Mapping[str, int]
    closed: bool = False


class Keys:
    """The keys of one profile. Everything raises VaultLocked while the vault is locked, and KeyMissing before `create`.

    The signer's process is started on the first use, and ends with the vault's lock or when nothing was asked of it for
    `idle` seconds. `start` starts it, `name` tells what this device is called. Safe to use from several threads.
    """

    def __init__(
        self,
        profile: Profile,
        vault: Vault,
        *,
        start: Callable[[], subprocess.Popen[bytes]] | None = None,
        name: Callable[[], str] = platform.node,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._profile, self._vault, self._name = profile, vault, name
        self._link = Link("signer", start or (lambda: spawn(worker_command("signer"), profile.scratch)))
        self._opening = threading.Lock()
        self._opened: int | None = None  # the process that was given the keys
        self._counting, self._busy = threading.Lock(), 0
        self._used, self._idle = time.monotonic(), idle
        self._timer: threading.Timer | None = None
        vault.when_locked(self.lock)

    @property
    def pid(self) -> int | None:
        """Of the signer's process, when one runs."""
        return self._link.pid

    def has_key(self) -> bool:
        """Whether there is a key, here or in the vault. Starts nothing. Raises VaultLocked."""
        if not self._vault.is_open:
            raise VaultLocked
        return any((self._profile.identity / name).exists() for name in NAMES) or bool(self._kept())

    def create(self, passphrase: str | None = None) -> Shown:
        """A new owner key, and the keys of this device. A `passphrase` opens the file beside the vault, elsewhere too.

        Raises UsageError where there is a key.
        """
        self.refuse_existing()
        self._bring("signer.create", passphrase=passphrase)
        return self.show()

    def show(self) -> Shown:
        return Shown(**self._call("signer.show", name=self._device()))

    def export(self, path: Path, passphrase: str) -> None:
        """Write the owner key to a new file, as an Ethereum keystore under `passphrase`.

        Raises PlaceUnusable, DiskFull, NeedsPassphrase.
        """
        self.check_export(path)
        keystore = self._call("signer.export", secret=passphrase)
        try:
            write_atomically(path, keystore.encode())
        except ProfileUnusable as error:
            raise PlaceUnusable(error.detail) from error

    def check_export(self, path: Path) -> None:
        """Whether `export` could begin, before anybody types a passphrase. Raises PlaceUnusable, KeyMissing."""
        if path.exists():
            raise PlaceUnusable(f"{path} is there already", advice="Choose another name.")
        if not self.has_key():
            raise KeyMissing

    def import_(self, path: Path, passphrase: str, *, replace: bool = False) -> Shown:
        """Take the owner key of an Ethereum keystore, or a whole key file of another profile that has a passphrase.

        With `replace` it takes the place of the key that is here, which is then gone. Raises UsageError where there is
        one, PlaceUnusable, ImportFailed, KeyPassphraseWrong; then nothing has changed.
        """
        if not replace:
            self.refuse_existing()
        content = _content(path)
        if FORMAT in content:
            self._bring("signer.import_file", content=content, passphrase=passphrase, replaces=replace)
        else:
            self._bring("signer.import_key", keystore=content, secret=passphrase, replaces=replace)
        return self.show()

    def mandate(self) -> Mandate:
        """What this device may ask of others."""
        return Mandate.from_wire(self._call("signer.mandate")["mandate"])

    def today(self) -> Today:
        told = self._call("signer.mandate")
        return Today(told["today"], told["closed"])

    def set_mandate(self, *, peer: str | None = None, **changes: Any) -> Mandate:
        """Change what is allowed, in general (fields of Mandate) or for one device (of PeerMandate). Raises UsageError.

        Only the owner's own act leads here.
        """
        was = self.mandate()
        try:
            now = replace(was, **changes) if peer is None else was.with_peer(peer, **changes)
        except TypeError as error:
            raise UsageError("a mandate has no such limit") from error
        self._call("signer.set_mandate", mandate=now.to_wire())
        self._keep()
        return now

    def certificate(self) -> NodeCertificate:
        """The node certificate of this device, good for three days at least."""
        return NodeCertificate.from_wire(self._call("signer.certificate", name=self._device()))

    def introduction(self) -> dict[str, Any]:
        """What this device says of itself when it is paired: `{name, certificate, tls}`, tls in PEM."""
        said: dict[str, Any] = self._call("signer.introduction", name=self._device())
        return said

    def sign_request(
        self, peer: str, method: str, url: str, body: bytes = b"", data_class: DataClass = "words", *,
        job: str | None = None, tokens: int = 0, confirmed: bool = False,
    ) -> dict[str, str]:  # fmt: skip
        """The headers to send a request of docs/peers.md with, to the device whose owner is `peer` (an address).

        To open a job, `data_class` is that of its prompt, `tokens` the most it may answer, `confirmed` the owner's own
        yes where each answer needs one. Raises MandateRefused in words, DiskFull; then nothing was signed.
        """
        headers: dict[str, str] = self._call(
            "signer.sign", peer=peer, method=method, url=url, body=base64.b64encode(body).decode(),
            name=self._device(), data_class=data_class, job=job, tokens=tokens, confirmed=confirmed,
        )  # fmt: skip
        return headers

    def for_gateway(self, receiver_public: str) -> str:
        """What a gateway serves with, sealed (vault/handover.py) to its one-time key, both in hex.

        Canonical JSON: node, hpke (private keys in hex), certificate (NodeCertificate), tls_certificate, tls_key (PEM).
        """
        return str(self._call("signer.for_gateway", public_key=receiver_public, name=self._device()))

    def open_sealed(self, lines: Sequence[str]) -> list[bytes]:
        """The lines of a lending journal, sealed in hex to this device's HPKE key with the info `freehold-lent/1`.

        Lines that are not this device's, or were cut, are left out.
        """
        return [bytes.fromhex(line) for line in self._call("signer.open_lent", lines=list(lines))]

    def lock(self) -> None:
        """End the signer's process: no key is in memory when this returns."""
        self._opened = None
        self._link.kill()

    def end_if_idle(self, seconds: float) -> bool:
        """End the process when nothing was asked of it for `seconds`; whether that happened."""
        with self._counting:
            if self.pid is None or self._busy or time.monotonic() - self._used < seconds:
                return False
            self.lock()
            return True

    def _call(self, op: str, **args: Any) -> Any:
        with self._in_use():
            self._ready()
            try:
                return self._link.call(op, **args)
            except VaultLocked:  # the process died; a new one answered, which holds no key and has done nothing
                self._opened = None
                self._ready()
                return self._link.call(op, **args)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Meanwhile the process is not idle."""
        with self._counting:
            self._busy += 1
        try:
            yield
        finally:
            with self._counting:
                self._busy, self._used = self._busy - 1, time.monotonic()

    def _ready(self) -> None:
        """Have a signer that holds the keys. Raises VaultLocked, KeyMissing, KeyDamaged."""
        with self._opening:
            if self._opened is not None and self._opened == self._link.pid:
                return
            if not self.has_key():
                raise KeyMissing
            self._give_keys("signer.open", kept=self._kept())

    def _bring(self, op: str, **args: Any) -> None:
        """Have the signer make or take keys. An open one goes on with its mandate and its counts."""
        if args.get("replaces"):
            try:
                self._ready()
            except FreeholdError as error:
                _log.warning("the key that is replaced could not be opened: %s", error.code)
        with self._in_use(), self._opening:
            self._give_keys(op, **args)

    def _give_keys(self, op: str, **args: Any) -> None:
        try:
            sealed = self._vault.hand_over("identity", self._link.call("signer.public_key"))
            self._link.call(op, home=str(self._profile.home), sealed=sealed, **args)
            self._opened = self._link.pid
            self._keep()
        except FreeholdError as error:
            if not self._vault.is_open:  # it was locked meanwhile, and a signer that was started since holds nothing
                self.lock()
                raise VaultLocked from error
            if self._opened is None:
                self._link.kill()
            raise
        self._look_later()

    def _look_later(self) -> None:
        """See to it that an idle process ends, whatever else this program does meanwhile."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        if self.pid is not None and not self.end_if_idle(self._idle):
            self._look_later()

    def _keep(self) -> None:
        """Have the vault keep the file as it is now, so that a backup carries it. Tried again at the next start."""
        try:
            content = self._link.call("signer.content")
            if content != self._kept():
                self._vault.call("identity.keep", content=content)
        except (DiskFull, ProfileUnusable) as error:
            _log.warning("the vault's copy of the key file is old: %s", error.code)

    def _kept(self) -> str:
        return str(self._vault.call("identity.kept"))

    def refuse_existing(self) -> None:
        """Raises UsageError where there is a key."""
        if self.has_key():
            raise UsageError(
                "there is a key already", advice="Export it first; `key import --replace` then replaces it."
            )

    def _device(self) -> str:
        """What this device is called, as a certificate can say it."""
        plain = "".join(letter for letter in self._name() if letter.isprintable()).strip()
        return plain[:MOST_NAME].strip() or "Freehold"


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_FILE + 1)
        if len(content) > _MOST_FILE:
            raise ImportFailed("the file is too long to hold a key", advice="Choose an Ethereum keystore.")
        text = content.decode("utf-8")
        json.loads(text)
    except OSError as error:
        raise PlaceUnusable(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ImportFailed("the file is no keystore", advice="Choose an Ethereum keystore (version 3).") from error
    return text
