"""What is said about connections and downloads. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DataClass = Literal["public-file", "keys", "numbers", "words", "documents"]
"""What of the owner's leaves with a request. public-file: nothing but the name of a public file. keys: names and public
keys of devices. numbers: of models, tokens, receipts. words: of questions, answers, instructions. documents: of files.
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """One row of the egress ledger: a connection that was made, or refused before a byte left.

    `time` and `ended` are seconds since 1970, UTC (`ended` None: open, or the app was killed meanwhile). Bytes are
    those of the HTTP messages, without the encryption around them.
    """

    id: int
    time: float
    purpose: str
    host: str
    port: int
    bytes_out: int = 0
    bytes_in: int = 0
    data_class: str = "public-file"
    refused: bool = False
    error: str = ""
    ended: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that `freehold ledger --json` prints (design: cli.md)."""
        told = ("time", "purpose", "host", "port", "bytes_out", "bytes_in", "data_class", "refused")
        return {name: getattr(self, name) for name in told}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Connection:
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        return cls(**{**known, "refused": bool(fields.get("refused"))})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long piece of work is: `done` of `total` bytes (total 0: unknown), `rate` in bytes a second."""

    done: int
    total: int
    words: str = ""
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the hub. The names are labels: no path here is made of them."""

    repo: str
    file: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Remote:
    """What the hub says of a file: its size in bytes, its SHA-256 in hex, and where it lies at a fixed commit.

    Of small files a hub knows git's own digest instead: `sha256` is empty then and `blob` filled.
    """

    url: str
    size: int
    sha256: str
    commit: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is here, whole and checked: `path` is named after `sha256`, never after anything remote."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Partial:
    """A download that was begun and not ended; `source` is what it was asked by, `total` 0 when unknown."""

    source: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download puts up with a bad connection. Seconds.

    `stall` limits silence, never duration. After `tries` connections in a row that brought nothing new it gives up;
    `waits` are the pauses between them, the last one repeated.
    """

    stall: float = 30.0
    tries: int = 6
    waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)

    def wait_before(self, failures: int) -> float:
        return self.waits[min(failures, len(self.waits)) - 1] if self.waits else 0.0


Kind = Literal["whole", "described", "moved", "answered", "cut", "barred", "wrong", "stopped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one connection of the network process ended.

    whole: the file is complete, on disk, and `sha256` is its digest. described: `remote` is filled. moved: the
    server points to `location`. answered: it said `status` instead. cut: worth another try. barred: refused by our
    own rules, before (`refused`) or after connecting. wrong: what came is not what was promised, and is worthless.
    """

    kind: Kind
    words: str = ""
    status: int = 0
    location: str = ""
    sha256: str = ""
    done: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    refused: bool = False
    remote: Remote | None = None

    def to_wire(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in Outcome.__slots__}
        remote = self.remote
        return {**plain, "remote": {n: getattr(remote, n) for n in Remote.__slots__} if remote else None}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Outcome:
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        remote = known.pop("remote", None)
        return cls(**known, remote=Remote(**remote) if remote else None)


def staging_name(source: str) -> str:
    """The opaque name under which a download of `source` is staged: the same each time, so that it can be resumed."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def hub_source(repo: str, file: str) -> str:
    """How a hub file is named in the list of partial downloads."""
    return f"hub:{repo}/{file}"
