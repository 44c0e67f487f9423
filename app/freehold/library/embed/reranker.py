"""A model that reads a question and a passage together: puts the best passages in order, where the owner wants one."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from freehold.foundation.errors import FreeholdError
from freehold.library.embed.client import IDLE_SECONDS, SILENCE_SECONDS, EmbeddingModel
from freehold.library.embed.models import EmbedderModels
from freehold.processes.link import Link

_log = logging.getLogger(__name__)

READ = 20  # passages it reads for a question: each takes as long as embedding two
RERANKER = "reranker"  # its name in the library's state


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


class Reranker:
    """The model that is switched on, in a process of its own; none, most often. Safe to use from several threads."""

    def __init__(
        self, vault: Vault, models: EmbedderModels, start: Callable[[EmbeddingModel], subprocess.Popen[bytes]]
    ) -> None:
        self._vault, self._models, self._start = vault, models, start
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._name: str | None = None
        self._used = 0.0

    @property
    def id(self) -> str:
        """Its name; empty when none is switched on. Raises VaultLocked."""
        if self._name is None:
            self._name = str(self._vault.call("library.remembered", name=RERANKER))
        return self._name

    def use(self, id: str) -> None:
        """Switch a model on from now on, or with "" off."""
        self._vault.call("library.remember", name=RERANKER, value=id)
        self.close()

    def order(self, question: str, texts: Sequence[str]) -> list[int]:
        """The places of `texts`, best first: as they stand where the model fails, which never costs a search."""
        as_they_stand = list(range(len(texts)))
        try:
            scores = self._scores(question, texts)
        except FreeholdError as error:
            _log.warning("results are not put in order: %s", error.code)
            return as_they_stand
        return sorted(as_they_stand, key=lambda place: -scores[place])

    def end_when_idle(self) -> None:
        if self._link is not None and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """End the process; which model is switched on is asked anew."""
        with self._lock:
            link, self._link, self._name = self._link, None, None
        if link is not None:
            link.end()

    def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        model = self._models.model(self.id)
        if model is None:
            return [0.0] * len(texts)  # it was removed
        with self._lock:
            if self._link is None:
                self._link = Link("embedder", lambda: self._start(model), silence=SILENCE_SECONDS)
            link, self._used = self._link, time.monotonic()
            scores = link.call(
                "rerank.scores", folder=str(model.folder), sha256=model.sha256, question=question, texts=list(texts)
            )
        return [float(score) for score in scores]
