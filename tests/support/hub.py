"""A model hub and its CDN on this machine, with every bad manner a download must survive."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from freehold.foundation.errors import VaultLocked
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from freehold.network.door import Door
from freehold.network.store import LedgerStore
from freehold.network.values import Patience
from freehold.network.worker import NetworkWorker, operations
from freehold.processes.worker import _argument_types, check_arguments

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PATIENCE = Patience(stall=2.0, tries=3, waits=(0.0,))


@dataclass
class Manners:
    """How the server behaves; the defaults are a good server. Lists are used up, one entry a request."""

    content: bytes = b""
    etag: str | None = None
    cuts: list[int] = field(default_factory=list)
    """End the connection after so many bytes of the body."""
    ignores_range: bool = False
    ignores_if_range: bool = False
    wrong_range: bool = False
    statuses: list[int] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    to_cdn: bool = False
    says_length: int | None = None
    says_size: int | None = None
    says_digest: str | None = None
    chunked: bool = False
    endless: bool = False
    gzipped: bool = False
    html: bool = False
    drips: list[int] = field(default_factory=list)
    """Send so many bytes one by one, then nothing until the other side leaves."""
    gated: bool = False
    on_body: Callable[[int], None] = lambda sent: None


class FakeHub:
    """The hub at `endpoint` and a CDN on another port; `seen` are the requests: (method, path, headers)."""

    def __init__(self) -> None:
        self.manners = Manners()
        self.files: dict[str, bytes] = {}
        """A whole repository, by the names of its files; then `manners.content` is nothing."""
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.leaving = threading.Event()
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            server.block_on_close = False
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.endpoint, self.cdn = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    @property
    def origins(self) -> tuple[str, str]:
        return self.endpoint, self.cdn

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.manners.content).hexdigest()

    def manners_at(self, path: str) -> Manners:
        """How the server behaves at `path`: one of the files of a repository, if that is what it has."""
        if not self.files:
            return self.manners
        content = self.files[unquote(urlsplit(path).path).partition("/resolve/")[2].partition("/")[2]]
        return replace(self.manners, content=content)

    def offer(self, content: bytes, **manners: Any) -> None:
        self.manners = Manners(content=content, **manners)

    def gets(self) -> list[dict[str, str]]:
        """The headers of the requests for the file itself, in order."""
        return [headers for method, path, headers in self.seen if method == "GET"]

    def close(self) -> None:
        self.leaving.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Silence."""

            def do_HEAD(self) -> None:
                hub.seen.append(("HEAD", unquote(self.path), _lower(self.headers)))
                _Reply(hub, self).facts()

            def do_GET(self) -> None:
                hub.seen.append(("GET", unquote(self.path), _lower(self.headers)))
                try:
                    _Reply(hub, self).file()
                except OSError:
                    self.close_connection = True

        return Handler


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def git_digest_of(content: bytes) -> str:
    """The name that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Reply:
    def __init__(self, hub: FakeHub, request: BaseHTTPRequestHandler) -> None:
        self.hub, self.request, self.manners = hub, request, hub.manners_at(request.path)
        self.digest = hashlib.sha256(self.manners.content).hexdigest()

    def facts(self) -> None:
        manners = self.manners
        if manners.gated:
            return self._head(401, {"X-Error-Code": "GatedRepo", "Content-Length": "0"})
        if manners.statuses:
            return self._head(manners.statuses.pop(0), {"Content-Length": "0"})
        if manners.redirects:
            return self._head(307, {"Location": manners.redirects.pop(0), "Content-Length": "0"})
        if self.hub.files and not self.request.path.endswith(".safetensors"):  # which a hub keeps apart
            blob = manners.says_digest or git_digest_of(manners.content)
            length = str(len(manners.content))
            return self._head(200, {"X-Repo-Commit": COMMIT, "ETag": f'"{blob}"', "Content-Length": length})
        said = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(manners.says_size if manners.says_size is not None else len(manners.content)),
            "X-Linked-Etag": f'"{manners.says_digest or self.digest}"',
            "Location": f"{self.hub.cdn}/blob",
            "Content-Length": "0",
        }
        return self._head(302, said)

    def file(self) -> None:
        manners = self.manners
        if manners.to_cdn and urlsplit(self.request.path).path != "/blob":
            return self._head(302, {"Location": f"{self.hub.cdn}/blob?signed=1", "Content-Length": "0"})
        if manners.redirects:
            return self._head(302, {"Location": manners.redirects.pop(0), "Content-Length": "0"})
        if manners.statuses:
            return self._head(manners.statuses.pop(0), {"Content-Length": "0"})
        if manners.html:
            page = b"<html><body>Please sign in to the hotel network</body></html>"
            self._head(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))})
            self.request.wfile.write(page)
            return None
        return self._send()

    def _send(self) -> None:
        manners, content = self.manners, self.manners.content
        etag = manners.etag if manners.etag is not None else f'"{self.digest[:16]}"'
        start = self._start(etag)
        if start is not None and start >= len(content):
            return self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        head = {"ETag": etag} if etag else {}
        body = content[start or 0 :]
        if manners.gzipped:
            body = gzip.compress(body)
            head["Content-Encoding"] = "gzip"
        if start is not None:
            told = start + 1 if manners.wrong_range else start
            head["Content-Range"] = f"bytes {told}-{len(content) - 1}/{len(content)}"
        if manners.chunked or manners.endless:
            head["Transfer-Encoding"] = "chunked"
        else:
            head["Content-Length"] = str(len(body) if manners.says_length is None else manners.says_length)
        self._head(200 if start is None else 206, head)
        return self._body(body)

    def _start(self, etag: str) -> int | None:
        asked = self.request.headers.get("Range")
        if asked is None or self.manners.ignores_range:
            return None
        condition = self.request.headers.get("If-Range")
        if condition is not None and condition != etag and not self.manners.ignores_if_range:
            return None
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _body(self, body: bytes) -> None:
        manners, out = self.manners, self.request.wfile
        if manners.endless:
            while not self.hub.leaving.is_set():
                self._chunk(b"x" * 65536)
            return
        if manners.drips:
            for place in range(manners.drips.pop(0)):
                out.write(body[place : place + 1])
            self.hub.leaving.wait(60)
            self.request.close_connection = True
            return
        cut = manners.cuts.pop(0) if manners.cuts else None
        if cut is not None:
            body, self.request.close_connection = body[:cut], True
        elif manners.says_length is not None:
            self.request.close_connection = True
        for place in range(0, len(body), 65536):
            piece = body[place : place + 65536]
            self._chunk(piece) if manners.chunked else out.write(piece)
            manners.on_body(place + len(piece))
        if manners.chunked and cut is None:
            out.write(b"0\r\n\r\n")

    def _chunk(self, piece: bytes) -> None:
        self.request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.request.send_response(status)
        for name, value in headers.items():
            self.request.send_header(name, value)
        self.request.end_headers()


class PlainDatabase:
    """The vault's Database over plain sqlite, in memory."""

    def __init__(self, *stores: type) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._lock = threading.RLock()
        for store in stores:
            for script in store.MIGRATIONS:  # type: ignore[attr-defined]
                self._connection.executescript(script)

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Callable[..., Any]]:
        with self._lock, self._connection:
            yield lambda sql, *values: self._connection.execute(sql, values)


