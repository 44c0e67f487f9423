"""Downloads through the real network process, killed and started again; and what that process may be told to do."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from freehold.foundation.errors import DigestMismatch, DiskFull, DownloadFailed, Interrupted, Offline
from freehold.foundation.stop import Stop
from freehold.network.values import Patience
from freehold.network.worker import NetworkWorker
from freehold.processes.link import Link
from support.hub import PATIENCE, SessionHere, outside, result_of
from support.workers import is_alive, program, wait_until

CONTENT = b"GGUF" + os.urandom(4_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
HERE = Path(__file__).resolve().parents[1]


@pytest.fixture
def world(tmp_path):
    """The real network process behind the door."""
    with outside(tmp_path, start=None) as made:
        made.hub.offer(CONTENT, to_cdn=True)
        yield made


class Pause:
    """Holds the server back at `share` of the file, once, until it is let go."""

    def __init__(self, share: float) -> None:
        self._at, self._go = int(share * len(CONTENT)), threading.Event()
        self.reached = False

    def __call__(self, sent: int) -> None:
        if sent >= self._at and not self._go.is_set():
            self.reached = True
            self._go.wait(60)

    def wait_for(self, folder: Path, share: float) -> None:
        """Until the server waits and so much of the file is in the staging folder."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            sizes = [path.stat().st_size for path in folder.glob("*.part")]
            if self.reached and sizes and sizes[0] >= share * len(CONTENT):
                return
            time.sleep(0.02)
        raise AssertionError("the download did not get so far")

    def let_go(self) -> None:
        self._go.set()


def test_a_download_goes_through_the_real_process_and_leaves_none_behind(world):
    before = set(psutil.Process().children(recursive=True))
    fetched = result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert Path(fetched.path).read_bytes() == CONTENT
    assert not world.door.is_busy
    assert set(psutil.Process().children(recursive=True)) <= before


def test_an_app_killed_at_ninety_percent_goes_on_from_there(world):
    """kill -9 of the app; its network process notices and lets go of the file."""
    pause = Pause(0.92)
    world.hub.manners.on_body = pause
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "support.download_child", str(world.profile.home), *world.hub.origins]
    child = subprocess.Popen(command, env=environment)
    try:
        pause.wait_for(world.profile.models / "staging", 0.9)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    fetched = result_of(world.door.hub_file("maker/model", "model.gguf"))
    pause.let_go()
    assert Path(fetched.path).read_bytes() == CONTENT
    asked = int(world.hub.gets()[-1]["range"].removeprefix("bytes=").rstrip("-"))
    assert asked >= 0.9 * len(CONTENT)


def test_a_killed_network_process_is_replaced_and_goes_on(world):
    pause = Pause(0.5)
    world.hub.manners.on_body = pause
    killed = []

    def kill_it() -> None:
        pause.wait_for(world.profile.models / "staging", 0.4)
        (worker,) = [one for one in psutil.Process().children() if "network" in one.cmdline()]
        worker.kill()
        killed.append(worker.pid)
        pause.let_go()

    killer = threading.Thread(target=kill_it)
    killer.start()
    fetched = result_of(world.door.hub_file("maker/model", "model.gguf"))
    killer.join()
    assert killed and Path(fetched.path).read_bytes() == CONTENT
    assert int(world.hub.gets()[-1]["range"].removeprefix("bytes=").rstrip("-")) >= 0.4 * len(CONTENT)
    assert "the network process stopped" in [row.error for row in world.door.ledger()]


def test_closing_the_door_ends_a_running_download_for_good(world):
    world.hub.offer(CONTENT, drips=[500, 500, 500])

    def close_it() -> None:
        while not world.staged or world.staged[0].stat().st_size < 500:
            time.sleep(0.02)
        world.door.close()

    closer = threading.Thread(target=close_it)
    closer.start()
    with pytest.raises(Interrupted):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    closer.join()
    assert not world.door.is_busy
    assert [path.stat().st_size for path in world.staged] == [500]


def test_stop_and_the_offline_switch_reach_a_silent_real_process(tmp_path):
    with outside(tmp_path, start=None, patience=Patience(stall=60.0)) as world:
        world.hub.offer(CONTENT, drips=[500, 100])
        stop = Stop()
        with pytest.raises(Interrupted):
            for step in world.door.hub_file("maker/model", "model.gguf", stop=stop):
                if step.done >= 500:
                    stop.set()
        with pytest.raises(Offline):
            for step in world.door.hub_file("maker/model", "model.gguf"):
                if step.done >= 600 and not world.settings.is_on("offline"):
                    world.settings.set("offline", True)
        assert [path.stat().st_size for path in world.staged] == [600]
        assert not world.door.is_busy


