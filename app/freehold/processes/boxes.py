"""The box of each worker: what it may still read, change and reach once it has closed itself in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from freehold.foundation.errors import WorkerStopped
from freehold.processes.sandbox import confine, graphics_paths
from freehold.processes.seccomp import Sockets
from freehold.processes.spawn import spawn, worker_command

LAYERS = ("privileges", "memory", "files", "calls", "internet", "sockets")
WORKERS = ("vault", "engine", "embedder", "extract", "network", "keyring", "courier", "signer", "gateway")

# Where drivers of graphics cards describe and keep themselves.
_DRIVERS = ("/etc/vulkan", "/etc/OpenCL", "/usr/share/vulkan", "/usr/share/glvnd", "/usr/local/cuda", "/opt/rocm")
# What resolving a name and checking a certificate read. resolv.conf is often a link to one of the folders in /run.
_INTERNET = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
    "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/etc/ssl", "/etc/pki", "/etc/crypto-policies",
    "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/pki",
    "/var/lib/ca-certificates",
)  # fmt: skip
# What finding the session's bus, and the libraries that speak with keyrings over it, read.
_SESSION_BUS = (
    "/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/passwd", "/etc/nsswitch.conf", "/run/dbus", "/usr/share",
)  # fmt: skip
# What LibreOffice and Tesseract read of the system beside their libraries; neither is started as a program.
_CONVERTERS = (
    "/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice", "/etc/fonts", "/usr/share/fonts",
    "/usr/local/share/fonts", "/var/cache/fontconfig", "/usr/share/libreoffice", "/usr/share/tesseract-ocr",
    "/usr/share/tessdata", "/usr/share/tesseract", "/usr/local/share/tessdata",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """Places beside those of the libraries; `devices` may be written to and are never made. A filter sees which
    kind of `sockets` is opened, and no addresses.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    sockets: Sockets = "none"


def box_of(name: str, scratch: Path, arguments: Sequence[str] = ()) -> Box:
    """The box of the worker `name` whose working folder is a profile's `scratch`.

    `arguments` are what follows its name on the command line: `--read PATH` for each place that it is given to read,
    and `--offline` for a network process that may not connect. A worker that is not named here gets only the former.
    """
    is_offline = name == "network" and "--offline" in arguments[:1]
    home, given = scratch.parent, _given(arguments[1:] if is_offline else arguments)
    if name == "vault":
        return Box(read=given, write=(home / "vault", home / "backups", scratch))
    if name == "signer":
        return Box(read=given, write=(home / "identity",))
    if name == "engine":
        return Box(read=(*given, *map(Path, _DRIVERS)), write=(scratch,), devices=graphics_paths())
    if name == "network":
        return Box(read=(*given, *map(Path, _INTERNET)), write=(home / "models" / "staging", scratch),
                   sockets="none" if is_offline else "internet")  # fmt: skip
    if name == "gateway":  # what it is given to read is its engine's
        return Box(write=(home / "share",), sockets="inbound")
    if name == "extract":
        converters = (*map(Path, _CONVERTERS), *Path("/opt").glob("libreoffice*"))
        return Box(read=(*given, *converters), write=(scratch,))
    if name == "keyring":
        session = [Path(place) for place in (os.environ.get("XDG_RUNTIME_DIR"),) if place]
        return Box(read=(*given, *map(Path, _SESSION_BUS), *session), sockets="local")
    if name == "courier":
        return Box(read=given)  # reads what strangers wrote, and needs nothing of this machine for it
    return Box(read=given, write=(scratch,))


def close_in(box: Box) -> tuple[str, ...]:
    """Give up all that is not in `box`, for good; the names of the layers that hold (`sandbox.confine`)."""
    for place in box.write:
        with suppress(OSError):  # a rule can only name what is there; what cannot be made cannot be written to either
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return confine(box.read, (*box.write, *box.devices), box.sockets)


@dataclass(frozen=True, slots=True)
class Boxed:
    """The layers of one worker's box: those it is to have, and those that hold on this machine."""

    worker: str
    due: tuple[str, ...]
    held: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """What it could not do its work without."""
        return tuple(layer for layer in LAYERS if layer not in self.due)

    @property
    def open(self) -> tuple[str, ...]:
        """What should be closed and is not."""
        return tuple(layer for layer in self.due if layer not in self.held)


def found_boxes() -> tuple[Boxed, ...]:
    """Every worker's box on this machine, as a child that closes itself in finds it. Raises WorkerStopped."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        children = {worker: spawn(worker_command("layers", worker), scratch) for worker in WORKERS}
        said = {worker: child.communicate(timeout=60)[0] for worker, child in children.items()}
    for child in children.values():
        if child.returncode:
            raise WorkerStopped(f"a boxed process ended with exit code {child.returncode}")
    return tuple(Boxed(worker, due_layers(worker), tuple(said[worker].decode().split())) for worker in WORKERS)


def due_layers(worker: str) -> tuple[str, ...]:
    """The layers that the box of `worker` is to have."""
    sockets = box_of(worker, Path("scratch")).sockets
    free = {"internet": "internet", "inbound": "internet", "local": "sockets", "none": ""}[sockets]
    return tuple(layer for layer in LAYERS if layer != free)


def reading(*places: str) -> list[str]:
    """The arguments that give a worker `places` to read; empty ones are none."""
    return [part for place in places if place for part in ("--read", place)]


def _given(arguments: Sequence[str]) -> tuple[Path, ...]:
    words, places = list(arguments), []
    while words:
        if len(words) < 2 or words[0] != "--read":
            raise ValueError(f"a worker knows no argument {words[0]!r}")
        places.append(Path(words[1]))
        del words[:2]
    return tuple(places)
