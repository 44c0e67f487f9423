"""One encrypted connection to one pinned certificate. Imported by the network process alone.

Nothing of a request is sent before the other side has shown exactly that certificate.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx2

from freehold.network.peer_values import Counts, Question, Target
from freehold.network.policy import Barred, peer_addresses, peer_route
from freehold.network.transport import shut

CONNECT_SECONDS = 5.0  # at most, and no longer than the asker's patience with silence
KEEP_SECONDS = 60.0  # an idle connection; a gateway keeps it longer, so that it never closes what we are about to use
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: a pinned certificate is the right one whatever the clocks say
# What may be said beside what HTTP itself needs. Nothing of this machine: a peer learns no version and no language.
_ALLOWED = frozenset(
    {"content-type", "accept", "freehold-certificate", "content-digest", "signature-input", "signature"}
)
_TOLD = frozenset({"content-type", "content-digest", "signature-input", "signature"})


class Untrusted(Exception):
    """The other side is not who it should be; the argument says it in words."""


class Wire:
    """A connection that is made when it is needed and kept for the next exchange; one exchange at a time.

    Safe to `hang_up` from another thread.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._der = der_of(target.tls_pem)
        limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_SECONDS)
        self._transport = httpx2.HTTPTransport(
            verify=pinned_context(target.tls_pem), trust_env=False, http2=False, retries=0, limits=limits
        )
        self._stream: Any = None
        self._address = ""
        self._hung_up = threading.Event()

    def ask(self, question: Question, counts: Counts) -> httpx2.Response:
        """The head of the answer; its body is still to be read, and the response to be closed.

        Raises Barred, Untrusted and httpx2's TransportError and InvalidURL.
        """
        failed: Exception | None = None
        for address in self._addresses():
            request = self._request(address, question, counts)
            try:
                response = self._transport.handle_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                raise_if_untrusted(error)
                failed = error
                continue
            self._address = address
            counts.received += len("HTTP/1.1 200 OK\r\n\r\n") + _length(response.headers.raw)
            return response
        raise failed or httpx2.ConnectError("no address")

    @property
    def is_hung_up(self) -> bool:
        return self._hung_up.is_set()

    def hang_up(self) -> None:
        """Wake whoever waits for this connection, at once; it is good for nothing afterwards."""
        self._hung_up.set()
        shut(self._stream.get_extra_info("socket") if self._stream is not None else None)

    def close(self) -> None:
        self._transport.close()

    def _addresses(self) -> list[str]:
        try:
            return [self._address] if self._address else addresses_of(self.target.host, self.target.port)
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error

    def _request(self, address: str, question: Question, counts: Counts) -> httpx2.Request:
        method, path, body = question.method, question.path, question.body

        def follow(event: str, info: Mapping[str, Any]) -> None:
            self._follow(event, info)
            if event == "http11.send_request_body.complete":
                counts.sent += len(f"{method} {path} HTTP/1.1\r\n\r\n") + _length(request.headers.raw) + len(body)

        silence, connect = question.silence, min(question.silence, CONNECT_SECONDS)
        timeouts = {"connect": connect, "read": silence, "write": silence, "pool": connect}
        place = f"[{address}]" if ":" in address else address
        request = httpx2.Request(
            method, f"https://{place}:{self.target.port}{path}",
            headers=[("Host", self.target.authority), ("Accept-Encoding", "identity"), *question.headers.items()],
            content=body, extensions={"timeout": timeouts, "trace": follow},
        )  # fmt: skip
        if request.url.raw_path != path.encode() or any(name.lower() not in _ALLOWED for name in question.headers):
            raise Barred("this cannot be asked of a device")
        return request

    def _follow(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by the library of each step. What is raised here ends the exchange before its first byte."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
        if self._hung_up.is_set():
            raise httpx2.ConnectError("hung up")
        if event == "connection.start_tls.complete":
            shown = self._stream.get_extra_info("ssl_object").getpeercert(True)
            if shown != self._der:
                self._stream.close()
                raise Untrusted("it shows another certificate")


def meet(host: str, port: int, silence: float, on_abandon: Callable[[Callable[[], None]], None]) -> str:
    """The certificate (PEM) that whoever is there shows, after a handshake and without a byte of HTTP.

    `on_abandon` is given what ends it from another thread. Raises Barred, Untrusted, OSError.
    """
    failed: OSError | None = None
    for address in addresses_of(host, port):
        try:
            with socket.create_connection((address, port), timeout=min(silence, CONNECT_SECONDS)) as plain:
                on_abandon(functools.partial(shut, plain))
                plain.settimeout(silence)
                with _context().wrap_socket(plain, server_hostname=address) as safe:
                    return ssl.DER_cert_to_PEM_cert(safe.getpeercert(binary_form=True) or b"")
        except OSError as error:
            raise_if_untrusted(error)
            failed = error
    raise failed or OSError("no address")


def addresses_of(host: str, port: int) -> list[str]:
    """Where `host` is, by its name or number. Raises Barred, and OSError when nobody knows it."""
    peer_route(host, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OSError("its name is not known") from error
    return peer_addresses([str(entry[4][0]) for entry in found])


def pinned_context(pem: str) -> ssl.SSLContext:
    """TLS 1.3 that trusts this certificate and nothing else, under whatever name and at whatever time."""
    context = _context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags = ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise Barred("there is no certificate to know it by") from error
    return context


def der_of(pem: str) -> bytes:
    """Raises Barred."""
    try:
        return ssl.PEM_cert_to_DER_cert(pem)
    except ValueError as error:
        raise Barred("there is no certificate to know it by") from error


def told_headers(response: httpx2.Response) -> dict[str, str]:
    """The few headers of an answer that anybody reads."""
    return {name: value for name, value in response.headers.items() if name in _TOLD and len(value) <= 8192}


def raise_if_untrusted(error: BaseException | None) -> None:
    """Raise Untrusted where encryption failed, rather than the connection under it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            raise Untrusted("it shows another certificate")
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            raise Untrusted("it does not speak the encryption that it must")
        error = error.__cause__ or error.__context__


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)
