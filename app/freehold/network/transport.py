"""Connections that go only where they may: the name is resolved once, checked, and exactly that address is dialled.

Imported by the network process alone; httpx2 is the HTTP library that huggingface_hub itself uses.
"""

from __future__ import annotations

import functools
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from freehold import __version__
from freehold.network.policy import Barred, Route, allowed_addresses
from freehold.network.resume import Answer

CONNECT_SECONDS = 10.0
# Said of ourselves: the program and its version. Nothing of the machine, no cookies, no credentials.
_HEADERS = {"User-Agent": f"freehold/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
_KEPT = frozenset({"host", "range", "if-range"})


class Diverted(Exception):
    """A library wanted a second request: the app is asked first, as for every hop."""


class Meter:
    """What has crossed so far, in bytes of HTTP messages, and the socket that it crosses on."""

    def __init__(self) -> None:
        self.sent = self.received = 0
        self.heard = time.monotonic()
        self._stream: Any = None

    def count_request(self, request: httpx2.Request) -> None:
        self.sent += len(request.method) + len(request.url.raw_path) + len(" HTTP/1.1\r\n\r\n") + 2
        self.sent += sum(len(name) + len(value) + 4 for name, value in request.headers.raw)

    def count_response(self, response: httpx2.Response) -> None:
        self.received += len("HTTP/1.1 200 OK\r\n\r\n")
        self.received += sum(len(name) + len(value) + 4 for name, value in response.headers.raw)
        self.heard = time.monotonic()
        self._stream = response.extensions.get("network_stream")

    def count_body(self, piece: bytes) -> None:
        self.received += len(piece)
        self.heard = time.monotonic()

    def hang_up(self) -> None:
        """Wake whoever waits for bytes. May be called from another thread."""
        shut(self._stream.get_extra_info("socket") if self._stream is not None else None)


@dataclass(frozen=True, slots=True)
class Line:
    """One request's way out: this URL over this route, given up after `stall` seconds of silence.

    `authority` is a certificate authority to trust besides those of the system.
    """

    url: str
    route: Route
    stall: float
    meter: Meter
    authority: Path | None = None


class PinnedTransport(httpx2.BaseTransport):
    """One request, on one line. The certificate is checked against the name although an address is dialled."""

    def __init__(self, line: Line) -> None:
        self._line, self._route, self._meter = line, line.route, line.meter
        self._wire = httpx2.HTTPTransport(verify=trusted(line.authority), trust_env=False, http2=False, retries=0)
        self._used = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._used:
            raise Diverted(str(request.url))
        self._check(request.url)
        self._used = True
        name, hidden = request.url.host, {"sni_hostname": request.url.host}
        headers = [(n, v) for n, v in request.headers.items() if n in _KEPT] + list(_HEADERS.items())
        failed: Exception | None = None
        for address in self._addresses(name):
            dialled = httpx2.Request(
                request.method, request.url.copy_with(host=address), headers=headers,
                extensions={**request.extensions, **hidden},
            )  # fmt: skip
            try:
                return self._send(dialled, request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                _raise_if_untrusted(error)
                failed = error
        raise failed or httpx2.ConnectError("no address")

    def close(self) -> None:
        self._wire.close()

    def _check(self, url: httpx2.URL) -> None:
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        agreed = (url.scheme, url.host, port) == (self._route.scheme, self._route.host, self._route.port)
        if not agreed or url != httpx2.URL(self._line.url):
            # Also what keeps the hub library's other questions (its list of agents, telemetry) at home.
            raise Barred("it leads elsewhere than was agreed")

    def _addresses(self, name: str) -> list[str]:
        try:
            found = socket.getaddrinfo(name, self._route.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(f"the name {name} is not known") from error
        return allowed_addresses([str(entry[4][0]) for entry in found], local=self._route.local)

    def _send(self, dialled: httpx2.Request, asked: httpx2.Request) -> httpx2.Response:
        response = self._wire.handle_request(dialled)
        self._meter.count_request(dialled)
        self._meter.count_response(response)
        response.request = asked
        return response


@functools.cache
def trusted(authority: Path | None = None) -> ssl.SSLContext:
    """The certificate authorities of this system; read once, since that takes longer than a connection."""
    context = httpx2.create_ssl_context(verify=True, trust_env=False)
    if authority is not None:
        context.load_verify_locations(authority)
    return context


def client(line: Line) -> httpx2.Client:
    """A client for one request: no redirects, no proxy or credentials from the environment, limits on silence."""
    return httpx2.Client(
        transport=PinnedTransport(line), follow_redirects=False, trust_env=False,
        timeout=httpx2.Timeout(line.stall, connect=CONNECT_SECONDS),
    )  # fmt: skip


def answer_of(response: httpx2.Response) -> Answer:
    """The head of `response`, as far as a download needs it."""
    head = response.headers
    length = head.get("content-length", "")
    return Answer(
        status=response.status_code,
        length=int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None,
        content_range=head.get("content-range", ""), etag=head.get("etag", ""),
        media_type=head.get("content-type", "").partition(";")[0].strip().lower(),
        encoding=head.get("content-encoding", "").strip().lower(), location=head.get("location", ""),
    )  # fmt: skip


def body_of(response: httpx2.Response, meter: Meter) -> Iterator[bytes]:
    """The bytes as they come, never decompressed."""
    for piece in response.iter_raw():
        meter.count_body(piece)
        yield piece


def words_for(error: Exception) -> str:
    """What a failed connection means to a person."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        return "the server cannot be reached"
    if isinstance(error, httpx2.TimeoutException):
        return "the server went silent"
    return "the connection was cut"


def shut(line: socket.socket | None) -> None:
    """End both directions of a socket, so that whoever reads it wakes up."""
    if line is None:
        return
    try:
        # Not line.shutdown(): an SSLSocket's own would pull the encryption away under the reading thread.
        socket.socket.shutdown(line, socket.SHUT_RDWR)
    except OSError:
        pass  # it had ended by itself


def _raise_if_untrusted(error: BaseException | None) -> None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise Barred("the server could not prove who it is (its certificate is not valid)")
        error = error.__cause__ or error.__context__
