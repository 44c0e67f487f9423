"""Things hostile text would like to reach, and who saw them reached: the kernel for files, a server, Python itself."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_IN_OPEN, _IN_NONBLOCK = 0x20, 0x800  # linux/inotify.h
_EVENTS = ("open", "os.open", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.exec")


@dataclass
class Decoys:
    """A picture in a folder that the kernel watches, and a server that counts who calls.

    `opened`: files that any code, native code too, opened there (Linux). `called`: connections to the server.
    `asked`: what Python itself opened or connected to, whatever it was.
    """

    picture: Path
    port: int
    called: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _watch: int = -1

    @property
    def opened(self) -> list[str]:
        """Names of files opened since the last time this was asked."""
        if self._watch < 0:
            return []
        names, said = [], b""
        with suppress(BlockingIOError):
            said = os.read(self._watch, 65536)
        while said:
            length = struct.unpack_from("iIII", said)[3]
            names.append(said[16 : 16 + length].rstrip(b"\0").decode())
            said = said[16 + length :]
        return names


_PROGRAM = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2]))
_listening: list[Decoys] = []  # an audit hook cannot be taken away again: it tells whoever listens


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _listening and event in _EVENTS and threading.current_thread() is threading.main_thread():
        if event == "open" and _is_program(str(arguments[0])):
            return  # a module that is imported when it is first wanted
        _listening[-1].asked.append(f"{event} {arguments[0]!s:.200}")


def _is_program(path: str) -> bool:
    """Whether this is code of ours, of Python or of a library, which no text can choose."""
    name = path.rpartition("/")[2]
    return path.startswith(_PROGRAM) and (".py" in name or "/__pycache__/" in path)


sys.addaudithook(_note)


@contextmanager
def decoys(folder: Path) -> Iterator[Decoys]:
    """Decoys below `folder`. Python's own doings are told once `listening` is entered."""
    place = folder / "decoys"
    place.mkdir()
    picture = place / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Decoys(picture, server.getsockname()[1])
        if sys.platform.startswith("linux"):
            libc = ctypes.CDLL(None, use_errno=True)
            made._watch = libc.inotify_init1(_IN_NONBLOCK)
            libc.inotify_add_watch(made._watch, os.fsencode(place), _IN_OPEN)
        answering = threading.Thread(target=_answer, args=(server, made), daemon=True)
        answering.start()
        try:
            yield made
        finally:
            server.shutdown(socket.SHUT_RDWR)
            answering.join(5)
            if made._watch >= 0:
                os.close(made._watch)


@contextmanager
def listening(made: Decoys) -> Iterator[None]:
    """Tell in `asked` what Python opens and connects to meanwhile, on the main thread."""
    _listening.append(made)
    try:
        yield
    finally:
        _listening.pop()


def _answer(server: socket.socket, made: Decoys) -> None:
    while True:
        try:
            line, caller = server.accept()
        except OSError:
            return
        made.called.append(str(caller))
        line.close()
