"""The keyring process: asks the system's keyring once and hands the secret, sealed, to the vault.

Only real keyrings are accepted, by class: never a plain file, a null or failing backend, or a chain that may hold
one. The library's own choice, its configuration file and PYTHON_KEYRING_BACKEND are not consulted.
"""

from __future__ import annotations

import base64
import importlib
import os
import re
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from types import MappingProxyType
from typing import Any, TypeVar

from freehold.foundation.errors import KeyringUnavailable
from freehold.processes.worker import Op, serve
from freehold.vault.handover import Misdirected, seal

# Most wanted first. The names are recorded in headers: they never change.
REAL_KEYRINGS: Mapping[str, str] = MappingProxyType({
    "macOS Keychain": "keyring.backends.macOS.Keyring",
    "Windows Credential Manager": "keyring.backends.Windows.WinVaultKeyring",
    "Secret Service": "keyring.backends.SecretService.Keyring",
    "KWallet": "keyring.backends.kwallet.DBusKeyring",
    "libsecret": "keyring.backends.libsecret.Keyring",
})  # fmt: skip

# What a child needs to find the session's keyring and to show its prompt; nothing that chooses a backend.
ENVIRONMENT = (
    "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "HOME", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
    "XDG_CURRENT_DESKTOP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "USERNAME", "USER",
)  # fmt: skip

_SERVICE = "Freehold vault"
_PROMPT_SECONDS = 90  # to type the keyring's own password into the system's prompt
_FORM = re.compile(r"freehold1:([A-Za-z0-9+/]{43}=)(:.*)?")  # room for what a later version adds behind it
_T = TypeVar("_T")


def serve_keyring() -> None:
    """Run as the keyring worker."""
    serve("keyring", Keyrings().ops())


def shows_prompt(name: str) -> bool:
    """Whether the keyring is locked, so that its owner is being asked for its password while we wait."""
    if name != "Secret Service":
        return False
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        return bool(secretstorage.get_default_collection(bus).is_locked())


class Keyrings:
    """The keyrings of this system that may hold a slot's secret.

    `accepted` are the backends by recorded name and class; `prompts` says which of them is waiting for its owner.
    """

    def __init__(
        self, accepted: Mapping[str, str] = REAL_KEYRINGS, prompts: Callable[[str], bool] = shows_prompt
    ) -> None:
        self._accepted, self._prompts = accepted, prompts

    def ops(self) -> dict[str, Op]:
        return {f"keyring.{name}": getattr(self, name) for name in ("usable", "keep", "give", "remember", "forget")}

    def usable(self) -> str | None:
        """The name of the keyring that would be used, or None."""
        for name in self._accepted:
            try:
                self._backend(name)
            except KeyringUnavailable:
                continue
            return name
        return None

    def keep(self, account: str, public_key: str) -> Generator[str, None, dict[str, str]]:
        """Make a secret, put it in the best keyring, read it back, and return it sealed to `public_key`."""
        name = self.usable()
        if name is None:
            raise KeyringUnavailable("there is no keyring on this system that Freehold trusts")
        backend, secret = self._backend(name), os.urandom(32)
        written = "freehold1:" + base64.b64encode(secret).decode("ascii")
        yield from self._wait_for(name, lambda: backend.set_password(_SERVICE, account, written))
        if _ask(name, lambda: backend.get_password(_SERVICE, account)) != written:
            raise KeyringUnavailable(f"{name} did not keep what it was given")
        return {"backend": name, "sealed": _sealed(public_key, secret)}

    def give(self, backend: str, account: str, public_key: str) -> Generator[str, None, dict[str, Any]]:
        """The secret kept under `account`, sealed to `public_key`, and the generation it was last opened at."""
        keyring = self._backend(backend)
        text = yield from self._wait_for(backend, lambda: keyring.get_password(_SERVICE, account))
        secret, generation = _parts(backend, text)
        return {"sealed": _sealed(public_key, base64.b64decode(secret)), "seen": generation}

    def remember(self, backend: str, account: str, generation: int) -> None:
        """Keep the vault's generation beside its secret: an older copy of all its files is noticed by it."""
        keyring = self._backend(backend)
        secret, before = _parts(backend, _ask(backend, lambda: keyring.get_password(_SERVICE, account)))
        if generation > before:
            written = f"freehold1:{secret}:{generation}"
            _ask(backend, lambda: keyring.set_password(_SERVICE, account, written))

    def forget(self, backend: str, account: str) -> None:
        keyring = self._backend(backend)
        _ask(backend, lambda: keyring.delete_password(_SERVICE, account))

    def _wait_for(self, name: str, question: Callable[[], _T]) -> Generator[str, None, _T]:
        """Ask. A word each second while its owner is being prompted: then our silence does not mean that it hangs."""
        if not _ask(name, lambda: self._prompts(name)):
            return _ask(name, question)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(_ask, name, question)
            for _ in range(_PROMPT_SECONDS):
                if wait([answer], 1.0).done:
                    return answer.result()
                yield "the keyring is asking for its password"
            os._exit(1)  # a thread that hangs in the keyring cannot be ended otherwise; nothing here needs keeping

    def _backend(self, name: str) -> Any:
        """The backend recorded as `name`. Raises KeyringUnavailable unless it is of exactly the accepted class."""
        if name not in self._accepted:
            raise KeyringUnavailable(f"{name[:60]!r} is not a keyring that Freehold trusts")
        module, _, kind = self._accepted[name].rpartition(".")
        try:
            found = getattr(importlib.import_module(module), kind)
        except (ImportError, AttributeError, OSError) as error:
            raise KeyringUnavailable(f"{name} is not on this system") from error
        if _ask(name, lambda: found.priority) <= 0:
            raise KeyringUnavailable(f"{name} is not running")
        return _ask(name, found)


def _sealed(public_key: str, secret: bytes) -> str:
    try:
        return seal(bytes.fromhex(public_key), secret).hex()
    except Misdirected as error:
        raise KeyringUnavailable("not a key to seal to") from error


def _parts(name: str, text: object) -> tuple[str, int]:
    """The secret in base64, and the generation behind it. Raises KeyringUnavailable when `text` holds none."""
    if text is None:
        raise KeyringUnavailable(f"{name} holds no key for this vault")
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise KeyringUnavailable(f"{name} holds something else under this vault's name")
    generation = (match[2] or "").removeprefix(":").partition(":")[0]
    return match[1], int(generation) if re.fullmatch(r"[0-9]{1,15}", generation) else 0


def _ask(name: str, question: Callable[[], _T]) -> _T:
    """The door to the backends. Their errors are as many as their authors: all mean that this keyring is no use now."""
    try:
        return question()
    except Exception as error:
        kind = type(error).__name__
        words = f"{name} is locked" if "Locked" in kind else f"{name}: {kind}"
        raise KeyringUnavailable(words) from error
