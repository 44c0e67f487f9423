"""Receipts as their owner meets them: listed, written to a file, and held against what they are about. Flows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from freehold.engine.values import Loaded, Loading, Model, Notice
from freehold.foundation.errors import (
    EngineStopped,
    ModelMalformed,
    ModelMissing,
    ModelTooLarge,
    PlaceUnusable,
    ProfileUnusable,
    PromptTooLong,
    ReceiptInvalid,
)
from freehold.foundation.paths import write_atomically
from freehold.foundation.stop import Stop
from freehold.market.books import Books
from freehold.market.courier import Courier
from freehold.market.receipts import MOST_BYTES, Bundle, Verdict, write_bundle
from freehold.market.records import Kept

_NO_WEIGHTS = "Signature, certificate, counts and hashes hold. The model is not on this computer to compute the tokens."


class Weighed(Protocol):
    """market.checking.Verdict."""

    @property
    def checked_tokens(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def words(self) -> str: ...


class Engine(Protocol):
    def prepare(
        self, model: Model, *, context: int, gpu_layers: int, threads: int, stop: Stop | None = None
    ) -> Generator[Loading | Notice, None, Loaded]: ...


class Models(Protocol):
    def list(self) -> list[Model]: ...


class Settings(Protocol):
    def whole(self, name: str) -> int: ...


class Receipts:
    """`check` holds a bundle against the weights that `engine` has loaded (market/verifying.py)."""

    def __init__(
        self, books: Books, courier: Courier, *, models: Models, engine: Any, settings: Settings,
        check: Callable[..., Weighed] | None = None,
    ) -> None:  # fmt: skip
        self._books, self._courier = books, courier
        self._models, self._engine, self._settings, self._check = models, engine, settings, check

    def all(self) -> list[Kept]:
        """The newest first, without what they are about."""
        return self._books.receipts()

    def find(self, part: str) -> Kept:
        """The one whose job's id begins like this. Raises NotFound."""
        return self._books.receipt(part)

    def export(self, part: str, path: Path) -> Kept:
        """Write a receipt's bundle to a new file: the words of question and answer are in it, as tokens.

        Raises NotFound, ReceiptInvalid for one whose content was not kept, PlaceUnusable, DiskFull.
        """
        kept = self._books.receipt(part)
        if not kept.chat:
            raise ReceiptInvalid("what it is about was not kept: the answer belonged to no chat")
        if path.exists():
            raise PlaceUnusable(f"{path} is there already", advice="Choose another name.")
        try:
            write_atomically(path, write_bundle(kept))
        except ProfileUnusable as error:
            raise PlaceUnusable(error.detail) from error
        return kept

    def verify(self, path: Path, stop: Stop | None = None) -> Generator[Loading | Notice, None, Verdict]:
        """Whether a bundle holds, asking nobody: hashes, counts, signature, certificate, and where the model is here,
        whether its weights write these tokens. Raises PlaceUnusable.
        """
        reason, bundle = self._courier.examine(_content(path))
        if bundle is None:
            return Verdict(False, 0, f"{reason[0].upper()}{reason[1:]}.")
        model = self._model(bundle)
        if model is None or self._check is None:
            return Verdict(True, 0, _NO_WEIGHTS)
        try:
            return (yield from self._weighed(bundle, model, stop))
        except (ModelMissing, ModelMalformed, ModelTooLarge, EngineStopped, PromptTooLong) as error:
            return Verdict(True, 0, f"{_NO_WEIGHTS} {error.title}.")

    def _weighed(self, bundle: Bundle, model: Model, stop: Stop | None) -> Generator[Loading | Notice, None, Verdict]:
        whole, settings = len(bundle.prompt) + len(bundle.answer) + 1, self._settings
        preparing = self._engine.prepare(
            model, context=max(whole, settings.whole("context")), gpu_layers=settings.whole("gpu_layers"),
            threads=settings.whole("threads"), stop=stop,
        )  # fmt: skip
        with closing(preparing) as steps:
            yield from steps
        yield Notice(f"Computing {len(bundle.answer)} tokens with {model.name}.")
        assert self._check is not None
        weighed = self._check(self._engine, bundle, stop=stop)
        return Verdict(weighed.state != "failed", weighed.checked_tokens, weighed.words)

    def _model(self, bundle: Bundle) -> Model | None:
        wanted = bundle.receipt.manifest.sha256
        return next((one for one in self._models.list() if one.sha256 == wanted and one.state == "here"), None)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PlaceUnusable(f"{path}: {error.strerror or error}") from error
    return content[: MOST_BYTES + 1]
