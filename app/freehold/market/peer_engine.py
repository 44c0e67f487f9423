"""A paired device as an engine: the same promises as the one here, but that what it reads leaves this machine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from freehold.engine.values import (
    Finished,
    Loaded,
    Loading,
    LoadingStopped,
    Message,
    Model,
    Notice,
    Prompt,
    Reading,
    Sampling,
    Written,
)
from freehold.foundation.errors import EngineStopped, Interrupted, ModelMissing, PeerUnreachable, PromptTooLong
from freehold.foundation.stop import Stop
from freehold.market.books import Books
from freehold.market.client import Client
from freehold.market.courier import Courier
from freehold.market.errand import Errand, Patience, Terms
from freehold.market.records import Paired
from freehold.market.values import Offer
from freehold.market.vocabularies import Vocabularies, Words
from freehold.network.values import DataClass

Find = Callable[[Paired, Stop | None], Client | None]


class PeerEngine:
    """One device, for answers of one class of data. `client_address` tells this owner's address, for receipts; `find`
    looks for a device that is not where it was.

    `jobs` are those that it wrote at, in turn. Safe to use from several threads; answers of one model take turns.
    """

    leaves_device = True

    def __init__(
        self, client: Client, courier: Courier, books: Books, vocabularies: Vocabularies, *,
        client_address: Callable[[], str], data_class: DataClass = "words", confirmed: bool = False,
        patience: Patience | None = None, find: Find = lambda _device, _stop: None,
    ) -> None:  # fmt: skip
        self._client, self._courier, self._books, self._vocabularies = client, courier, books, vocabularies
        self._address, self._data_class, self._confirmed = client_address, data_class, confirmed
        self._patience, self._find = patience or Patience(), find
        self._loaded: Loaded | None = None
        self._offer: Offer | None = None
        self._words: Words | None = None
        self._errands: list[Errand] = []

    @property
    def name(self) -> str:
        return self._client.device.name

    @property
    def loaded(self) -> Loaded | None:
        """The device's model, once it has said what it offers and its words are here."""
        is_here = self._words is not None and self._words.tokenizer.loaded is not None
        return self._loaded if is_here else None

    @property
    def models(self) -> frozenset[str]:
        """SHA-256 of the models that it offered last; without asking."""
        return frozenset(one.manifest.sha256 for one in self._client.device.offers)

    @property
    def is_busy(self) -> bool:
        return self._words is not None and self._words.turns.is_taken

    @property
    def jobs(self) -> tuple[str, ...]:
        return tuple(one.job for one in self._errands if one.count)

    def prepare(
        self, model: Model, *, context: int, gpu_layers: int, threads: int, fallbacks: Sequence[Model] = (),  # noqa: ARG002 - for engines here
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]:  # fmt: skip
        """Ask what the device offers and learn its model's words. `model` is the one that would answer here: where the
        device offers that too and nothing larger, it is taken. Only `context` is heeded of the rest.

        Raises ModelMissing when it offers none, LoadingStopped when `stop` was set, and what `Client` raises.
        """
        if (ready := self.loaded) is not None:
            return ready
        try:
            yield Loading(self.name, 0.0)
            offers = self._offers(stop)
            if offers != self._client.device.offers:
                self._books.offered(self._client.device.id, offers)
            offer = best(offers, model.sha256)
            if offer is None:
                raise ModelMissing(f"{self.name} offers no model", advice="Start sharing there, or answer here.")
            yield Loading(self.name, 0.5)
            digest = offer.manifest.vocabulary_sha256
            words = self._vocabularies.words(digest, lambda: self._client.vocabulary(digest, stop))
        except Interrupted as error:
            if stop is not None and stop.is_set():
                raise LoadingStopped from error
            raise
        if stop is not None and stop.is_set():
            raise LoadingStopped
        yield Loading(self.name, 1.0)
        self._offer, self._words = offer, words
        self._loaded = _loaded(offer, words, model, context, threads)
        return self._loaded

    def _offers(self, stop: Stop | None) -> tuple[Offer, ...]:
        try:
            return self._client.offers(stop)
        except PeerUnreachable:
            moved = self._find(self._client.device, stop)
            if moved is None:
                raise
            self._client = moved
            return moved.offers(stop)

    def read(self, messages: Sequence[Message]) -> Prompt:
        """The token ids of a whole prompt, made here. Raises EngineStopped, PromptTooLong, TemplateFailed."""
        return self._working()[1].tokenizer.read(messages)

    def tokens(self, text: str) -> tuple[int, ...]:
        """The ids of plain text."""
        return self._working()[1].tokenizer.tokens(text)

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = "", *, replayed: int = 0
    ) -> Generator[Reading | Written | Notice, None, Finished]:
        """The answer as the device writes it. The last `replayed` ids of the prompt are an answer begun elsewhere.

        Raises PromptTooLong before anything was sent, and what `Errand.run` raises.
        """
        offer, words = self._working()
        with words.turns.front(stop) as is_mine:
            loaded = self.loaded
            if not is_mine or stop.is_set():
                return Finished("stopped")
            if loaded is None:
                raise EngineStopped("no model is loaded")
            if len(prompt) >= loaded.limit:
                raise PromptTooLong(f"{len(prompt)} tokens, {loaded.limit - 1} fit")
            terms = Terms(self._address(), self._data_class, self._confirmed, chat)
            errand = Errand(
                self._client, self._courier, self._books, words=words, offer=offer, terms=terms,
                patience=self._patience,
            )  # fmt: skip
            self._errands.append(errand)
            wish = _within(sampling, loaded.limit - len(prompt))
            return (yield from errand.run(prompt, wish, stop, replayed=replayed))

    def unload(self) -> None:
        """Forget what the device offered; the next `prepare` asks anew."""
        self._loaded = self._offer = self._words = None

    def unload_if_idle(self, seconds: float) -> bool:
        """Unload when nothing is being written. True when that happened."""
        if self.is_busy or self.loaded is None or seconds > 0:
            return False
        self.unload()
        return True

    def _working(self) -> tuple[Offer, Words]:
        if self.loaded is None or self._offer is None or self._words is None:
            raise EngineStopped("no model is loaded")
        return self._offer, self._words


def best(offers: Sequence[Offer], sha256: str = "") -> Offer | None:
    """The offer with the largest model; among equals the one that is on this machine too, then the least busy."""

    def rank(offer: Offer) -> tuple[int, bool, int]:
        return offer.manifest.parameters, offer.manifest.sha256 == sha256, -offer.waiting

    return max(offers, key=rank, default=None)


def _loaded(offer: Offer, words: Words, model: Model, context: int, threads: int) -> Loaded:
    manifest = offer.manifest
    is_same = manifest.sha256 == model.sha256
    return Loaded(
        model.id if is_same else manifest.sha256, manifest.model, manifest.sha256, min(context, manifest.context),
        0, threads, words.vocabulary.template, 0, words.vocabulary.notes,
    )  # fmt: skip


def _within(sampling: Sampling, room: int) -> Sampling:
    """As many tokens as the context has room for, and one that nothing needs to follow."""
    return replace(sampling, max_tokens=min(sampling.max_tokens, room + 1))
