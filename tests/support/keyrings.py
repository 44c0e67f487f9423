"""Keyrings of every character. `Filed` keeps its secrets in FILE, so that several processes share it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordSetError

TESTS = Path(__file__).resolve().parents[1]
IN_MEMORY: dict[str, str] = {}
FILE = ""


class Honest(KeyringBackend):
    priority = 5

    def set_password(self, service, username, password):
        IN_MEMORY[username] = password

    def get_password(self, service, username):
        return IN_MEMORY.get(username)

    def delete_password(self, service, username):
        del IN_MEMORY[username]


class Filed(Honest):
    def set_password(self, service, username, password):
        Path(FILE).write_text(json.dumps(self._all() | {username: password}))

    def get_password(self, service, username):
        return self._all().get(username)

    def delete_password(self, service, username):
        rest = self._all()
        del rest[username]
        Path(FILE).write_text(json.dumps(rest))

    def _all(self):
        return json.loads(Path(FILE).read_text()) if Path(FILE).exists() else {}


class Locked(Honest):
    def set_password(self, service, username, password):
        raise KeyringLocked("dismissed")


class Refusing(Honest):
    def set_password(self, service, username, password):
        raise PasswordSetError("too long")


class Forgetful(Honest):
    def get_password(self, service, username):
        return None


class Lying(Honest):
    def get_password(self, service, username):
        return "freehold1:" + "A" * 43 + "="


class Absent(Honest):
    priority = 0


class Exploding(Honest):
    def set_password(self, service, username, password):
        raise ZeroDivisionError


class Hanging(Honest):
    def set_password(self, service, username, password):
        time.sleep(600)


class Slow(Filed):
    """Its owner is typing."""

    def set_password(self, service, username, password):
        time.sleep(3)
        super().set_password(service, username, password)

    def get_password(self, service, username):
        if not Path(FILE).with_suffix(".read").exists():
            Path(FILE).with_suffix(".read").touch()
        else:
            time.sleep(3)
        return super().get_password(service, username)


class Deadly(Honest):
    def set_password(self, service, username, password):
        os.abort()
