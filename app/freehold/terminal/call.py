"""One command being run: its words, its wish to stop, its secrets, and the household it works in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from freehold.foundation.errors import ProfileBusy
from freehold.foundation.paths import Profile, from_home
from freehold.foundation.stop import Stop
from freehold.terminal.opening import open_vault
from freehold.terminal.output import Output
from freehold.terminal.passphrases import Secrets
from freehold.terminal.values import Check

if TYPE_CHECKING:
    from freehold.assistant.household import Household

Build = Callable[[Profile], "Household"]
Checks = Sequence[Callable[[], Check]]


class HeldElsewhere(ProfileBusy):
    """Another process holds the profile. Rises before a command has done anything, so that it may run there."""


class Call:
    """What a command function is given, as its context's `obj`.

    `household` set means that this process holds the profile already and the call came from another one; `lock` is
    then how it locks itself.
    """

    def __init__(
        self,
        output: Output,
        stop: Stop,
        secrets: Secrets,
        *,
        profile: Profile,
        build: Build,
        cwd: Path,
        household: Household | None = None,
        lock: Callable[[], None] | None = None,
        checks: Checks = (),
        read_input: Callable[[], str] | None = None,
    ) -> None:
        self.output, self.stop, self.secrets, self.profile, self.checks = output, stop, secrets, profile, checks
        self.cwd = cwd
        self.build = build
        self.is_served = household is not None
        self.input_text: str | None = None
        self._read_input = read_input or sys.stdin.read
        self._household = household
        self._lock = lock
        self._glance: Household | None = None
        self.handed: int | None = None  # the profile, from the process before this one (processes/replacing.py)

    def glance(self) -> Household:
        """The household for looking only: without the right to write, and with the vault as it is."""
        if self._household is not None:
            return self._household
        if self._glance is None:
            self._glance = self.build(self.profile)
        return self._glance

    def household(self) -> Household:
        """The household, held by this process, with the vault as it is. Raises HeldElsewhere, ProfileUnusable."""
        if self._household is None:
            self.profile.prepare()
            household = self.glance()
            try:
                household.holder.claim(self.handed)
            except ProfileBusy as error:
                raise HeldElsewhere(error.detail) from error
            self._household = household
        return self._household

    def opened(self) -> Household:
        """The household with its vault open: made, unlocked, or found so."""
        household = self.household()
        open_vault(self, household)
        return household

    def lock(self) -> None:
        """Lock the vault, in the way of the process that holds the profile. The engine's prompt cache goes with it."""
        household = self.household()
        if self._lock is not None:
            self._lock()
        else:
            household.library.close()
            household.engine.unload()
            household.door.close()
            household.vault.lock()

    def close(self) -> None:
        """End what this call started. A household that was here before stays."""
        if not self.is_served and self._glance is not None:
            self._glance.close()
            self._glance = self._household = None

    def path(self, name: str) -> Path:
        """The file the caller means: relative names count from the caller's folder."""
        return self.cwd / from_home(name)

    def input(self) -> str:
        """All that stands on the caller's standard input, read once."""
        if self.input_text is None:
            self.input_text = self._read_input()
        return self.input_text


def call_of(context: typer.Context) -> Call:
    call = context.obj
    assert isinstance(call, Call)
    return call
