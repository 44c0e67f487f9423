"""Asking the hub what a file is, before any of it is fetched: its size and its digest."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict

from freehold.foundation.errors import DownloadFailed, Interrupted
from freehold.foundation.stop import Stop
from freehold.network.download import is_passing, say
from freehold.network.gate import Gate, Session
from freehold.network.values import HubFile, Outcome, Patience, Progress, Remote

MOST_REDIRECTS = 3


class HubQuestion:
    """One file's facts, asked again while the connection is bad and the patience lasts."""

    def __init__(self, gate: Gate, session: Session, endpoint: str, wanted: HubFile, patience: Patience) -> None:
        self._gate, self._session, self._endpoint = gate, session, endpoint
        self._wanted, self._patience = wanted, patience

    def ask(self, purpose: str, stop: Stop) -> Generator[Progress, None, Remote]:
        """Raises Offline, VaultLocked, DownloadFailed, Interrupted."""
        for failures in range(1, self._patience.tries + 1):
            outcome = self._follow(purpose, stop)
            if stop.is_set() or outcome.kind == "stopped":
                raise Interrupted("Nothing was downloaded.")
            if outcome.remote is not None:
                return outcome.remote
            if not is_passing(outcome) or failures == self._patience.tries:
                break
            seconds = self._patience.wait_before(failures)
            yield Progress(0, 0, f"The hub does not answer; trying again in {seconds:g} s")
            stop.wait(seconds)
        raise say(outcome, self._wanted.file)

    def _follow(self, purpose: str, stop: Stop) -> Outcome:
        url = self._endpoint
        for _ in range(MOST_REDIRECTS + 1):
            outcome = self._connect(url, purpose, stop)
            if outcome.kind != "moved":
                return outcome
            url = outcome.location
        raise DownloadFailed("the hub sends from one address to the next without end")

    def _connect(self, url: str, purpose: str, stop: Stop) -> Outcome:
        beats = self._gate.connect(
            self._session, "hub.describe", url=url, purpose=purpose, stop=stop, endpoint=self._endpoint,
            **asdict(self._wanted),
        )  # fmt: skip
        while True:
            try:
                next(beats)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
