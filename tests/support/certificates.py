"""Servers with certificates of every kind, good and bad, all signed in the test."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority; `file` is what a client that trusts it is given."""

    def __init__(self, folder: Path, name: str = "an authority of the tests") -> None:
        self._folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = _certificate(self.name, self.name, self.key, self.key, is_authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def sign(self, host: str, *, begins: datetime.timedelta = -DAY, ends: datetime.timedelta = DAY) -> Path:
        """The file of a key and a certificate for `host`, valid from and until so long from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _kept(self._folder, key, _certificate(_name(host), self.name, key, self.key, begins, ends, host=host))


def self_signed(folder: Path, host: str) -> Path:
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _kept(folder, key, _certificate(_name(host), _name(host), key, key, host=host))


def node_certificate(folder: Path, name: str) -> tuple[Path, str]:
    """What a device shows the devices paired with it: the file of key and certificate, and the certificate (PEM)."""
    key = ed25519.Ed25519PrivateKey.generate()
    made = _certificate(_name(name), _name(name), key, key)
    return _kept(folder, key, made), made.public_bytes(serialization.Encoding.PEM).decode()


def _name(host: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    signed_by: Key,
    begins: datetime.timedelta = -DAY,
    ends: datetime.timedelta = DAY,
    *,
    host: str = "",
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now + begins).not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )  # fmt: skip
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(signed_by, None if isinstance(signed_by, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def _kept(folder: Path, key: Key, certificate: x509.Certificate) -> Path:
    place = folder / f"{certificate.serial_number}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    place.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return place


@dataclass
class SafeServer:
    """An HTTPS server on this machine; `asked` are the requests that it could read."""

    origin: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def safe_server(certificate: Path, content: bytes) -> Iterator[SafeServer]:
    """Serves `content` at every path."""
    told = SafeServer("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Silence."""

        def do_GET(self) -> None:
            told.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request, client_address) -> None:
            try:
                safe = context.wrap_socket(request, server_side=True)
            except OSError:
                return  # the other side did not trust us
            with safe:
                self.RequestHandlerClass(safe, client_address, self)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    told.origin = f"https://localhost:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
