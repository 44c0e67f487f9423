"""The words of other machines' models: each vocabulary file fetched once, kept by its digest, read in its own box."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from freehold.engine.tokenizer import Tokenizer
from freehold.engine.turns import Turns
from freehold.engine.values import Vocabulary
from freehold.foundation.errors import ModelMalformed, PeerUntrusted
from freehold.foundation.paths import Profile, write_atomically

MOST_OPEN = 2  # processes that are kept for the next answer


@dataclass(frozen=True, slots=True)
class Words:
    """One vocabulary in memory. One answer at a time is made into text: whoever has the turn."""

    digest: str
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    turns: Turns = field(default_factory=Turns)


class Vocabularies:
    """`tokenizer` makes the process for one file. Safe to use from several threads."""

    def __init__(self, profile: Profile, *, tokenizer: Callable[[], Tokenizer] | None = None) -> None:
        self._folder = profile.models / "vocabularies"
        self._tokenizer = tokenizer or (lambda: Tokenizer(profile))
        self._lock = threading.Lock()
        self._open: dict[str, Words] = {}

    def words(self, digest: str, fetch: Callable[[], bytes]) -> Words:
        """The vocabulary file with this SHA-256, ready to read and write with; `fetch` gets it where it is not here.

        Raises what `fetch` raises, PeerUntrusted for another file or one that is no vocabulary, DiskFull,
        EngineStopped.
        """
        with self._lock:
            found = self._open.get(digest)
            if found is not None and found.tokenizer.loaded is not None:
                self._open[digest] = self._open.pop(digest)  # the last used is ended last
                return found
            path = self._kept(digest, fetch)
            tokenizer = self._tokenizer()
            try:
                vocabulary = tokenizer.load(path)
            except ModelMalformed as error:
                path.unlink(missing_ok=True)
                raise PeerUntrusted("its vocabulary is no model's") from error
            self._open[digest] = Words(digest, tokenizer, vocabulary)
            self._end_the_oldest()
            return self._open[digest]

    def end(self) -> None:
        """End the processes, and with them all that their memory held."""
        with self._lock:
            ended, self._open = list(self._open.values()), {}
        for one in ended:
            one.tokenizer.end()

    def _kept(self, digest: str, fetch: Callable[[], bytes]) -> Path:
        path = self._folder / f"{digest}.gguf"
        if not path.exists() or _digest(path.read_bytes()) != digest:
            content = fetch()
            if _digest(content) != digest:
                raise PeerUntrusted("its vocabulary is not the one that it promised")
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, content)
        return path

    def _end_the_oldest(self) -> None:
        idle = [digest for digest, one in self._open.items() if not one.turns.is_taken]
        for digest in idle[: max(0, len(self._open) - MOST_OPEN)]:
            self._open.pop(digest).tokenizer.end()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
