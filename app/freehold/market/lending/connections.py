"""Connections as they come in: TLS 1.3, so many at a time and of one address, none that may dawdle.

uvicorn speaks HTTP on each; taking them in is done here, where every one is counted from its first packet on. Runs in
the gateway.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

MOST = 256  # connections at a time
MOST_OF_ONE = 64  # of one address
HANDSHAKE_SECONDS = 5.0
HEAD_SECONDS = 10.0  # from the first byte that could begin a request to the end of its head
IDLE_SECONDS = 75.0  # between two requests (docs/peers.md)
UNREAD_SECONDS = 30.0  # that what we say may wait to be taken
MOST_HEAD = 16 * 1024  # bytes


class Connections:
    """`application` is an ASGI one. `run` takes connections of `listener` in until it is cancelled."""

    def __init__(self, application: Any, listener: socket.socket, context: ssl.SSLContext) -> None:
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        self._config = Config(
            application, http=_protocol(), ws="none", lifespan="off", log_config=None, access_log=False,
            proxy_headers=False, server_header=False, date_header=False, timeout_keep_alive=int(IDLE_SECONDS),
            h11_max_incomplete_event_size=MOST_HEAD,
        )  # fmt: skip
        self._config.load()
        self._state = ServerState()
        self._listener, self._context = listener, context
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        return self._open.total()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(0.2)  # out of file handles, most likely
                continue
            if self.count >= MOST or self._open[address[0]] >= MOST_OF_ONE:
                connection.close()
                continue
            self._open[address[0]] += 1
            task = loop.create_task(self._attend(connection, address[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _attend(self, connection: socket.socket, address: str) -> None:
        loop, gone = asyncio.get_running_loop(), asyncio.Event()

        def protocol() -> asyncio.Protocol:
            made: Any = self._config.http_protocol_class(  # type: ignore[call-arg]
                config=self._config, server_state=self._state, app_state={}, _loop=loop
            )
            made.gone = gone.set
            return made  # type: ignore[no-any-return]

        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(
                protocol, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=1.0,
            )  # fmt: skip
            await gone.wait()
        except OSError:  # ssl.SSLError and the time-out of the handshake are such, too
            connection.close()
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """A server's context for a certificate and its private key, both PEM. Neither is written to a disk."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # each connection proves the certificate anew
    with _in_memory(certificate) as shown, _in_memory(key) as hidden:
        context.load_cert_chain(shown, hidden)
    return context


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A name under which `text` can be read once: OpenSSL's own reader takes nothing but names (POSIX)."""
    reading, writing = os.pipe()
    try:
        os.write(writing, text.encode("ascii"))  # a few kilobytes: a pipe holds 16 at least
        os.close(writing)
        yield f"/dev/fd/{reading}"
    finally:
        with suppress(OSError):
            os.close(reading)


def _protocol() -> type[asyncio.Protocol]:
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """HTTP/1.1 of somebody who may be slow on purpose."""

        gone: Callable[[], None]
        _slow: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            if self._unread is not None:
                self._unread.cancel()
            super().connection_lost(exc)
            self.gone()

        def _watch(self) -> None:
            """A head that has begun must end; between two requests the keep-alive's own time counts."""
            if self.conn.their_state is not h11.IDLE:
                self._forget()
            elif self._slow is None:
                self._slow = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

        def _forget(self) -> None:
            if self._slow is not None:
                self._slow.cancel()
                self._slow = None

    return Impatient
