"""One download from first try to checked file: redirects, cuts, waits, and what is kept in between."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urljoin

from freehold.foundation.errors import DigestMismatch, DiskFull, DownloadFailed, Interrupted
from freehold.foundation.paths import disk_error, sync_folder
from freehold.foundation.stop import Stop
from freehold.network.gate import Gate, Session
from freehold.network.resume import TRY_AGAIN
from freehold.network.staging import Staging
from freehold.network.values import Fetched, Outcome, Patience, Progress

MOST_REDIRECTS = 5
MOST_TRIES = 1000  # however little each one brings
RESERVE = 512 * 1024 * 1024  # bytes of disk that a download leaves to everything else, chats first

T = TypeVar("T")
Steps = Generator[Progress, None, Outcome]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to download. `size` in bytes (0: unknown), `sha256` as its source tells, `pinned` as we knew it before;
    `blob` is git's digest of a small file.
    """

    source: str
    url: str
    size: int = 0
    sha256: str = ""
    pinned: str = ""
    blob: str = ""


@dataclass(slots=True)
class Pace:
    """Bytes a second over the last few seconds."""

    seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=20))

    def rate(self, done: int) -> float:
        now = time.monotonic()
        if self.seen and done < self.seen[-1][1]:
            self.seen.clear()
        self.seen.append((now, done))
        since, before = self.seen[0]
        return (done - before) / (now - since) if now - since > 0.2 else 0.0


