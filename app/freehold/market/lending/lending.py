"""The app's side of lending: starts and ends the gateway, keeps what it tells, lets it outlive the vault's lock."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError, VaultLocked, WorkerStopped
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.identity.values import NodeCertificate
from freehold.market.errors import LendingOff
from freehold.market.lending import taking
from freehold.market.lending.opening import Opening, Place, Settings
from freehold.market.lending.shared import Happened, Shared, Status, address_of, happened, status_of
from freehold.market.lending.values import PORT, Limits
from freehold.processes.link import Link
from freehold.processes.process import Running

_log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
_TURNS = 60  # of watching, between two looks at what else may have changed
_MOST_NEWS = 500
_RENEWED_BEFORE = 3.5 * 86_400  # seconds: the signer's certificates are good for three days at least
_ANEW, _ANEW_SECONDS = 3, 600.0  # so many new starts within so long; then sharing has ended


class Vault(Protocol):
    @property
    def is_open(self) -> bool: ...
    def call(self, op: str, **args: Any) -> Any: ...
    def when_locked(self, hook: Callable[[], None]) -> None: ...


class Keys(Protocol):
    """identity.keys.Keys."""

    def has_key(self) -> bool: ...
    def create(self) -> object: ...
    def for_gateway(self, receiver_public: str) -> str: ...
    def certificate(self) -> NodeCertificate: ...
    def open_sealed(self, lines: list[str]) -> list[bytes]: ...


class Models(Protocol):
    def in_use(self) -> Model: ...


class Lending:
    """Answering other devices, from `start` to `stop`. Methods raise LendingOff where nothing is shared, VaultLocked.

    `opening` starts gateways. Safe to use from several threads; a thread of its own hears what the gateway tells.
    """

    def __init__(
        self, profile: Profile, vault: Vault, keys: Keys, models: Models, settings: Settings, *,
        opening: Opening | None = None, watch: float = WATCH_SECONDS,
    ) -> None:  # fmt: skip
        self._profile, self._vault, self._keys, self._models = profile, vault, keys, models
        self._settings, self._watch = settings, watch
        self._opening = opening or Opening(profile, settings)
        self._link: Link | None = None
        self._wanted: Place | None = None  # for as long as this is to be shared
        self._lock = threading.RLock()  # one start or stop at a time
        self._shared: Shared | None = None
        self._quiet = threading.Event()
        self._news: deque[Happened] = deque(maxlen=_MOST_NEWS)
        self._names: dict[str, str] = {}
        self._told = 0
        self._noted = 0
        self._anew: deque[float] = deque(maxlen=_ANEW)
        vault.when_locked(self._locked)

    @property
    def is_on(self) -> bool:
        link = self._link
        return link is not None and link.is_running

    @property
    def is_wanted(self) -> bool:
        """Whether this is to be shared, though a gateway that died may not have been replaced yet."""
        return self._wanted is not None

    def start(
        self, port: int = PORT, *, host: str = "", limits: Limits | None = None, stop: Stop | None = None
    ) -> Shared:
        """Share the model in use, on `port` of every address or of `host`; where it is shared already, only make a new
        code. This device's keys are made if there are none yet.

        Raises ModelMissing, ModelTooLarge, LendingFailed (the port is taken), EngineStopped, and LoadingStopped when
        `stop` was set.
        """
        with self._lock:
            if not self.is_on:
                if not self._vault.is_open:
                    raise VaultLocked
                if not self._keys.has_key():
                    self._keys.create()
                self._open(Place(port, host, limits or Limits()), stop or Stop())
            return self.new_code()

    def stop(self) -> bool:
        """Share nothing any more: jobs end, and go on elsewhere. Whether anything was shared."""
        with self._lock:
            self._wanted = None
            self._quiet.set()
            was_on = self.is_on
            with suppress(FreeholdError):
                self._note_news()
            link, self._link = self._link, None
            if link is not None:
                link.end()
                with suppress(FreeholdError):
                    self.absorb()
            return was_on

    def close(self) -> None:
        """Freehold ends, and sharing with it."""
        self.stop()

    def status(self) -> Status:
        """How it stands; off where nothing is shared."""
        try:
            return status_of(self._call("gateway.status"), self._shared)
        except LendingOff:
            return Status()

    def new_code(self) -> Shared:
        """A new code for one more device; the one before is good no longer. Raises VaultLocked: nobody would see it."""
        from freehold.identity.pairing import Invite

        if not self._vault.is_open:
            raise VaultLocked
        told, code = self._call("gateway.status"), self._call("gateway.code")
        invite = Invite(told["hosts"][0], told["port"], code["code"], told["fingerprint"])
        self._shared = Shared(address_of(told), code["code"], str(invite), code["seconds"])
        return self._shared

    def withdraw_code(self) -> None:
        self._shared = None
        self._call("gateway.withdraw")

    def allow(self, device: str) -> None:
        """A device was paired here: it may ask. Does nothing where nothing is shared."""
        with suppress(LendingOff):
            self._call("gateway.allow", address=device)

    def forget(self, device: str) -> None:
        """A device is trusted no longer, from this moment on. Does nothing where nothing is shared."""
        with suppress(LendingOff):
            self._call("gateway.forget", address=device)

    def news(self, since: int = 0) -> list[Happened]:
        """What happened after the thing numbered `since`, oldest first; what is older than 500 things is forgotten."""
        return [one for one in tuple(self._news) if one.number > since]

    def name_of(self, device: str) -> str:
        """What a device is called; the beginning of its id while that is not known."""
        return self._names.get(device, device[:10])

    def absorb(self) -> int:
        """Take the journal of answered jobs into the vault; how many were new. To be called when it was opened."""
        if self.is_on:
            self._call("gateway.aside")
        return taking.take_in(self._profile.share, self._keys, self._vault, all_of_it=not self.is_on)

    def recover(self) -> None:
        """The vault was opened: take in what happened meanwhile, and let the gateway know what is new here."""
        self.absorb()
        if self.is_on:
            with suppress(LendingOff):
                self._note_news()
                self._agree()

    def hand_over(self) -> Running | None:
        """Let the gateway outlive this program, which is about to be replaced by a locked one. None where none does."""
        with self._lock:
            link, self._link = self._link, None
            self._quiet.set()
            if link is None:
                return None
            if self._settings.is_on("lend_while_locked"):
                return link.hand_over()
            link.end()
            return None

    def adopt(self, running: Running) -> bool:
        """Take over the gateway of the program before this one. False, and it leaves, when that cannot be."""
        with self._lock:
            link = self._new_link()
            if not link.adopt(running):
                return False
            self._begin(link, Place(0))
            return True

    def _open(self, place: Place, stop: Stop) -> None:
        model = self._models.in_use()
        link = self._opening.open(
            lambda: self._new_link(model), model, self._keys, place, allowed=self._allowed(), stop=stop
        )
        self._begin(link, place)

    def _new_link(self, model: Model | None = None) -> Link:
        return Link("gateway", lambda: self._opening.spawn(model), silence=60.0, died=self._died)

    def _begin(self, link: Link, place: Place) -> None:
        self._link, self._quiet, self._noted = link, threading.Event(), 0
        self._wanted = replace(place, port=int(self._call("gateway.status")["port"]))
        threading.Thread(target=self._hear, args=(link, self._quiet), name="lending", daemon=True).start()

    def _hear(self, link: Link, quiet: threading.Event) -> None:
        """Until it is over: take note of what the gateway tells, now and then."""
        for turn in itertools.count(1):
            if quiet.wait(self._watch):
                return
            if self._vault.is_open and link.is_running:
                try:
                    self._note_news()
                    if turn % _TURNS == 0:
                        self._agree()
                except FreeholdError as error:
                    _log.warning("what the gateway tells could not be kept: %s", error.code)

    def _note_news(self) -> None:
        """Keep what was told. It is told again until it is kept."""
        if not self._vault.is_open:
            return
        told = self._call("gateway.news", since=self._noted)
        for item in told:
            if item["kind"] == "paired":
                self._vault.call("market.put_device", device=taking.device_of(item, self._known(item["address"])))
            elif item["kind"] == "unpaired":
                self._vault.call("market.forget_device", id=item["address"])
            self._noted = item["number"]
            self._tell(item)
        if any(item["kind"] == "job" for item in told):
            self.absorb()

    def _tell(self, item: dict[str, Any]) -> None:
        self._told += 1
        one = happened(self._told, item)
        if one.kind == "paired":
            self._names[one.device] = one.name
        self._news.append(replace(one, name=one.name or self.name_of(one.device)))

    def _agree(self) -> None:
        """Let the gateway know the devices and the certificate that are known here."""
        told, allowed = self._call("gateway.status"), set(self._allowed())
        for device in allowed - set(told["allowed"]):
            self._call("gateway.allow", address=device)
        for device in set(told["allowed"]) - allowed:
            self._call("gateway.forget", address=device)
        if told["certified_until"] - time.time() < _RENEWED_BEFORE:
            self._call("gateway.renew", certificate=self._keys.certificate().to_wire())

    def _allowed(self) -> list[str]:
        devices = self._vault.call("market.devices")
        self._names.update({one["id"]: one["name"] for one in devices})
        return [one["id"] for one in devices if one["state"] == "active"]

    def _known(self, device: str) -> dict[str, Any] | None:
        return next((one for one in self._vault.call("market.devices") if one["id"] == device), None)

    def _call(self, op: str, **args: Any) -> Any:
        link = self._link
        if link is None or not link.is_running:
            raise LendingOff
        try:
            return link.call(op, **args)
        except WorkerStopped as error:
            raise LendingOff from error

    def _locked(self) -> None:
        """The vault is about to be locked, or has died."""
        if not self._settings.is_on("lend_while_locked"):
            self.stop()
            return
        with suppress(FreeholdError):
            self.withdraw_code()

    def _died(self, _: WorkerStopped) -> None:
        """The gateway, or its engine, has ended by itself: both anew, on a thread that may take its time."""
        threading.Thread(target=self._start_anew, name="lending anew", daemon=True).start()

    def _start_anew(self) -> None:
        with self._lock:
            place, now = self._wanted, time.monotonic()
            if place is None or self.is_on:
                return
            self._quiet.set()
            self._link = None
            if not self._vault.is_open or (len(self._anew) == _ANEW and now - self._anew[0] < _ANEW_SECONDS):
                self._end_by_itself()
                return
            self._anew.append(now)
            try:
                self._open(place, Stop())
                self._tell({"kind": "anew"})
            except FreeholdError as error:
                _log.warning("sharing could not be started anew: %s", error.code)
                self._end_by_itself()

    def _end_by_itself(self) -> None:
        self._wanted = None
        self._tell({"kind": "ended"})
