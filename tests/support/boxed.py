"""Children in the very box of a worker, that try what the worker must not, and say what became of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from freehold.foundation.paths import Profile
from freehold.processes.boxes import reading
from freehold.processes.spawn import spawn, worker_command

MAY = {
    "vault": {"read the vault", "write in the vault", "write a backup", "write in scratch", "compute"},
    "engine": {"read the model", "write in scratch", "compute"},
    "embedder": {"read the model", "write in scratch", "compute"},
    "extract": {"read a document", "write in scratch", "compute"},
    "network": {
        "open a connection", "open a connection (IPv6)", "send a datagram", "write a download", "write in scratch",
        "compute",
    },
    "keyring": {"open the session's bus", "read the system's users", "compute"},
    "courier": {"compute"},
    "signer": {"read the identity", "write in the identity", "compute"},
    "gateway": {"open a connection (IPv6)", "send a datagram", "compute"},  # it takes connections and makes none
    "one nobody has named": {"write in scratch", "compute"},
}  # fmt: skip
"""What each worker may do of `Surroundings.tries`; everything else is to be refused."""

# A container may forbid these by itself; then the box has nothing to prove about them here.
MAYBE_FORBIDDEN = {"trace a process", "read a process's memory"}

_PROBE = """
import ctypes, errno, json, os, socket, ssl, subprocess, sys
from pathlib import Path

given = json.loads(sys.stdin.readline())
layers = []
if given["worker"]:
    from freehold.processes.boxes import box_of, close_in
    layers = close_in(box_of(given["worker"], Path.cwd(), given["arguments"]))
libc = ctypes.CDLL(None, use_errno=True)


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def write(path):
    with open(path, "wb") as file:
        file.write(b"x")


def connect(port):
    socket.create_connection(("127.0.0.1", port), 5).close()


def open_six(_):
    socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()


def send(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", port))


def trace(pid):
    if libc.ptrace(16, pid, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, 0, 0)


def open_named(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)


def fork_and_start(program):
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(program, [program])
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(code, "in the child")


def peek(place):
    pid, address = place
    class IoVec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    words = ctypes.create_string_buffer(8)
    here, there = IoVec(ctypes.addressof(words), 8), IoVec(address, 8)
    if libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")


def bus(address):
    from jeepney.io.blocking import open_dbus_connection
    open_dbus_connection(address).close()


DEEDS = {
    "read": read, "write": write, "list": os.listdir, "tcp": connect, "tcp6": open_six, "udp": send,
    "named": open_named, "fork": fork_and_start, "trace": trace, "peek": peek, "bus": bus,
    "program": lambda program: subprocess.run([program], check=True),
    "name": lambda name: socket.getaddrinfo(name, 80),
    "certificates": lambda _: ssl.create_default_context(cafile=__import__("certifi").where()),
    "import": __import__,
}
said = {}
for name, (deed, what) in given["tries"].items():
    try:
        DEEDS[deed](what)
        said[name] = "done"
    except OSError as error:
        said[name] = "refused" if error.errno in (errno.EPERM, errno.EACCES) else repr(error)
    except BaseException as error:
        said[name] = repr(error)
print(json.dumps([layers, said]))
"""


class Surroundings:
    """A profile with something in every corner, somebody else's file, a server and a process to spy on."""

    def __init__(self, top: Path) -> None:
        self.profile = Profile(top / "home")
        self.profile.prepare()
        home = self.profile.home
        self.staging = home / "models" / "staging"
        self.staging.mkdir()
        self.diary, self.model, self.database = top / "diary", top / "models" / "one.gguf", home / "vault" / "vault.db"
        self.paper = top / "papers" / "lease.txt"
        self.model.parent.mkdir()
        self.paper.parent.mkdir()
        for file in (
            self.paper,
            self.diary,
            self.model,
            self.model.with_name("two.gguf"),
            self.database,
            home / "settings.json",
            home / "identity" / "key.json",
        ):
            file.write_text("private")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.bus = socket.socket(socket.AF_UNIX)
        self._bus_folder = tempfile.TemporaryDirectory(prefix="bus")  # a socket's name must be short
        self.bus.bind(f"{self._bus_folder.name}/bus")
        self.bus.listen()
        spy = (
            "import ctypes as c, time; kept = c.create_string_buffer(b'my diary'); print(c.addressof(kept), flush=True)"
        )
        command = [sys.executable, "-c", f"{spy}; time.sleep(600)"]
        self.sleeper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.sleeper.stdout is not None
        address = int(self.sleeper.stdout.readline())
        port, top_level = self.server.getsockname()[1], str(top)
        self.tries: dict[str, tuple[str, Any]] = {
            "open a connection": ("tcp", port),
            "open a connection (IPv6)": ("tcp6", None),
            "send a datagram": ("udp", port),
            "open the session's bus": ("named", f"{self._bus_folder.name}/bus"),
            "read the system's users": ("read", "/etc/passwd"),
            "read a file outside": ("read", str(self.diary)),
            "list the folder outside": ("list", top_level),
            "read the settings": ("read", str(home / "settings.json")),
            "read the vault": ("read", str(self.database)),
            "read the identity": ("read", str(home / "identity" / "key.json")),
            "write in the identity": ("write", str(home / "identity" / "new")),
            "read the model": ("read", str(self.model)),
            "read a document": ("read", str(self.paper)),
            "read the home folder": ("list", str(Path.home())),
            "read the model's neighbour": ("read", str(self.model.with_name("two.gguf"))),
            "write outside": ("write", f"{top_level}/new"),
            "write in the home folder": ("write", str(Path.home() / ".planted-by-a-worker")),
            "write the settings": ("write", str(home / "settings.json")),
            "write in the vault": ("write", str(home / "vault" / "new")),
            "write a backup": ("write", str(home / "backups" / "new")),
            "write a model": ("write", str(home / "models" / "planted.gguf")),
            "write a download": ("write", str(self.staging / "new.part")),
            "write in scratch": ("write", str(self.profile.scratch / "new")),
            "start a program": ("program", "/bin/true"),
            "fork and start a program": ("fork", "/bin/true"),
            "trace a process": ("trace", self.sleeper.pid),
            "read a process's memory": ("peek", [self.sleeper.pid, address]),
            "compute": ("import", "numpy"),
        }

    def close(self) -> None:
        self.sleeper.kill()
        self.sleeper.communicate()
        self.server.close()
        self.bus.close()
        self._bus_folder.cleanup()

    def try_all(self, worker: str) -> tuple[list[str], dict[str, str]]:
        """Every try in the box of `worker` as it is started, with the one place that it is given to read."""
        given = {"engine": self.model, "embedder": self.model, "extract": self.paper}.get(worker)
        return self.try_as(worker, *(reading(str(given)) if given else []))

    def try_as(
        self, worker: str, *arguments: str, tries: dict[str, tuple[str, Any]] | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """The layers that held in the box of `worker` ("" for no box), and what became of each try."""
        command = worker_command(worker, *arguments)
        command[command.index("-m") :] = ["-c", _PROBE]
        given = {"worker": worker, "arguments": arguments, "tries": self.tries if tries is None else tries}
        child = spawn(command, self.profile.scratch)
        said, last_words = child.communicate(json.dumps(given).encode() + b"\n", timeout=120)
        assert child.returncode == 0, last_words.decode()
        layers, became = json.loads(said)
        return layers, became
