"""Passphrases: given beforehand, or asked for where somebody sits at a terminal."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping

from freehold.foundation.errors import NeedsPassphrase
from freehold.terminal.interrupts import heard_at_a_prompt

# Asks for the secret called by the first word, in the words of the second.
Prompt = Callable[[str, str], str]

PASSPHRASE = "passphrase"  # noqa: S105 - the name of a secret
NEW_PASSPHRASE = "new-passphrase"  # noqa: S105
BACKUP_PASSPHRASE = "backup-passphrase"  # noqa: S105
RECOVERY_CODE = "recovery-code"
KEY_PASSPHRASE = "key-passphrase"  # noqa: S105
NEW_KEY_PASSPHRASE = "new-key-passphrase"  # noqa: S105
DOCUMENT_PASSWORD = "document-password"  # noqa: S105


class Secrets:
    """What a command may know, and whom it may ask."""

    def __init__(self, given: Mapping[str, str], prompt: Prompt | None = None) -> None:
        self._given = dict(given)
        self._prompt = prompt

    @property
    def can_ask(self) -> bool:
        return self._prompt is not None

    def given(self, name: str) -> str | None:
        return self._given.get(name)

    def all_given(self) -> dict[str, str]:
        return dict(self._given)

    def learn(self, name: str, secret: str) -> None:
        """Remember what was asked for."""
        self._given[name] = secret

    def ask(self, name: str, words: str) -> str:
        """The answer to `words`, typed unseen. Raises NeedsPassphrase where nobody can be asked."""
        if self._prompt is None:
            raise NeedsPassphrase
        return self._prompt(name, words)


def terminal_prompt() -> Prompt | None:
    """A prompt that hides what is typed; None when stdin and stderr are not a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(_: str, words: str) -> str:
        with heard_at_a_prompt():
            return getpass.getpass(words + " ", stream=sys.stderr)

    return ask


class AskCaller(Exception):
    """Raised in the process that holds a profile: only the caller's terminal can be asked for this secret."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(name)
        self.name, self.words = name, words


def caller_prompt(name: str, words: str) -> str:
    """A prompt that passes the question on."""
    raise AskCaller(name, words)