class Download:
    """Brings one file into `models` as sha256-<digest>.gguf, or says why not."""

    def __init__(
        self,
        gate: Gate,
        session: Session,
        wanted: Wanted,
        *,
        models: Path,
        patience: Patience,
        free: Callable[[Path], int],
    ) -> None:
        self._gate, self._session, self._wanted, self._patience = gate, session, wanted, patience
        self._models, self._free = models, free
        self._folder = models / "staging"
        self._staging = Staging(self._folder, wanted.source)
        self._pace = Pace()

    def run(self, purpose: str, stop: Stop) -> Generator[Progress, None, Fetched]:
        self._check_pin()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._staging.begin(self._wanted.size, self._wanted.sha256)
        self._take_back()
        outcome = yield from self._until_whole(purpose, stop)
        return self._keep(outcome)

    def _check_pin(self) -> None:
        wanted = self._wanted
        if wanted.pinned and wanted.sha256 and wanted.pinned != wanted.sha256:
            raise DigestMismatch(
                f"the source now offers sha256 {wanted.sha256}, {wanted.pinned} was expected",
                advice="Nothing was downloaded. Do not trust the source until you know why the file changed.",
            )

    def _take_back(self) -> None:
        """A file by that name that nobody vouches for any more counts as downloaded, and is checked like one."""
        here = self._place(self._wanted.sha256)
        if self._wanted.sha256 and here.is_file() and here.stat().st_size == self._wanted.size:
            os.replace(here, self._staging.part)  # noqa: PTH105 - as in foundation: replaces on every system

    def _place(self, digest: str) -> Path:
        return self._models / f"sha256-{digest}.gguf"

    def _until_whole(self, purpose: str, stop: Stop) -> Steps:
        """Try until the file is whole. Tries that bring something new are not counted against the patience."""
        most, failures = self._staging.length, 0
        for _ in range(MOST_TRIES):
            outcome = yield from self._attempt(purpose, stop)
            if stop.is_set() or outcome.kind == "stopped":
                raise Interrupted("What is here is kept; the next try continues where this one stopped.")
            if outcome.kind == "whole":
                return outcome
            if outcome.kind == "wrong":
                self._staging.drop()
            if not is_passing(outcome):
                break
            done = self._staging.length
            failures, most = (0, done) if done > most else (failures + 1, most)
            if failures >= self._patience.tries:
                break
            yield from self._wait(outcome, self._patience.wait_before(max(failures, 1)), stop)
        raise say(outcome, "the file")

    def _attempt(self, purpose: str, stop: Stop) -> Steps:
        size, have = self._wanted.size, self._staging.length
        if size and have > size:
            self._staging.part.unlink(missing_ok=True)
        elif size and have == size:
            return (yield from self._check_what_is_here(stop))
        self._leave_room()
        return (yield from self._follow(purpose, stop))

    def _follow(self, purpose: str, stop: Stop) -> Steps:
        """One GET, and one more for each redirect: each is a connection of its own, asked for and written down."""
        url = self._wanted.url
        for _ in range(MOST_REDIRECTS + 1):
            beats = self._gate.connect(
                self._session, "file.fetch", url=url, purpose=purpose, stop=stop, folder=str(self._folder),
                source=self._wanted.source, limit=self._limit(),
            )  # fmt: skip
            outcome = yield from self._told(beats)
            if outcome.kind != "moved":
                return outcome
            url = urljoin(url, outcome.location)
        return Outcome("barred", "it sends from one address to the next without end")

    def _check_what_is_here(self, stop: Stop) -> Steps:
        beats = self._session.stream("file.check", stop=stop, folder=str(self._folder), source=self._wanted.source)
        fields = yield from self._told(beats)
        return Outcome.from_wire(fields) if fields else Outcome("stopped")

    def _told(self, beats: Generator[dict[str, object], None, T]) -> Generator[Progress, None, T]:
        """Turn the beats of one connection into progress."""
        while True:
            try:
                beat = next(beats)
            except StopIteration as end:
                return cast("T", end.value)
            done, total = int(str(beat["done"])), int(str(beat["total"])) or self._wanted.size
            checking = beat["phase"] == "checking"
            words = "Checking what is already here" if checking else "Downloading"
            yield Progress(done, total, words, 0.0 if checking else self._pace.rate(done))

    def _limit(self) -> int:
        """The most bytes this file may have on disk."""
        return self._wanted.size or self._staging.length + max(0, self._free(self._folder) - RESERVE)

    def _leave_room(self) -> None:
        free, missing = self._free(self._folder), max(0, self._wanted.size - self._staging.length)
        if missing + RESERVE > free:
            raise DiskFull(
                f"{_gigabytes(missing)} are still to come, {_gigabytes(RESERVE)} stay in reserve,"
                f" {_gigabytes(free)} are free"
            )

    def _wait(self, outcome: Outcome, seconds: float, stop: Stop) -> Generator[Progress, None, None]:
        why = outcome.words or f"the server answered {outcome.status}"
        yield Progress(
            self._staging.length, self._wanted.size, f"{why[:1].upper()}{why[1:]}; trying again in {seconds:g} s"
        )
        stop.wait(seconds)

    def _keep(self, outcome: Outcome) -> Fetched:
        """Check the digest and give the file its place; a power cut leaves the old state or the new one."""
        digest, promised = outcome.sha256, self._wanted.sha256 or self._wanted.pinned
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or (promised and digest != promised):
            self._staging.drop()
            raise DigestMismatch(f"sha256 {digest} came, {promised} was promised")
        if self._wanted.blob and git_digest(self._staging.part) != self._wanted.blob:
            self._staging.drop()
            raise DigestMismatch("not the content that the hub's own digest promised came")
        place, size = self._place(digest), self._staging.length
        try:
            os.replace(self._staging.part, place)  # noqa: PTH105 - as in foundation: replaces on every system
            sync_folder(self._models)
        except OSError as error:
            raise disk_error(error, place.parent) from error
        self._staging.drop()
        return Fetched(str(place), digest, size)


def git_digest(path: Path) -> str:
    """What git calls a file's content: SHA-1 of its length and its bytes."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_passing(outcome: Outcome) -> bool:
    """Whether another try may go better."""
    return outcome.kind == "cut" or (outcome.kind == "answered" and outcome.status in TRY_AGAIN)


def say(outcome: Outcome, what: str) -> DownloadFailed:
    """The error for an outcome that is not the file."""
    if outcome.kind == "answered":
        if outcome.words == "gated" or outcome.status in (401, 403):
            return DownloadFailed(
                f"{what}: the server wants you to sign in or to accept a licence first (status {outcome.status})",
                advice="Download it in a browser, then: freehold models import FILE",
            )
        if outcome.status in (404, 410):
            return DownloadFailed(f"{what} is not there any more (status {outcome.status})", advice="Choose another.")
        return DownloadFailed(f"the server answered {outcome.status}")
    if outcome.kind in ("barred", "wrong"):
        return DownloadFailed(outcome.words, advice="Try another network or another source.")
    return DownloadFailed(outcome.words)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
