"""What a boxed worker cannot do, tried in real processes; each try also runs unboxed, where it must succeed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.processes import landlock, seccomp
from freehold.processes.link import Link
from freehold.processes.sandbox import confine, library_paths
from freehold.processes.spawn import spawn

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the box is made of Linux's own means")
needs_landlock = pytest.mark.skipif(
    not sys.platform.startswith("linux") or landlock.version() == 0, reason="this kernel has no Landlock"
)

TRY = """
import ctypes, errno, json, mmap, os, shutil, socket, struct, subprocess, sys, threading
from pathlib import Path
from freehold.processes.sandbox import confine

given = json.loads(sys.argv[1])
inside, outside, known = (Path(given[name]) for name in ("inside", "outside", "known"))
libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def in_child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except PermissionError:
            os._exit(13)
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 13:
        raise PermissionError(13, "in the child")
    if code:
        raise RuntimeError(code)


def in_thread(work):
    errors = []
    def run():
        try:
            work()
        except OSError as error:
            errors.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def read_memory_of(pid):
    words = ctypes.create_string_buffer(8)
    class IoVec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    here = IoVec(ctypes.addressof(words), 8)
    there = IoVec(int(given["address"]), 8)
    checked(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


def trace(pid):
    checked(libc.ptrace(16, pid, 0, 0))
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, 0, 0)


def connect(kind, family, address):
    with socket.socket(family, kind) as one:
        if kind == socket.SOCK_DGRAM:
            one.sendto(b"x", address)
        else:
            one.connect(address)


def listen():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()


ACTIONS = {
    "read outside": lambda: (outside / "diary").read_text(),
    "list outside": lambda: list(outside.iterdir()),
    "list the root": lambda: os.listdir("/"),
    "read the users": lambda: Path("/etc/passwd").read_text(),
    "write outside": lambda: (outside / "new").write_text("x"),
    "change outside": lambda: open(outside / "diary", "r+").close(),
    "truncate outside": lambda: os.truncate(outside / "victim", 0),
    "make a folder outside": lambda: (outside / "folder").mkdir(),
    "remove outside": lambda: (outside / "removable").unlink(),
    "write what may be read": lambda: open(known / "book", "a").close(),
    "through a link": lambda: (inside / "way out").read_text(),
    "through dots": lambda: (inside / ".." / "outside" / "diary").read_text(),
    "move outside": lambda: os.rename(inside / "movable", outside / "moved"),
    "fetch by hard link": lambda: os.link(outside / "diary", inside / "fetched"),
    "in a child": lambda: in_child(lambda: (outside / "diary").read_text()),
    "in a thread": lambda: in_thread(lambda: (outside / "diary").read_text()),
    "tcp": lambda: connect(socket.SOCK_STREAM, socket.AF_INET, ("127.0.0.1", given["port"])),
    "tcp in a child": lambda: in_child(ACTIONS["tcp"]),
    "udp": lambda: connect(socket.SOCK_DGRAM, socket.AF_INET, ("127.0.0.1", given["port"])),
    "tcp 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "raw": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_RAW).close(),
    "listen": listen,
    "a named socket": lambda: connect(socket.SOCK_STREAM, socket.AF_UNIX, given["socket"]),
    "an abstract socket": lambda: connect(socket.SOCK_STREAM, socket.AF_UNIX, "\\0" + given["abstract"]),
    "start a program": lambda: subprocess.run(["/bin/true"], check=True),
    "start a program from memory": lambda: in_child(lambda: from_memory()),
    "trace": lambda: trace(given["sleeper"]),
    "read memory": lambda: read_memory_of(given["sleeper"]),
    "read surroundings": lambda: Path(f"/proc/{given['sleeper']}/environ").read_bytes(),
    "signal": lambda: os.kill(given["sleeper"], 0),
    "namespaces": lambda: in_child(lambda: checked(libc.unshare(0x10000000))),
}


def from_memory():
    handle = os.memfd_create("program")
    os.sendfile(handle, os.open("/bin/true", os.O_RDONLY), 0, 10_000_000)
    os.execve(handle, ["true"], {})


ALLOWED = {
    "read inside": lambda: (inside / "notes").read_text(),
    "write inside": lambda: (inside / "new").write_text("x"),
    "folders inside": lambda: ((inside / "deep" / "er").mkdir(parents=True), shutil.rmtree(inside / "deep")),
    "replace inside": lambda: os.replace(inside / "new", inside / "renamed"),
    "read what may be read": lambda: (known / "book").read_text(),
    "import": lambda: __import__("xml.dom.minidom"),
    "numpy": lambda: __import__("numpy").ones((200, 200)) @ __import__("numpy").ones((200, 200)),
    "threads": lambda: in_thread(lambda: None),
    "fork": lambda: in_child(lambda: None),
    "map a file": lambda: mapped(),
    "forget words": lambda: open("/dev/null", "w").close(),
    "randomness": lambda: open("/dev/urandom", "rb").read(8),
    "know the machine": lambda: __import__("psutil").virtual_memory().available + os.cpu_count(),
    "a pair of sockets": lambda: [one.close() for one in socket.socketpair()],
    "raise a signal": lambda: os.kill(os.getpid(), 0),
    "vault": lambda: vault(),
}


