"""The model that finds by meaning, and the one that is to take its place once every text has its vector.

Which they are is kept in the vault, beside the vectors, so that both change in one transaction.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from freehold.foundation.errors import VaultLocked
from freehold.foundation.stop import Stop
from freehold.library.embed.client import Embedder, EmbeddingModel
from freehold.library.embed.models import EmbedderModels

SERVING, COMING = "embedder", "embedder coming"  # names in the library's state


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


class Embedders:
    """Answers as the serving model's Embedder does; `coming` is the other's, None while no change is under way."""

    def __init__(
        self, vault: Vault, models: EmbedderModels, start: Callable[[EmbeddingModel], subprocess.Popen[bytes]]
    ) -> None:
        self.models = models
        self._vault, self._start = vault, start
        self._embedders: dict[str, Embedder] = {}
        self._names: tuple[str, str] | None = None

    @property
    def id(self) -> str:
        return self._serving.id

    @property
    def is_up(self) -> bool:
        return self._serving.is_up

    @property
    def coming(self) -> Embedder | None:
        name = self._named()[1]
        return self._of(name) if name else None

    def warm_soon(self) -> None:
        self._serving.warm_soon()

    def embed(self, texts: Sequence[str], stop: Stop | None = None) -> list[str]:
        return self._serving.embed(texts, stop)

    def embed_question(self, text: str) -> str:
        return self._serving.embed_question(text)

    def end_when_idle(self) -> None:
        for embedder in list(self._embedders.values()):
            embedder.end_when_idle()

    def close(self) -> None:
        """End the processes; which models they were is asked anew: another vault may be behind the same name."""
        for embedder in list(self._embedders.values()):
            embedder.close()
        self._embedders, self._names = {}, None

    def change(self, id: str) -> None:
        """Let `id` take the place of the serving model, or, when it is that, take back a change under way."""
        self._vault.call("library.embed_anew", embedder="" if id == self.id else id, serving=self.id)
        self._names = None
        self._vault.call("library.drop_embedders")  # what a change that was taken back has left

    def changed(self) -> None:
        """The vault holds another name now."""
        former, self._names = self._serving, None
        if former.id != self.id:
            former.close()

    @property
    def _serving(self) -> Embedder:
        return self._of(self._named()[0])

    def _named(self) -> tuple[str, str]:
        if self._names is None:
            try:
                serving, coming = (self._vault.call("library.remembered", name=name) for name in (SERVING, COMING))
            except VaultLocked:
                return "", ""
            self._names = str(serving), str(coming)
        return self._names

    def _of(self, name: str) -> Embedder:
        model = self.models.model(name)
        key = model.id if model else name
        if key not in self._embedders:
            self._embedders[key] = Embedder(lambda: self._start(model) if model else _nothing(), model)
        return self._embedders[key]


def _nothing() -> subprocess.Popen[bytes]:
    raise AssertionError("without a model nothing is started")
