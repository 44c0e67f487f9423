"""The gateway process: answers paired devices, in front of an engine of its own. Keeps nothing of what they say.

The engine is started before the gateway closes itself in its box, where it can start nothing any more. The app asks
on the pipe, in the main thread; the network lives on an event loop in another.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from freehold.foundation.errors import BadRequest, PeerUntrusted, WorkerStopped
from freehold.identity.pairing import Introduction
from freehold.identity.sealing import seal
from freehold.identity.values import NodeCertificate
from freehold.market.errors import LendingFailed, LendingOff
from freehold.market.lending.admission import Admission
from freehold.market.lending.connections import Connections, tls_context
from freehold.market.lending.engine import LentEngine
from freehold.market.lending.invitation import Invitation
from freehold.market.lending.journal import INFO, Journal
from freehold.market.lending.news import News
from freehold.market.lending.own import Own
from freehold.market.lending.service import Service
from freehold.market.lending.values import Limits
from freehold.market.lending.web import Web
from freehold.market.values import Manifest
from freehold.network.nearby import Announcer, own_addresses
from freehold.processes.worker import serve
from freehold.vault.handover import Receiver

_ANSWER_SECONDS = 20.0  # for the event loop to do what the app asks
_FAREWELL_SECONDS = 0.5  # for streams to say how their jobs ended
_BROKEN = 70  # the exit code when the engine has died

Fields = dict[str, Any]
Result = TypeVar("Result")


def serve_gateway(engine: subprocess.Popen[bytes]) -> None:
    """Answer the app until it goes, with the engine at the other end of these pipes."""
    logging.disable(logging.CRITICAL)  # a log would say who asked, and when
    gateway = Gateway(engine)
    serve("gateway", gateway.ops(), leaving=gateway.leave)


class Gateway:
    """What the app may ask. Everything but `receiver`, `load` and `start` raises LendingOff before `start`."""

    def __init__(self, engine: subprocess.Popen[bytes], leave: Callable[[int], None] = os._exit) -> None:
        self._engine = LentEngine(engine, self._engine_died)
        self._receiver: Receiver | None = None
        self._loop = asyncio.new_event_loop()
        self._leave = leave
        self._news = News()
        self._open: Shop | None = None
        self._announcer: Announcer | None = None
        self._place: Fields = {}

    def ops(self) -> dict[str, Callable[..., Any]]:
        names = ("receiver", "load", "start", "allow", "forget", "renew", "code", "withdraw", "status", "news", "aside")
        return {f"gateway.{name}": getattr(self, name) for name in names}

    def receiver(self) -> str:
        """A public key, in hex, to seal the node's keys to, once."""
        self._receiver = Receiver()
        return self._receiver.public.hex()

    def load(self, path: str, context: int, gpu_layers: int, threads: int) -> Generator[float, None, Fields]:
        """Load the model. Parts tell how far it is, 0 to 1. Raises ModelMalformed, EngineStopped."""
        loaded = yield from self._engine.load(path, context=context, gpu_layers=gpu_layers, threads=threads)
        return {"limit": loaded.limit, "build": loaded.build}

    def start(
        self, *, sealed: str, host: str, port: int, manifest: Fields, vocabulary: str, ids: int, allowed: list[str],
        limits: Fields, folder: str, announces: bool,
    ) -> Fields:  # fmt: skip
        """Listen, and where it `announces` be found on the local network. `sealed` holds the keys, `vocabulary` names
        a file, `ids` counts the model's tokens, in `folder` lies the journal; port 0 is any.

        Returns {port, hosts, fingerprint, model, announced}. Raises LendingFailed.
        """
        if self._open is not None:
            raise BadRequest("the gateway is open already")
        given = self._unsealed(sealed)
        listener = _listener(host, port)
        own = Own(NodeCertificate.from_wire(given["certificate"]), bytes.fromhex(given["node"]),
                  bytes.fromhex(given["hpke"]), given["tls_certificate"])  # fmt: skip
        context = tls_context(given["tls_certificate"], given["tls_key"])
        content = _content(vocabulary)
        about = Manifest.from_wire(manifest)

        async def open_up() -> Shop:
            journal = Journal(Path(folder), lambda line: seal(own.certificate.hpke_key, line, INFO))
            service = Service(own, about, ids=ids, limits=Limits.from_wire(limits), engine=self._engine,
                              journal=journal, news=self._news)  # fmt: skip
            shop = Shop(service, Admission(allowed, service.desk.limits), journal, self._news)
            shop.open(listener, context, (about.vocabulary_sha256, content))
            return shop

        threading.Thread(target=self._loop.run_forever, name="network", daemon=True).start()
        self._open = self._within(open_up())
        listens = listener.getsockname()[1]
        if announces:
            self._announcer = Announcer(own.certificate.name, own.fingerprint, listens, [host] if host else [])
        hosts = [host] if host else own_addresses() or ["127.0.0.1"]
        self._place = {
            "port": listens, "hosts": hosts, "fingerprint": own.fingerprint, "model": about.model,
            "announced": self._announcer is not None and self._announcer.start(),
        }  # fmt: skip
        return self._place

    def allow(self, address: str) -> None:
        """Take requests of this owner's device from now on."""
        self._on_loop(lambda shop: shop.admission.allow(address))

    def forget(self, address: str) -> None:
        """Take no more requests of this owner's device; its jobs end."""
        self._on_loop(lambda shop: shop.forget(address))

    def renew(self, certificate: Fields) -> None:
        """Show a newer certificate from now on. Raises PeerUntrusted where it is of other keys."""
        self._on_loop(lambda shop: shop.renew(certificate))

    def code(self) -> Fields:
        """A new pairing code, good for `seconds`; an older one is good no longer."""
        code, seconds = self._on_loop(lambda shop: shop.invitation.new_code())
        return {"code": code, "seconds": seconds}

    def withdraw(self) -> None:
        """No pairing from now on."""
        self._on_loop(lambda shop: shop.invitation.withdraw())

    def status(self) -> Fields:
        """Where it listens, as `start` told, and how it is."""
        return {**self._place, **self._on_loop(lambda shop: shop.status())}

    def news(self, since: int) -> list[Fields]:
        """What happened after the thing numbered `since`; that, and all before it, is not told again."""
        return self._on_loop(lambda shop: shop.news.after(since))

    def aside(self) -> None:
        """Leave the journal as it is to whoever reads it, and begin another."""
        self._on_loop(lambda shop: shop.journal.set_aside())

    def leave(self) -> None:
        """Tell every client how its job ended, and go."""
        if self._announcer is not None:
            threading.Thread(target=self._announcer.stop, daemon=True).start()
        if self._open is not None:
            with suppress(WorkerStopped):
                self._on_loop(lambda shop: shop.service.refuse("stopping"))
            time.sleep(_FAREWELL_SECONDS)
        self._engine.end()

    def _engine_died(self, _: WorkerStopped) -> None:
        """Nothing here can start another: say so, and make room for a new gateway."""
        sys.stderr.write("the engine stopped\n")
        sys.stderr.flush()
        if self._open is not None:
            with suppress(WorkerStopped):
                self._on_loop(lambda shop: shop.service.refuse("engine-broken"))
            time.sleep(_FAREWELL_SECONDS)
            self._leave(_BROKEN)

    def _on_loop(self, ask: Callable[[Shop], Result]) -> Result:
        if self._open is None:
            raise LendingOff
        shop = self._open

        async def there() -> Result:
            return ask(shop)

        return self._within(there())

    def _within(self, work: Awaitable[Result]) -> Result:
        async def bounded() -> Result:
            return await work

        try:
            return asyncio.run_coroutine_threadsafe(bounded(), self._loop).result(_ANSWER_SECONDS)
        except TimeoutError as error:
            raise WorkerStopped("the gateway's network did not answer") from error

    def _unsealed(self, sealed: str) -> Fields:
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            raise BadRequest("nobody asked for the keys")
        fields: Fields = json.loads(receiver.open(bytes.fromhex(sealed)))
        return fields


