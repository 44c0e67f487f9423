"""Another device on this machine: real TLS, and every bad manner that a line to it must survive.

with device(tmp_path) as desk:
    desk.answer = lambda call: call.json({"offers": []})
    line.ask(desk.target, "GET", "/v1/offers", {}, b"", ...)
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from freehold.network.peer_values import Target
from support.certificates import node_certificate


class Call:
    """One request that came in; `raw` writes whatever bytes it likes back."""

    def __init__(self, device: Device, line: ssl.SSLSocket, head: bytes, body: bytes) -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        self.headers = dict(one.split(": ", 1) for one in rest if one)
        self.body, self.line, self._device = body, line, device

    def raw(self, data: bytes) -> None:
        self.line.sendall(data)

    def json(self, value: Any, status: int = 200, headers: str = "") -> None:
        body = json.dumps(value).encode()
        self.raw(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            .encode() + body
        )  # fmt: skip

    def events(self, headers: str = "") -> None:
        """The head of a stream; `event`, `comment` and `end` follow."""
        self.raw(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
            .encode()
        )  # fmt: skip

    def chunk(self, data: bytes) -> None:
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, text: str) -> None:
        self.chunk(f"data: {text}\n\n".encode())

    def comment(self) -> None:
        self.chunk(b": still here\n\n")

    def end(self) -> None:
        self.raw(b"0\r\n\r\n")

    def reset(self) -> None:
        """Leave as a machine does whose cable was pulled and put back."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.line.close()

    def wait(self, seconds: float = 20.0) -> bool:
        """Say nothing until the device leaves (True) or so much time has gone."""
        return self._device.leaving.wait(seconds)


class Device:
    """`seen` are the requests, `handshakes` the connections that were encrypted, `accepted` all of them."""

    def __init__(self, folder: Path, name: str = "desk", **context: Any) -> None:
        self.file, self.pem = node_certificate(folder, name)
        self.answer: Callable[[Call], None] = lambda call: call.json({})
        self.on_connect: Callable[[socket.socket], None] = lambda line: None
        self.seen: list[Call] = []
        self.accepted = self.handshakes = 0
        self.leaving = threading.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.file)
        for option, value in context.items():
            setattr(self._context, option, value)
        self._lines: list[socket.socket] = []
        self.port = 0
        self.come()

    @property
    def target(self) -> Target:
        return Target("127.0.0.1", self.port, self.pem, "desk")

    def come(self) -> None:
        """Be on the network (again), at the same port."""
        self.leaving.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def go(self) -> None:
        """Be off the network: nothing answers, and every connection is cut."""
        self.leaving.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        self._lines.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError):
            self.on_connect(line)
            with self._context.wrap_socket(line, server_side=True) as safe:
                self._lines.append(safe)
                self.handshakes += 1
                while (call := self._read(safe)) is not None:
                    self.seen.append(call)
                    self.answer(call)

    def _read(self, line: ssl.SSLSocket) -> Call | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = line.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length: ")]
        length = int(lengths[0].split()[1]) if lengths else 0
        while len(body) < length:
            body += line.recv(65536)
        return Call(self, line, head, body)


@contextmanager
def device(folder: Path, **told: Any) -> Iterator[Device]:
    made = Device(folder, **told)
    try:
        yield made
    finally:
        made.go()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
