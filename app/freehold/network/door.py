"""The one door to the outside. Whatever Freehold asks of another machine is asked here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.network.download import Download, Wanted
from freehold.network.facts import HubQuestion
from freehold.network.gate import Gate, Session, Settings
from freehold.network.ledger import Vault
from freehold.network.peer_line import PeerLine
from freehold.network.staging import Staging, partials
from freehold.network.values import (
    Connection,
    Fetched,
    HubFile,
    Partial,
    Patience,
    Progress,
    Remote,
    hub_source,
)

HUB = "https://huggingface.co"
DETAILS = "model details"
DOWNLOAD = "model download"
PATIENCE = Patience()


class Door:
    """Every connection of the app, each with a row in the ledger, none while the offline switch is on.

    `endpoint` is the model hub; `local` names origins on this machine that may be asked besides the public internet
    ("http://127.0.0.1:8080"). `start` makes a network process, `free` tells the free bytes at a folder.
    """

    def __init__(
        self,
        profile: Profile,
        vault: Vault,
        settings: Settings,
        *,
        endpoint: str = HUB,
        local: Iterable[str] = (),
        patience: Patience = PATIENCE,
        start: Callable[[], Session] | None = None,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._profile, self._endpoint, self._free = profile, endpoint.rstrip("/"), free
        self._patience = patience
        self._gate = Gate(profile, vault, settings, local=local, stall=patience.stall, start=start)
        self._peer_line = PeerLine(self._gate)

    @property
    def is_offline(self) -> bool:
        return self._gate.is_offline

    @property
    def is_busy(self) -> bool:
        """Whether a network process is running."""
        return self._gate.is_busy

    @property
    def connections_since_start(self) -> int:
        """Connections made since this process started; refused ones were not made."""
        return self._gate.connections_since_start

    def close(self) -> None:
        """End the network processes there are; what they downloaded so far is kept."""
        self._peer_line.close()
        self._gate.close()

    def peer_line(self) -> PeerLine:
        """The line to other devices. There is one; its process starts with the first exchange."""
        return self._peer_line

    def ledger(self, since: float = 0.0) -> list[Connection]:
        """The connections from `since` (seconds since 1970) on, oldest first. Raises VaultLocked."""
        return self._gate.ledger(since)

    def hub_facts(
        self, repo: str, file: str, *, revision: str = "main", stop: Stop | None = None
    ) -> Generator[Progress, None, Remote]:
        """Size and digest of a file on the hub. Raises Offline, VaultLocked, DownloadFailed, Interrupted."""
        with self._gate.session() as session:
            return (yield from self._question(session, HubFile(repo, file, revision)).ask(DETAILS, stop or Stop()))

    def hub_file(
        self, repo: str, file: str, *, revision: str = "main", sha256: str = "", stop: Stop | None = None
    ) -> Generator[Progress, None, Fetched]:
        """Download a model file of the hub into the models folder, continuing where an earlier try ended.

        `sha256` pins the content; without it the hub's own digest counts. Raises Offline, VaultLocked, DiskFull,
        DownloadFailed, Interrupted when `stop` was set (what is here is kept), and DigestMismatch (nothing is).
        """
        source = hub_source(repo, file)
        yield Progress(*self._so_far(source), "Asking the hub")
        with self._gate.session() as session:
            remote = yield from self._question(session, HubFile(repo, file, revision)).ask(DETAILS, stop or Stop())
            wanted = Wanted(source, remote.url, remote.size, remote.sha256, sha256, remote.blob)
            return (yield from self._download(session, wanted, stop))

    def fetch_file(
        self, url: str, *, size: int = 0, sha256: str = "", stop: Stop | None = None
    ) -> Generator[Progress, None, Fetched]:
        """Download `url` into the models folder. `size` in bytes and `sha256` in hex are what is promised, if known.

        Raises as `hub_file` does.
        """
        with self._gate.session() as session:
            return (yield from self._download(session, Wanted(url, url, size, sha256), stop))

    def partials(self) -> list[Partial]:
        """Downloads that were begun and not ended."""
        return partials(self._staging_folder)

    def forget_partial(self, source: str) -> None:
        """Delete what is here of a download."""
        Staging(self._staging_folder, source).drop()

    @property
    def _staging_folder(self) -> Path:
        return self._profile.models / "staging"

    def _so_far(self, source: str) -> tuple[int, int]:
        staging = Staging(self._staging_folder, source)
        notes = staging.read()
        return (staging.length, notes.size) if notes else (0, 0)

    def _download(self, session: Session, wanted: Wanted, stop: Stop | None) -> Generator[Progress, None, Fetched]:
        download = Download(
            self._gate, session, wanted, models=self._profile.models, patience=self._patience, free=self._free
        )
        return (yield from download.run(DOWNLOAD, stop or Stop()))

    def _question(self, session: Session, wanted: HubFile) -> HubQuestion:
        return HubQuestion(self._gate, session, self._endpoint, wanted, self._patience)
