"""Children in the very box of a worker, that try what the worker must not, and say what became of it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from freehold.foundation.paths import Profile
from freehold.processes.spawn import spawn, worker_command

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


def send(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", port))


def trace(pid):
    if libc.ptrace(16, pid, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, 0, 0)


def bus(address):
    from jeepney.io.blocking import open_dbus_connection
    open_dbus_connection(address).close()


DEEDS = {
    "read": read, "write": write, "list": os.listdir, "tcp": connect, "udp": send, "trace": trace, "bus": bus,
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
        self.model.parent.mkdir()
        for file in (self.diary, self.model, self.model.with_name("two.gguf"), self.database, home / "settings.json"):
            file.write_text("private")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        port, top_level = self.server.getsockname()[1], str(top)
        self.tries: dict[str, tuple[str, Any]] = {
            "open a connection": ("tcp", port),
            "send a datagram": ("udp", port),
            "read the system's users": ("read", "/etc/passwd"),
            "read a file outside": ("read", str(self.diary)),
            "list the folder outside": ("list", top_level),
            "read the settings": ("read", str(home / "settings.json")),
            "read the vault": ("read", str(self.database)),
            "read the model": ("read", str(self.model)),
            "read the model's neighbour": ("read", str(self.model.with_name("two.gguf"))),
            "write outside": ("write", f"{top_level}/new"),
            "write the settings": ("write", str(home / "settings.json")),
            "write in the vault": ("write", str(home / "vault" / "new")),
            "write a backup": ("write", str(home / "backups" / "new")),
            "write a model": ("write", str(home / "models" / "planted.gguf")),
            "write a download": ("write", str(self.staging / "new.part")),
            "write in scratch": ("write", str(self.profile.scratch / "new")),
            "start a program": ("program", "/bin/true"),
            "trace a process": ("trace", self.sleeper.pid),
            "compute": ("import", "numpy"),
        }

    def close(self) -> None:
        self.sleeper.kill()
        self.sleeper.wait()
        self.server.close()

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