def test_the_switch_ends_a_network_process_that_says_nothing_and_hears_nothing(tmp_path):
    """It does not have to agree: its process is ended."""
    links = []

    def start():
        # Says hello, takes the request, and is silent and deaf from then on.
        source = (
            "import time; from typing import Any; from freehold.processes.worker import serve\n"
            "def fetch(url: str, route: dict[str, Any], folder: str, source: str, limit: int, stall: float,"
            " offline: bool) -> None: time.sleep(600)\n"
            "serve('network', {'file.fetch': fetch})"
        )
        links.append(Link("network", program(source, tmp_path)))
        return links[-1]

    with outside(tmp_path, start=start) as world:
        pids = []

        def turn_on() -> None:
            wait_until(lambda: links and links[0].pid)
            pids.append(links[0].pid)
            wait_until(world.door.ledger)
            world.settings.set("offline", True)

        owner = threading.Thread(target=turn_on)
        owner.start()
        with pytest.raises(Offline):
            result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
        owner.join()
        assert not is_alive(pids[0])
        assert world.hub.seen == []


def test_with_the_switch_on_no_network_process_is_started(world):
    world.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    me = psutil.Process()
    assert [child for child in me.children() if "network" in child.cmdline()] == []


def test_a_server_whose_answer_drips_without_end_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ends = threading.Event()

        def drip() -> None:
            line, _ = listening.accept()
            with line:
                line.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not ends.wait(0.05):
                    try:
                        line.sendall(b"x")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
        worker = NetworkWorker(answer=0.5)
        patience = Patience(stall=30.0, tries=1, waits=())
        with outside(tmp_path, local=[origin], patience=patience, start=lambda: SessionHere(worker)) as world:
            with pytest.raises(DownloadFailed):
                result_of(world.door.fetch_file(f"{origin}/model.gguf"))
            assert world.door.ledger()[-1].error == "the server took too long to answer"
        ends.set()
        dripping.join()


def test_a_wrong_digest_from_the_real_process_is_an_error_in_words(world):
    world.hub.offer(CONTENT, says_digest="d" * 64)
    with pytest.raises(DigestMismatch, match=DIGEST):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert world.staged == []


def test_a_file_system_that_cannot_hold_the_file_is_said_so_and_keeps_what_fits(tmp_path):
    """A limit on file sizes stands in for a full disk: the write fails in the middle either way."""
    import resource

    from freehold.processes.spawn import spawn, worker_command

    def start():
        def child():
            process = spawn(worker_command("network"), tmp_path)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
            return process

        return Link("network", child)

    with outside(tmp_path, start=start) as world:
        world.hub.offer(CONTENT)
        with pytest.raises(DiskFull):
            result_of(world.door.hub_file("maker/model", "model.gguf"))
        assert [path.stat().st_size for path in world.staged] == [1_000_000]


def test_a_proxy_in_the_environment_is_never_used(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for start in ({"start": None}, {}):
        with outside(tmp_path / str(len(start)), **start) as world:
            world.hub.offer(CONTENT)
            assert result_of(world.door.hub_file("maker/model", "model.gguf")).sha256 == DIGEST


_names: list[str] = []
_watching = threading.Event()


def _note_names(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo" and _watching.is_set():
        _names.append(str(args[0]))


def test_a_name_is_resolved_once_and_that_address_is_dialled(tmp_path):
    """Else a second answer of the name server could lead past the check (DNS rebinding)."""
    with outside(tmp_path) as world:
        origin = world.hub.endpoint.replace("127.0.0.1", "localhost")
        with outside(tmp_path / "two", local=[origin], endpoint=origin) as other:
            world.hub.offer(CONTENT)
            sys.addaudithook(_note_names)  # cannot be taken off again; it only listens while `_watching` is set
            _watching.set()
            try:
                result_of(other.door.fetch_file(f"{origin}/model.gguf"))
            finally:
                _watching.clear()
        assert _names.count("localhost") == 1
        assert world.hub.seen[0][2]["host"].startswith("localhost:")


def test_the_worker_answers_nothing_but_its_three_questions(tmp_path):
    from freehold.foundation.errors import FreeholdError
    from freehold.processes.spawn import spawn, worker_command

    link = Link("network", lambda: spawn(worker_command("network"), tmp_path))
    try:
        for op, args in (
            ("socket.open", {}),
            ("file.fetch", {"url": "https://example.org/"}),
            ("file.check", {"folder": 1, "source": "x"}),
        ):
            with pytest.raises(FreeholdError):
                link.call(op, **args)
    finally:
        link.end()


def test_patience_for_tests_is_short():
    assert PATIENCE.stall < 10
