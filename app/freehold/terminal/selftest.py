"""`freehold --self-test`: proves an installed copy from end to end, in a profile of its own that is thrown away."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.foundation.errors import FreeholdError, ModelMissing
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.terminal.exits import BUG, OK
from freehold.terminal.output import Output

if TYPE_CHECKING:
    from freehold.assistant.household import Household

_QUESTION = "Name one colour of the rainbow."


class Unproved(Exception):
    """A step did not show what it should; its words say what was seen instead."""


def self_test(output: Output, build: Callable[[Profile], Household]) -> int:
    """Run every step until one fails. The exit code is 0 when all passed, else 1."""
    passed: list[str] = []
    failed = ""
    with tempfile.TemporaryDirectory(prefix="freehold-self-test-") as folder:
        proof = _Proof(build, Profile(Path(folder) / "profile"))
        for name, step in proof.steps():
            try:
                detail = step()
            except (FreeholdError, Unproved) as error:
                words = f"{error.title}: {error.detail}" if isinstance(error, FreeholdError) else str(error)
                failed = f"{name}: {words}"
                break
            passed.append(name)
            output.line(f"passed  {name}" + (f" ({detail})" if detail else ""))
        proof.close()
    if failed:
        output.line(f"failed  {failed}")
    if output.json:
        output.document({"ok": not failed, "passed": passed, "failed": failed or None})
    return BUG if failed else OK


class _Proof:
    """The steps, each standing on those before it."""

    def __init__(self, build: Callable[[Profile], Household], profile: Profile) -> None:
        self._build, self._profile = build, profile
        self._passphrase = secrets.token_urlsafe(16)
        self._house: Household | None = None
        self._chat = ""

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("starter model is here", self._starter),
            ("vault made", self._make_vault),
            ("question asked and answered", self._ask),
            ("vault closed and opened again", self._reopen),
            ("answer found as it was saved", self._read),
            ("words found by search", self._search),
            ("nothing readable on disk", self._look_on_disk),
        ]

    def close(self) -> None:
        if self._house is not None:
            self._house.close()
            self._house = None

    def _starter(self) -> str:
        self._profile.prepare()
        self._house = self._build(self._profile)
        self._house.holder.claim()
        model = self._house.models.starter()
        if model is None:
            raise ModelMissing("the starter is not installed")
        return model.name

    def _make_vault(self) -> str:
        self._here.vault.create(passphrase=self._passphrase)
        return ""

    def _ask(self) -> str:
        from freehold.assistant.reply import Wish

        house = self._here
        starter = house.models.starter()
        assert starter is not None
        self._chat = house.conversations.create().id
        wish = Wish(starter.id, {"max_tokens": 24, "temperature": 0.0})
        for _ in house.assistant.reply(self._chat, _QUESTION, Stop(), wish):
            pass
        made = house.conversations.branch(self._chat)[-1].provenance
        if made is None or not made.tokens:
            raise Unproved("the answer has no words")
        return f"{made.tokens} tokens, {made.tokens_per_s:.0f} a second"

    def _reopen(self) -> str:
        self.close()
        self._house = self._build(self._profile)
        self._house.holder.claim()
        self._house.vault.unlock(passphrase=self._passphrase)
        return ""

    def _read(self) -> str:
        turns = self._here.conversations.branch(self._chat)
        if len(turns) != 2 or turns[0].text != _QUESTION or not turns[1].text:
            raise Unproved(f"{len(turns)} turns were found instead of question and answer")
        return ""

    def _search(self) -> str:
        if not any(hit.chat == self._chat for hit in self._here.conversations.search("rainbow")):
            raise Unproved("a word of the question was not found")
        return ""

    def _look_on_disk(self) -> str:
        needle = _QUESTION.encode()
        files = [path for path in self._profile.home.rglob("*") if path.is_file() and not path.is_symlink()]
        for path in files:
            if path.suffix != ".gguf" and needle in path.read_bytes():
                raise Unproved(f"the question can be read in {path.name}")
        return f"{len(files)} files"

    @property
    def _here(self) -> Household:
        assert self._house is not None
        return self._house
