"""One writer per profile: whoever starts first holds it, and serves later commands over a socket of its own user.

The lock is the operating system's (released by it when the holder dies, however it dies); the socket is a Unix one in
the profile folder, mode 0600, and the caller's user id is checked as well.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from freehold.foundation.errors import ProfileBusy, WorkerStopped
from freehold.foundation.paths import Profile, disk_error
from freehold.foundation.stop import Stop
from freehold.processes.frames import JunkOnPipe, encode, read_frames

_END = {"end": True}  # the last frame of an answer: without it, an end is a death
_FIRST_SECONDS = 10.0  # between connecting and asking
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # what a lock that another process holds answers, by platform

Reply = Callable[[dict[str, Any]], None]
Handler = Callable[[dict[str, Any], Reply, Stop], None]


class Holder:
    """The right to write to a profile. `claim` takes it or raises ProfileBusy; `release` gives it back."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lock: int | None = None
        self._listener: socket.socket | None = None
        self._served: dict[threading.Thread, Stop] = {}

    def claim(self, handed: int | None = None) -> None:
        """Raises ProfileBusy when another process holds the profile, ProfileUnusable when it cannot be locked.

        `handed` is what `hand_over` returned in the process before this one.
        """
        handle = self._open_lock() if handed is None or not _is_open_on(handed, self._profile.lock) else handed
        try:
            _lock_file(handle)
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                raise ProfileBusy(str(self._profile.home)) from error
            raise disk_error(error, self._profile.lock) from error
        self._lock = handle
        self._profile.clear_leftovers()

    def hand_over(self) -> int | None:
        """Let the right outlive this program, in a handle for the one that takes its place: nobody comes between."""
        self.close_door()
        handle, self._lock = self._lock, None
        if handle is not None:
            os.set_inheritable(handle, True)
        return handle

    @property
    def is_held(self) -> bool:
        return self._lock is not None

    def serve(self, handler: Handler) -> None:
        """Answer later commands, each on a thread of its own. Does nothing where there are no Unix sockets."""
        if not hasattr(socket, "AF_UNIX"):
            return
        with suppress(OSError):
            self._profile.socket.unlink()  # left by a holder that was killed; we hold the lock
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

    def close_door(self, seconds: float = 0.0) -> None:
        """Take no more commands. Those being served get `seconds` to end, then are stopped and get as long again."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            with suppress(OSError):
                self._profile.socket.unlink()
        if seconds:
            self._wait_for_served(seconds)
            for stop in list(self._served.values()):
                stop.set()
            self._wait_for_served(seconds)

    def release(self) -> None:
        self.close_door()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open_lock(self) -> int:
        try:
            return os.open(self._profile.lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise disk_error(error, self._profile.lock) from error

    def _wait_for_served(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for thread in list(self._served):
            thread.join(max(0.0, end - time.monotonic()))

    def _accept(self, listener: socket.socket, handler: Handler) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return  # released
                time.sleep(0.2)  # out of file handles, most likely: others still get in later
                continue
            self._attend(caller, handler)

    def _attend(self, caller: socket.socket, handler: Handler) -> None:
        stop = Stop()

        def serve() -> None:
            try:
                _attend(caller, handler, stop)
            finally:
                del self._served[threading.current_thread()]

        thread = threading.Thread(target=serve, name="command", daemon=True)
        self._served[thread] = stop
        thread.start()


def ask_holder(profile: Profile, request: dict[str, Any], stop: Stop) -> Iterator[dict[str, Any]]:
    """Send one request to the process that holds `profile` and yield its frames.

    Raises ProfileBusy when nobody answers and WorkerStopped when the answer breaks off half-way. `stop` tells the
    holder to stop; closing the iterator early does the same.
    """
    with _called(profile) as caller, caller.makefile("rb") as frames:

        def say_stop() -> None:
            with suppress(OSError):
                caller.sendall(encode({"stop": True}))

        try:
            caller.sendall(encode(request))
            stop.on_set(say_stop)
            for frame in read_frames(frames):
                if frame == _END:
                    return
                yield frame
        except (JunkOnPipe, OSError) as error:
            raise WorkerStopped("the Freehold that holds this profile went away") from error
        finally:
            stop.forget(say_stop)
        raise WorkerStopped("the Freehold that holds this profile went away")


def _called(profile: Profile) -> socket.socket:
    """A connection to the holder. Raises ProfileBusy when nobody answers, or somebody who is not the same user."""
    if not hasattr(socket, "AF_UNIX"):
        raise ProfileBusy(str(profile.home))
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_name(profile.socket) as name:
            caller.connect(name)
        if not _is_same_user(caller):
            raise PermissionError("somebody else's socket")
    except OSError as error:
        caller.close()
        raise ProfileBusy(str(profile.home)) from error
    return caller


def _attend(caller: socket.socket, handler: Handler, stop: Stop) -> None:
    with caller, caller.makefile("rb") as frames:
        requests = read_frames(frames)
        request = _first(caller, requests) if _is_same_user(caller) else None
        if request is None:
            return
        lock = threading.Lock()

        def reply(frame: dict[str, Any]) -> None:
            line = encode(frame)
            try:
                with lock:
                    caller.sendall(line)
            except OSError:
                stop.set()  # the caller is gone: so is its wish

        watcher = threading.Thread(target=_watch, args=(requests, stop), name="command's stop", daemon=True)
        watcher.start()
        try:
            handler(request, reply, stop)
            reply(_END)
        finally:
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
            watcher.join()  # it reads from what is closed next


def _first(caller: socket.socket, requests: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    caller.settimeout(_FIRST_SECONDS)
    try:
        return next(requests, None)
    except (JunkOnPipe, OSError):
        return None
    finally:
        caller.settimeout(None)


def _watch(requests: Iterator[dict[str, Any]], stop: Stop) -> None:
    """Set `stop` when the caller asks for it or hangs up."""
    with suppress(JunkOnPipe, OSError):
        next(requests, None)
    stop.set()


def _is_same_user(caller: socket.socket) -> bool:
    if not sys.platform.startswith("linux"):
        return True  # the socket's mode is the only guard there
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())


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


def _is_open_on(handle: int, path: Path) -> bool:
    """Whether `handle` is open, and on the file at `path`."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _lock_file(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