class FakeVault:
    """Holds the ledger's store and nothing else; arguments are checked as on the real pipe."""

    def __init__(self) -> None:
        self.is_locked = False
        self._store = LedgerStore(PlainDatabase(LedgerStore))

    def call(self, op: str, **args: Any) -> Any:
        if self.is_locked:
            raise VaultLocked()
        method = getattr(self._store, op.removeprefix("ledger."))
        check_arguments(op, _argument_types(method), args)
        return method(**args)


class SessionHere:
    """The network worker's operations in this process: quick to start, same arguments, same answers."""

    def __init__(self, worker: NetworkWorker | None = None) -> None:
        self._worker = worker or NetworkWorker()
        self._ops = operations(self._worker)

    def stream(self, op: str, *, stop: Stop | None = None, **args: Any) -> Generator[Any, None, Any]:
        check_arguments(op, _argument_types(self._ops[op]), args)
        return (yield from self._ops[op](stop=stop or Stop(), **args))

    def end(self) -> None:
        self._worker.close()


@dataclass
class Outside:
    """A profile with a door to a fake hub."""

    hub: FakeHub
    profile: Profile
    vault: FakeVault
    settings: SettingsFile
    door: Door

    @property
    def staged(self) -> list[Path]:
        return sorted((self.profile.models / "staging").glob("*.part"))


@contextmanager
def outside(folder: Path, **door: Any) -> Iterator[Outside]:
    """Everything a download needs, below `folder`; `door` are further arguments of the Door."""
    profile = Profile(folder / "home")
    profile.prepare()
    hub, vault, settings = FakeHub(), FakeVault(), SettingsFile(profile.settings)
    told: dict[str, Any] = {"start": SessionHere, "patience": PATIENCE, "local": hub.origins, "endpoint": hub.endpoint}
    try:
        yield Outside(hub, profile, vault, settings, Door(profile, vault, settings, **{**told, **door}))
    finally:
        hub.close()


def result_of(flow: Generator[Any, None, Any]) -> Any:
    """Run a flow to its end."""
    while True:
        try:
            next(flow)
        except StopIteration as end:
            return end.value