def mapped():
    with open(known / "book", "rb") as book, mmap.mmap(book.fileno(), 0, access=mmap.ACCESS_READ) as words:
        assert words[2:6] == b"long"


def vault():
    import sqlcipher3
    database = sqlcipher3.connect(str(inside / "vault.db"))
    database.execute("PRAGMA key = \\"x'" + "ab" * 32 + "'\\"")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    with database:
        database.execute("INSERT INTO words VALUES ('hello')")
    assert database.execute("SELECT count(*) FROM words WHERE words MATCH 'hello'").fetchone() == (1,)
    database.close()


layers = []
if given["box"]:
    layers = confine([known], [inside], given["sockets"], [Path(one) for one in given["programs"]])
said = {}
for name, action in {**ACTIONS, **ALLOWED}.items():
    if name in given["tries"]:
        try:
            action()
            said[name] = "done"
        except OSError as error:
            # Landlock answers a link across its border as one across devices.
            said[name] = "refused" if error.errno in (errno.EPERM, errno.EACCES, errno.EXDEV) else repr(error)
        except BaseException as error:
            said[name] = repr(error)
print(json.dumps({"layers": layers, "said": said}))
"""

FILES = (
    "read outside", "list outside", "list the root", "read the users", "write outside", "change outside",
    "truncate outside", "make a folder outside", "remove outside", "write what may be read", "through a link",
    "through dots", "move outside", "fetch by hard link", "in a child", "in a thread", "read surroundings",
)  # fmt: skip
SOCKETS = (
    "tcp", "tcp in a child", "udp", "tcp 6", "netlink", "raw", "listen", "a named socket", "an abstract socket",
)  # fmt: skip
CALLS = ("start a program", "start a program from memory", "trace", "read memory", "namespaces")
ALLOWED = (
    "read inside", "write inside", "folders inside", "replace inside", "read what may be read", "import", "numpy",
    "threads", "fork", "map a file", "forget words", "randomness", "know the machine", "a pair of sockets",
    "raise a signal", "vault",
)  # fmt: skip


class Surroundings:
    """Folders inside and outside the box, a server that listens, and a process to spy on."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.inside, self.outside, self.known = (top / name for name in ("inside", "outside", "known"))
        for folder in (self.inside, self.outside, self.known):
            folder.mkdir()
        (self.known / "book").write_text("a long book")
        (self.inside / "way out").symlink_to(self.outside / "diary")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.named, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.named.bind("door")
        self.abstract.bind(f"\0freehold-test-{os.getpid()}")
        self.named.listen()
        self.abstract.listen()
        spy = (
            "import ctypes as c, time; kept = c.create_string_buffer(b'my diary'); print(c.addressof(kept), flush=True)"
        )
        spy += "; time.sleep(600)"
        self.sleeper = subprocess.Popen([sys.executable, "-c", spy], stdout=subprocess.PIPE, text=True)
        self.address = self.sleeper.stdout.readline().strip()

    def close(self) -> None:
        self.sleeper.kill()
        self.sleeper.communicate()
        for one in (self.server, self.named, self.abstract):
            one.close()

    def tries(
        self, *tries: str, box: bool = True, sockets: str = "none", programs: tuple[str, ...] = ()
    ) -> tuple[list[str], dict[str, str]]:
        """The layers that held, and what became of each try."""
        for folder, name in ((self.outside, "diary"), (self.outside, "victim"), (self.outside, "removable")):
            (folder / name).write_text("private")
        for name in ("notes", "movable", "new"):
            (self.inside / name).write_text("mine")
        for leftover in (self.outside / "new", self.outside / "moved", self.inside / "fetched"):
            leftover.unlink(missing_ok=True)
        given: dict[str, Any] = {
            "inside": str(self.inside), "outside": str(self.outside), "known": str(self.known),
            "port": self.server.getsockname()[1], "socket": "../door", "abstract": f"freehold-test-{os.getpid()}",
            "sleeper": self.sleeper.pid, "address": self.address, "box": box, "sockets": sockets,
            "programs": list(programs), "tries": list(tries),
        }  # fmt: skip
        command = [sys.executable, "-c", TRY, json.dumps(given)]
        done = subprocess.run(command, cwd=self.inside, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        return found["layers"], found["said"]


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    monkeypatch.chdir(tmp_path)
    around = Surroundings(tmp_path)
    yield around
    around.close()


@needs_landlock
def test_a_boxed_process_does_nothing_outside_its_box(around):
    layers, said = around.tries(*FILES, *SOCKETS, *CALLS)
    assert layers == ["privileges", "memory", "files", "calls", "internet", "sockets"]
    assert {name: what for name, what in said.items() if what != "refused"} == {}
    assert len(said) == len(FILES) + len(SOCKETS) + len(CALLS)
    assert (around.outside / "victim").read_text() == "private"


def test_the_same_tries_succeed_without_the_box(around):
    _, said = around.tries(*FILES, *SOCKETS, *CALLS, "signal", box=False)
    refused = {name for name, what in said.items() if what != "done"}
    # A container may forbid these on its own; then the box has nothing to prove about them here.
    assert refused <= {"trace", "read memory", "namespaces", "start a program from memory"}


def test_a_boxed_process_still_does_its_work(around):
    _, said = around.tries(*ALLOWED)
    assert {name: what for name, what in said.items() if what != "done"} == {}


@needs_landlock
def test_no_signal_reaches_a_process_outside_where_the_kernel_can_forbid_it(around):
    if landlock.version() < 6:
        pytest.skip("this kernel's Landlock knows no signals")
    assert around.tries("signal")[1] == {"signal": "refused"}


@needs_landlock
def test_a_process_that_may_use_sockets_still_has_no_files(around):
    layers, said = around.tries("tcp", "udp", "listen", "read outside", "trace", sockets="internet")
    assert layers == ["privileges", "memory", "files", "calls", "sockets"]
    assert said == {"tcp": "done", "udp": "done", "listen": "done", "read outside": "refused", "trace": "refused"}


@needs_landlock
def test_a_process_starts_the_programs_it_was_allowed_and_no_others(around):
    assert around.tries("start a program", programs=(os.path.realpath("/bin/true"),))[1]["start a program"] == "done"
    assert around.tries("start a program", programs=(os.path.realpath("/bin/ls"),))[1]["start a program"] == "refused"


def test_threads_that_ran_before_are_kept_from_sockets_too_and_files_are_not_claimed(tmp_path):
    source = """
import json, queue, socket, sys, threading
from freehold.processes.sandbox import confine
tasks, said = queue.Queue(), queue.Queue()
def work():
    tasks.get()
    try:
        socket.socket()
        said.put("opened")
    except PermissionError:
        said.put("refused")
threading.Thread(target=work, daemon=True).start()
layers = confine([], [], "none")
tasks.put(1)
print(json.dumps([layers, said.get()]))
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [["privileges", "memory", "calls", "internet", "sockets"], "refused"]


def test_a_boxed_worker_serves_and_its_death_is_told_as_ever(tmp_path):
    from support import workers

    tests = Path(workers.__file__).parents[1]
    source = (
        f"import sys; sys.path.insert(0, {str(tests)!r}); from pathlib import Path;"
        "from freehold.processes.sandbox import confine; confine([], [Path.cwd()], 'none');"
        "from support.workers import OPS; from freehold.processes.worker import serve; serve('test', OPS)"
    )
    link = Link("test", lambda: spawn([sys.executable, "-X", "faulthandler", "-c", source], tmp_path))
    assert link.call("add", left=2, right=3) == 5
    assert link.call("count_to", last=5) == "counted"
    with pytest.raises(Exception, match="SIGSEGV"):
        link.call("crash_natively")
    link.kill()


def test_what_the_libraries_need_is_below_what_may_be_read():
    import numpy

    places = library_paths()
    for module in (json, numpy, sys.modules["freehold"]):
        assert any(Path(module.__file__).resolve().is_relative_to(place.resolve()) for place in places)
    assert Path("/") not in places
    assert not any(place == Path.home() for place in places)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("sockets", "programs"),
    [("none", False), ("internet", False), ("local", False), ("none", True), ("internet", True)],
)
def test_the_filter_decides_each_call_as_it_should(machine, sockets, programs):
    column, architecture = seccomp._ARCHITECTURES[machine]

    def verdict(number: int, argument: int = 0, arch: int = architecture) -> int:
        code = seccomp.assemble(seccomp.steps(machine, sockets=sockets, programs=programs))
        words = {0: number, 4: arch, 16: argument}
        place, loaded = 0, 0
        while True:
            kind, yes, no, value = code[place]
            place += 1
            assert 0 <= yes < 256
            assert 0 <= no < 256
            if kind == 0x06:
                return value
            if kind == 0x20:
                loaded = words[value]
            else:
                holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[kind]
                place += yes if holds else no

    allow, refuse, unknown, kill = 0x7FFF_0000, 0x0005_0001, 0x0005_0026, 0x8000_0000
    inet, unix = verdict(seccomp._SOCKET[column], 2), verdict(seccomp._SOCKET[column], 1)
    assert inet == (allow if sockets == "internet" else refuse)
    assert unix == (allow if sockets == "local" else refuse)
    assert verdict(seccomp._PROGRAMS["execve"][column]) == (allow if programs else refuse)
    for numbers in seccomp._REFUSED.values():
        assert verdict(numbers[column]) == refuse
    assert verdict(seccomp._CLONE[column], 0x3D0F00) == allow  # what a thread is started with
    assert verdict(seccomp._CLONE[column], 0x1000_0011) == refuse  # a new user namespace
    assert verdict(435) == unknown
    assert verdict({"x86_64": 0, "aarch64": 63}[machine]) == allow  # read
    assert verdict(0, arch=0x4000_0003) == kill  # 32-bit calls
    if machine == "x86_64":
        assert verdict(0x4000_0000 + 41) == refuse


def test_elsewhere_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confine([], [], "none") == ()
