"""One writer per profile: whoever starts first holds it, and serves later commands over a socket of its own user.

The lock is the operating system's (released by it when the holder dies, however it dies); the socket is a Unix one in
the profile folder, mode 0600, and the caller's user id is checked as well.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from freehold.foundation.errors import ProfileBusy
from freehold.foundation.paths import Profile, disk_error
from freehold.foundation.stop import Stop
from freehold.processes.frames import JunkOnPipe, encode, read_frames

Reply = Callable[[dict[str, Any]], None]
Handler = Callable[[dict[str, Any], Reply, Stop], None]


class Holder:
    """The right to write to a profile. `claim` takes it or raises ProfileBusy; `release` gives it back."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lock: int | None = None
        self._listener: socket.socket | None = None

    def claim(self) -> None:
        """Raises ProfileBusy when another process holds the profile, ProfileUnusable when it cannot be locked."""
        try:
            handle = os.open(self._profile.lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise disk_error(error, self._profile.lock) from error
        try:
            _lock_file(handle)
        except OSError as error:
            os.close(handle)
            raise ProfileBusy(str(self._profile.home)) from error
        self._lock = handle

    @property
    def is_held(self) -> bool:
        return self._lock is not None

    def serve(self, handler: Handler) -> None:
        """Answer later commands, each on a thread of its own. Does nothing where there are no Unix sockets."""
        if not hasattr(socket, "AF_UNIX"):
            return
        self._profile.socket.unlink(missing_ok=True)  # left by a holder that was killed; we hold the lock
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            with _short_name(self._profile.socket) as name:
                listener.bind(name)
        except OSError:
            listener.close()
            return  # a file system without sockets: later commands say profile-busy
        finally:
            os.umask(old_mask)
        listener.listen(8)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener, handler), name="door for commands", daemon=True).start()

    def release(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self._profile.socket.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _accept(self, listener: socket.socket, handler: Handler) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return  # released
            threading.Thread(target=_attend, args=(caller, handler), name="command", daemon=True).start()


def ask_holder(profile: Profile, request: dict[str, Any], stop: Stop) -> Iterator[dict[str, Any]]:
    """Send one request to the process that holds `profile` and yield its frames.

    Raises ProfileBusy when nobody answers. `stop` tells the holder to stop; closing the iterator early does the same.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ProfileBusy(str(profile.home))
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_name(profile.socket) as name:
            caller.connect(name)
    except OSError as error:
        caller.close()
        raise ProfileBusy(str(profile.home)) from error
    with caller, caller.makefile("rb") as frames:

        def say_stop() -> None:
            with suppress(OSError):
                caller.sendall(encode({"stop": True}))

        caller.sendall(encode(request))
        stop.on_set(say_stop)
        try:
            yield from read_frames(frames)
        except (JunkOnPipe, OSError) as error:
            raise ProfileBusy(f"{profile.home}: the other Freehold went away") from error
        finally:
            stop.forget(say_stop)


def _attend(caller: socket.socket, handler: Handler) -> None:
    with caller, caller.makefile("rb") as frames:
        if not _is_same_user(caller):
            return
        requests = read_frames(frames)
        request = next(requests, None)
        if request is None:
            return
        stop, lock = Stop(), threading.Lock()

        def reply(frame: dict[str, Any]) -> None:
            try:
                with lock:
                    caller.sendall(encode(frame))
            except OSError:
                stop.set()  # the caller is gone: so is its wish

        threading.Thread(target=_watch, args=(requests, stop), daemon=True).start()
        handler(request, reply, stop)
        with suppress(OSError):
            caller.shutdown(socket.SHUT_RDWR)


def _watch(requests: Iterator[dict[str, Any]], stop: Stop) -> None:
    """Set `stop` when the caller asks for it or hangs up."""
    with suppress(JunkOnPipe, OSError, ValueError):
        next(requests, None)
    stop.set()


def _is_same_user(caller: socket.socket) -> bool:
    if not sys.platform.startswith("linux"):
        return True  # the socket's mode is the only guard there
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.getuid())


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """A name for `path` that fits a socket address (108 bytes), however deep the profile lies."""
    if len(os.fsencode(path)) < 100 or not sys.platform.startswith("linux"):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _lock_file(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