class Shop:
    """A gateway that listens: all its parts, in the thread of the event loop."""

    def __init__(self, service: Service, admission: Admission, journal: Journal, news: News) -> None:
        self.service, self.admission, self.journal, self.news = service, admission, journal, news
        self.invitation = Invitation(
            service.own.fingerprint, self._introduction, known=admission.known, paired=self._paired
        )
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, listener: socket.socket, context: Any, vocabulary: tuple[str, bytes]) -> None:
        web = Web(self.service, self.admission, self.invitation, vocabulary, self._unpaired)
        self.connections = Connections(web.application(), listener, context)
        loop = asyncio.get_running_loop()
        for work in (self.connections.run(), self.service.run()):
            task = loop.create_task(work)
            task.add_done_callback(_leave_on_a_bug)
            self._tasks.append(task)

    def forget(self, address: str) -> None:
        self.admission.forget(address)
        self.service.forget(address)

    def renew(self, certificate: Fields) -> None:
        newer = self.service.own.renewed(certificate)
        if newer.certificate.node_key != self.service.own.certificate.node_key:
            raise PeerUntrusted("a certificate of another key")
        self.service.own = newer

    def status(self) -> Fields:
        desk = self.service.desk
        jobs = [
            {
                "job": job.terms.job, "client": job.terms.client.lower(), "state": job.state,
                "tokens_in": len(job.terms.prompt), "tokens_out": job.told, "is_read": job.is_read,
            }
            for job in desk.jobs.values() if job.state != "ended"
        ]  # fmt: skip
        return {
            "jobs": jobs, "answered": desk.answered, "waiting": len(desk.queue()),
            "tokens_per_s": desk.pace.tokens_per_s, "read_per_s": desk.pace.read_per_s,
            "connections": self.connections.count,
            "seen": dict(self.admission.seen), "allowed": sorted(self.admission.allowed),
            "code_seconds": self.invitation.seconds_left, "journal_is_well": self.journal.is_well,
            "certified_until": self.service.own.certificate.not_after,
        }  # fmt: skip

    def _introduction(self) -> Introduction:
        own = self.service.own
        return Introduction(own.certificate.name, own.certificate.to_wire(), own.tls)

    def _paired(self, certificate: NodeCertificate, guest: Introduction, words: tuple[str, ...]) -> None:
        self.admission.allow(certificate.owner)
        self.news.tell("paired", name=guest.name, address=certificate.owner.lower(), certificate=certificate.to_wire(),
                       tls=guest.tls, words=list(words))  # fmt: skip

    def _unpaired(self, owner: str) -> None:
        self.forget(owner)
        self.news.tell("unpaired", address=owner.lower())


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket on `host`; empty is every address of this machine. Raises LendingFailed."""
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=128)
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True)
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        raise LendingFailed(
            f"port {port} cannot be used: {error.strerror or error}", advice="Choose another --port."
        ) from error


def _leave_on_a_bug(task: asyncio.Task[None]) -> None:
    """A gateway half of which has stopped must not look alive."""
    if not task.cancelled() and (error := task.exception()) is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        os._exit(1)


def _content(vocabulary: str) -> bytes:
    try:
        return Path(vocabulary).read_bytes()
    except OSError as error:
        raise LendingFailed(f"the model's vocabulary cannot be read: {error.strerror}") from error
